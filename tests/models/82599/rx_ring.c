/* Received frames to memory: buffers, header split, VLAN stripping, descriptor write-back. DS 7.1.4
 * to 7.1.10. */
#include "data.h"

#define STATUS_DD	    (1u << 0)
#define STATUS_EOP	    (1u << 1)
#define STATUS_VP	    (1u << 3)
#define STATUS_LLINT	    (1u << 11)
#define ERROR_HBO	    (1u << 23)
#define NEXTP_SHIFT	    4
#define HEADER_SHIFT	    21
#define HEADER_MAX	    0x3ffu
#define LEGACY_STATUS	    0xf8u /* what both formats have in common, apart from DD, EOP */
#define LEGACY_ERRORS_SHIFT 24
#define LEGACY_RXE	    (1u << 5)
#define ERROR_RXE	    (1u << 29)

enum {
	DESC_LEGACY = 0,
	DESC_ONE_BUFFER = 1,
	DESC_SPLIT = 2,
	DESC_REPLICATE = 4,
	DESC_SPLIT_ALWAYS = 5
};

/* One frame on its way to one queue. */
struct delivery {
	struct port *p;
	const uint8_t *data;
	struct rx_packet *k;
	unsigned queue, type;
	bool strip;
	uint32_t len;	      /* as the host sees it */
	uint32_t buffer_size; /* of the packet and header buffers */
	uint32_t header_size;
};

uint32_t rx_buffer_bytes(const struct port *p, unsigned queue)
{
	uint32_t kib = rx_reg(p, queue, SRRCTL) & SRRCTL_BSIZEPACKET;

	return (kib < 1 ? 1 : kib > 16 ? 16 : kib) * 1024;
}

uint64_t rx_descriptor_address(const struct port *p, unsigned queue, uint32_t index)
{
	return p->data->rx[queue].ring.base + (uint64_t)index * DESCRIPTOR_BYTES;
}

bool rx_take_descriptor(
	struct port *p, unsigned queue, uint64_t *buffer, uint64_t *header, uint32_t *index)
{
	struct rx_queue *q = &p->data->rx[queue];
	const uint8_t *desc;

	if (!ring_runs(&q->ring, clock_now(p->clock)) || !ring_available(&q->ring))
		return false;
	desc = ring_descriptor(p, &q->ring, q->cache, RX_CACHE, 0);
	if (!desc)
		return false;
	*buffer = load_le64(desc);
	*header = load_le64(desc + 8) & ~UINT64_C(1);
	*index = q->ring.head;
	ring_advance(&q->ring, 1);
	return true;
}

void rx_payload(struct port *p, unsigned queue, enum dma_kind kind, uint64_t addr,
	const uint8_t *data, uint32_t len_bytes)
{
	struct dma_hint hint = dca_rx(p, queue, kind);

	if (len_bytes)
		data_dma_write(p, addr, data, len_bytes, &hint);
}

void rx_count_delivered(struct port *p, unsigned queue, const struct rx_packet *k)
{
	p->counts.rx_delivered++;
	p->counts.rx_delivered_bytes += k->wire_bytes + WIRE_FCS_BYTES;
	stats_rx_delivered(p, queue, k->wire_bytes);
}

/* len bytes from `at` on of the frame as the host sees it: without its tag if that is stripped. */
static void copy(
	const struct delivery *d, enum dma_kind kind, uint64_t to, uint32_t at, uint32_t len)
{
	uint32_t before;

	if (!d->strip || at >= d->k->vlan_at) {
		rx_payload(d->p, d->queue, kind, to, d->data + at + (d->strip ? 4 : 0), len);
		return;
	}
	before = d->k->vlan_at - at;
	if (before > len)
		before = len;
	rx_payload(d->p, d->queue, kind, to, d->data + at, before);
	rx_payload(d->p, d->queue, kind, to + before, d->data + at + before + 4, len - before);
}

