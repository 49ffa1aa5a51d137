/* The switch's forwarding table; layout and rules in mac_table.h. */
#include "net/mac_table.h"

#include "lib/atomic.h"
#include "lib/errno.h"

#define KEY_BITS   60
#define KEY_MASK   (BIT64(KEY_BITS) - 1)
#define MAC_BITS   48
#define MULTIPLIER UINT64_C(0xe3779b97f4a7c15) /* odd, so it has an inverse modulo 2^60 */

#define ENTRY_REST_SHIFT 14
#define ENTRY_PORT_SHIFT 9
#define ENTRY_PORT_MASK	 0x1f
#define ENTRY_FIXED	 BIT64(8)
#define ENTRY_STAMP_MASK 0xff
#define STAMPS		 255u /* stamps are 1..255 */
#define MAX_AGE_STAMPS	 126u /* twice it and one does not wrap */
#define US_PER_S	 UINT64_C(1000000)

/* Each step is a bijection of 60 bits; a shift of at least half of them undoes itself. */
static inline uint64_t permute(uint64_t x)
{
	x ^= x >> 31;
	x = (x * MULTIPLIER) & KEY_MASK;
	return x ^ x >> 30;
}

static uint64_t unpermute(uint64_t x)
{
	uint64_t inverse = MULTIPLIER; /* right in 3 bits; each Newton step doubles them */

	for (unsigned i = 0; i < 5; i++)
		inverse *= 2 - MULTIPLIER * inverse;
	x ^= x >> 30;
	x = (x * inverse) & KEY_MASK;
	return x ^ x >> 31;
}

static inline unsigned bucket_of(uint64_t permuted)
{
	return (unsigned)permuted & (MAC_TABLE_BUCKETS - 1);
}

static inline uint64_t rest_of(uint64_t permuted)
{
	return permuted >> MAC_TABLE_BUCKETS_LOG2;
}

static inline bool entry_is(uint64_t e, uint64_t rest)
{
	return e >> ENTRY_REST_SHIFT == rest && e != 0;
}

static inline unsigned entry_port(uint64_t e)
{
	return (unsigned)(e >> ENTRY_PORT_SHIFT) & ENTRY_PORT_MASK;
}

static unsigned entry_age(uint64_t e, unsigned stamp)
{
	return (stamp + STAMPS - (unsigned)(e & ENTRY_STAMP_MASK)) % STAMPS;
}

void mac_table_init(struct mac_table *t, unsigned ageing_s)
{
	t->stamp = 1;
	t->stamp_s = ageing_s / MAX_AGE_STAMPS + 1;
	t->max_age = ageing_s / t->stamp_s + (ageing_s % t->stamp_s != 0);
	t->next_us = 0;
}

int mac_table_lookup(const struct mac_table *t, uint64_t key)
{
	uint64_t x = permute(key), rest = rest_of(x);
	const struct mac_bucket *b = &t->bucket[bucket_of(x)];

	for (unsigned i = 0; i < MAC_BUCKET_ENTRIES; i++) {
		uint64_t e = load_relaxed(&b->entry[i]);

		if (entry_is(e, rest))
			return (int)entry_port(e);
	}
	return -ENOENT;
}

/* Where a new entry goes: a free place, else the oldest one, or -ENOSPC if all are fixed. */
static int choose_place(const struct mac_bucket *b, unsigned stamp)
{
	unsigned oldest = 0;
	int place = -ENOSPC;

	for (unsigned i = 0; i < MAC_BUCKET_ENTRIES; i++) {
		uint64_t e = load_relaxed(&b->entry[i]);

		if (e == 0)
			return (int)i;
		if (e & ENTRY_FIXED)
			continue;
		if (place < 0 || entry_age(e, stamp) > oldest) {
			place = (int)i;
			oldest = entry_age(e, stamp);
		}
	}
	return place;
}

/* Two cores may insert one key in two places at once: the later place gives way, so that no stale
 * twin is left. A fixed entry wins over both. */
static void remove_if_twin(struct mac_bucket *b, unsigned place, uint64_t entry)
{
	for (unsigned i = 0; i < MAC_BUCKET_ENTRIES; i++) {
		uint64_t e = load_acquire(&b->entry[i]);
		bool twin = i != place && entry_is(e, entry >> ENTRY_REST_SHIFT);

		if (twin && (i < place || e & ENTRY_FIXED)) {
			(void)atomic_cas(&b->entry[place], &entry, 0);
			return;
		}
	}
}

static void insert_learnt(struct mac_table *t, struct mac_bucket *b, uint64_t entry)
{
	int place = choose_place(b, (unsigned)entry & ENTRY_STAMP_MASK);
	uint64_t old;

	if (place < 0)
		return;
	old = load_relaxed(&b->entry[place]);
	if (old & ENTRY_FIXED || !atomic_cas(&b->entry[place], &old, entry))
		return; /* another core was faster; the next frame learns */
	if (old)
		(void)atomic_fetch_add(&t->evictions, 1);
	remove_if_twin(b, (unsigned)place, entry);
}

