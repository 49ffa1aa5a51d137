/* Where packets go; see steer.h. */
#include "net/steer.h"

#include "net/flow.h"

#define SMOOTHING   8 /* windows that the rate remembers */
#define US_PER_MS   1000
#define HASH_FACTOR 0x9e3779b97f4a7c15u /* 2^64 / golden ratio: spreads every bit */

static uint32_t survival(const struct steer *s, const struct steer_core *c)
{
	uint64_t per_ms = c->rate + MAX(s->background_bytes_per_us, UINT64_C(1)) * US_PER_MS;

	return (uint32_t)MIN(c->share_bytes * US_PER_MS / per_ms, (uint64_t)UINT32_MAX);
}

void steer_init(struct steer *s, enum steer_policy policy, enum steer_backend backend,
	struct steer_core *cores, unsigned nr_cores)
{
	*s = (struct steer){ .policy = policy,
		.backend = backend,
		.nr_cores = nr_cores,
		.background_bytes_per_us = STEER_BACKGROUND_BYTES,
		.core = cores };
	for (unsigned i = 0; i < nr_cores; i++) {
		cores[i] = (struct steer_core){ 0 };
		steer_set_cache(s, i, STEER_SHARE_BYTES, 0);
	}
}

void steer_set_cache(struct steer *s, unsigned core, uint64_t share_bytes, uint32_t llc)
{
	struct steer_core *c = &s->core[core];

	c->share_bytes = share_bytes;
	c->survival_us = survival(s, c);
	switch (s->backend) {
	case STEER_BACKEND_DCA:
		c->reach = 0; /* any core's, by its tag */
		break;
	case STEER_BACKEND_DDIO:
		c->reach = llc;
		break;
	case STEER_BACKEND_NONE:
	default:
		c->reach = core; /* nobody's: a core that copies for itself is not asked */
		break;
	}
}

/* ---- The decision ---- */

struct steer_verdict steer_decide(const struct steer *s, uint64_t hint_word, unsigned fixed_core,
	unsigned this_core, bool engine)
{
	unsigned core = steer_core_of(s, hint_word, fixed_core);

	if (s->policy == STEER_FULL && hint_state(hint_word) == HINT_QUEUED &&
		hint_wait_us(hint_word) > steer_survival_us(s, core) / STEER_WAIT_MARGIN)
		return (struct steer_verdict){ STEER_HOLD, core };
	if (core == this_core)
		return (struct steer_verdict){ STEER_COPY, core };
	if (engine && s->core[core].reach == s->core[this_core].reach)
		return (struct steer_verdict){ STEER_COPY_BY_ENGINE, core };
	return (struct steer_verdict){ STEER_MOVE, core };
}

/* ---- The flow's hash ---- */

static uint32_t mix(uint32_t hash, const uint8_t *at, unsigned len_bytes)
{
	uint64_t h = hash;

	for (unsigned i = 0; i < len_bytes; i++)
		h = (h ^ at[i]) * HASH_FACTOR;
	return (uint32_t)(h >> 32);
}

uint32_t steer_flow_hash(const uint8_t *head, unsigned len_bytes)
{
	struct flow_key k;
	uint32_t hash;

	if (len_bytes < ETH_HEADER_BYTES)
		return 0;
	if (!flow_key(head, len_bytes, &k))
		return mix(0, head, 2 * ETH_ALEN);
	hash = mix(0, k.addresses, 4 * k.nr_words);
	return k.ports ? mix(hash, k.ports, 4) : hash;
}

/* ---- Survival ---- */

/* A quiet time of many windows counts as them, so that an old rate is forgotten. */
static void close_window(
	const struct steer *s, struct steer_core *c, uint64_t len_bytes, uint64_t elapsed_us)
{
	int64_t sample = (int64_t)(len_bytes * US_PER_MS / elapsed_us);
	int64_t rate = (int64_t)load_relaxed(&c->rate);
	uint64_t windows = MIN(elapsed_us / STEER_WINDOW_US, (uint64_t)SMOOTHING);

	rate += (sample - rate) * (int64_t)windows / SMOOTHING;
	store_relaxed(&c->rate, (uint64_t)rate);
	store_relaxed(&c->survival_us, survival(s, c));
}

void steer_placed(struct steer *s, unsigned core, uint64_t len_bytes, uint64_t now_us)
{
	struct steer_core *c = &s->core[core];
	uint64_t start = load_relaxed(&c->window_start_us);

	if (len_bytes)
		(void)atomic_fetch_add(&c->window_bytes, len_bytes);
	/* Cores read the time a little apart: a window that has just begun may seem to lie ahead.
	 */
	if ((int64_t)(now_us - start) < STEER_WINDOW_US)
		return;
	if (!atomic_cas(&c->window_start_us, &start, now_us))
		return; /* another core does it */
	close_window(s, c, atomic_xchg(&c->window_bytes, 0), now_us - start);
}

void steer_housekeeping(struct steer *s, uint64_t now_us)
{
	for (unsigned i = 0; i < s->nr_cores; i++)
		steer_placed(s, i, 0, now_us);
}

/* ---- Level 1 ---- */

void steer_queue_init(
	const struct steer *s, struct steer_queue *q, unsigned number, uint64_t hint_word)
{
	*q = (struct steer_queue){ .number = number,
		.core = steer_core_of(s, hint_word, number % s->nr_cores) };
}

unsigned steer_queue_core(const struct steer *s, uint64_t hint_word, unsigned helper)
{
	unsigned core = hint_core(hint_word);

	if (s->policy != STEER_FULL || helper >= s->nr_cores)
		return core;
	return s->core[helper].reach == s->core[core].reach ? helper : core;
}

bool steer_queue_follow(const struct steer *s, struct steer_queue *q, uint64_t hint_word,
	unsigned helper, uint64_t now_us)
{
	unsigned core = steer_queue_core(s, hint_word, helper);

	if (s->policy <= STEER_RSS || core == q->core)
		return false;
	if (q->retagged && now_us - q->changed_us < STEER_HYSTERESIS_US)
		return false;
	store_relaxed(&q->core, core);
	q->changed_us = now_us;
	store_relaxed(&q->retagged, q->retagged + 1);
	if (core != hint_core(hint_word))
		store_relaxed(&q->helped, q->helped + 1);
	return true;
}
