/* From the wire into the switch; see uplink.h. */
#include "net/uplink.h"

#include "lib/errno.h"
#include "mem/direct_map.h"
#include "net/uplink_frame.h"
#include "net/uplink_lent.h"

#define POST_BATCH NIC_BATCH /* buffers, while packets come: a doorbell is dear */

/* ---- Buffers ---- */

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

void uplink_rx_free(struct uplink_rx *rx, struct uplink_buffer *b)
{
	while (b) {
		struct uplink_buffer *next = b->next;

		b->next = NULL;
		if (b->lent) {
			uplink_lent_free(rx, b);
		} else {
			b->list = rx->free;
			rx->free = b;
			rx->nr_free++;
		}
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

		if (b->frame.lent)
			uplink_lent_used(rx, b);
		uplink_rx_free(rx, b);
		b = next;
	}
}

/* Of a list, at most a batch; how many the NIC has taken. */
static unsigned post_some(
	struct uplink_rx *rx, struct uplink_buffer **list, unsigned *nr, unsigned max)
{
	struct nic_buffer batch[NIC_BATCH];
	const struct uplink_buffer *b = *list;
	unsigned n = 0, taken;

	for (; b && n < max && n < NIC_BATCH; b = b->list)
		batch[n++] = (struct nic_buffer){ .hpa = HPA(b->data),
			.cookie = (uint64_t)(b - rx->buffer),
			.len_bytes = rx->buffer_bytes,
			.header_hpa = rx->lent.headers ? HPA(uplink_buffer_headers(rx, b)) : 0 };
	taken = nic_rx_post(rx->queue, batch, n);
	for (n = 0; n < taken; n++)
		*list = (*list)->list;
	*nr -= taken;
	rx->nr_posted += taken;
	return taken;
}

static bool post_list(struct uplink_rx *rx, struct uplink_buffer **list, unsigned *nr, unsigned max)
{
	bool posted = false;
	unsigned n;

	while (max && (n = post_some(rx, list, nr, max)) != 0) {
		max -= n;
		posted = true;
	}
	return posted;
}

/* Gives the NIC what is free, with one doorbell. While packets come, only in numbers; a work that
 * is about to sleep keeps nothing back. */
static void rx_post(struct uplink_rx *rx, bool quiet)
{
	unsigned room = rx->queue->ring_entries - 1 - rx->nr_posted;
	unsigned lent = MIN(room, uplink_lent_postable(rx));
	unsigned own = MIN(room - lent, uplink_own_postable(rx, lent));
	bool posted;

	if (lent + own < (quiet ? 1 : POST_BATCH))
		return;
	posted = post_list(rx, &rx->lent.free, &rx->lent.nr_free, lent);
	posted |= post_list(rx, &rx->free, &rx->nr_free, own);
	if (!posted)
		return;
	nic_rx_flush(rx->queue);
	uplink_count(&rx->stats.posts, 1);
}

/* ---- Packets ---- */

/* The buffers of a packet, the first one first; NULL: it has none. */
static struct uplink_buffer *buffers_of(struct uplink_rx *rx, const struct nic_rx_packet *p)
{
	struct uplink_buffer *b = NULL;

