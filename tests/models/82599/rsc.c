/* Receive side coalescing: TCP segments of one connection, in order, become one packet. DS 7.11.
 *
 * The data of each segment is written at once; what waits is the last descriptor and the header,
 * which is rewritten when the flow is closed. With header split it is in the first descriptor's
 * header buffer, and the first packet buffer begins with data. A flow is closed when its queue's
 * vector is about to interrupt, and by whatever does not fit behind it. */
#include <string.h>

#include "control.h"
#include "data.h"

#define ERRORS	      0xe0000000u /* IPE, L4E, RXE */
#define RSCCNT_SHIFT  17
#define RSCCNT_MAX    15u
#define IP_BYTES      20
#define IP_TOTAL_MAX  65535u
#define TCP_MIN	      20
#define TCP_TIMESTAMP 32 /* a header with NOP, NOP, timestamp */
#define FLAGS_ALLOWED (TCP_ACK | TCP_PSH)
#define DELAY_UNIT_PS (4 * CLOCK_PS_PER_US)

/* Where things are in a segment; `payload` as its IP header says it. */
struct segment {
	const uint8_t *ip, *tcp;
	uint32_t header_bytes; /* of TCP */
	uint32_t payload_bytes;
	uint32_t seq;
};

static struct segment segment_of(const uint8_t *data, const struct rx_packet *k)
{
	const struct parse *r = &k->parse;

	return (struct segment){ .ip = data + r->l3,
		.tcp = data + r->l4,
		.header_bytes = r->payload - r->l4,
		.payload_bytes = r->end - r->payload,
		.seq = load_be32(data + r->l4 + 4) };
}

/* DS 7.11.1: what may be coalesced at all. */
static bool is_eligible(const struct port *p, const struct rx_packet *k, const struct segment *s)
{
	static const uint8_t timestamp[4] = { 1, 1, 8, 10 };
	uint32_t rscdbu = reg_get(p, REG_RSCDBU);

	if (k->status & ERRORS || k->low_latency || k->parse.ip_extended || k->parse.outer_vlan ||
		k->parse.l3 != (k->vlan ? 18 : 14))
		return false;
	if ((s->tcp[12] & 1) || (s->tcp[13] & ~FLAGS_ALLOWED) || !(s->tcp[13] & TCP_ACK))
		return false;
	if (s->header_bytes != TCP_MIN &&
		(s->header_bytes != TCP_TIMESTAMP || memcmp(s->tcp + TCP_MIN, timestamp, 4)))
		return false;
	if (!s->payload_bytes || k->wire_bytes < (rscdbu & RSCDBU_RSCSMALDIS))
		return false;
	return k->len_bytes == k->wire_bytes; /* not with its FCS */
}

static struct rsc_flow *find(
	struct data *d, unsigned queue, const struct segment *s, const struct rx_packet *k)
{
	for (unsigned i = 0, left = d->nr_rsc; left && i < RSC_CONTEXTS; i++) {
		struct rsc_flow *f = &d->rsc[i];

		if (!f->used)
			continue;
		left--;
		if (f->queue == queue && f->packet.vlan == k->vlan &&
			(f->packet.vlan_tci & 0xfff) == (k->vlan_tci & 0xfff) &&
			!memcmp(f->header + f->l3 + 12, s->ip + 12, 8) &&
			!memcmp(f->header + f->l3 + IP_BYTES, s->tcp, 4))
			return f;
	}
	return NULL;
}

static unsigned max_descriptors(const struct port *p, unsigned queue)
{
	static const uint8_t n[] = { 1, 4, 8, 16 };

	return n[rx_reg(p, queue, RSCCTL) >> RSCCTL_MAXDESC_SHIFT & 3];
}

/* ---- Closing ---- */

static void write_descriptor(struct port *p, const struct rsc_flow *f, bool last, uint32_t nextp)
{
	uint32_t count = f->in_descriptor < RSCCNT_MAX ? f->in_descriptor : RSCCNT_MAX;
	struct rx_write_back w = { .index = f->index,
		.len_bytes = f->offset,
		.dw0 = count << RSCCNT_SHIFT,
		.nextp = nextp,
		.last = last,
		.strip = f->strip };

	if (f->split && f->descriptors == 1)
		w.dw0 |= RX_SPLIT_DW0(f->header_bytes);

	rx_write_advanced(p, f->queue, &f->packet, &w);
}

static void rsc_close(struct port *p, struct rsc_flow *f)
{
	uint8_t *ip = f->header + f->l3;

	if (f->segments > 1) {
		store_be16(ip + 10, 0);
		store_be16(ip + 10, (uint16_t)~sum_fold(sum_words(ip, IP_BYTES, 0)));
		rx_payload(p, f->queue, f->split ? DMA_HEADER : DMA_PAYLOAD, f->first_buffer,
			f->header, f->header_bytes);
		p->counts.rx_rsc++;
	}
	f->used = false;
	p->data->nr_rsc--;
	write_descriptor(p, f, true, 0);
}