void mac_table_learn(struct mac_table *t, uint64_t key, unsigned port)
{
	uint64_t x = permute(key), rest = rest_of(x);
	uint64_t entry = rest << ENTRY_REST_SHIFT | (uint64_t)port << ENTRY_PORT_SHIFT |
			 load_relaxed(&t->stamp);
	struct mac_bucket *b = &t->bucket[bucket_of(x)];

	for (unsigned i = 0; i < MAC_BUCKET_ENTRIES; i++) {
		uint64_t e = load_relaxed(&b->entry[i]);

		if (e == entry)
			return;
		if (!entry_is(e, rest))
			continue;
		if (!(e & ENTRY_FIXED))
			(void)atomic_cas(&b->entry[i], &e, entry);
		return;
	}
	insert_learnt(t, b, entry);
}

static void clear_learnt(struct mac_bucket *b, uint64_t rest)
{
	for (unsigned i = 0; i < MAC_BUCKET_ENTRIES; i++) {
		uint64_t e = load_relaxed(&b->entry[i]);

		if (entry_is(e, rest) && !(e & ENTRY_FIXED))
			(void)atomic_cas(&b->entry[i], &e, 0);
	}
}

int mac_table_add_fixed(struct mac_table *t, uint64_t key, unsigned port)
{
	uint64_t x = permute(key), rest = rest_of(x);
	struct mac_bucket *b = &t->bucket[bucket_of(x)];
	int place;

	for (unsigned i = 0; i < MAC_BUCKET_ENTRIES; i++) {
		uint64_t e = load_relaxed(&b->entry[i]);

		if (entry_is(e, rest) && e & ENTRY_FIXED)
			return entry_port(e) == port ? 0 : -EEXIST;
	}
	place = choose_place(b, t->stamp);
	if (place < 0)
		return place;
	/* Only a learnt entry can have come in between: it is lost, and learnt again. */
	(void)atomic_xchg(&b->entry[place],
		rest << ENTRY_REST_SHIFT | (uint64_t)port << ENTRY_PORT_SHIFT | ENTRY_FIXED | 1);
	clear_learnt(b, rest);
	return 0;
}

void mac_table_forget_port(struct mac_table *t, unsigned port)
{
	for (unsigned i = 0; i < MAC_TABLE_BUCKETS * MAC_BUCKET_ENTRIES; i++) {
		uint64_t *place = &t->bucket[i / MAC_BUCKET_ENTRIES].entry[i % MAC_BUCKET_ENTRIES];
		uint64_t e = load_relaxed(place);

		if (e && entry_port(e) == port)
			(void)atomic_cas(place, &e, 0);
	}
}

static void sweep(struct mac_table *t)
{
	for (unsigned i = 0; i < MAC_TABLE_BUCKETS * MAC_BUCKET_ENTRIES; i++) {
		uint64_t *place = &t->bucket[i / MAC_BUCKET_ENTRIES].entry[i % MAC_BUCKET_ENTRIES];
		uint64_t e = load_relaxed(place);

		if (e && !(e & ENTRY_FIXED) && entry_age(e, t->stamp) > t->max_age)
			(void)atomic_cas(place, &e, 0); /* fails if it was refreshed just now */
	}
}

void mac_table_age(struct mac_table *t, uint64_t now_us)
{
	uint64_t period_us = t->stamp_s * US_PER_S, steps;

	if (t->max_age == 0)
		return;
	if (t->next_us == 0)
		t->next_us = now_us + period_us;
	if (now_us < t->next_us)
		return;
	steps = (now_us - t->next_us) / period_us + 1;
	t->next_us += steps * period_us;
	steps = MIN(steps, t->max_age + 1); /* older than that is all the same */
	store_relaxed(&t->stamp, (t->stamp - 1 + (uint32_t)steps) % STAMPS + 1);
	sweep(t);
}

static void decode(const struct mac_table *t, uint64_t e, unsigned bucket, struct mac_entry *out)
{
	uint64_t key = unpermute(e >> ENTRY_REST_SHIFT << MAC_TABLE_BUCKETS_LOG2 | bucket);

	out->vlan = (uint16_t)(key >> MAC_BITS);
	for (unsigned i = 0; i < sizeof(out->mac); i++)
		out->mac[i] = (uint8_t)(key >> (8 * i));
	out->port = entry_port(e);
	out->fixed = (e & ENTRY_FIXED) != 0;
	out->age_s = out->fixed ? 0 : entry_age(e, load_relaxed(&t->stamp)) * t->stamp_s;
}

void mac_table_for_each(
	const struct mac_table *t, void (*fn)(void *arg, const struct mac_entry *e), void *arg)
{
	for (unsigned i = 0; i < MAC_TABLE_BUCKETS * MAC_BUCKET_ENTRIES; i++) {
		unsigned bucket = i / MAC_BUCKET_ENTRIES;
		uint64_t e = load_relaxed(&t->bucket[bucket].entry[i % MAC_BUCKET_ENTRIES]);
		struct mac_entry entry;

		if (!e)
			continue;
		decode(t, e, bucket, &entry);
		fn(arg, &entry);
	}
}