	for (unsigned i = p->nr_buffers; i-- > 0;) {
		struct uplink_buffer *behind = b;

		b = &rx->buffer[rx->batch.buffer[p->first_buffer + i].cookie];
		b->next = behind;
	}
	return b;
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

/* Of pair 0, pool 0's, which guests share; 0, no limit, where a guest has the pair for itself.
 * Dynamic threshold (Choudhury and Hahne, 1998): nobody holds more of the pair's buffers than are
 * left. Of n guests that share it and take nothing, each holds 1 part in n + 1, and as much stays
 * for those who do. */
static uint16_t fair_share(const struct uplink_pair *pair)
{
	const struct uplink_rx *rx = &pair->rx;

	return pair->index ? 0 : (uint16_t)MAX(rx->nr_posted + rx->nr_free, 1u);
}

static void take(struct uplink_pair *pair, const struct nic_rx_packet *p, uint64_t now_us)
{
	struct uplink_rx *rx = &pair->rx;
	struct uplink_buffer *first = buffers_of(rx, p);
	enum drop_reason why;

	if (p->error != NIC_RX_OK || !first) {
		uplink_count(p->error == NIC_RX_BAD_FRAME ? &rx->stats.bad_frames
							  : &rx->stats.bad_descriptors,
			1);
		uplink_rx_free(rx, first);
		return;
	}
	uplink_count(&rx->stats.packets, 1);
	why = uplink_make_frame(rx, p, first);
	if (why == UPLINK_FRAME_GOOD) {
		first->frame.queue_max = fair_share(pair);
		forward(pair->up, &first->frame, now_us);
		return;
	}
	port_count_bad(&pair->up->port, why);
	uplink_rx_free(rx, first);
}

/* Brings what take() touches of a batch into the cache, all at once. */
static void prefetch(const struct uplink_rx *rx, unsigned nr_packets)
{
	for (unsigned i = 0; i < nr_packets; i++) {
		const struct nic_rx_packet *p = &rx->batch.packet[i];
		const struct uplink_buffer *b;

		if (!p->nr_buffers)
			continue;
		b = &rx->buffer[rx->batch.buffer[p->first_buffer].cookie];
		__builtin_prefetch(rx->lent.headers ? uplink_buffer_headers(rx, b) : b->data);
		__builtin_prefetch(&b->frame, 1);
		__builtin_prefetch((const char *)&b->frame + CACHE_LINE_BYTES, 1);
		__builtin_prefetch(&b->next, 1);
	}
}

/* ---- The work ---- */

/* How many packets there were. */
static unsigned poll(struct uplink_pair *pair, uint64_t now_us)
{
	struct uplink_rx *rx = &pair->rx;
	unsigned n = nic_rx_poll(rx->queue, &rx->batch);

	rx->nr_posted -= rx->batch.nr_buffers;
	prefetch(rx, n);
	for (unsigned i = 0; i < n; i++)
		take(pair, &rx->batch.packet[i], now_us);
	return n;
}

/* The pair is where nothing else is to be done. */
static bool helps(const struct uplink_pair *pair)
{
	return pair->hint && pair->up->setup.steer && hint_helper(pair->hint) == pair->steer.core;
}

/* Nothing more came. While packets stream we look again by ourselves; false: the interrupt is armed
 * and nothing has come since. */
static bool poll_on(struct uplink_pair *pair, unsigned moved, uint64_t now_us)
{
	struct uplink_rx *rx = &pair->rx;

	if (moved) {
		rx->dry_polls = 0;
		rx->last_us = now_us;
		return true;
	}
	if (helps(pair) && now_us - rx->last_us < STEER_HELPER_POLL_US)
		return true;
	if (rx->dry_polls < UPLINK_DRY_POLLS) {
		rx->dry_polls++;
		return true;
	}
	if (rx->queue->vector == NIC_NO_VECTOR)
		return false; /* whoever has the time wakes us: a core that polls runs no guest */
	nic_vector_arm(pair->up->nic, rx->queue->vector);
	return nic_rx_pending(rx->queue);
}

/* The receive work, which looks most often, turns the pair towards its vCPU. */
static void follow(struct uplink_pair *pair, uint64_t now_us)
{
	const struct uplink_setup *s = &pair->up->setup;

	if (s->steer && pair->hint &&
		steer_queue_follow(s->steer, &pair->steer, hint_read(pair->hint),
			hint_helper(pair->hint), now_us))
		s->aim(pair->up, pair->index, pair->steer.core);
}

static enum work_result rx_run(struct work *w, unsigned budget)
{
	struct uplink_pair *pair = CONTAINER_OF(w, struct uplink_pair, rx.work);
	struct uplink_rx *rx = &pair->rx;
	uint64_t now_us = pair->up->setup.now_us();
	unsigned moved = 0, n;

	follow(pair, now_us);
	if (!uplink_is_home(pair, w))
		return WORK_MOVE;
	do {
		n = poll(pair, now_us);
		moved += n;
	} while (n == NIC_BATCH && moved < budget);
	rx_reclaim(rx); /* also what the switch has dropped just now */
	if (rx->lent.lend)
		uplink_lent_work(pair);
	rx_post(rx, moved == 0);
	uplink_count(&rx->stats.polls, 1);
	uplink_count(&w->worker->frames, moved);
	if (n == NIC_BATCH)
		return WORK_MORE;
	return poll_on(pair, moved, now_us) ? WORK_POLL : WORK_DONE;
}

void uplink_rx_cut(struct uplink_rx *rx, uint32_t buffer_bytes)
{
	rx->buffer_bytes = buffer_bytes;
	rx->nr_buffers = (unsigned)(rx->data_bytes / buffer_bytes);
	rx->free = NULL;
	rx->nr_free = 0;
	for (unsigned i = rx->nr_buffers; i-- > 0;) {
		struct uplink_buffer *b = &rx->buffer[i];

		b->data = rx->data + (uint64_t)i * buffer_bytes;
		uplink_rx_free(rx, b);
	}
}

int uplink_rx_init(struct uplink_pair *pair)
{
	struct uplink_rx *rx = &pair->rx;
	const struct uplink_setup *s = &pair->up->setup;

	rx->data_bytes = (uint64_t)s->rx_buffers * UPLINK_BUFFER_BYTES;
	/* Larger buffers are fewer: then there must be places for all that are lent. */
	rx->nr_slots =
		MAX(s->rx_buffers, (unsigned)(rx->data_bytes / LEND_BUFFER_BYTES) + LEND_BUFFERS);
	rx->data = s->buffers(rx->data_bytes);
	rx->buffer = s->buffers(rx->nr_slots * sizeof(*rx->buffer));
	if (!rx->data || !rx->buffer)
		return -ENOMEM;
	work_init(&rx->work, rx_run);
	rx->work.eager = true;
	for (unsigned i = 0; i < rx->nr_slots; i++) {
		rx->buffer[i].frame.release = rx_release;
		rx->buffer[i].frame.owner = pair;
	}
	uplink_rx_cut(rx, UPLINK_BUFFER_BYTES);
	return 0;
}
