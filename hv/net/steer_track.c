/* Books and trace of placed packets; see steer_track.h. */
#include "net/steer_track.h"

#include "lib/atomic.h"

#define BATCH_MASK     (STEER_BATCHES - 1)
#define PLACEMENT_MASK (STEER_PLACEMENTS - 1)

const char *const steer_missed_name[STEER_MISSED_REASONS] = {
	[STEER_MISSED_MOVED] = "moved",
	[STEER_MISSED_OLD] = "old",
	[STEER_MISSED_ASTRAY] = "astray",
	[STEER_MISSED_UNSEEN] = "unseen",
};

void steer_track_init(struct steer_track *t, struct steer *s, uint32_t *pending)
{
	t->steer = s;
	t->pending = pending;
}

static void add(uint64_t *counter, uint64_t n)
{
	store_relaxed(counter, *counter + n);
}

/* ---- The queue's work ---- */

/* NULL: there is no room. */
static struct steer_batch *open_batch(struct steer_track *t, unsigned core)
{
	struct steer_batch *b = &t->batch[t->building & BATCH_MASK];

	if (t->building - load_acquire(&t->tail) == STEER_BATCHES)
		return NULL;
	store_release(&t->building, t->building + 1);
	*b = (struct steer_batch){ .first = t->nr_placements, .core = (uint16_t)core };
	return b;
}

void steer_track_note(struct steer_track *t, const struct steer_placement *p)
{
	struct steer_batch *b = steer_track_batch(t, p->core);

	if (!b)
		b = open_batch(t, p->core);
	if (b) {
		steer_track_add(t, b, p);
		return;
	}
	add(&t->stats.placed, 1);
	add(&t->stats.missed[STEER_MISSED_UNSEEN], 1);
}

void steer_track_publish(struct steer_track *t, uint64_t now_us)
{
	if (t->building == t->head)
		return;
	for (uint32_t i = t->head; i != t->building; i++) {
		struct steer_batch *b = &t->batch[i & BATCH_MASK];

		b->published_us = now_us;
		steer_placed(t->steer, b->core, b->bytes, now_us);
	}
	store_release(&t->head, t->building);
	store_release(t->pending, 1u); /* after the batches: who sees it finds them */
}

/* ---- The vCPU ---- */

static enum steer_missed why_missed(const struct steer *s, const struct steer_batch *b)
{
	/* The clocks of two cores may be a little apart. */
	int64_t age_us = (int64_t)(b->consumed_us - b->published_us);

	if (b->consumed_core != b->core)
		return STEER_MISSED_MOVED;
	return age_us > (int64_t)steer_survival_us(s, b->core) ? STEER_MISSED_OLD
							       : STEER_MISSED_REASONS;
}

void steer_track_consume(struct steer_track *t, unsigned core, uint64_t now_us, bool at_once)
{
	uint32_t head = load_acquire(&t->head);

	for (uint32_t i = t->tail; i != head; i++) {
		struct steer_batch *b = &t->batch[i & BATCH_MASK];
		uint64_t packets = (uint64_t)b->packets - b->astray;

		b->consumed_core = (uint16_t)core;
		b->consumed_us = at_once ? b->published_us : now_us;
		b->missed = why_missed(t->steer, b);
		if (b->missed == STEER_MISSED_REASONS)
			add(&t->stats.on_target, packets);
		else
			add(&t->stats.missed[b->missed], packets);
	}
	store_release(&t->tail, head);
}

/* ---- Anyone ---- */

void steer_stats_add(struct steer_stats *sum, const struct steer_stats *s)
{
	const uint64_t *from = (const uint64_t *)s;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += load_relaxed(&from[i]);
}

void steer_track_range(const struct steer_track *t, uint32_t *first, uint32_t *end)
{
	*end = load_acquire(&t->nr_placements);
	*first = *end > STEER_PLACEMENTS ? *end - STEER_PLACEMENTS : 0;
}

/* The batch of a placement among those that were taken and are still there. */
static bool find_batch(const struct steer_track *t, uint32_t number, struct steer_batch *out)
{
	uint32_t tail = load_acquire(&t->tail);

	for (uint32_t n = 1; n <= MIN(tail, STEER_BATCHES); n++) {
		*out = t->batch[(tail - n) & BATCH_MASK];
		if (number - out->first < out->packets)
			/* else its slot was used again while we copied */
			return load_acquire(&t->building) - (tail - n) <= STEER_BATCHES;
	}
	return false;
}

bool steer_track_read(const struct steer_track *t, uint32_t number, struct steer_trace *out)
{
	struct steer_batch b;

	out->placement = t->placement[number & PLACEMENT_MASK];
	if (!find_batch(t, number, &b))
		return false;
	/* The next one to come may be written already. */
	if (load_acquire(&t->nr_placements) - number >= STEER_PLACEMENTS)
		return false;
	out->published_us = b.published_us;
	out->consumed_us = b.consumed_us;
	out->consumed_core = b.consumed_core;
	out->missed = out->placement.astray ? STEER_MISSED_ASTRAY : b.missed;
	return true;
}