/* After the innermost header that is enabled. */
uint32_t rx_split_at(const struct port *p, unsigned queue, const struct rx_packet *k, bool strip)
{
	const struct parse *r = &k->parse;
	unsigned pools_shift = 7; /* without pools: PSRTYPE(0) */
	uint32_t type, at = 0;

	switch (reg_get(p, REG_MRQC) & MRQC_MODE) {
	case MRQC_64VT:
	case MRQC_64VT_RSS:
		pools_shift = 1;
		break;
	case MRQC_32VT_RSS:
	case MRQC_32VT_4TC:
		pools_shift = 2;
		break;
	case MRQC_16VT_8TC:
		pools_shift = 3;
		break;
	}
	type = reg_get(p, REG_PSRTYPE(queue >> pools_shift));
	if ((r->l4_type == L4_TCP && type & PSRTYPE_TCP) ||
		(r->l4_type == L4_UDP && type & PSRTYPE_UDP))
		at = r->payload;
	else if (r->l4 && type & (r->ip == 4 ? PSRTYPE_IPV4 : PSRTYPE_IPV6))
		at = r->l4;
	else if (type & PSRTYPE_L2 && r->l3 < k->wire_bytes)
		at = r->l3;
	return at && strip ? at - 4 : at;
}

static uint32_t header_buffer_bytes(uint32_t srrctl)
{
	return ((srrctl & SRRCTL_BSIZEHEADER) >> SRRCTL_HEADER_SHIFT) * 64;
}

bool rx_splits(const struct port *p, unsigned queue, uint32_t header_bytes)
{
	uint32_t srrctl = rx_reg(p, queue, SRRCTL);
	unsigned type = srrctl >> SRRCTL_DESCTYPE_SHIFT & SRRCTL_DESCTYPE;

	return (type == DESC_SPLIT || type == DESC_SPLIT_ALWAYS) && header_bytes &&
	       header_bytes <= header_buffer_bytes(srrctl);
}

/* How much of the frame goes to the header buffer; the bits of the first descriptor that say so. */
static uint32_t split(const struct delivery *d, uint32_t *dw0, uint32_t *errors)
{
	uint32_t header, size = d->header_size, all = d->len < size ? d->len : size;

	if (d->type < DESC_SPLIT)
		return 0;
	header = rx_split_at(d->p, d->queue, d->k, d->strip);
	if (header > HEADER_MAX)
		header = 0;
	if (header)
		*dw0 |= RX_SPLIT_DW0(header);
	if (header && header <= size)
		return header;
	if (header)
		*errors |= ERROR_HBO;
	if (d->type == DESC_SPLIT)
		return 0;
	if (!header)
		*dw0 |= (all & HEADER_MAX) << HEADER_SHIFT;
	return all;
}

static void write_legacy(const struct delivery *d, uint32_t index, uint32_t len, bool last)
{
	const struct rx_packet *k = d->k;
	uint32_t status = STATUS_DD, errors = 0;
	uint8_t wb[8];

	if (last) {
		status |= STATUS_EOP | (k->status & LEGACY_STATUS) | (d->strip ? STATUS_VP : 0);
		errors = k->status >> LEGACY_ERRORS_SHIFT & 0xe0;
	}
	store_le32(wb, len | (uint32_t)k->fragment_sum << 16);
	store_le32(wb + 4, status | errors << 8 | (d->strip ? (uint32_t)k->vlan_tci << 16 : 0));
	data_write_back(d->p, false, d->queue, rx_descriptor_address(d->p, d->queue, index) + 8, wb,
		sizeof(wb), last, last && k->low_latency);
}

void rx_write_advanced(
	struct port *p, unsigned queue, const struct rx_packet *k, const struct rx_write_back *w)
{
	uint32_t status = STATUS_DD | w->nextp << NEXTP_SHIFT;
	uint8_t wb[DESCRIPTOR_BYTES];

	if (w->last)
		status = STATUS_DD | STATUS_EOP | k->status | w->errors |
			 (w->strip ? STATUS_VP : 0) | (k->low_latency ? STATUS_LLINT : 0);
	store_le32(wb, w->dw0 | k->type);
	store_le32(wb + 4, k->hash);
	store_le32(wb + 8, status);
	store_le32(wb + 12, w->len_bytes | (w->strip ? (uint32_t)k->vlan_tci << 16 : 0));
	data_write_back(p, false, queue, rx_descriptor_address(p, queue, w->index), wb, sizeof(wb),
		w->last, w->last && k->low_latency);
}

