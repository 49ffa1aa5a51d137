/* Packets from transmit descriptors: contexts, data, write-back. DS 7.2.3.
 *
 * A packet is taken when all of its descriptors are there, so that none that is half there keeps
 * other queues waiting. What the chip would take for malicious stops its queue. */
#include <errno.h>
#include <string.h>

#include "data.h"

#define DEXT	     (1u << 29)
#define DTYP_SHIFT   20
#define DTYP_CONTEXT 2u
#define DTYP_DATA    3u
#define CMD_EOP	     (1u << 24)
#define CMD_IFCS     (1u << 25)
#define CMD_IC	     (1u << 26) /* legacy only */
#define CMD_RS	     (1u << 27)
#define CMD_VLE	     (1u << 30)
#define CMD_TSE	     (1u << 31)
#define MAC_TSTAMP   (1u << 19)
#define POPTS_IXSM   (1u << 8)
#define POPTS_TXSM   (1u << 9)
#define IDX_SHIFT    4
#define PAYLEN_SHIFT 14
#define STATUS_DD    1u
#define FRAME_MIN    60
#define PACKET_MIN   17 /* the shortest that software may send: DS 7.2.1.1 */
#define TAG_BYTES    4
#define L4T_TCP	     1u

static unsigned mac_len(const struct tx_context *c)
{
	return c->vlan_macip >> 9 & 0x7f;
}

static unsigned ip_len(const struct tx_context *c)
{
	return c->vlan_macip & 0x1ff;
}

/* What is wrong with it, or NULL. */
static const char *check(const struct tx_packet *k, uint32_t paylen)
{
	const struct tx_context *c = &k->context;
	unsigned l4 = c->mss_l4 >> 8 & 0xff, mss = c->mss_l4 >> 16;
	bool tcp = (c->type >> 11 & 3) == L4T_TCP;

	if (!k->tso) {
		if (k->total_bytes < PACKET_MIN)
			return "too short";
		if (k->total_bytes > WIRE_FRAME_MAX - TAG_BYTES)
			return "too long";
		return k->legacy || paylen == k->total_bytes ? NULL : "PAYLEN is not its length";
	}
	if (mac_len(c) < 14 || ip_len(c) < 20 || l4 < (tcp ? 20 : 8) || !mss)
		return "segmentation without header lengths or MSS";
	if (k->header_bytes > TX_HEADER_MAX || k->header_bytes + mss > WIRE_FRAME_MAX - TAG_BYTES)
		return "segments too long";
	if (!paylen || k->header_bytes + paylen != k->total_bytes)
		return "PAYLEN is not its payload's length";
	return NULL;
}

/* A pool's own VLAN: DS 7.10.3.9.2. */
static void pool_vlan(const struct port *p, struct tx_packet *k)
{
	uint32_t vmvir;

	if (!(reg_get(p, REG_MTQC) & MTQC_VT_ENA))
		return;
	vmvir = reg_get(p, REG_PFVMVIR(tx_pool(p, k->queue)));
	if (vmvir >> PFVMVIR_ACTION_SHIFT == PFVMVIR_ALWAYS) {
		k->vlan = true;
		k->vlan_tci = (uint16_t)vmvir;
	} else if (vmvir >> PFVMVIR_ACTION_SHIFT == PFVMVIR_NEVER) {
		k->vlan = false;
	}
}

/* What the first data descriptor says. */
static void begin(const struct tx_queue *t, struct tx_packet *k, uint32_t dw2, uint32_t dw3)
{
	k->legacy = !(dw2 & DEXT);
	k->ifcs = dw2 & CMD_IFCS;
	k->vlan = dw2 & CMD_VLE;
	if (k->legacy) {
		k->insert_checksum = dw2 & CMD_IC;
		k->cso = (uint8_t)(dw2 >> 16);
		k->css = (uint8_t)(dw3 >> 8);
		k->vlan_tci = (uint16_t)(dw3 >> 16);
		return;
	}
	k->context = t->context[dw3 >> IDX_SHIFT & 1];
	k->tso = dw2 & CMD_TSE;
	k->ixsm = dw3 & POPTS_IXSM;
	k->txsm = dw3 & POPTS_TXSM;
	k->timestamp = dw2 & MAC_TSTAMP;
	k->vlan_tci = (uint16_t)(k->context.vlan_macip >> 16);
	k->payload_bytes = dw3 >> PAYLEN_SHIFT;
	if (k->tso)
		k->header_bytes = mac_len(&k->context) + ip_len(&k->context) +
				  (k->context.mss_l4 >> 8 & 0xff);
}

