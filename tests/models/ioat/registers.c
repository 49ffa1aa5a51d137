/* Registers of the I/OAT model: which there are, and access to them at any width. DS 8.5. */
#include "engine.h"

#include <stddef.h>

/* One register. Without read() it reads as its field, without write() the writable bits of the
 * field take what is written. `mask` has ones where the access writes. */
struct reg {
	uint16_t off;
	uint8_t width_bytes;
	bool only_3_4;
	uint16_t field;
	uint32_t writable;
	uint32_t (*read)(struct ioat_model *m, struct chan *ch);
	void (*write)(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask);
};

static void set_bits(uint32_t *field, uint32_t v, uint32_t mask)
{
	*field = (*field & ~mask) | (v & mask);
}

/* DS 8.5.4: reading INTRCTRL disables further interrupts until software, done with what it found,
 * writes the enable bit again. Bit 1: a bit is set in ATTNSTATUS, bit 2: and interrupts are
 * enabled. */
static uint32_t intrctrl_read(struct ioat_model *m, struct chan *ch)
{
	uint32_t v = m->intrctrl;

	(void)ch;
	if (m->attnstatus)
		v |= IOAT_INTRCTRL_STATUS;
	if (m->attnstatus && (v & IOAT_INTRCTRL_MASTER))
		v |= IOAT_INTRCTRL_INT;
	m->intrctrl &= ~IOAT_INTRCTRL_MASTER;
	irq_update_line(m);
	return v;
}

static void intrctrl_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)ch;
	set_bits(&m->intrctrl, v, mask & (IOAT_INTRCTRL_MASTER | IOAT_INTRCTRL_MSIX_VEC));
	irq_update_line(m);
}

/* DS 8.5.5: cleared by reading. */
static uint32_t attnstatus_read(struct ioat_model *m, struct chan *ch)
{
	uint32_t v = m->attnstatus;

	(void)ch;
	m->attnstatus = 0;
	irq_update_line(m);
	return v;
}

static uint32_t intrdelay_read(struct ioat_model *m, struct chan *ch)
{
	(void)ch;
	return m->intrdelay | IOAT_INTRDELAY_COALESCE;
}

static void intrdelay_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)ch;
	set_bits(&m->intrdelay, v, mask & IOAT_INTRDELAY_US);
	irq_delay_changed(m);
}

static uint32_t constant_0(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	(void)ch;
	return 0;
}

static void read_only(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)m;
	(void)ch;
	(void)v;
	(void)mask;
}

/* DS 8.5.12: who reads IN_USE as 0 has the channel. */
static uint32_t chanctrl_read(struct ioat_model *m, struct chan *ch)
{
	uint32_t v = ch->chanctrl;

	(void)m;
	ch->chanctrl |= IOAT_CHANCTRL_IN_USE;
	return v;
}

static void chanctrl_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	bool enable = v & mask & ch->chanctrl & IOAT_CHANCTRL_INT_DISABLE;

	(void)m;
	set_bits(&ch->chanctrl, v,
		mask & (IOAT_CHANCTRL_ERR_COMPL_EN | IOAT_CHANCTRL_ANY_ERR_ABORT |
			       IOAT_CHANCTRL_ERR_INT_EN | IOAT_CHANCTRL_NO_SNOOP |
			       IOAT_CHANCTRL_IN_USE | IOAT_CHANCTRL_COMPL_DCA_EN));
	if (enable) {
		ch->chanctrl &= ~IOAT_CHANCTRL_INT_DISABLE;
		irq_enabled(ch);
	}
}

static uint32_t dma_comp_read(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	(void)ch;
	return IOAT_DMA_COMP_V2 | IOAT_DMA_COMP_V3;
}

static uint32_t chancmd_read(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	return ch->resetting ? IOAT_CHANCMD_RESET : 0;
}

static void chancmd_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)m;
	chan_command(ch, v & mask);
}

static void dmacount_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)m;
	set_bits(&ch->dmacount, v, mask & 0xffff);
	chan_doorbell(ch);
}

/* DS 8.5.17: reading the low half holds the high one, so that two reads fit together. */
static uint32_t chansts_lo_read(struct ioat_model *m, struct chan *ch)
{
	uint64_t v = chan_status(ch);

	(void)m;
	ch->chansts_hi = (uint32_t)(v >> 32);
	return (uint32_t)v;
}

static void chainaddr_lo_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)m;
	set_bits(&ch->chainaddr_lo, v, mask);
	chan_chain_written(ch);
}

static void chainaddr_hi_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)m;
	set_bits(&ch->chainaddr_hi, v, mask);
	chan_chain_written(ch);
}

