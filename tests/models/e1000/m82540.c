/* See m82540.h. Sections in brackets are the manual's. */
#include "m82540.h"

#include <string.h>

/* Registers, by the manual's chapter 13. */
enum {
	CTRL = 0x0000,
	STATUS = 0x0008,
	EERD = 0x0014,
	ICR = 0x00c0,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	RDBAL = 0x2800,
	RDBAH = 0x2804,
	RDLEN = 0x2808,
	RDH = 0x2810,
	RDT = 0x2818,
	TDBAL = 0x3800,
	TDBAH = 0x3804,
	TDLEN = 0x3808,
	TDH = 0x3810,
	TDT = 0x3818,
	FIRST_COUNTER = 0x4000,
	MPC = 0x4010,
	GPRC = 0x4074,
	BPRC = 0x4078,
	MPRC = 0x407c,
	GPTC = 0x4080,
	GORCL = 0x4088,
	GORCH = 0x408c,
	GOTCL = 0x4090,
	GOTCH = 0x4094,
	RNBC = 0x40a0,
	LAST_COUNTER = 0x4124,
	MTA = 0x5200,
	RAL = 0x5400,
	VFTA = 0x5600,
};

#define CTRL_SLU       0x00000040u
#define CTRL_RST       0x04000000u
#define RCTL_EN	       0x00000002u
#define RCTL_UPE       0x00000008u
#define RCTL_MPE       0x00000010u
#define RCTL_LPE       0x00000020u
#define RCTL_BAM       0x00008000u
#define RCTL_VFE       0x00040000u
#define RCTL_BSEX      0x02000000u
#define RCTL_SECRC     0x04000000u
#define TCTL_EN	       0x00000002u
#define TCTL_PSP       0x00000008u
#define RAH_AV	       0x80000000u
#define RXD_DD	       0x01u
#define RXD_EOP	       0x02u
#define RXD_IXSM       0x04u
#define RXE	       0x80u
#define TXD_CMD_EOP    0x01u
#define TXD_CMD_RS     0x08u
#define TXD_CMD_DEXT   0x20u
#define TXD_STA_DD     0x01u
#define EERD_START     0x01u
#define EERD_DONE      0x10u
#define FCS_BYTES      4u
#define LONG_FRAME     1522u
#define DESC_BYTES     16u
#define NR_ADDRESSES   16u
#define EEPROM_BALANCE 0xbabau

static uint32_t *at(struct m82540 *m, uint32_t off)
{
	return &m->reg[off / 4 % (M82540_BAR_BYTES / 4)];
}

static void *memory(struct m82540 *m, uint64_t addr, uint32_t len_bytes)
{
	void *p = m->bus_master ? m->host.memory(m->host.ctx, addr, len_bytes) : NULL;

	if (!p && m->bus_master)
		m->aborted = true;
	return p;
}

static void load_defaults(struct m82540 *m)
{
	memset(m->reg, 0, sizeof(m->reg));
	*at(m, RAL) = m->eeprom[0] | (uint32_t)m->eeprom[1] << 16;
	*at(m, RAL + 4) = m->eeprom[2] | RAH_AV;
	m->tx_len = 0;
}

void m82540_init(struct m82540 *m, const struct m82540_host *host, const uint8_t *mac)
{
	uint16_t sum = 0;

	memset(m, 0, sizeof(*m));
	m->host = *host;
	m->link = true;
	m->nr_addresses = NR_ADDRESSES;
	for (unsigned i = 0; i < 3; i++)
		m->eeprom[i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);
	for (unsigned i = 0; i < 63; i++)
		sum = (uint16_t)(sum + m->eeprom[i]);
	m->eeprom[63] = (uint16_t)(EEPROM_BALANCE - sum);
	load_defaults(m);
}

/* [3.2.6, 3.4]: the descriptor at the ring's head, NULL if the ring is none. */
static uint8_t *descriptor(struct m82540 *m, uint32_t bal, uint32_t head)
{
	uint64_t base = (uint64_t)*at(m, bal + 4) << 32 | (*at(m, bal) & ~0xfu);

	if (head >= *at(m, bal + 8) / DESC_BYTES)
		return NULL;
	return memory(m, base + (uint64_t)head * DESC_BYTES, DESC_BYTES);
}

