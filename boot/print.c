/* Messages on ConOut (UEFI 2.10, section 12.4), and on COM1 (16550) if ConOut has no serial port.
 *
 * Firmware that redirects its console to a serial port, as OVMF does, would otherwise show every
 * line twice there. */
#include "boot/print.h"

#include "boot/efi.h"
#include "lib/fmt.h"
#include "lib/string.h"

#define LINE_MAX 240

#define COM1		 0x3f8
#define UART_DATA	 0
#define UART_IER	 1
#define UART_FCR	 2
#define UART_LCR	 3
#define UART_MCR	 4
#define UART_LSR	 5
#define UART_SCRATCH	 7
#define UART_LCR_8N1	 0x03
#define UART_LCR_DLAB	 0x80
#define UART_MCR_DTR_RTS 0x03
#define UART_LSR_THRE	 0x20

#define UART_POLLS_MAX 100000 /* port reads of about 1 us: 10 characters' time and more */

static bool use_com1;

static void port_write(uint16_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t port_read(uint16_t port)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static bool com1_exists(void)
{
	port_write(COM1 + UART_SCRATCH, 0x5a);
	if (port_read(COM1 + UART_SCRATCH) != 0x5a)
		return false;
	port_write(COM1 + UART_SCRATCH, 0xa5);
	return port_read(COM1 + UART_SCRATCH) == 0xa5;
}

static void com1_init(void)
{
	port_write(COM1 + UART_IER, 0);
	port_write(COM1 + UART_LCR, UART_LCR_DLAB);
	port_write(COM1 + UART_DATA, 1); /* 115200 baud */
	port_write(COM1 + UART_IER, 0);
	port_write(COM1 + UART_LCR, UART_LCR_8N1);
	port_write(COM1 + UART_FCR, 0x07);
	port_write(COM1 + UART_MCR, UART_MCR_DTR_RTS);
}

static void com1_put(char c)
{
	for (unsigned i = 0; i < UART_POLLS_MAX; i++)
		if (port_read(COM1 + UART_LSR) & UART_LSR_THRE)
			break;
	port_write(COM1 + UART_DATA, (uint8_t)c);
}

/* Whether a device path, of one or several instances, names a UART (10.3.4.15). */
static bool has_uart(const uint8_t *path, size_t len_bytes)
{
	size_t off = 0;

	while (off + sizeof(EFI_DEVICE_PATH) <= len_bytes) {
		EFI_DEVICE_PATH node;
		size_t node_bytes;

		memcpy(&node, path + off, sizeof(node));
		node_bytes = (size_t)(node.Length[0] | node.Length[1] << 8);
		if (node.Type == MESSAGING_DEVICE_PATH && node.SubType == MSG_UART_DP)
			return true;
		if (node_bytes < sizeof(node))
			break;
		off += node_bytes;
	}
	return false;
}

/* The variable ConOut holds the device paths of the active consoles (3.3). */
static bool console_is_serial(void)
{
	static CHAR16 name[] = { 'C', 'o', 'n', 'O', 'u', 't', 0 };
	static EFI_GUID guid = EFI_GLOBAL_VARIABLE;
	static uint8_t path[1024];
	UINTN len_bytes = sizeof(path);

	if (EFI_ERROR(
		    efi_system->RuntimeServices->GetVariable(name, &guid, NULL, &len_bytes, path)))
		return false;
	return has_uart(path, len_bytes);
}

void print_init(void)
{
	use_com1 = !console_is_serial() && com1_exists();
	if (use_com1)
		com1_init();
}

static void put_line(const char *line)
{
	static CHAR16 wide[LINE_MAX];
	unsigned n = 0;

	for (; line[n]; n++) {
		wide[n] = (CHAR16)line[n];
		if (use_com1)
			com1_put(line[n]);
	}
	wide[n] = 0;
	if (efi_system->ConOut)
		efi_system->ConOut->OutputString(efi_system->ConOut, wide);
}

void print(const char *fmt, ...)
{
	static char line[LINE_MAX];
	static const char prefix[] = "sluice-boot: ";
	size_t len = sizeof(prefix) - 1;
	va_list ap;

	memcpy(line, prefix, len);
	va_start(ap, fmt);
	len += fmt_vprint(line + len, sizeof(line) - len - 2, fmt, ap);
	va_end(ap);
	len = MIN(len, sizeof(line) - 4);
	memcpy(line + len, "\r\n", 3);
	put_line(line);
}
