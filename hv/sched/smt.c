/* smt=isolated: the threads of one core run entities of one group at a time.
 *
 * Each core with threads has a gate, one word: the group that is inside, how many threads run it,
 * and the group for which a thread waits outside. Who waits gets the gate when it is empty, and no
 * one else goes in before: the groups take turns of a slice. Turns are passed by a Dekker pattern:
 * a thread outside publishes smt_blocked, then looks at the gate; one that changes the gate looks
 * at smt_blocked afterwards. */
#include "cpu/smp.h"
#include "lib/log.h"
#include "sched/core.h"

#define GROUP_BITS 24

/* [63:40] who waits, [39:16] who is inside, each a group + 1 or 0; [15:0] how many are inside */
struct gate {
	uint64_t inside, waits, nr;
};

static struct gate unpack(uint64_t word)
{
	return (struct gate){ word >> 16 & (BIT64(GROUP_BITS) - 1), word >> 40, word & 0xffff };
}

static uint64_t pack(const struct gate *g)
{
	return g->waits << 40 | g->inside << 16 | g->nr;
}

/* All threads of a core use the word of the one with the lowest number. */
static uint64_t *gate_of(const struct sched_core *c)
{
	unsigned first = core_set_next(&c->siblings, 0);

	return &sched.core[first < index_of(c) ? first : index_of(c)].smt_gate;
}

static bool is_open(const struct gate *g, uint64_t key)
{
	if (g->nr)
		return g->inside == key && (!g->waits || g->waits == key);
	return !g->waits || g->waits == key;
}

static bool concerns(const struct sched_core *c, uint32_t group)
{
	return sched.smt_isolation && group != SCHED_NO_GROUP && !core_set_is_empty(&c->siblings);
}

bool smt_allows(const struct sched_core *c, uint32_t group)
{
	struct gate g;

	if (!concerns(c, group))
		return true;
	g = unpack(load_acquire(gate_of(c)));
	return is_open(&g, (uint64_t)group + 1);
}

static void call_siblings(const struct sched_core *c, uint32_t poke)
{
	for (unsigned i = core_set_next(&c->siblings, 0); i < sched.nr;
		i = core_set_next(&c->siblings, i + 1)) {
		struct sched_core *s = &sched.core[i];

		if (poke && load_relaxed(&s->current))
			(void)atomic_fetch_or(&s->poked, poke);
		else if (!load_acquire(&s->smt_blocked))
			continue;
		smp_kick(i);
	}
}

/* True: inside. False: someone else is; now it is known that `key` waits, unless another does. */
static bool try_enter(uint64_t *word, uint64_t key)
{
	uint64_t old = load_relaxed(word);
	struct gate g;
	bool open;

	do {
		g = unpack(old);
		open = is_open(&g, key);
		if (open)
			g = (struct gate){ .inside = key, .nr = g.nr + 1 };
		else if (!g.waits)
			g.waits = key;
	} while (!atomic_cas(word, &old, pack(&g)));
	return open;
}

/* c has something else to run, or nothing. */
static void give_up(struct sched_core *c)
{
	uint64_t *word = gate_of(c), old = load_relaxed(word);
	struct gate g;

	c->smt_waits = false;
	do {
		g = unpack(old);
		if (g.waits != (uint64_t)c->smt_group + 1)
			return;
		g.waits = 0;
	} while (!atomic_cas(word, &old, pack(&g)));
	smp_mb(); /* against wait_outside() */
	call_siblings(c, 0);
}

bool smt_enter(struct sched_core *c, const struct sched_entity *e)
{
	if (c->smt_waits && (!e || e->group != c->smt_group))
		give_up(c);
	if (!e || !concerns(c, e->group))
		return true;
	c->smt_group = e->group;
	c->smt_waits = !try_enter(gate_of(c), (uint64_t)e->group + 1);
	if (c->smt_waits) {
		call_siblings(c, POKE_SLICE); /* a long slice ends earlier */
		return false;
	}
	smp_mb(); /* against wait_outside() */
	call_siblings(c, 0);
	return true;
}

void smt_leave(struct sched_core *c, const struct sched_entity *e)
{
	uint64_t *word = gate_of(c), old = load_relaxed(word);
	struct gate g;

	if (!concerns(c, e->group))
		return;
	do {
		g = unpack(old);
		ASSERT(g.nr);
		g.nr--;
		g.inside = g.nr ? g.inside : 0;
	} while (!atomic_cas(word, &old, pack(&g)));
	smp_mb(); /* against wait_outside() */
	call_siblings(c, 0);
}