static void take_context(struct tx_queue *t, const uint8_t *desc, uint32_t dw2, uint32_t dw3)
{
	t->context[dw3 >> IDX_SHIFT & 1] =
		(struct tx_context){ .vlan_macip = load_le32(desc), .type = dw2, .mss_l4 = dw3 };
}

/* One descriptor; 0: more to come, 1: that was the last one, -EINVAL. */
static int take(struct tx_queue *t, struct tx_packet *k, const uint8_t *desc)
{
	uint32_t dw2 = load_le32(desc + 8), dw3 = load_le32(desc + 12);
	unsigned dtyp = dw2 & DEXT ? dw2 >> DTYP_SHIFT & 0xf : DTYP_DATA;

	if (dtyp == DTYP_CONTEXT && !k->nr_buffers) {
		take_context(t, desc, dw2, dw3);
		k->descriptors++;
		return 0;
	}
	if (dtyp != DTYP_DATA || k->nr_buffers == TX_DESCRIPTORS_MAX)
		return -EINVAL;
	if (!k->nr_buffers)
		begin(t, k, dw2, dw3);
	else if (k->legacy != !(dw2 & DEXT))
		return -EINVAL;
	k->buffer[k->nr_buffers].addr = load_le64(desc);
	k->buffer[k->nr_buffers++].len_bytes = dw2 & 0xffff;
	k->total_bytes += dw2 & 0xffff;
	if (dw2 & CMD_RS)
		k->report |= UINT64_C(1) << k->descriptors;
	k->descriptors++;
	return dw2 & CMD_EOP ? 1 : 0;
}

static int malformed(struct port *p, unsigned queue, const char *why)
{
	p->data->nr_malformed++;
	p->data->tx[queue].stopped = true;
	pci_dev_log(&p->dev, "transmit queue %u stopped: %s", queue, why);
	return -EINVAL;
}

int tx_packet_take(struct port *p, unsigned queue)
{
	struct tx_queue *t = &p->data->tx[queue];
	struct tx_packet *k = &p->data->packet;
	uint32_t n = ring_available(&t->ring);
	const char *wrong;
	int r = 0;

	*k = (struct tx_packet){ .queue = (uint8_t)queue };
	for (uint32_t i = 0; i < n && r == 0; i++) {
		const uint8_t *desc =
			i < TX_CACHE ? ring_descriptor(p, &t->ring, t->cache, TX_CACHE, i) : NULL;

		if (!desc && i >= TX_CACHE)
			return malformed(p, queue, "too many descriptors");
		if (!desc)
			return -EAGAIN;
		r = take(t, k, desc);
	}
	if (r == 0) /* only contexts, or not all of a packet */
		return -EAGAIN;
	if (r < 0)
		return malformed(p, queue, "descriptor types");
	wrong = check(k, k->payload_bytes);
	if (wrong)
		return malformed(p, queue, wrong);
	pool_vlan(p, k);
	k->active = true;
	return 0;
}

/* ---- Write-back: DS 7.2.3.5 ---- */

static void write_back_one(struct port *p, unsigned queue, const struct tx_done *e, bool last)
{
	uint64_t addr = p->data->tx[queue].ring.base + (uint64_t)e->index * DESCRIPTOR_BYTES;
	uint8_t wb[DESCRIPTOR_BYTES] = { 0 };

	if (!e->legacy) {
		store_le32(wb + 12, STATUS_DD);
		data_write_back(p, true, queue, addr, wb, sizeof(wb), last, false);
		return;
	}
	store_le32(wb, e->dw2);
	store_le32(wb + 4, (e->dw3 & ~0xfu) | STATUS_DD);
	data_write_back(p, true, queue, addr + 8, wb, 8, last, false);
}

void tx_write_back(struct port *p, unsigned queue)
{
	struct tx_queue *t = &p->data->tx[queue];
	uint32_t low = tx_reg(p, queue, TDWBAL);
	unsigned n = t->nr_done;
	uint8_t head[4];

	if (!n)
		return;
	t->nr_done = 0;
	if (low & TDWBAL_HEAD_WB) {
		store_le32(head, t->ring.head);
		data_write_back(p, true, queue,
			(uint64_t)tx_reg(p, queue, TDWBAH) << 32 | (low & ~3u), head, sizeof(head),
			true, false);
		return;
	}
	for (unsigned i = 0; i < n; i++)
		write_back_one(p, queue, &t->done[i], i + 1 == n);
}

