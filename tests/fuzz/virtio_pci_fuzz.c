// sources: @virtio_net tests/support/cpu_copy.c tests/support/tiny_net.c
/* A sequence of accesses to PCI configuration space, the device's BARs, its ports and guest memory,
 * of any width and offset, with packet work in between. */
#include <string.h>

#include "tiny_net.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct step {
	uint8_t kind;
	uint8_t size_log2; /* bit 7: write */
	uint16_t offset;
	uint64_t value;
} __attribute__((packed));

static void access_bus(struct bus *b, uint64_t address, const struct step *s)
{
	struct bus_access a = { .size_bytes = (uint8_t)(1u << (s->size_log2 & 3)),
		.write = (s->size_log2 & 0x80) != 0,
		.value = s->value };

	(void)bus_access(b, address, &a);
}

static void run_step(const struct step *s)
{
	switch (s->kind % 8) {
	case 0: /* configuration space by ECAM, and by ports */
		access_bus(&tiny.mmio, 0xb0008000u + s->offset, s);
		return;
	case 1:
		access_bus(&tiny.io, 0xcf8u + (s->offset & 7), s);
		return;
	case 2:
	case 3: /* the registers, where they were at first */
		access_bus(&tiny.mmio, PCI_MMIO_BASE + 0x4000 + (s->offset & 0x3fff), s);
		return;
	case 4:
		access_bus(&tiny.mmio, PCI_MMIO_BASE + (s->offset & 0xfff), s);
		return;
	case 5:
		access_bus(&tiny.io, PCI_IO_BASE + (s->offset & 15), s);
		return;
	case 6:
		memcpy(tiny.memory + MIN(s->offset, TINY_BYTES - 8), &s->value, 8);
		return;
	default:
		tiny_net_run();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	tiny_net_init();
	for (size_t at = 0; at + sizeof(struct step) <= size && at < 4096 * sizeof(struct step);
		at += sizeof(struct step)) {
		struct step s;

		memcpy(&s, data + at, sizeof(s));
		run_step(&s);
	}
	tiny_net_free();
	return 0;
}
