/* 16550 on COM1, polled, with a ring in front of its transmitter. Registers: National PC16550D data
 * sheet, section 8. */
#include "drivers/uart/uart.h"

#include <stdbool.h>
#include <stdint.h>

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "lib/bits.h"

#define COM1	   0x3f8
#define UART_DATA  (COM1 + 0) /* divisor low with DLAB */
#define UART_IER   (COM1 + 1) /* divisor high with DLAB */
#define UART_FCR   (COM1 + 2)
#define UART_LCR   (COM1 + 3)
#define UART_MCR   (COM1 + 4)
#define UART_LSR   (COM1 + 5)
#define UART_SPARE (COM1 + 7)

#define FCR_ENABLE_CLEAR 0x07
#define LCR_8N1		 0x03
#define LCR_DLAB	 0x80
#define MCR_DTR_RTS	 0x03
#define LSR_DATA	 0x01
#define LSR_THR_EMPTY	 0x20
#define LSR_IDLE	 0x40

#define DIVISOR_115200 1
#define FIFO_BYTES     16u

/* A byte takes 87 us on the line: 16 bytes, ten times over. */
#define FIFO_TIMEOUT_US 14000
#define RING_BYTES	65536u /* a power of two */

static bool present, buffered;
static char ring[RING_BYTES];
static uint32_t head, tail; /* free-running; tail is sent next */

void uart_init(void)
{
	outb(UART_SPARE, 0x5a);
	present = inb(UART_SPARE) == 0x5a && inb(UART_LSR) != 0xff;
	if (!present)
		return;
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_DLAB);
	outb(UART_DATA, DIVISOR_115200);
	outb(UART_IER, 0);
	outb(UART_LCR, LCR_8N1);
	outb(UART_FCR, FCR_ENABLE_CLEAR);
	outb(UART_MCR, MCR_DTR_RTS);
}

/* Takes what the transmitter has room for. */
static size_t try_write(const char *text, size_t len)
{
	size_t n = 0;

	if (!(inb(UART_LSR) & LSR_THR_EMPTY))
		return 0;
	for (; n < len && n < FIFO_BYTES; n++)
		outb(UART_DATA, (uint8_t)text[n]);
	return n;
}

/* From the ring to the FIFO, at most up to its end. */
static bool send_some(void)
{
	uint32_t from = tail % RING_BYTES, nr = MIN(head - tail, RING_BYTES - from);
	size_t n = nr ? try_write(ring + from, nr) : 0;

	tail += (uint32_t)n;
	return n != 0;
}

/* Until at most `left` bytes wait. A line that does not move loses what is in the ring. */
static void send_until(uint32_t left)
{
	uint64_t start = rdtsc();

	while (head - tail > left) {
		if (send_some())
			start = rdtsc();
		else if (rdtsc() - start > us_to_tsc(FIFO_TIMEOUT_US))
			tail = head;
	}
}

static void put(char c)
{
	if (head - tail == RING_BYTES)
		send_until(RING_BYTES / 2);
	ring[head++ % RING_BYTES] = c;
}

void uart_write(const char *text, size_t len)
{
	if (!present)
		return;
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			put('\r');
		put(text[i]);
	}
	if (!buffered)
		send_until(0);
}

void uart_set_buffered(bool on)
{
	buffered = on;
}

bool uart_drain(void)
{
	if (present)
		(void)send_some();
	return head != tail;
}

void uart_flush(void)
{
	uint64_t start;

	if (!present)
		return;
	send_until(0);
	start = rdtsc();
	while (!(inb(UART_LSR) & LSR_IDLE))
		if (rdtsc() - start > us_to_tsc(FIFO_TIMEOUT_US))
			return;
}

int uart_getc(void)
{
	if (!present || !(inb(UART_LSR) & LSR_DATA))
		return -1;
	return inb(UART_DATA);
}