/* WTHRESH makes bursts of write-backs; none waits longer than its queue has work. */
static void finish(struct port *p)
{
	struct tx_packet *k = &p->data->packet;
	struct tx_queue *t = &p->data->tx[k->queue];
	unsigned wthresh = tx_reg(p, k->queue, TXDCTL) >> TXDCTL_WTHRESH_SHIFT & TXDCTL_WTHRESH;

	k->active = false;
	for (uint64_t left = k->report; left; left &= left - 1) {
		uint32_t i = (uint32_t)__builtin_ctzll(left);
		const uint8_t *desc = ring_descriptor(p, &t->ring, t->cache, TX_CACHE, i);

		if (t->nr_done == TX_CACHE)
			tx_write_back(p, k->queue);
		t->done[t->nr_done++] =
			(struct tx_done){ .index = (t->ring.head + i) % t->ring.entries,
				.legacy = k->legacy,
				.dw2 = desc ? load_le32(desc + 8) : 0,
				.dw3 = desc ? load_le32(desc + 12) : 0 };
	}
	ring_advance(&t->ring, k->descriptors);
	if (t->nr_done >= wthresh || !ring_available(&t->ring))
		tx_write_back(p, k->queue);
}

/* ---- Frames ---- */

/* The next bytes of the packet; false: they could not be read. */
static bool gather(struct port *p, struct tx_packet *k, uint8_t *to, uint32_t len)
{
	while (len) {
		uint32_t n = k->buffer[k->buffer_at].len_bytes - k->offset;

		if (!n) {
			k->buffer_at++;
			k->offset = 0;
			continue;
		}
		if (n > len)
			n = len;
		if (!data_dma_read(p, k->buffer[k->buffer_at].addr + k->offset, to, n))
			return false;
		to += n;
		len -= n;
		k->offset += n;
	}
	return true;
}

/* Takes the last four bytes as the FCS that software has computed. */
static bool software_fcs(const uint8_t *frame, uint32_t *len)
{
	if (*len < FRAME_MIN)
		return false;
	*len -= WIRE_FCS_BYTES;
	return crc32_ethernet(frame, *len) == load_le32(frame + *len);
}

/* Inserts the tag (a packet that gets one stands TAG_BYTES behind the begin of `frame`), and pads.
 */
static void complete(
	const struct port *p, const struct tx_packet *k, uint8_t *frame, struct tx_frame *f)
{
	uint32_t hlreg0 = reg_get(p, REG_HLREG0);

	if (k->vlan) {
		memmove(frame, frame + TAG_BYTES, 12);
		store_be16(frame + 12, (uint16_t)(reg_get(p, REG_DMATXCTL) >> DMATXCTL_VT_SHIFT));
		store_be16(frame + 14, k->vlan_tci);
		f->len_bytes += TAG_BYTES;
	}
	f->fcs_ok = (k->ifcs && hlreg0 & HLREG0_TXCRCEN) || software_fcs(frame, &f->len_bytes);
	if (f->len_bytes < FRAME_MIN && hlreg0 & HLREG0_TXPADEN) {
		memset(frame + f->len_bytes, 0, FRAME_MIN - f->len_bytes);
		f->len_bytes = FRAME_MIN;
	}
}

static bool is_last(const struct tx_packet *k)
{
	return !k->tso || k->payload_done == k->payload_bytes;
}

/* The packet without a tag: header and payload of this frame. */
static bool assemble(struct port *p, struct tx_packet *k, uint8_t *to, uint32_t payload)
{
	if (!k->tso)
		return gather(p, k, to, k->total_bytes);
	if (!k->segment && !gather(p, k, k->header, k->header_bytes))
		return false;
	memcpy(to, k->header, k->header_bytes);
	return gather(p, k, to + k->header_bytes, payload);
}

static void abandon(struct port *p)
{
	struct tx_packet *k = &p->data->packet;

	p->data->tx[k->queue].stopped = true;
	k->active = false;
	irq_other(p, EICR_PCI);
}

bool tx_packet_frame(struct port *p)
{
	struct tx_packet *k = &p->data->packet;
	uint32_t payload = k->payload_bytes - k->payload_done, mss = k->context.mss_l4 >> 16;
	struct tx_frame f = { .queue = k->queue, .timestamp = k->timestamp };
	uint8_t *frame, *packet;

	if (k->tso && payload > mss)
		payload = mss;
	f.len_bytes = k->tso ? k->header_bytes + payload : k->total_bytes;
	frame = tx_fifo_reserve(p, f.len_bytes + TAG_BYTES + FRAME_MIN);
	if (!frame)
		return false;
	packet = k->vlan ? frame + TAG_BYTES : frame;
	if (!assemble(p, k, packet, payload)) {
		abandon(p);
		return true;
	}
	k->payload_done += payload;
	tx_offload(p, k, packet, f.len_bytes);
	complete(p, k, frame, &f);
	if (tx_switch(p, k->queue, frame, f.len_bytes))
		tx_fifo_commit(p, &f);
	k->segment++;
	if (!is_last(k))
		return true;
	p->counts.tx_tso += k->tso;
	finish(p);
	return true;
}
