/* Register access: every offset of BAR 0 leads to its range. DS 8.1: registers are 32 bits wide;
 * 64-bit accesses are two of them, smaller writes are not supported. */
#include "control.h"

#define SLOTS	  (M82599_BAR_SIZE / 4)
#define REG_BAR	  0
#define IO_BAR	  2
#define IO_SIZE	  32
#define IO_ADDR	  0
#define IO_DATA	  4
#define MSIX_BAR  4
#define MSIX_SIZE 0x4000
#define MSIX_PBA  0x2000

static const struct reg_range *const *const lists[] = {
	(const struct reg_range *const[]){ reset_ranges, eeprom_ranges, i2c_ranges, link_ranges,
		mac_ranges, filter_ranges, irq_ranges, stats_ranges, NULL },
	data_ranges,
	/* last: what the others have is not storage only */
	(const struct reg_range *const[]){ misc_ranges, NULL },
};

static struct slot {
	const struct reg_range *range;
	uint16_t index;
} slots[SLOTS];

static unsigned range_count(const struct reg_range *r)
{
	return r->count ? r->count : 1;
}

static uint32_t range_off(const struct reg_range *r, unsigned index)
{
	return r->off + index * (r->stride ? r->stride : 4u);
}

static bool is_end(const struct reg_range *r)
{
	return r->off == 0 && r->count == 0;
}

static void add_range(const struct reg_range *r)
{
	for (unsigned i = 0; i < range_count(r); i++) {
		struct slot *s = &slots[range_off(r, i) / 4 % SLOTS];

		if (!s->range) {
			s->range = r;
			s->index = (uint16_t)i;
		}
	}
}

static void build_slots(void)
{
	if (slots[REG_CTRL / 4].range)
		return;
	for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
		for (const struct reg_range *const *list = lists[l]; *list; list++) {
			for (const struct reg_range *r = *list; !is_end(r); r++)
				add_range(r);
		}
	}
}

const struct reg_range *registers_find(uint32_t off, unsigned *index)
{
	const struct slot *s = &slots[off / 4 % SLOTS];

	build_slots();
	*index = s->index;
	return s->range;
}

void registers_reset(struct port *p)
{
	build_slots();
	for (size_t i = 0; i < SLOTS; i++)
		p->reg[i] = slots[i].range ? slots[i].range->reset : 0;
}

uint32_t registers_read(struct port *p, uint32_t off)
{
	unsigned index;
	const struct reg_range *r = registers_find(off, &index);

	if (!r) {
		p->counts.unknown_reads++;
		return 0;
	}
	return r->read ? r->read(p, index) : reg_get(p, off & ~3u);
}

void registers_write(struct port *p, uint32_t off, uint32_t v)
{
	unsigned index;
	const struct reg_range *r = registers_find(off, &index);

	if (!r) {
		p->counts.unknown_writes++;
	} else if (r->write) {
		r->write(p, index, v);
	} else {
		off &= ~3u;
		reg_set(p, off, (reg_get(p, off) & ~r->writable) | (v & r->writable));
	}
}

/* DS 8.1: the I/O BAR is a window. */
static uint64_t io_read(struct port *p, uint64_t off)
{
	if (off == IO_ADDR)
		return p->control->io_address;
	if (off == IO_DATA && p->control->io_address < M82599_BAR_SIZE)
		return registers_read(p, p->control->io_address);
	return 0;
}

static void io_write(struct port *p, uint64_t off, uint32_t v)
{
	if (off == IO_ADDR)
		p->control->io_address = v;
	else if (off == IO_DATA && p->control->io_address < M82599_BAR_SIZE)
		registers_write(p, p->control->io_address, v);
}

static uint64_t bar_read(void *ctx, unsigned bar, uint64_t off, unsigned width_bytes)
{
	struct port *p = ctx;
	uint64_t v;

	if (bar == MSIX_BAR)
		return 0;
	if (bar == IO_BAR)
		return io_read(p, off & ~UINT64_C(3)) >> 8 * (off & 3);
	v = registers_read(p, (uint32_t)off) >> 8 * (off & 3);
	if (width_bytes == 8)
		v |= (uint64_t)registers_read(p, (uint32_t)off + 4) << 32;
	return v;
}

static void bar_write(void *ctx, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes)
{
	struct port *p = ctx;

	if (bar == MSIX_BAR)
		return;
	if (width_bytes < 4) {
		p->counts.unknown_writes++;
	} else if (bar == IO_BAR) {
		io_write(p, off, (uint32_t)v);
	} else {
		registers_write(p, (uint32_t)off, (uint32_t)v);
		if (width_bytes == 8)
			registers_write(p, (uint32_t)off + 4, (uint32_t)(v >> 32));
	}
}

static void model_reset(void *ctx)
{
	reset_power_on(ctx);
}

static void config_changed(void *ctx)
{
	irq_mode_changed(ctx);
}

const struct pci_model registers_model = {
	.name = "82599",
	.vendor = 0x8086,
	.device = 0x10fb,
	.subvendor = 0x8086,
	.subdevice = 0x0003,
	.class_code = 0x020000,
	.revision = 1,
	.bar = {
		[REG_BAR] = { PCI_BAR_MEM64, M82599_BAR_SIZE, true },
		[IO_BAR] = { PCI_BAR_IO, IO_SIZE, false },
		[MSIX_BAR] = { PCI_BAR_MEM64, MSIX_SIZE, true },
	},
	.nr_msix = MSIX_VECTORS,
	.msix_bar = MSIX_BAR,
	.msix_table = 0,
	.msix_pba = MSIX_PBA,
	.has_msi = true,
	.read = bar_read,
	.write = bar_write,
	.reset = model_reset,
	.config_changed = config_changed,
};
