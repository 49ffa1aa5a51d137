/* Steering: into which core's cache a packet goes, when, and by whose hand.
 *
 * Pure decisions, for the packet path and for the simulation: no locks, no allocation, no clock of
 * its own. What a decision is made of:
 *
 *   hint       where the vCPU is that wants the packet: sched/hint.h, one word
 *   fixed core where the queue's work belongs under STEER_STATIC and STEER_RSS, whatever the hint
 *   survival   how long a packet lasts in a core's cache: an estimate, steer_placed()
 *   engine     whether this core has a channel that copies beside the CPU
 *
 * The table (STEER_FULL; the other policies are its first column only):
 *
 *   running on c                      copy now, into c's cache
 *   queued on c, wait <= a quarter    copy now, into c's cache
 *     of survival
 *   queued on c for longer            STEER_HOLD: leave it where it is, copy when c schedules it in
 *   asleep                            the caller first asks the scheduler where it would run if it
 *                                     were woken now (sched_place()); without that: its last core
 *
 * "Into c's cache" depends on the backend. A cache takes what its own core writes, so the work
 * moves there (STEER_MOVE) unless this is that core, or an engine can aim at it from here: by a DCA
 * tag (STEER_BACKEND_DCA), or because all inbound DMA lands in a cache that both share
 * (STEER_BACKEND_DDIO). */
#ifndef SLUICE_NET_STEER_H
#define SLUICE_NET_STEER_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/bits.h"
#include "sched/hint.h"

enum steer_policy {
	STEER_STATIC, /* a queue's work stays on the core where it was put */
	STEER_RSS,    /* the flow's hash names the core */
	STEER_FOLLOW, /* work and tags follow the vCPU, nothing is held */
	STEER_FULL,
	STEER_POLICIES
};

enum steer_backend {
	STEER_BACKEND_NONE, /* DMA goes to memory */
	STEER_BACKEND_DDIO, /* into the last-level cache of the device's package, whatever the tag
			     */
	STEER_BACKEND_DCA,  /* into the cache that the writer's tag names */
	STEER_BACKENDS
};

enum steer_action {
	STEER_COPY,	      /* now, here; an engine, where there is one, or the CPU */
	STEER_COPY_BY_ENGINE, /* now, here; the CPU would put the bytes into the wrong cache */
	STEER_MOVE,
	STEER_HOLD
};

struct steer_verdict {
	enum steer_action action;
	/* COPY: whose cache shall have the bytes, what an engine aims at. MOVE: where the work goes
	 * on. HOLD: where the vCPU waits. */
	unsigned core;
};

#define STEER_WINDOW_US	    1000 /* of the rate's estimate */
#define STEER_HYSTERESIS_US 1000 /* a queue is retagged at most once in that time */
/* A helper looks for packets for so long before it asks for an interrupt: longer than those are
 * moderated, since it has nothing else to do. */
#define STEER_HELPER_POLL_US 50
/* An expected wait is an average, and a packet is lost if the real one is longer than it survives:
 * so long a part of that time is trusted. */
#define STEER_WAIT_MARGIN      4
#define STEER_HOLD_MAX_US      20000  /* a batch is not held for longer, see virtio_net_rx.c */
#define STEER_SHARE_BYTES      262144 /* where nothing is known of the caches */
#define STEER_BACKGROUND_BYTES 256

/* Of the core's cache. */
struct steer_core {
	uint32_t survival_us; /* atomic */
	/* What an engine writes, started by any core, gets into the caches of all cores that have
	 * the same number. */
	uint32_t reach;
	uint64_t share_bytes; /* what packets may take of the cache */
	/* Bytes put there in the window that began then; atomic. */
	uint64_t window_bytes, window_start_us;
	uint64_t rate; /* bytes per ms, moving average; of whoever closes a window */
} __cacheline_aligned;

struct steer {
	enum steer_policy policy;
	enum steer_backend backend;
	unsigned nr_cores;
	/* What a core's other work brings into its cache, in bytes per us: nothing measures it. */
	uint64_t background_bytes_per_us;
	struct steer_core *core;
};

/* cores: memory for nr_cores, which s keeps. */
void steer_init(struct steer *s, enum steer_policy policy, enum steer_backend backend,
	struct steer_core *cores, unsigned nr_cores);
/* Before anything is placed. share_bytes: what packets may take of the core's cache; llc: cores of
 * one number share the last-level cache. Until then: STEER_SHARE_BYTES, and one for all. */
void steer_set_cache(struct steer *s, unsigned core, uint64_t share_bytes, uint32_t llc);

/* ---- The decision ---- */

/* hint_word: of the vCPU, after sched_place() if it is asleep. fixed_core: < nr_cores. engine: this
 * core has a channel, and the packets are worth its while. At most 40 instructions. */
struct steer_verdict steer_decide(const struct steer *s, uint64_t hint_word, unsigned fixed_core,
	unsigned this_core, bool engine);

/* Where the work of a queue is scheduled. */
static inline unsigned steer_core_of(const struct steer *s, uint64_t hint_word, unsigned fixed_core)
{
	return s->policy <= STEER_RSS ? fixed_core : hint_core(hint_word);
}

/* STEER_STATIC: by the number of the queue, in the order in which they were made; STEER_RSS: by
 * the hash of the flow at hand. */
static inline unsigned steer_fixed_core(const struct steer *s, unsigned queue, uint32_t flow_hash)
{
	return (s->policy == STEER_RSS ? flow_hash : queue) % s->nr_cores;
}

/* A hash over addresses and ports of a frame, from its first len_bytes: Ethernet, VLAN, IPv4 or
 * IPv6, TCP or UDP; other frames by their MAC addresses. */
uint32_t steer_flow_hash(const uint8_t *head, unsigned len_bytes);

/* ---- Survival ---- */

/* A core's cache got so many bytes (0: only time has passed). Whoever placed them, any core. Every
 * STEER_WINDOW_US the estimate is made anew: share / (rate of arrival + background). */
void steer_placed(struct steer *s, unsigned core, uint64_t len_bytes, uint64_t now_us);

/* How long a packet lasts there. */
static inline uint32_t steer_survival_us(const struct steer *s, unsigned core)
{
	return load_relaxed(&s->core[core].survival_us);
}

/* Every 10 ms or so: rates of cores that got nothing fall. */
void steer_housekeeping(struct steer *s, uint64_t now_us);

/* ---- Level 1: the NIC's queue ---- */

/* A queue pair of a NIC: the core that its DMA is aimed at, its interrupt goes to, and its work
 * runs on. */
struct steer_queue {
	unsigned number; /* for STEER_STATIC */
	unsigned core;	 /* atomic */
	uint64_t changed_us;
	uint64_t retagged; /* how often */
	uint64_t helped;   /* of these: to a helper */
};

/* number: of the queue, counted over all of the machine. */
void steer_queue_init(
	const struct steer *s, struct steer_queue *q, unsigned number, uint64_t hint_word);

/* The core that the vCPU's packets are best received on: the vCPU's; with STEER_FULL its helper
 * (hint_helper()), if what an engine writes there gets into the vCPU's cache. */
unsigned steer_queue_core(const struct steer *s, uint64_t hint_word, unsigned helper);
/* True: q->core has changed, and the NIC must be told. Not before STEER_HYSTERESIS_US since the
 * last change have passed. */
bool steer_queue_follow(const struct steer *s, struct steer_queue *q, uint64_t hint_word,
	unsigned helper, uint64_t now_us);

#endif
