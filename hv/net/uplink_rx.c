/* From the wire into the switch; see uplink.h. */
#include "net/uplink.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "net/checksum.h"

#define ETH_TYPE_IPV4 0x0800
#define IP_PROTO_TCP  6
#define TCP_OFFSET    12
#define TCP_CHECKSUM  16

_Static_assert(NIC_RX_CHAIN_MAX >= FRAME_SEGMENTS_MAX, "a chain may be longer than a frame");

/* The last destination has copied. Any core. */
static void rx_release(struct frame *f)
{
	struct uplink_buffer *b = CONTAINER_OF(f, struct uplink_buffer, frame), *head;
	struct uplink_pair *pair = f->owner;
	struct uplink_rx *rx = &pair->rx;

	head = load_relaxed(&rx->done);
	do {
		b->list = head;
	} while (!atomic_cas(&rx->done, &head, b));
	if (!head) /* whoever made it non-empty has the work look */
		uplink_schedule(pair, &rx->work);
}

static void rx_free(struct uplink_rx *rx, struct uplink_buffer *b)
{
	while (b) {
		struct uplink_buffer *next = b->next;

		b->next = NULL;
		b->list = rx->free;
		rx->free = b;
		b = next;
	}
}

static void rx_reclaim(struct uplink_rx *rx)
{
	struct uplink_buffer *b;

	if (!load_relaxed(&rx->done))
		return;
	b = atomic_xchg(&rx->done, NULL);
	while (b) {
		struct uplink_buffer *next = b->list;

		rx_free(rx, b);
		b = next;
	}
}

/* Gives the NIC what is free. */
static void rx_post(struct uplink_rx *rx)
{
	bool posted = false;

	while (rx->free) {
		struct nic_buffer b = { .hpa = HPA(rx->free->hva),
			.cookie = (uint64_t)rx->free,
			.len_bytes = UPLINK_BUFFER_BYTES };

		if (nic_rx_post(rx->queue, &b, 1) != 1)
			break;
		rx->free = rx->free->list;
		posted = true;
	}
	if (posted)
		nic_rx_flush(rx->queue);
}

/* The frame of a packet: head copied, the rest referred to. -E2BIG: more pieces than a frame has.
 */
static int build(const struct nic_rx_batch *batch, const struct nic_rx_packet *p,
	struct uplink_buffer **first)
{
	const struct nic_rx_buffer *piece = &batch->buffer[p->first_buffer];
	struct uplink_buffer *b = (void *)piece[0].cookie, *last = b;
	struct frame *f = &b->frame;
	uint32_t head_len = MIN(piece[0].len_bytes, (uint32_t)FRAME_HEAD_BYTES);

	*first = b;
	for (unsigned i = 1; i < p->nr_buffers; i++) {
		last->next = (void *)piece[i].cookie;
		last = last->next;
	}
	if (p->nr_buffers > FRAME_SEGMENTS_MAX)
		return -E2BIG;
	f->refs = 1;
	f->len_bytes = p->len_bytes;
	f->head_len = (uint16_t)head_len;
	memcpy(f->head, b->hva, head_len);
	f->offload = (struct frame_offload){ 0 };
	f->nr_segments = 0;
	for (unsigned i = 0; i < p->nr_buffers; i++, b = b->next) {
		uint32_t skip = i ? 0 : head_len;

		if (piece[i].len_bytes > skip)
			f->segment[f->nr_segments++] =
				(struct frame_segment){ b->hva + skip, piece[i].len_bytes - skip };
	}
	return 0;
}

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* The pseudo header's sum, not inverted, as a guest expects it in a checksum to complete. */
static void put_pseudo_sum(uint8_t *ip, uint8_t *tcp, uint32_t l4_bytes)
{
	uint8_t tail[4] = { 0, IP_PROTO_TCP, (uint8_t)(l4_bytes >> 8), (uint8_t)l4_bytes };
	struct checksum c = { 0 };
	uint16_t sum;

	checksum_add(&c, ip + 12, 8);
	checksum_add(&c, tail, sizeof(tail));
	sum = (uint16_t)~checksum_fold(&c);
	memcpy(tcp + TCP_CHECKSUM, &sum, sizeof(sum));
}

/* What RSC merged becomes a segment that the guest's stack, or another NIC, may cut again. RSC
 * takes TCP over IPv4 without options only, so that all headers are in the frame's head. False: it
 * is something else. */