static void write_advanced(const struct delivery *d, uint32_t index, uint32_t len, uint32_t dw0)
{
	const struct rx_packet *k = d->k;
	struct rx_write_back w = { .index = index,
		.len_bytes = len,
		.dw0 = dw0,
		.errors = k->split_errors,
		.last = k->done == d->len,
		.strip = d->strip };

	/* only with RSC may descriptors of one packet not be neighbours */
	if (rx_reg(d->p, d->queue, RSCCTL) & RSCCTL_RSCEN)
		w.nextp = (index + 1) % d->p->data->rx[d->queue].ring.entries;
	rx_write_advanced(d->p, d->queue, k, &w);
}

/* Fills one descriptor; false: there is none. */
static bool fill(struct delivery *d)
{
	struct rx_packet *k = d->k;
	uint32_t index, len, header = 0, dw0 = 0;
	uint64_t buffer, header_buffer;

	if (!rx_take_descriptor(d->p, d->queue, &buffer, &header_buffer, &index))
		return false;
	if (!k->descriptors++) {
		k->split_errors = 0;
		header = split(d, &dw0, &k->split_errors);
	}
	if (header)
		copy(d, DMA_HEADER, header_buffer, 0, header);
	if (d->type == DESC_REPLICATE)
		header = 0; /* only a copy: the packet buffer has all */
	k->done += header;
	len = d->len - k->done;
	if (len > d->buffer_size)
		len = d->buffer_size;
	copy(d, DMA_PAYLOAD, buffer, k->done, len);
	k->done += len;
	if (d->type == DESC_LEGACY)
		write_legacy(d, index, len, k->done == d->len);
	else
		write_advanced(d, index, len, dw0);
	return true;
}

static void drop(struct port *p, unsigned queue)
{
	p->counts.rx_no_descriptor++;
	stats_rx_missed(p, queue, RX_PACKET_BUFFERS);
}

static bool drops(const struct port *p, unsigned queue)
{
	return rx_reg(p, queue, SRRCTL) & SRRCTL_DROP_EN || p->data->rx[queue].drop_enable;
}

/* Descriptors that it takes, at most. */
static uint32_t descriptors_for(const struct delivery *d)
{
	return (d->len + d->buffer_size - 1) / d->buffer_size;
}

/* To one queue; true: done with it. */
static bool deliver_to(struct port *p, unsigned queue, const uint8_t *data, struct rx_packet *k)
{
	struct ring *r = &p->data->rx[queue].ring;
	uint32_t srrctl = rx_reg(p, queue, SRRCTL);
	bool ready = ring_runs(r, clock_now(p->clock));
	struct delivery d = { .p = p,
		.data = data,
		.k = k,
		.queue = queue,
		.type = srrctl >> SRRCTL_DESCTYPE_SHIFT & SRRCTL_DESCTYPE,
		.strip = k->vlan && rx_reg(p, queue, RXDCTL) & RXDCTL_VME,
		.buffer_size = rx_buffer_bytes(p, queue),
		.header_size = header_buffer_bytes(srrctl) };

	d.len = k->len_bytes - (d.strip ? 4 : 0);
	if (!r->enabled) {
		p->counts.rx_filtered++;
		return true;
	}
	if (!k->done && !k->descriptors) {
		if (k->rsc_candidate && d.type != DESC_LEGACY && ready &&
			rsc_receive(p, queue, data, k, d.strip))
			return true;
		if (drops(p, queue) && (!ready || ring_available(r) < descriptors_for(&d))) {
			drop(p, queue);
			return true;
		}
	}
	while (k->done < d.len)
		if (!fill(&d))
			return false;
	rx_count_delivered(p, queue, k);
	return true;
}

bool rx_deliver(struct port *p, const uint8_t *data, struct rx_packet *k)
{
	for (unsigned word = 0; word < 2; word++)
		while (k->queues[word]) {
			unsigned queue = word * 64 + (unsigned)__builtin_ctzll(k->queues[word]);

			if (!deliver_to(p, queue, data, k))
				return false;
			k->queues[word] &= k->queues[word] - 1;
			k->done = k->descriptors = 0;
		}
	return true;
}
