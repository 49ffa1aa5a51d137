/* 16550A UART; see uart16550.h. Register names and bits: PC16550D datasheet, section 8. */
#include "dev/uart16550.h"

#include "lib/bits.h"

enum { RBR_THR, IER, IIR_FCR, LCR, MCR, LSR, MSR, SCR };

#define IER_RDA	 0x01
#define IER_THRE 0x02
#define IER_MASK 0x0f

#define IIR_NONE 0x01
#define IIR_THRE 0x02
#define IIR_RDA	 0x04
#define IIR_FIFO 0xc0

#define FCR_ENABLE   0x01
#define FCR_CLEAR_RX 0x02

#define LCR_DLAB 0x80

#define MCR_DTR	 0x01
#define MCR_RTS	 0x02
#define MCR_OUT1 0x04
#define MCR_OUT2 0x08 /* gates the interrupt on a PC */
#define MCR_LOOP 0x10
#define MCR_MASK 0x1f

#define LSR_DR	 0x01
#define LSR_THRE 0x20
#define LSR_TEMT 0x40

#define MSR_CTS 0x10
#define MSR_DSR 0x20
#define MSR_RI	0x40
#define MSR_DCD 0x80

static bool has_input(const struct uart16550 *u)
{
	return u->head != u->tail;
}

static bool push_input(struct uart16550 *u, uint8_t c)
{
	if (u->tail - u->head == UART_INPUT_BYTES)
		return false;
	u->input[u->tail++ % UART_INPUT_BYTES] = c;
	return true;
}

/* The source with the highest priority. Line status and modem status have nothing to report. */
static uint8_t interrupt_id(const struct uart16550 *u)
{
	if ((u->ier & IER_RDA) && has_input(u))
		return IIR_RDA;
	if ((u->ier & IER_THRE) && u->thre_pending)
		return IIR_THRE;
	return IIR_NONE;
}

static void update_line(struct uart16550 *u)
{
	bool line = interrupt_id(u) != IIR_NONE && (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;

	if (line == u->line)
		return;
	u->line = line;
	u->ops->irq(u->ctx, line);
}

static void clear(struct uart16550 *u)
{
	u->ier = u->fcr = u->lcr = u->mcr = u->scr = u->dlm = 0;
	u->dll = 1; /* 115200 baud: what a guest's early console takes over */
	u->thre_pending = false;
	u->head = u->tail = 0;
}

void uart16550_init(struct uart16550 *u, const struct uart16550_ops *ops, void *ctx)
{
	*u = (struct uart16550){ .ops = ops, .ctx = ctx };
	clear(u);
}

void uart16550_reset(struct uart16550 *u)
{
	spin_lock(&u->lock);
	clear(u);
	update_line(u);
	spin_unlock(&u->lock);
}

bool uart16550_input(struct uart16550 *u, uint8_t c)
{
	bool ok;

	spin_lock(&u->lock);
	ok = push_input(u, c);
	update_line(u);
	spin_unlock(&u->lock);
	return ok;
}

/* In loopback the modem outputs are the modem inputs (8.6.4). */
static uint8_t modem_status(const struct uart16550 *u)
{
	uint8_t m = u->mcr;

	if (!(m & MCR_LOOP))
		return MSR_CTS | MSR_DSR | MSR_DCD;
	return (uint8_t)((m & MCR_RTS ? MSR_CTS : 0) | (m & MCR_DTR ? MSR_DSR : 0) |
			 (m & MCR_OUT1 ? MSR_RI : 0) | (m & MCR_OUT2 ? MSR_DCD : 0));
}

static uint8_t read_iir(struct uart16550 *u)
{
	uint8_t id = interrupt_id(u);

	if (id == IIR_THRE)
		u->thre_pending = false;
	return u->fcr & FCR_ENABLE ? id | IIR_FIFO : id;
}

static uint8_t read_register(struct uart16550 *u, unsigned reg)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case RBR_THR:
		if (dlab)
			return u->dll;
		return has_input(u) ? u->input[u->head++ % UART_INPUT_BYTES] : 0;
	case IER:
		return dlab ? u->dlm : u->ier;
	case IIR_FCR:
		return read_iir(u);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		return (uint8_t)(LSR_THRE | LSR_TEMT | (has_input(u) ? LSR_DR : 0));
	case MSR:
		return modem_status(u);
	default:
		return u->scr;
	}
}

/* The transmitter is empty: enabling its interrupt raises it at once. */
static void write_ier(struct uart16550 *u, uint8_t v)
{
	if ((v & IER_THRE) && !(u->ier & IER_THRE))
		u->thre_pending = true;
	u->ier = v & IER_MASK;
}

static void write_fcr(struct uart16550 *u, uint8_t v)
{
	/* Either of the two empties the FIFO (8.4). */
	if ((v & FCR_CLEAR_RX) || ((v ^ u->fcr) & FCR_ENABLE))
		u->head = u->tail;
	u->fcr = v;
}

/* True if v is a byte for the console. */
static bool transmit(struct uart16550 *u, uint8_t v)
{
	u->thre_pending = true;
	if (!(u->mcr & MCR_LOOP))
		return true;
	push_input(u, v);
	return false;
}

static bool write_register(struct uart16550 *u, unsigned reg, uint8_t v)
{
	bool dlab = u->lcr & LCR_DLAB;

	switch (reg) {
	case RBR_THR:
		if (!dlab)
			return transmit(u, v);
		u->dll = v;
		break;
	case IER:
		if (dlab)
			u->dlm = v;
		else
			write_ier(u, v);
		break;
	case IIR_FCR:
		write_fcr(u, v);
		break;
	case LCR:
		u->lcr = v;
		break;
	case MCR:
		u->mcr = v & MCR_MASK;
		break;
	case SCR:
		u->scr = v;
		break;
	default:
		break;
	}
	return false;
}

static uint8_t access_register(struct uart16550 *u, unsigned reg, bool write, uint8_t v)
{
	bool output = false;

	spin_lock(&u->lock);
	if (write)
		output = write_register(u, reg, v);
	else
		v = read_register(u, reg);
	update_line(u);
	spin_unlock(&u->lock);
	/* The console has a lock of its own, and calls uart16550_input(): not under ours. */
	if (output)
		u->ops->putc(u->ctx, v);
	return v;
}

/* A wide access is so many byte accesses, as on the ISA bus. */
void uart16550_port(void *arg, struct bus_access *a)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < a->size_bytes; i++) {
		uint8_t v = access_register(
			arg, (a->offset + i) & 7, a->write, (uint8_t)(a->value >> (8 * i)));

		value |= (uint64_t)v << (8 * i);
	}
	if (!a->write)
		a->value = value;
}
