/* Jobs, engines, completion; see copy.h. */
#include "net/copy.h"

#include "cpu/percpu.h"
#include "drivers/ioat/ioat.h"
#include "lib/errno.h"
#include "mem/page_alloc.h"

#define JOB_MASK       (COPY_JOBS - 1)
#define PIECE_MASK     (COPY_PIECES - 1)
#define RESULTS	       16u
#define SAMPLE_PERIOD  8u /* of so many copies one is timed */
#define PAGES_OF(size) ((unsigned)(((size) + PAGE_SIZE - 1) / PAGE_SIZE))

static void count(uint64_t *counter, uint64_t n)
{
	store_relaxed(counter, *counter + n);
}

static enum work_result run(struct work *w, unsigned budget);

void copy_queue_init(struct copy_queue *q, void (*wake)(struct copy_queue *q))
{
	*q = (struct copy_queue){ .wake = wake };
}

void copy_ctx_init(struct copy_ctx *ctx, struct worker *worker)
{
	ctx->worker = worker;
	if (worker)
		worker->copy = ctx;
	work_init(&ctx->work, run);
	ctx->work.eager = true;
	copy_estimate_init(&ctx->estimate);
}

int copy_ctx_add_channel(struct copy_ctx *ctx, struct ioat_chan *c)
{
	size_t jobs = COPY_JOBS * sizeof(struct copy_job);
	size_t pieces = COPY_PIECES * sizeof(struct copy_piece);
	uint8_t *memory;

	if (ctx->nr_channels == COPY_CHANNELS_MAX)
		return -ENOSPC;
	if (!ctx->job) {
		memory = page_alloc(PAGES_OF(jobs + pieces));
		if (!memory)
			return -ENOMEM;
		ctx->job = (struct copy_job *)(void *)memory;
		ctx->piece = (struct copy_piece *)(void *)(memory + jobs);
	}
	ctx->channel[ctx->nr_channels++] = c;
	return 0;
}

/* ---- The CPU ---- */

static void cpu_copy(struct copy_ctx *ctx, const struct copy_piece *p)
{
	bool timed =
		p->len_bytes && (++ctx->sample % SAMPLE_PERIOD == 0 || ctx->estimate.cpu_probe);
	uint64_t start = timed ? rdtsc() : 0;

	copy_bytes(p->dst, p->src, p->len_bytes);
	count(&ctx->stats.cpu_bytes, p->len_bytes);
	if (timed)
		copy_estimate_cpu(&ctx->estimate, p->len_bytes, rdtsc() - start);
}

/* ---- Submission ---- */

static struct copy_job *push_job(struct copy_ctx *ctx, struct copy_queue *q)
{
	struct copy_job *job = &ctx->job[ctx->job_head++ & JOB_MASK];

	*job = (struct copy_job){ .q = q, .first_piece = ctx->piece_head };
	q->ctx = ctx;
	q->submitted++;
	return job;
}

static uint32_t apic_id_of(uint32_t core)
{
	return core < nr_cpus ? cpus[core]->apic_id : IOAT_NO_TARGET;
}

/* The channel with the least to do, of those that aim at that core already if there are any. NULL:
 * none is in order. */
static struct ioat_chan *pick_channel(const struct copy_ctx *ctx, uint32_t apic_id)
{
	struct ioat_chan *best = NULL;

	for (unsigned i = 0; i < ctx->nr_channels; i++) {
		struct ioat_chan *c = ctx->channel[i];
		bool aims = c->target == apic_id;

		if (c->state != IOAT_RUNNING)
			continue;
		if (!best || (aims && best->target != apic_id) ||
			(aims == (best->target == apic_id) &&
				c->backlog_bytes < best->backlog_bytes))
			best = c;
	}
	return best;
}

/* Payload can be aimed at the core: the channel does already, or is idle and can be turned. */
static bool aim(struct ioat_chan *c, uint32_t apic_id)
{
	if (apic_id == IOAT_NO_TARGET || !c->dev->has_dca)
		return false;
	return c->target == apic_id || !ioat_set_target(c, apic_id);
}

