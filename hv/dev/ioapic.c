/* I/O APIC; see ioapic.h. */
#include "dev/ioapic.h"

#include "lib/bits.h"

/* Memory-mapped registers */
#define IOREGSEL 0x00
#define IOWIN	 0x10
#define IOEOI	 0x40

/* Registers behind the window */
#define IOAPIC_ID      0x00
#define IOAPIC_VERSION 0x01
#define IOAPIC_ARB     0x02
#define IOAPIC_ENTRY   0x10 /* two words per pin */

#define VERSION_VALUE (((IOAPIC_PINS - 1u) << 16) | 0x20u)

/* Redirection entry */
#define ENTRY_VECTOR	 UINT64_C(0xff)
#define ENTRY_LOGICAL	 BIT64(11)
#define ENTRY_REMOTE_IRR BIT64(14)
#define ENTRY_LEVEL	 BIT64(15)
#define ENTRY_MASKED	 BIT64(16)
#define ENTRY_DEST(e)	 ((e) >> 56)
/* All but delivery status, which never lasts here, and remote IRR. */
#define ENTRY_WRITABLE UINT64_C(0xff0000000001afff)

#define MSI_ADDRESS	UINT64_C(0xfee00000)
#define MSI_LOGICAL	BIT64(2)
#define MSI_ASSERT	BIT32(14)
#define MSI_VECTOR_MODE UINT64_C(0x7ff) /* same place in entry and message */

static void send(struct ioapic *io, uint64_t entry)
{
	uint64_t address = MSI_ADDRESS | ENTRY_DEST(entry) << 12;
	uint32_t data = (uint32_t)(entry & (MSI_VECTOR_MODE | ENTRY_LEVEL)) | MSI_ASSERT;

	if (entry & ENTRY_LOGICAL)
		address |= MSI_LOGICAL;
	io->msi(io->ctx, address, data);
}

/* A level pin sends once per EOI for as long as it is asserted. */
static void service_level(struct ioapic *io, unsigned pin)
{
	uint64_t *e = &io->entry[pin];

	if (!(io->asserted & BIT32(pin)) || !(*e & ENTRY_LEVEL))
		return;
	if (*e & (ENTRY_MASKED | ENTRY_REMOTE_IRR))
		return;
	*e |= ENTRY_REMOTE_IRR;
	send(io, *e);
}

void ioapic_reset(struct ioapic *io)
{
	spin_lock(&io->lock);
	io->index = 0;
	io->id = 0;
	for (unsigned i = 0; i < IOAPIC_PINS; i++)
		io->entry[i] = ENTRY_MASKED;
	spin_unlock(&io->lock);
}

void ioapic_init(struct ioapic *io, ioapic_msi msi, void *ctx)
{
	*io = (struct ioapic){ .msi = msi, .ctx = ctx };
	ioapic_reset(io);
}

void ioapic_set_pin(struct ioapic *io, unsigned pin, bool asserted)
{
	bool was;

	if (pin >= IOAPIC_PINS)
		return;
	spin_lock(&io->lock);
	was = io->asserted & BIT32(pin);
	if (asserted)
		io->asserted |= BIT32(pin);
	else
		io->asserted &= ~BIT32(pin);
	/* An edge on a masked pin is lost, as the datasheet says. */
	if (asserted && !was && !(io->entry[pin] & (ENTRY_LEVEL | ENTRY_MASKED)))
		send(io, io->entry[pin]);
	service_level(io, pin);
	spin_unlock(&io->lock);
}

static void eoi(struct ioapic *io, uint8_t vector)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		uint64_t *e = &io->entry[pin];

		if ((*e & ENTRY_VECTOR) != vector || !(*e & ENTRY_REMOTE_IRR))
			continue;
		*e &= ~ENTRY_REMOTE_IRR;
		service_level(io, pin);
	}
}

void ioapic_eoi(struct ioapic *io, uint8_t vector)
{
	spin_lock(&io->lock);
	eoi(io, vector);
	spin_unlock(&io->lock);
}

static uint32_t read_register(const struct ioapic *io)
{
	unsigned word = io->index - IOAPIC_ENTRY;

	switch (io->index) {
	case IOAPIC_ID:
	case IOAPIC_ARB:
		return (uint32_t)io->id << 24;
	case IOAPIC_VERSION:
		return VERSION_VALUE;
	default:
		if (io->index < IOAPIC_ENTRY || word >= 2 * IOAPIC_PINS)
			return 0;
		return (uint32_t)(io->entry[word / 2] >> (word % 2 * 32));
	}
}

static void write_register(struct ioapic *io, uint32_t v)
{
	unsigned word = io->index - IOAPIC_ENTRY, shift = word % 2 * 32;
	uint64_t *e, writable;

	if (io->index == IOAPIC_ID)
		io->id = v >> 24 & 0xf;
	if (io->index < IOAPIC_ENTRY || word >= 2 * IOAPIC_PINS)
		return;
	e = &io->entry[word / 2];
	writable = ENTRY_WRITABLE & (UINT64_C(0xffffffff) << shift);
	*e = (*e & ~writable) | ((uint64_t)v << shift & writable);
	/* Software that lacks an EOI register clears remote IRR by a turn through edge mode. */
	if (!(*e & ENTRY_LEVEL))
		*e &= ~ENTRY_REMOTE_IRR;
	service_level(io, word / 2);
}

static void write(struct ioapic *io, const struct bus_access *a)
{
	switch (a->offset) {
	case IOREGSEL:
		io->index = (uint8_t)a->value;
		break;
	case IOWIN:
		if (a->size_bytes == 4)
			write_register(io, (uint32_t)a->value);
		break;
	case IOEOI:
		eoi(io, (uint8_t)a->value);
		break;
	default:
		break;
	}
}

static uint64_t read(const struct ioapic *io, uint64_t offset)
{
	switch (offset) {
	case IOREGSEL:
		return io->index;
	case IOWIN:
		return read_register(io);
	default:
		return 0;
	}
}

void ioapic_mmio(void *arg, struct bus_access *a)
{
	struct ioapic *io = arg;

	spin_lock(&io->lock);
	if (a->write)
		write(io, a);
	else
		a->value = read(io, a->offset);
	spin_unlock(&io->lock);
}