static uint32_t cdar_lo_read(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	return (uint32_t)ch->address;
}

static uint32_t cdar_hi_read(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	return (uint32_t)(ch->address >> 32);
}

static void chanerr_write(struct ioat_model *m, struct chan *ch, uint32_t v, uint32_t mask)
{
	(void)m;
	ch->chanerr &= ~(v & mask & ~IOAT_CHANERR_UNAFFILIATED); /* that one is read-only */
}

static uint32_t dca_ver_read(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	(void)ch;
	return 0x10;
}

static uint32_t reqid_offset_read(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	(void)ch;
	return IOAT_GREQID_BASE;
}

static uint32_t capable_read(struct ioat_model *m, struct chan *ch)
{
	(void)m;
	(void)ch;
	return 1;
}

#define M(f) .field = offsetof(struct ioat_model, f)
#define C(f) .field = offsetof(struct chan, f)

static const struct reg general[] = {
	{ IOAT_CHANCNT, 1, M(chancnt) },
	{ IOAT_XFERCAP, 1, M(xfercap) },
	{ IOAT_GENCTRL, 1, M(genctrl), .writable = 1 },
	{ IOAT_INTRCTRL, 1, .read = intrctrl_read, .write = intrctrl_write },
	{ IOAT_ATTNSTATUS, 4, .read = attnstatus_read, .write = read_only },
	{ IOAT_CBVER, 1, M(cbver) },
	{ IOAT_PERPORTOFFSET, 2, .read = constant_0, .write = read_only },
	{ IOAT_INTRDELAY, 2, .read = intrdelay_read, .write = intrdelay_write },
	{ IOAT_CS_STATUS, 2, .read = constant_0, .write = read_only },
	{ IOAT_DMACAP, 4, M(dmacap) },
	{ IOAT_DCAOFFSET, 2, M(dcaoffset) },
	{ IOAT_CBPRIO, 1, M(cbprio) },
	{ IOAT_CHWPREFLMT, 1, true, M(chwpreflmt), .writable = 0xff },
};

static const struct reg channel[] = {
	{ IOAT_CHANCTRL, 2, .read = chanctrl_read, .write = chanctrl_write },
	{ IOAT_DMA_COMP, 2, .read = dma_comp_read, .write = read_only },
	{ IOAT_CHANCMD, 1, .read = chancmd_read, .write = chancmd_write },
	{ IOAT_DMACOUNT, 2, C(dmacount), .write = dmacount_write },
	{ IOAT_CHANSTS_LO, 4, .read = chansts_lo_read, .write = read_only },
	{ IOAT_CHANSTS_HI, 4, C(chansts_hi) },
	{ IOAT_CHAINADDR_LO, 4, C(chainaddr_lo), .write = chainaddr_lo_write },
	{ IOAT_CHAINADDR_HI, 4, C(chainaddr_hi), .write = chainaddr_hi_write },
	{ IOAT_CHANCMP_LO, 4, C(chancmp_lo), .writable = UINT32_MAX },
	{ IOAT_CHANCMP_HI, 4, C(chancmp_hi), .writable = UINT32_MAX },
	{ IOAT_CDAR_LO, 4, .read = cdar_lo_read, .write = read_only },
	{ IOAT_CDAR_HI, 4, .read = cdar_hi_read, .write = read_only },
	{ IOAT_CHANERR, 4, C(chanerr), .write = chanerr_write },
	{ IOAT_CHANERRMSK, 4, C(chanerrmsk), .writable = IOAT_CHANERR_BITS },
	{ IOAT_DCACTRL, 4, C(dcactrl), .writable = 0x1ffff },
};

/* What a channel has beyond its 0x80 bytes; nothing in the model depends on it. */
static const struct reg extended[] = {
	{ IOAT_DRSCTL, 2, true, C(drsctl), .writable = 0x030f },
	{ IOAT_LTR_SWSEL, 1, true, C(ltr_swsel), .writable = 1 },
	{ IOAT_LTR_ACTIVE, 4, true, C(ltr_active), .writable = 0x9fff },
	{ IOAT_LTR_IDLE, 4, true, C(ltr_idle), .writable = 0x9fff },
};