bool copy_can_aim(const struct copy_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->nr_channels; i++) {
		if (ctx->channel[i]->dev->has_dca)
			return true;
	}
	return false;
}

bool copy_takes(struct copy_ctx *ctx, uint32_t len_bytes, bool helps)
{
	return ctx->nr_channels && len_bytes >= COPY_SMALL_BYTES &&
	       copy_estimate_takes(&ctx->estimate, len_bytes, helps);
}

/* Adds to the operation what the channel should do, and keeps it for the case that it cannot. Bits
 * of the pieces, or an error. */
static int add_pieces(struct copy_ctx *ctx, struct ioat_chan *c, const struct copy_piece *piece,
	unsigned nr, bool dca, uint64_t *mask)
{
	uint32_t at = ctx->piece_head;
	int r = ioat_begin(c);

	*mask = 0;
	for (unsigned i = 0; i < nr && !r; i++) {
		if (!copy_estimate_prefers_channel(
			    &ctx->estimate, piece[i].len_bytes, c->backlog_bytes))
			continue;
		r = ioat_add(c, piece[i].dst, piece[i].src, piece[i].len_bytes, dca);
		ctx->piece[at++ & PIECE_MASK] = piece[i];
		if (!*mask)
			ctx->offloaded = piece[i];
		*mask |= BIT64(i);
	}
	return r;
}

static void commit(struct copy_ctx *ctx, struct copy_queue *q, struct ioat_chan *c,
	const struct copy_piece *piece, unsigned nr, uint64_t mask, uint64_t submit_tsc)
{
	uint32_t token = ctx->job_head;
	struct copy_job *job = push_job(ctx, q);

	job->submit_tsc = submit_tsc;
	for (unsigned i = 0; i < nr; i++) {
		if (!(mask & BIT64(i))) {
			cpu_copy(ctx, &piece[i]);
			continue;
		}
		job->nr_pieces++;
		job->bytes += piece[i].len_bytes;
	}
	ctx->piece_head += job->nr_pieces;
	if (!ioat_is_busy(c))
		ctx->busy_since_tsc = rdtsc();
	ioat_commit(c, token);
}

static bool too_small(const struct copy_ctx *ctx, const struct copy_piece *piece, unsigned nr)
{
	uint32_t limit = MIN(ctx->estimate.break_even_bytes, (uint32_t)COPY_PROBE_BYTES);

	for (unsigned i = 0; i < nr; i++) {
		if (piece[i].len_bytes >= limit)
			return false;
	}
	return true;
}

/* True: a job is pending, with everything in it that the CPU had to do done. False: nothing was
 * done. */
static bool offload(struct copy_ctx *ctx, struct copy_queue *q, const struct copy_piece *piece,
	unsigned nr, uint32_t dest_core)
{
	uint32_t apic_id = apic_id_of(dest_core);
	struct ioat_chan *c = pick_channel(ctx, apic_id);
	uint64_t mask, start;
	int r;

	if (!c) {
		count(&ctx->stats.fallback_fault, 1);
		return false;
	}
	start = ++ctx->sample % SAMPLE_PERIOD ? 0 : rdtsc();
	ctx->aimed = aim(c, apic_id);
	r = add_pieces(ctx, c, piece, nr, ctx->aimed, &mask);
	if (r || !mask) {
		ioat_cancel(c);
		count(&ctx->stats.fallback_full, r == -EAGAIN);
		return false;
	}
	commit(ctx, q, c, piece, nr, mask, start);
	if (start && mask == UINT64_MAX >> (64 - nr)) /* else the CPU's part is in it */
		copy_estimate_prepare(&ctx->estimate, rdtsc() - start);
	return true;
}

static bool has_space(const struct copy_ctx *ctx, unsigned nr)
{
	return nr <= COPY_JOB_PIECES && ctx->job_head - ctx->job_tail < COPY_JOBS &&
	       COPY_PIECES - (ctx->piece_head - ctx->piece_tail) >= nr;
}

