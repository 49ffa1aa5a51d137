// sources: @ioat_model
/* The I/OAT model survives any register access, any descriptors, any fault and any passing of time,
 * also where its DMA reaches its own registers, and its status stays within the specification. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/models/ioat/ioat_model.h"
#include "tests/models/record.h"

#define CHECK(c)                                                                                   \
	do {                                                                                       \
		if (!(c))                                                                          \
			abort();                                                                   \
	} while (0)

#define MEMORY	     UINT64_C(0x3f00100000) /* an upper half that is a bad command */
#define MEMORY_BYTES 0x10000u
#define BAR	     UINT64_C(0xc0000000)
#define CHANNELS     5
#define OP_BYTES     8
#define TIME_MAX_US  2000 /* of one input: what can be copied in that time is what bounds it */

static uint8_t memory[MEMORY_BYTES];
static struct clock emulated;
static struct record record;
static struct ioat_model *engine;
static struct pci_dev *dev;
static bool line;

static bool in_memory(uint64_t addr, uint32_t len)
{
	return addr >= MEMORY && addr - MEMORY <= MEMORY_BYTES &&
	       len <= MEMORY_BYTES - (addr - MEMORY);
}

/* The engine may be told to copy from and to its own registers. */
static bool in_bar(uint64_t addr, uint32_t len)
{
	return addr >= BAR && addr < BAR + IOAT_MODEL_BAR_SIZE && (len == 4 || len == 8);
}

static bool dma_read(void *ctx, uint64_t addr, void *buf, uint32_t len)
{
	(void)ctx;
	if (in_memory(addr, len)) {
		memcpy(buf, memory + (addr - MEMORY), len);
	} else if (in_bar(addr, len)) {
		uint64_t v = pci_dev_bar_read(dev, 0, addr - BAR, len);

		memcpy(buf, &v, len);
	} else {
		return false;
	}
	return true;
}

static bool dma_write(void *ctx, uint64_t addr, const void *buf, uint32_t len)
{
	(void)ctx;
	if (in_memory(addr, len)) {
		memcpy(memory + (addr - MEMORY), buf, len);
	} else if (in_bar(addr, len)) {
		uint64_t v = 0;

		memcpy(&v, buf, len);
		pci_dev_bar_write(dev, 0, addr - BAR, v, len);
	} else {
		return false;
	}
	return true;
}

static void message(void *ctx, uint64_t addr, uint32_t data)
{
	(void)ctx;
	(void)addr;
	(void)data;
}

static void intx(void *ctx, bool asserted)
{
	(void)ctx;
	CHECK(asserted != line);
	line = asserted;
}

static const struct pci_host host = { dma_read, dma_write, message, intx, NULL, NULL };

static uint64_t rd(uint64_t off, unsigned width)
{
	return pci_dev_bar_read(dev, 0, off, width);
}

static void wr(uint64_t off, uint64_t v, unsigned width)
{
	pci_dev_bar_write(dev, 0, off, v, width);
}

static void enable(void)
{
	pci_dev_cfg_write(dev, 0x10, (uint32_t)BAR, 4);
	pci_dev_cfg_write(dev, 0x14, 0, 4);
	pci_dev_cfg_write(dev, 0x04, 6, 2);
}

/* Addresses: into memory, on both sides of its end, into the registers, anywhere. */
static uint64_t address(uint8_t kind, uint32_t v)
{
	switch (kind % 4) {
	case 0:
		return MEMORY + v % MEMORY_BYTES;
	case 1:
		return MEMORY + (v % (MEMORY_BYTES / 64)) * 64;
	case 2:
		return BAR + v % IOAT_MODEL_BAR_SIZE;
	default:
		return (uint64_t)v << (kind >> 3);
	}
}

static void write_descriptor(uint8_t slot, uint16_t what, uint32_t v)
{
	uint8_t *d = memory + slot % 128 * 64;
	unsigned field = what % 8;
	uint64_t addr = address((uint8_t)(what >> 8), v);

	if (field == 0)
		memcpy(d, &v, 4);
	else if (field == 1)
		memcpy(d + 4, &v, 4);
	else
		memcpy(d + 8 * (field - 1), &addr, 8);
}

