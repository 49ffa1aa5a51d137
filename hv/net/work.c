/* Packet work items and the per-core worker; see work.h.
 *
 * Why no wake-up is lost: every state change is a read-modify-write, also the one that leaves
 * QUEUED or AGAIN as it is. Whoever schedules has written its data before, so either the worker's
 * change to RUNNING comes later in the word's order and run() sees the data, or it came earlier and
 * the scheduler finds RUNNING and asks for another run. */
#include "net/work.h"

#include "lib/atomic.h"

void work_init(struct work *w, enum work_result (*run)(struct work *, unsigned budget))
{
	w->next = NULL;
	w->state = WORK_IDLE;
	w->worker = NULL;
	w->run = run;
}

static void worker_push(struct worker *wk, struct work *w)
{
	struct work *head = load_relaxed(&wk->incoming);

	store_relaxed(&w->worker, wk);
	do {
		w->next = head;
	} while (!atomic_cas(&wk->incoming, &head, w));
	if (!head && wk->wake)
		wk->wake(wk);
}

void work_schedule(struct worker *wk, struct work *w)
{
	uint32_t state = load_relaxed(&w->state);
	uint32_t next;

	do {
		next = state == WORK_IDLE      ? WORK_QUEUED
		       : state == WORK_RUNNING ? WORK_AGAIN
					       : state;
	} while (!atomic_cas(&w->state, &state, next));
	if (state == WORK_IDLE)
		worker_push(wk, w);
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

/* True if the item has to run again. After the change to IDLE it is no longer ours. */
static bool work_run(struct work *w)
{
	uint32_t running = WORK_RUNNING;

	(void)atomic_xchg(&w->state, WORK_RUNNING);
	if (w->run(w, WORK_BUDGET_FRAMES) == WORK_DONE &&
		atomic_cas(&w->state, &running, WORK_IDLE))
		return false;
	(void)atomic_xchg(&w->state, WORK_QUEUED);
	return true;
}

/* wk->batch keeps what runs again, so that a busy item takes turns with what arrives. */
bool worker_run(struct worker *wk)
{
	struct work *again = wk->batch, *arrived = reversed(atomic_xchg(&wk->incoming, NULL));
	struct work **tail = &wk->batch;

	wk->batch = NULL;
	while (again || arrived) {
		struct work **from = again ? &again : &arrived;
		struct work *w = *from;

		*from = w->next;
		wk->runs++;
		if (!work_run(w))
			continue;
		w->next = NULL;
		*tail = w;
		tail = &w->next;
	}
	return worker_pending(wk);
}

bool worker_pending(const struct worker *wk)
{
	return wk->batch || load_relaxed(&wk->incoming);
}