static void advance(struct m82540 *m, uint32_t bal, uint32_t head_reg)
{
	uint32_t n = *at(m, bal + 8) / DESC_BYTES;

	*at(m, head_reg) = n ? (*at(m, head_reg) + 1) % n : 0;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void add_bytes(struct m82540 *m, uint32_t low, uint32_t len_bytes)
{
	uint64_t v = ((uint64_t)*at(m, low + 4) << 32 | *at(m, low)) + len_bytes;

	*at(m, low) = (uint32_t)v;
	*at(m, low + 4) = (uint32_t)(v >> 32);
}

/* ---- Transmit: [3.3.3] ---- */

static void send(struct m82540 *m)
{
	if (m->tx_len < 60 && *at(m, TCTL) & TCTL_PSP) {
		memset(m->tx_data + m->tx_len, 0, 60 - m->tx_len);
		m->tx_len = 60;
	}
	if (m->link)
		m->host.send(m->host.ctx, m->tx_data, m->tx_len);
	++*at(m, GPTC);
	add_bytes(m, GOTCL, m->tx_len + FCS_BYTES);
	m->tx_len = 0;
}

static bool transmit_one(struct m82540 *m)
{
	uint8_t *d = descriptor(m, TDBAL, *at(m, TDH)), *data;
	uint32_t len;

	if (!d || d[11] & TXD_CMD_DEXT)
		return false;
	len = d[8] | (uint32_t)d[9] << 8;
	data = len ? memory(m, get64(d), len) : NULL;
	if ((len && !data) || m->tx_len + len > M82540_FRAME_MAX)
		return false;
	if (len)
		memcpy(m->tx_data + m->tx_len, data, len);
	m->tx_len += len;
	if (d[11] & TXD_CMD_EOP)
		send(m);
	if (d[11] & TXD_CMD_RS && !m->late_write_back)
		d[12] |= TXD_STA_DD;
	advance(m, TDBAL, TDH);
	return true;
}

static void transmit(struct m82540 *m)
{
	while (*at(m, TCTL) & TCTL_EN && m->link && !m->stall_tx && *at(m, TDH) != *at(m, TDT) &&
		transmit_one(m))
		;
}

/* ---- Receive: [3.2] ---- */

static uint32_t buffer_bytes(struct m82540 *m)
{
	uint32_t rctl = *at(m, RCTL), size = 2048u >> (rctl >> 16 & 3);

	return rctl & RCTL_BSEX ? size * 16 : size;
}

static bool has_address(struct m82540 *m, const uint8_t *mac)
{
	for (uint32_t i = 0; i < NR_ADDRESSES; i++) {
		uint32_t high = *at(m, RAL + 8 * i + 4);

		if (high & RAH_AV && !memcmp(mac, at(m, RAL + 8 * i), 4) &&
			!memcmp(mac + 4, &high, 2))
			return true;
	}
	return false;
}

static bool is_wanted(struct m82540 *m, const uint8_t *f, uint32_t len)
{
	uint32_t rctl = *at(m, RCTL), hash = f[4] >> 4 | (uint32_t)f[5] << 4;

	if (rctl & RCTL_VFE && len >= 16 && f[12] == 0x81 && f[13] == 0) {
		uint32_t vlan = (f[14] & 0xfu) << 8 | f[15];

		if (!(*at(m, VFTA + vlan / 32 * 4) >> vlan % 32 & 1))
			return false;
	}
	if (!memcmp(f, "\xff\xff\xff\xff\xff\xff", 6))
		return rctl & RCTL_BAM;
	if (f[0] & 1)
		return rctl & RCTL_MPE || *at(m, MTA + hash / 32 * 4) >> hash % 32 & 1;
	return rctl & RCTL_UPE || has_address(m, f);
}

/* One descriptor's part of a frame; false: it cannot be written. */
static bool receive_part(struct m82540 *m, const uint8_t *data, uint32_t len, bool last)
{
	uint8_t *d = descriptor(m, RDBAL, *at(m, RDH)), *buffer;

	buffer = d ? memory(m, get64(d), len) : NULL;
	if (!buffer)
		return false;
	memcpy(buffer, data, len);
	d[8] = (uint8_t)len;
	d[9] = (uint8_t)(len >> 8);
	d[13] = last && m->receive_error ? RXE : 0;
	d[12] = (uint8_t)(RXD_DD | RXD_IXSM | (last ? RXD_EOP : 0));
	advance(m, RDBAL, RDH);
	return true;
}

static uint32_t free_descriptors(struct m82540 *m)
{
	uint32_t n = *at(m, RDLEN) / DESC_BYTES;

	return n ? (*at(m, RDT) + n - *at(m, RDH)) % n : 0;
}

bool m82540_receive(struct m82540 *m, const uint8_t *data, uint32_t len_bytes)
{
	static const uint8_t zero_fcs[FCS_BYTES];
	uint8_t frame[M82540_FRAME_MAX + FCS_BYTES];
	uint32_t size = buffer_bytes(m), rctl = *at(m, RCTL), total = len_bytes;

	if (!(rctl & RCTL_EN) || !m->link || len_bytes < 14 || len_bytes > M82540_FRAME_MAX ||
		!is_wanted(m, data, len_bytes))
		return false;
	if (len_bytes + FCS_BYTES > LONG_FRAME && !(rctl & RCTL_LPE))
		return false;
	memcpy(frame, data, len_bytes);
	memcpy(frame + len_bytes, zero_fcs, FCS_BYTES);
	if (!(rctl & RCTL_SECRC))
		total += FCS_BYTES;
	if (m->stall_rx || (total + size - 1) / size > free_descriptors(m)) {
		++*at(m, m->stall_rx ? MPC : RNBC);
		return false;
	}
	for (uint32_t off = 0; off < total; off += size) {
		uint32_t part = total - off < size ? total - off : size;

		if (!receive_part(m, frame + off, part, off + part == total))
			return false;
	}
	++*at(m, GPRC);
	if (data[0] & 1)
		++*at(m, data[0] == 0xff ? BPRC : MPRC);
	add_bytes(m, GORCL, len_bytes + FCS_BYTES);
	return true;
}

/* ---- Registers ---- */

uint32_t m82540_read(struct m82540 *m, uint32_t off)
{
	uint32_t v = *at(m, off);

	if (m->gone)
		return UINT32_MAX;
	if (off == STATUS)
		return m->link && *at(m, CTRL) & CTRL_SLU ? 0x83 : 0; /* 1000 Mbit/s, full duplex */
	/* [13.7]: cleared by reading, bytes with their high half */
	if (off == GORCH || off == GOTCH)
		*at(m, off - 4) = 0;
	if (off == ICR ||
		(off >= FIRST_COUNTER && off <= LAST_COUNTER && off != GORCL && off != GOTCL))
		*at(m, off) = 0;
	return v;
}

static void read_eeprom(struct m82540 *m, uint32_t v)
{
	uint32_t word = v >> 8 & 0xff;

	if (v & EERD_START)
		*at(m, EERD) =
			(uint32_t)(word < 64 ? m->eeprom[word] : 0) << 16 | word << 8 | EERD_DONE;
}

static void write_pointer(struct m82540 *m, uint32_t off, uint32_t v)
{
	uint32_t len = *at(m, off >= TDBAL ? TDLEN : RDLEN);

	m->nr_out_of_range += v * DESC_BYTES >= len;
	*at(m, off) = v & 0xffff;
}

void m82540_write(struct m82540 *m, uint32_t off, uint32_t v)
{
	if (m->gone || off == STATUS)
		return;
	if (off >= RAL + 8 * m->nr_addresses && off < RAL + 8 * NR_ADDRESSES)
		return;
	if (off == RDH || off == RDT || off == TDH || off == TDT)
		write_pointer(m, off, v);
	else
		*at(m, off) = v;
	if (off == CTRL && v & CTRL_RST) {
		if (!m->lazy_reset)
			load_defaults(m);
		*at(m, CTRL) = m->stuck_reset ? v : *at(m, CTRL) & ~CTRL_RST;
	}
	if (off == IMC)
		*at(m, IMS) &= ~v;
	if (off == EERD)
		read_eeprom(m, v);
	if (off == TDT || off == TCTL)
		transmit(m);
}

void m82540_resume(struct m82540 *m)
{
	transmit(m);
}
