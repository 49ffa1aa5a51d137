/* Packet work items and the per-core worker; see work.h.
 *
 * Why no wake-up is lost: every state change is a read-modify-write, also the one that leaves
 * QUEUED or AGAIN as it is. Whoever schedules has written its data before, so either the worker's
 * change to RUNNING comes later in the word's order and run() sees the data, or it came earlier and
 * the scheduler finds RUNNING and asks for another run. */
#include "net/work.h"

#include "cpu/hw.h"
#include "lib/atomic.h"

void work_init(struct work *w, enum work_result (*run)(struct work *, unsigned budget))
{
	w->next = NULL;
	w->state = WORK_IDLE;
	w->worker = NULL;
	w->move_to = NULL;
	w->run = run;
	w->who = NULL;
	w->eager = false;
}

static void worker_push(struct worker *wk, struct work *w)
{
	struct work *head = load_relaxed(&wk->incoming);
	bool eager = w->eager; /* once pushed it is the worker's */

	store_relaxed(&w->worker, wk);
	if (eager)
		store_relaxed(&wk->eager_queued, true);
	do {
		w->next = head;
	} while (!atomic_cas(&wk->incoming, &head, w));
	if ((!head || eager) && wk->wake)
		wk->wake(wk);
}

void work_schedule(struct worker *wk, struct work *w)
{
	while (!work_again(w)) {
		uint32_t idle = WORK_IDLE;

		if (atomic_cas(&w->state, &idle, WORK_QUEUED)) {
			worker_push(wk, w);
			return;
		}
	}
}

/* Arrival order of a LIFO. */
static struct work *reversed(struct work *w)
{
	struct work *list = NULL;

	while (w) {
		struct work *next = w->next;

		w->next = list;
		list = w;
		w = next;
	}
	return list;
}

/* WORK_DONE: after the change to IDLE it is no longer ours. */
static enum work_result work_run(struct work *w)
{
	uint32_t running = WORK_RUNNING;
	enum work_result r;

	(void)atomic_xchg(&w->state, WORK_RUNNING);
	r = w->run(w, WORK_BUDGET_FRAMES);
	if (r == WORK_DONE && atomic_cas(&w->state, &running, WORK_IDLE))
		return WORK_DONE;
	if (atomic_xchg(&w->state, WORK_QUEUED) == WORK_RUNNING || r == WORK_MOVE)
		return r;
	return WORK_MORE; /* scheduled meanwhile */
}

/* One TSC read an item: where one ends the next begins. */
static void charge(struct worker *wk, const struct sched_hint *who, uint64_t *since)
{
	uint64_t now;

	if (!wk->charge)
		return;
	now = rdtsc();
	wk->charge(wk, who, now - *since);
	*since = now;
}

/* Runs `list`, whose items this core owns; appends what goes on to batch or polled. */
static void run_list(struct worker *wk, struct work *list)
{
	uint64_t since = list && wk->charge ? rdtsc() : 0;
	struct work *next;

	for (; list; list = next) {
		const struct sched_hint *who = list->who; /* once done it is no longer ours */
		enum work_result result;
		struct work **tail;

		next = list->next;
		wk->runs++;
		result = work_run(list);
		charge(wk, who, &since);
		switch (result) {
		case WORK_DONE:
			continue;
		case WORK_MOVE:
			worker_push(list->move_to, list);
			continue;
		case WORK_MORE:
			tail = &wk->batch;
			break;
		case WORK_POLL:
		default:
			tail = &wk->polled;
			wk->eager_polled |= list->eager;
			break;
		}
		while (*tail)
			tail = &(*tail)->next;
		list->next = NULL;
		*tail = list;
	}
}

/* What runs again comes behind what arrived, so that a busy item takes turns. */
bool worker_run_queued(struct worker *wk)
{
	struct work *again = wk->batch, *arrived;

	store_relaxed(&wk->eager_queued, false);
	arrived = reversed(atomic_xchg(&wk->incoming, NULL));
	wk->batch = NULL;
	run_list(wk, again);
	run_list(wk, arrived);
	return worker_queued(wk);
}

bool worker_run(struct worker *wk)
{
	struct work *polled = wk->polled;

	wk->polled = NULL;
	wk->eager_polled = false;
	run_list(wk, polled);
	(void)worker_run_queued(wk);
	return worker_pending(wk);
}

bool worker_queued(const struct worker *wk)
{
	return wk->batch || load_relaxed(&wk->incoming);
}

bool worker_pending(const struct worker *wk)
{
	return wk->polled || worker_queued(wk);
}