void rsc_close_queue(struct port *p, unsigned queue)
{
	struct data *d = p->data;

	for (unsigned i = 0; d->nr_rsc && i < RSC_CONTEXTS; i++)
		if (d->rsc[i].used && d->rsc[i].queue == queue)
			rsc_close(p, &d->rsc[i]);
}

void rsc_close_disabled(struct port *p)
{
	struct data *d = p->data;

	for (unsigned i = 0; d->nr_rsc && i < RSC_CONTEXTS; i++)
		if (d->rsc[i].used && !(rx_reg(p, d->rsc[i].queue, RSCCTL) & RSCCTL_RSCEN))
			rsc_close(p, &d->rsc[i]);
}

void rsc_reset(struct port *p)
{
	for (unsigned i = 0; i < RSC_CONTEXTS; i++)
		p->data->rsc[i].used = false;
	p->data->nr_rsc = 0;
}

void rsc_timer(void *ctx)
{
	struct port *p = ctx;
	struct data *d = p->data;
	uint64_t next = CLOCK_NEVER;

	for (unsigned i = 0; d->nr_rsc && i < RSC_CONTEXTS; i++) {
		struct rsc_flow *f = &d->rsc[i];

		if (f->used && f->close_at <= clock_now(p->clock))
			rsc_close(p, f);
		else if (f->used && f->close_at < next)
			next = f->close_at;
	}
	if (next != CLOCK_NEVER)
		clock_schedule(p->clock, &d->rsc_timer, next);
}

/* When the queue's vector may interrupt next, but not before GPIE.RSC_Delay has passed. */
static uint64_t closing_time(const struct port *p, unsigned queue)
{
	uint32_t ivar = reg_get(p, REG_IVAR(queue / 2)) >> 16 * (queue & 1);
	uint32_t delay = reg_get(p, REG_GPIE) >> 11 & 7;
	uint64_t at = clock_now(p->clock) + (delay + 1) * DELAY_UNIT_PS;
	unsigned vector = irq_is_multiple(p) ? ivar & IVAR_VECTOR : 0;
	uint64_t ready = p->control->irq.vector[vector].ready_ps;

	return ivar & IVAR_VALID && ready > at ? ready : at;
}

/* ---- Coalescing ---- */

static bool next_buffer(struct port *p, struct rsc_flow *f)
{
	uint64_t buffer, header;
	uint32_t index;

	if (!rx_take_descriptor(p, f->queue, &buffer, &header, &index))
		return false;
	if (f->descriptors)
		write_descriptor(p, f, false, index);
	else
		f->first_buffer = f->split ? header : buffer;
	f->descriptors++;
	f->buffer = buffer;
	f->index = index;
	f->offset = 0;
	f->in_descriptor = 0;
	return true;
}

/* `from` is what the host sees of a segment; there are descriptors enough, unless they cannot be
 * read: then the rest is lost, as on the chip. */
static void put(struct port *p, struct rsc_flow *f, const uint8_t *from, uint32_t len, bool counted)
{
	while (len) {
		uint32_t n = f->buffer_bytes - f->offset;

		if ((!f->descriptors || !n) && !next_buffer(p, f))
			return;
		n = f->buffer_bytes - f->offset;
		if (n > len)
			n = len;
		if (!counted || !f->offset)
			f->in_descriptor++;
		counted = true;
		rx_payload(p, f->queue, DMA_PAYLOAD, f->buffer + f->offset, from, n);
		f->offset += n;
		from += n;
		len -= n;
	}
}

/* More descriptors that so many bytes take. */
static uint32_t descriptors_for(const struct rsc_flow *f, uint32_t len)
{
	uint32_t room = f->descriptors ? f->buffer_bytes - f->offset : 0;

	return len <= room ? 0 : (len - room + f->buffer_bytes - 1) / f->buffer_bytes;
}

static bool has_room(const struct port *p, const struct rsc_flow *f, uint32_t len)
{
	uint32_t n = descriptors_for(f, len);

	return f->descriptors + n <= max_descriptors(p, f->queue) &&
	       n <= ring_available(&p->data->rx[f->queue].ring);
}

static struct rsc_flow *new_context(struct port *p)
{
	struct data *d = p->data;
	struct rsc_flow *oldest = &d->rsc[0];

	for (unsigned i = 0; i < RSC_CONTEXTS; i++) {
		if (!d->rsc[i].used)
			return &d->rsc[i];
		if (d->rsc[i].close_at < oldest->close_at)
			oldest = &d->rsc[i];
	}
	rsc_close(p, oldest);
	return oldest;
}