bool copy_accepts(struct copy_ctx *ctx, const struct copy_queue *q)
{
	bool room = ctx->job && ctx->job_head - ctx->job_tail < COPY_JOBS;

	if (q->submitted == q->taken)
		return true;
	if (room && (q->ctx == ctx || load_acquire(&q->done) == q->submitted))
		return true;
	count(&ctx->stats.refused, 1);
	return false;
}

int copy_submit_channels(struct copy_ctx *ctx, struct copy_queue *q, const struct copy_piece *piece,
	unsigned nr, uint32_t dest_core)
{
	bool pending = q->submitted != q->taken;

	if (!copy_accepts(ctx, q))
		return -EAGAIN;
	ctx->estimate.cpu_probe = false;
	ctx->offloaded.len_bytes = 0;
	if (ctx->nr_channels && !too_small(ctx, piece, nr)) {
		if (!has_space(ctx, nr))
			count(&ctx->stats.fallback_space, 1);
		else if (offload(ctx, q, piece, nr, dest_core))
			return COPY_PENDING;
		ctx->offloaded.len_bytes = 0;
	}
	for (unsigned i = 0; i < nr; i++)
		cpu_copy(ctx, &piece[i]);
	count(&ctx->stats.cpu_copies, 1);
	if (!pending)
		return COPY_DONE;
	push_job(ctx, q)->done = true;
	return COPY_PENDING;
}

void copy_flush(struct copy_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->nr_channels; i++) {
		struct ioat_chan *c = ctx->channel[i];
		uint64_t start;
		unsigned n;

		if (c->head == c->issued)
			continue;
		start = rdtsc();
		n = ioat_flush(c);
		copy_estimate_doorbell(&ctx->estimate, rdtsc() - start, n);
		count(&ctx->stats.doorbells, 1);
	}
	if (ctx->job_head != ctx->job_tail && !ctx->scheduled && ctx->worker) {
		ctx->scheduled = true;
		work_schedule(ctx->worker, &ctx->work);
	}
}

/* ---- Completion ---- */

/* What the channel did not do, from its byte number done_bytes on. */
static void finish_by_cpu(struct copy_ctx *ctx, const struct copy_job *job, uint32_t done_bytes)
{
	for (uint32_t i = 0; i < job->nr_pieces; i++) {
		struct copy_piece p = ctx->piece[(job->first_piece + i) & PIECE_MASK];
		uint32_t skip = MIN(done_bytes, p.len_bytes);

		done_bytes -= skip;
		p.dst = (uint8_t *)p.dst + skip;
		p.src = (const uint8_t *)p.src + skip;
		p.len_bytes -= skip;
		cpu_copy(ctx, &p);
	}
}

static void complete(struct copy_ctx *ctx, const struct ioat_result *result, uint64_t now)
{
	struct copy_job *job = &ctx->job[result->token & JOB_MASK];

	job->done = true;
	if (result->status) {
		finish_by_cpu(ctx, job, result->done_bytes);
		count(&ctx->stats.errors_recovered, 1);
		count(&ctx->stats.cpu_copies, 1);
		count(&ctx->stats.ioat_bytes, result->done_bytes);
		return;
	}
	count(&ctx->stats.ioat_copies, 1);
	count(&ctx->stats.ioat_bytes, job->bytes);
	if (job->submit_tsc)
		copy_estimate_latency(&ctx->estimate, job->bytes, now - job->submit_tsc);
}

/* Bytes that the channel did. Bounded by its ring. */
static uint64_t poll_channel(struct copy_ctx *ctx, struct ioat_chan *c)
{
	struct ioat_result result[RESULTS];
	uint64_t before = c->stats.bytes;
	unsigned n;

	do {
		uint64_t start = rdtsc();

		n = ioat_poll(c, result, RESULTS);
		if (n) /* without the CPU's work for what was handed back */
			copy_estimate_poll(&ctx->estimate, rdtsc() - start, n);
		for (unsigned i = 0; i < n; i++)
			complete(ctx, &result[i], start);
	} while (n == RESULTS);
	return c->stats.bytes - before;
}