static bool make_gso(struct frame *f, unsigned nr_segments)
{
	uint32_t type_off = be16(f->head + 12) == ETH_TYPE_VLAN ? 16 : 12, l3 = type_off + 2;
	uint32_t l4 = l3 + 20, headers, payload;
	uint8_t *ip = f->head + l3, *tcp = f->head + l4;

	if (f->head_len < l4 + 20 || be16(f->head + type_off) != ETH_TYPE_IPV4 || ip[0] != 0x45 ||
		ip[9] != IP_PROTO_TCP)
		return false;
	headers = l4 + (tcp[TCP_OFFSET] >> 4) * 4u;
	if (headers < l4 + 20 || headers >= f->len_bytes)
		return false;
	payload = f->len_bytes - headers;
	f->offload = (struct frame_offload){
		.flags = VNET_HDR_F_NEEDS_CSUM,
		.gso_type = VNET_HDR_GSO_TCPV4,
		.header_len = (uint16_t)headers,
		.gso_size = (uint16_t)((payload + nr_segments - 1) / nr_segments),
		.csum_start = (uint16_t)l4,
		.csum_offset = TCP_CHECKSUM,
	};
	put_pseudo_sum(ip, tcp, f->len_bytes - l4);
	return true;
}

static bool set_offload(struct frame *f, const struct nic_rx_packet *p)
{
	if (p->rsc_segments > 1)
		return make_gso(f, p->rsc_segments);
	if (p->flags & NIC_RX_L4_GOOD)
		f->offload.flags = VNET_HDR_F_DATA_VALID;
	return true; /* a bad checksum is for the guest to see, as without the NIC's help */
}

/* A wire does not wait: what the destination cannot take now is lost, and counted there. */
static void forward(struct uplink *up, struct frame *f, uint64_t now_us)
{
	uint32_t len_bytes = f->len_bytes;
	struct port *blocked;

	if (switch_forward(&up->port, f, now_us, &blocked) == 0)
		return;
	port_count(&up->port, &up->port.counters.rx_frames, 1);
	port_count(&up->port, &up->port.counters.rx_bytes, len_bytes);
	port_count_drop(blocked, DROP_QUEUE_FULL);
	frame_put(f);
}

static void take(struct uplink_pair *pair, const struct nic_rx_packet *p, uint64_t now_us)
{
	struct uplink_rx *rx = &pair->rx;
	struct uplink_buffer *first;
	int err = build(&rx->batch, p, &first);

	if (p->error != NIC_RX_OK || err || !set_offload(&first->frame, p)) {
		uplink_count(p->error == NIC_RX_BAD_FRAME ? &rx->stats.bad_frames
							  : &rx->stats.bad_descriptors);
		rx_free(rx, first);
		return;
	}
	uplink_count(&rx->stats.packets);
	forward(pair->up, &first->frame, now_us);
}

/* How many packets there were. */
static unsigned poll(struct uplink_pair *pair, uint64_t now_us)
{
	struct uplink_rx *rx = &pair->rx;
	unsigned n = nic_rx_poll(rx->queue, &rx->batch);

	for (unsigned i = 0; i < n; i++)
		take(pair, &rx->batch.packet[i], now_us);
	return n;
}

/* Nothing more came. While packets stream we look again by ourselves; false: the interrupt is armed
 * and nothing has come since. */
static bool poll_on(struct uplink_pair *pair, unsigned moved)
{
	struct uplink_rx *rx = &pair->rx;

	if (moved) {
		rx->dry_polls = 0;
		return true;
	}
	if (rx->dry_polls++ < UPLINK_DRY_POLLS || rx->queue->vector == NIC_NO_VECTOR)
		return true;
	rx->dry_polls = UPLINK_DRY_POLLS;
	nic_vector_arm(pair->up->nic, rx->queue->vector);
	return nic_rx_pending(rx->queue);
}

static enum work_result rx_run(struct work *w, unsigned budget)
{
	struct uplink_pair *pair = CONTAINER_OF(w, struct uplink_pair, rx.work);
	struct uplink_rx *rx = &pair->rx;
	uint64_t now_us = pair->up->setup.now_us();
	unsigned moved = 0, n = NIC_BATCH;

	rx_reclaim(rx);
	rx_post(rx);
	while (moved < budget && n == NIC_BATCH) {
		n = poll(pair, now_us);
		moved += n;
	}
	rx_reclaim(rx); /* what the switch dropped */
	rx_post(rx);
	uplink_count(&rx->stats.polls);
	w->worker->frames += moved;
	if (n == NIC_BATCH)
		return WORK_MORE;
	return poll_on(pair, moved) ? WORK_POLL : WORK_DONE;
}

int uplink_rx_init(struct uplink_pair *pair)
{
	struct uplink_rx *rx = &pair->rx;
	uint8_t *data = pair->up->setup.pages((uint64_t)UPLINK_RX_ENTRIES * UPLINK_BUFFER_BYTES);

	rx->buffer = pair->up->setup.pages(UPLINK_RX_ENTRIES * sizeof(*rx->buffer));
	if (!data || !rx->buffer)
		return -ENOMEM;
	work_init(&rx->work, rx_run);
	for (unsigned i = UPLINK_RX_ENTRIES; i-- > 0;) {
		struct uplink_buffer *b = &rx->buffer[i];

		b->hva = data + (uint64_t)i * UPLINK_BUFFER_BYTES;
		b->frame.release = rx_release;
		b->frame.owner = pair;
		rx_free(rx, b);
	}
	return 0;
}