static void copy_header(struct rsc_flow *f, const uint8_t *data)
{
	const struct rx_packet *k = &f->packet;

	if (!f->strip) {
		memcpy(f->header, data, f->header_bytes);
		return;
	}
	memcpy(f->header, data, k->vlan_at);
	memcpy(f->header + k->vlan_at, data + k->vlan_at + 4, f->header_bytes - k->vlan_at);
}

static void put_split(struct port *p, struct rsc_flow *f, const uint8_t *data)
{
	const struct rx_packet *k = &f->packet;

	copy_header(f, data);
	put(p, f, data + k->parse.payload, k->len_bytes - k->parse.payload, false);
	if (f->descriptors)
		rx_payload(p, f->queue, DMA_HEADER, f->first_buffer, f->header, f->header_bytes);
}

static void put_first(struct port *p, struct rsc_flow *f, const uint8_t *data)
{
	const struct rx_packet *k = &f->packet;

	if (f->split) {
		put_split(p, f, data);
		return;
	}
	copy_header(f, data);
	if (!f->strip) {
		put(p, f, data, k->len_bytes, false);
		return;
	}
	put(p, f, f->header, f->header_bytes, false);
	put(p, f, data + k->parse.payload, k->len_bytes - k->parse.payload, true);
}

static bool start(struct port *p, unsigned queue, const uint8_t *data, struct rx_packet *k,
	const struct segment *s, bool strip)
{
	struct data *d = p->data;
	struct rsc_flow *f = new_context(p);
	uint32_t tag = strip ? 4 : 0;

	*f = (struct rsc_flow){ .queue = (uint8_t)queue,
		.segments = 1,
		.buffer_bytes = rx_buffer_bytes(p, queue),
		.next_seq = s->seq + s->payload_bytes,
		.close_at = closing_time(p, queue),
		.packet = *k,
		.strip = strip,
		.l3 = (uint16_t)(k->parse.l3 - tag),
		.header_bytes = (uint16_t)(k->parse.payload - tag) };
	/* padding would lie between this segment's data and the next one's */
	f->packet.len_bytes = k->parse.end;
	/* behind another header than TCP's RSC does not split */
	f->split = rx_split_at(p, queue, k, strip) == f->header_bytes &&
		   rx_splits(p, queue, f->header_bytes);
	if (!has_room(p, f, f->split ? s->payload_bytes : k->parse.end - tag))
		return false;
	put_first(p, f, data);
	if (!f->descriptors)
		return false;
	f->used = true;
	d->nr_rsc++;
	if (!clock_is_scheduled(&d->rsc_timer) || f->close_at < d->rsc_timer.at_ps)
		clock_schedule(p->clock, &d->rsc_timer, f->close_at);
	return true;
}

static bool fits(const struct port *p, const struct rsc_flow *f, const struct segment *s)
{
	const uint8_t *ip = f->header + f->l3, *tcp = ip + IP_BYTES;

	return s->seq == f->next_seq && s->ip[1] == ip[1] /* DSCP, ECN */ &&
	       s->header_bytes == (uint32_t)(tcp[12] >> 4) * 4 &&
	       load_be16(ip + 2) + s->payload_bytes <= IP_TOTAL_MAX &&
	       has_room(p, f, s->payload_bytes);
}

/* DS 7.11.4: what the header of all says is what the last one says. */
static void append(struct port *p, struct rsc_flow *f, const struct segment *s)
{
	uint8_t *ip = f->header + f->l3, *tcp = ip + IP_BYTES;

	store_be16(ip + 2, (uint16_t)(load_be16(ip + 2) + s->payload_bytes));
	memcpy(tcp + 8, s->tcp + 8, 4); /* acknowledgement */
	tcp[13] |= s->tcp[13];
	memcpy(tcp + 14, s->tcp + 14, 2); /* window */
	if (s->header_bytes == TCP_TIMESTAMP)
		memcpy(tcp + TCP_MIN, s->tcp + TCP_MIN, TCP_TIMESTAMP - TCP_MIN);
	f->next_seq += s->payload_bytes;
	f->segments++;
	put(p, f, s->tcp + s->header_bytes, s->payload_bytes, false);
}

bool rsc_receive(
	struct port *p, unsigned queue, const uint8_t *data, struct rx_packet *k, bool strip)
{
	struct segment s = segment_of(data, k);
	struct rsc_flow *f;
	bool eligible;

	if (!(rx_reg(p, queue, RSCCTL) & RSCCTL_RSCEN))
		return false;
	f = find(p->data, queue, &s, k);
	eligible = is_eligible(p, k, &s);
	if (f && eligible && fits(p, f, &s)) {
		append(p, f, &s);
	} else {
		if (f)
			rsc_close(p, f);
		if (!eligible || !start(p, queue, data, k, &s, strip))
			return false;
		f = find(p->data, queue, &s, k);
	}
	rx_count_delivered(p, queue, k);
	if (f && s.tcp[13] & TCP_PSH)
		rsc_close(p, f);
	return true;
}