/* In order of submission: so each queue's are in order too. */
static void release_jobs(struct copy_ctx *ctx)
{
	struct copy_queue *last = NULL;

	while (ctx->job_tail != ctx->job_head) {
		struct copy_job *job = &ctx->job[ctx->job_tail & JOB_MASK];
		struct copy_queue *q = job->q;

		if (!job->done)
			break;
		ctx->piece_tail += job->nr_pieces;
		ctx->job_tail++;
		if (last && last != q && last->wake)
			last->wake(last);
		last = q;
		/* The owner may go on as soon as it sees this. */
		store_release(&q->done, q->done + 1);
	}
	if (last && last->wake)
		last->wake(last);
}

bool copy_poll(struct copy_ctx *ctx)
{
	uint64_t bytes = 0, now;

	for (unsigned i = 0; i < ctx->nr_channels; i++) {
		struct ioat_chan *c = ctx->channel[i];

		if (ioat_is_busy(c) || c->state != IOAT_RUNNING)
			bytes += poll_channel(ctx, c);
		if (c->state == IOAT_DEAD && !ioat_is_busy(c)) {
			ctx->channel[i--] = ctx->channel[--ctx->nr_channels];
			count(&ctx->stats.channels_lost, 1);
		}
	}
	if (bytes) {
		now = rdtsc();
		copy_estimate_rate(&ctx->estimate, bytes, now - ctx->busy_since_tsc);
		ctx->busy_since_tsc = now;
	}
	release_jobs(ctx);
	return ctx->job_tail != ctx->job_head;
}

static bool is_recovering(const struct copy_ctx *ctx)
{
	for (unsigned i = 0; i < ctx->nr_channels; i++) {
		if (ctx->channel[i]->state != IOAT_RUNNING)
			return true;
	}
	return false;
}

/* For how many runs in a row nothing has ended. */
static unsigned count_dry(struct copy_ctx *ctx)
{
	if (ctx->job_tail == ctx->last_tail)
		return ctx->dry_polls++;
	ctx->last_tail = ctx->job_tail;
	ctx->dry_polls = 0;
	return 0;
}

static enum work_result run(struct work *w, unsigned budget)
{
	struct copy_ctx *ctx = CONTAINER_OF(w, struct copy_ctx, work);
	bool pending, patient;

	(void)budget;
	ctx->scheduled = true; /* by whomever */
	copy_flush(ctx);
	pending = copy_poll(ctx);
	patient = count_dry(ctx) < COPY_DRY_POLLS;
	if (is_recovering(ctx) || (pending && (patient || !copy_interrupt_request(ctx))))
		return WORK_POLL;
	ctx->dry_polls = 0;
	ctx->scheduled = false;
	return WORK_DONE;
}

bool copy_interrupt_request(struct copy_ctx *ctx)
{
	bool all = true, any = false;

	for (unsigned i = 0; i < ctx->nr_channels; i++) {
		if (!ioat_is_busy(ctx->channel[i]))
			continue;
		any = true;
		all &= ioat_interrupt_request(ctx->channel[i]);
	}
	return any && all;
}

void copy_interrupt(void *arg)
{
	struct copy_ctx *ctx = arg;

	ctx->scheduled = true;
	if (ctx->worker)
		work_schedule(ctx->worker, &ctx->work);
}

/* The owner and the context go on meanwhile: one look too many, or a later one, is no harm. */
void copy_queue_housekeeping(struct copy_queue *q)
{
	uint32_t done = load_acquire(&q->done);
	struct copy_ctx *ctx = load_relaxed(&q->ctx);

	if ((int32_t)(done - q->expected_done) >= 0) {
		q->expected_done = load_relaxed(&q->submitted);
		return;
	}
	if (ctx && ctx->worker)
		work_schedule(ctx->worker, &ctx->work);
}

void copy_stats_add(struct copy_stats *sum, const struct copy_ctx *ctx)
{
	const uint64_t *from = (const uint64_t *)&ctx->stats;
	uint64_t *to = (uint64_t *)sum;

	for (size_t i = 0; i < sizeof(*sum) / sizeof(uint64_t); i++)
		to[i] += load_relaxed(&from[i]);
}