static const struct reg dca[] = {
	{ IOAT_DCA_BASE + IOAT_DCA_VER, 1, .read = dca_ver_read, .write = read_only },
	{ IOAT_DCA_BASE + IOAT_DCA_REQID_OFFSET, 2, .read = reqid_offset_read, .write = read_only },
	{ IOAT_DCA_BASE + IOAT_CSI_CAPABILITY, 2, .read = capable_read, .write = read_only },
	{ IOAT_DCA_BASE + IOAT_PCIE_CAPABILITY, 2, .read = capable_read, .write = read_only },
	{ IOAT_DCA_BASE + IOAT_CSI_CAP_ENABLE, 2, M(csi_cap_enable), .writable = 1 },
	{ IOAT_DCA_BASE + IOAT_PCIE_CAP_ENABLE, 2, M(pcie_cap_enable), .writable = 1 },
	{ IOAT_DCA_BASE + IOAT_APICID_TAG_MAP_LO, 4, M(tag_map_lo), .writable = UINT32_MAX },
	{ IOAT_DCA_BASE + IOAT_APICID_TAG_MAP_HI, 4, M(tag_map_hi), .writable = UINT32_MAX },
	{ IOAT_GREQID_BASE, 4, M(greqid[0]), .writable = IOAT_GREQID_WRITABLE },
	{ IOAT_GREQID_BASE + 4, 4, M(greqid[1]), .writable = IOAT_GREQID_WRITABLE },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct reg *find_in(
	const struct ioat_model *m, const struct reg *table, size_t n, uint64_t off)
{
	for (; n; n--, table++)
		if (off >= table->off && off - table->off < table->width_bytes &&
			(!table->only_3_4 || m->cbver >= 0x34))
			return table;
	return NULL;
}

/* The register that covers off, the channel whose it is, and off's place in it. */
static const struct reg *find(
	struct ioat_model *m, uint64_t off, struct chan **ch, unsigned *byte_in_reg)
{
	uint64_t slot = off / IOAT_CHANNEL_STRIDE, rel = off % IOAT_CHANNEL_STRIDE;
	const struct reg *r = NULL;

	*ch = NULL;
	if (slot == 0) {
		r = find_in(m, general, COUNT(general), rel);
	} else if (slot <= m->chancnt) {
		*ch = &m->chan[slot - 1];
		r = find_in(m, channel, COUNT(channel), rel);
	}
	if (!r && slot >= 2 && slot <= m->chancnt + 1) {
		*ch = &m->chan[slot - 2];
		rel += IOAT_CHANNEL_STRIDE;
		r = find_in(m, extended, COUNT(extended), rel);
	}
	if (!r && m->dcaoffset) {
		rel = off;
		r = find_in(m, dca, COUNT(dca), rel);
	}
	if (r)
		*byte_in_reg = (unsigned)(rel - r->off);
	return r;
}

static uint32_t *field_of(struct ioat_model *m, struct chan *ch, const struct reg *r)
{
	return (uint32_t *)((ch ? (char *)ch : (char *)m) + r->field);
}

uint64_t registers_read(void *model, unsigned bar, uint64_t off, unsigned width_bytes)
{
	struct ioat_model *m = model;
	bool unknown = false;
	uint64_t v = 0;

	(void)bar;
	for (unsigned i = 0; i < width_bytes;) {
		struct chan *ch;
		unsigned byte, n = 1;
		const struct reg *r = find(m, off + i, &ch, &byte);

		if (r) {
			uint64_t all = r->read ? r->read(m, ch) : *field_of(m, ch, r);

			n = r->width_bytes - byte;
			all = (all & (UINT64_MAX >> (64 - 8 * r->width_bytes))) >> (8 * byte);
			v |= all << (8 * i);
		}
		unknown |= !r;
		i += n;
	}
	m->counts.unknown_reads += unknown;
	return width_bytes < 8 ? v & ((UINT64_C(1) << (8 * width_bytes)) - 1) : v;
}

static void write_one(
	struct ioat_model *m, struct chan *ch, const struct reg *r, uint32_t v, uint32_t mask)
{
	if (r->write)
		r->write(m, ch, v, mask);
	else
		set_bits(field_of(m, ch, r), v, mask & r->writable);
}

void registers_write(void *model, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes)
{
	struct ioat_model *m = model;
	bool unknown = false;

	(void)bar;
	for (unsigned i = 0; i < width_bytes;) {
		struct chan *ch;
		unsigned byte, n = 1;
		const struct reg *r = find(m, off + i, &ch, &byte);

		if (r) {
			uint64_t mask;

			n = r->width_bytes - byte;
			if (n > width_bytes - i)
				n = width_bytes - i;
			mask = (UINT64_MAX >> (64 - 8 * n)) << (8 * byte);
			write_one(
				m, ch, r, (uint32_t)((v >> (8 * i)) << (8 * byte)), (uint32_t)mask);
		}
		unknown |= !r;
		i += n;
	}
	m->counts.unknown_writes += unknown;
}
