/* When packet work runs. As interrupt moderation does it: a guest that streams is given time to
 * fill a batch, one that sends a packet and waits for the answer is not kept waiting. */
#include "cpu/smp.h"
#include "sched/core.h"

#define BATCH	      16 /* packets that are enough */
#define PROBE_RUNS    64 /* runs of one packet before the delay is tried again */
#define WORKER_PASSES 8	 /* before a guest gets its turn */

/* Packets were queued for this core's worker. Its own guest may fill the batch a little longer;
 * another core, or a device, has sent us here by an interrupt that is already paid for. */
void pace_worker_woken(struct worker *wk)
{
	struct sched_core *c = CONTAINER_OF(wk, struct sched_core, worker);

	if (c == this_core()) {
		yield_by(c, load_relaxed(&wk->eager_queued) ? 0 : rdtsc() + c->work_delay_ticks);
		return;
	}
	(void)atomic_fetch_or(&c->poked, POKE_YIELD);
	smp_kick(index_of(c));
}

/* A guest that halts ends the delay anyway. Whether packets stream shows only when there is a
 * delay, so one is tried now and then. */
static void adapt_delay(struct sched_core *c, uint64_t packets, uint64_t now)
{
	uint64_t gap = now - c->last_work_tsc;

	if (packets == 0)
		return;
	c->last_work_tsc = now;
	if (packets > 1) {
		if (packets < BATCH)
			c->work_delay_ticks =
				MIN(MAX(2 * c->work_delay_ticks, sched.delay_min), sched.delay_max);
	} else if (c->work_delay_ticks) {
		c->work_delay_ticks /= 2;
		if (c->work_delay_ticks < sched.delay_min) {
			c->work_delay_ticks = 0;
			c->work_probe = PROBE_RUNS;
		}
	} else if (c->work_probe) {
		c->work_probe--;
	} else if (gap < sched.delay_max / 4) {
		c->work_delay_ticks = MAX(2 * gap, sched.delay_min);
	}
}

uint64_t pace_delay(const struct sched_core *c, const struct sched_entity *e, uint64_t now)
{
	return c->worker.eager_polled && !does_io(e, now)
		       ? MIN(c->work_delay_ticks, sched.device_delay)
		       : c->work_delay_ticks;
}

void pace_run_worker(struct sched_core *c)
{
	uint64_t start = rdtsc(), before = c->worker.frames;

	/* One item's work is another's cause: transmit, then receive, then completion. */
	(void)worker_run(&c->worker);
	for (unsigned pass = 0; pass < WORKER_PASSES && worker_queued(&c->worker); pass++)
		(void)worker_run_queued(&c->worker);
	adapt_delay(c, c->worker.frames - before, start);
	c->stats.worker_ticks += rdtsc() - start;
}