static void set_up_channel(uint8_t a, uint16_t off, uint32_t v)
{
	uint64_t base = 0x80 + 0x80 * (a % CHANNELS);

	wr(base, 0x1d, 2);
	wr(base + 0x18, address(a >> 3, v) & ~UINT64_C(7), 8);
	wr(base + 0x10, MEMORY + off % 128 * 64, 8);
}

static void inject(uint8_t a, uint32_t v)
{
	static const char *const commands[] = { "halt 0 read", "halt 1 18", "halt 2 unaffiliated",
		"halt 3 interrupt", "halt 4 completion", "stall 0", "stall 1 5", "run 0",
		"late-completion 3", "late-completion 0", "lose-interrupts 2", "abort-reads on",
		"abort-reads off", "abort-writes on", "abort-writes off", "reset-hangs on",
		"reset-hangs off" };
	char text[8] = { 0 };
	const char *why;

	(void)ioat_model_fault(engine, commands[a % 17], &why);
	memcpy(text, &v, sizeof(v));
	(void)ioat_model_fault(engine, text, &why);
}

static void pass_time(uint32_t v)
{
	uint64_t to_ps = clock_now(&emulated) + v % (100 * CLOCK_PS_PER_US);

	if (to_ps < TIME_MAX_US * CLOCK_PS_PER_US)
		clock_advance(&emulated, to_ps);
}

static void check(void)
{
	if (!dev->decoded[0])
		return;
	for (unsigned ch = 0; ch < CHANNELS; ch++) {
		uint64_t status = rd(0x80 + 0x80 * ch + 0x08, 8);

		CHECK((status & 7) <= 4 && !(status & 0x20));
		CHECK(!(rd(0x80 + 0x80 * ch + 0x28, 4) & ~0x7ffffu));
	}
	CHECK(!line || pci_dev_irq_mode(dev) == PCI_IRQ_INTX);
}

static void step(uint8_t op, uint8_t a, uint16_t off, uint32_t v)
{
	unsigned width = 1u << (a & 3);

	switch (op % 10) {
	case 0:
		wr(off % IOAT_MODEL_BAR_SIZE & ~(width - 1), v, width);
		break;
	case 1:
		wr((0x80 + off % (0x80 * CHANNELS)) & ~7u, address(a, v), 8);
		break;
	case 2:
		(void)rd(off % IOAT_MODEL_BAR_SIZE & ~(width - 1), width);
		break;
	case 3:
		write_descriptor(a, off, v);
		break;
	case 4:
		set_up_channel(a, off, v);
		break;
	case 5:
		wr(0x86 + 0x80 * (a % CHANNELS), off % 64, 2);
		break;
	case 6:
		inject(a, v);
		break;
	case 7:
		pci_dev_cfg_write(dev, off % 0x200 & ~3u, v, 4);
		break;
	case 8:
		if (a & 1)
			pci_dev_reset(dev);
		enable();
		break;
	default:
		pass_time(v);
		break;
	}
	check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ioat_model_config config = { .channels = CHANNELS, .has_dca = true };

	if (!record.capacity)
		CHECK(record_init(&record, 64) == 0);
	if (size > 0 && data[0] & 1)
		config.device_id = 0x0b00;
	if (size > 0 && data[0] & 2)
		config.batch_ps = CLOCK_PS_PER_US;
	line = false;
	memset(memory, 0, sizeof(memory));
	for (unsigned i = 0; i < 128; i++) {
		uint64_t next = MEMORY + (i + 1) % 128 * 64;

		memcpy(memory + i * 64 + 0x18, &next, 8);
	}
	clock_init(&emulated, NULL, NULL);
	engine = ioat_model_create(&config, &emulated, &host, NULL, &record, 1);
	CHECK(engine);
	dev = ioat_model_function(engine);
	enable();
	for (data++; size > OP_BYTES; size -= OP_BYTES, data += OP_BYTES) {
		uint16_t off;
		uint32_t v;

		memcpy(&off, data + 2, sizeof(off));
		memcpy(&v, data + 4, sizeof(v));
		step(data[0], data[1], off, v);
	}
	ioat_model_destroy(engine);
	CHECK(clock_next(&emulated) == CLOCK_NEVER);
	clock_destroy(&emulated);
	return 0;
}
