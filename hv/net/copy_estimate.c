/* What copying costs; see copy_estimate.h. */
#include "net/copy_estimate.h"

#define SAMPLES_PER_UPDATE 16
#define MEAN_SHIFT	   3
#define SAMPLE_MAX	   (UINT32_MAX >> 5)

/* Guesses for the time before anything was measured: 8 bytes a tick and something for each call; a
 * doorbell that costs as much as an uncached write, for a batch of 8; 4 GB/s at 3 GHz. */
#define CPU_TICKS(bytes)    (60u + (bytes) / 8u)
#define PREPARE_TICKS	    150u
#define DOORBELL_TICKS	    60u
#define POLL_TICKS	    150u
#define TICKS_PER_KIB	    768u
#define MIDDLE(class_index) (BIT32((class_index) + COPY_CLASS_MIN) / 2u * 3u)

static uint32_t mean(const struct copy_mean *m)
{
	return m->value_x16 / 16;
}

static void set(struct copy_mean *m, uint32_t value)
{
	m->value_x16 = value * 16;
}

/* An interrupt, or a VM exit of the machine below us, in the middle of a measurement gives a wild
 * value: one sample counts at most four times the mean, so that many of them must agree. */
static void add(struct copy_mean *m, uint64_t sample)
{
	uint32_t limit = MIN(mean(m), SAMPLE_MAX / 8) * 4 + 64;
	uint32_t value = (uint32_t)MIN(sample, (uint64_t)limit) * 16;

	m->value_x16 += (value >> MEAN_SHIFT) - (m->value_x16 >> MEAN_SHIFT);
}

static uint32_t channel_ticks(const struct copy_estimate *e)
{
	return mean(&e->prepare_ticks) + mean(&e->doorbell_ticks) + mean(&e->poll_ticks);
}

/* Within the first class whose copies cost more than the channel does, by proportion. */
static uint32_t break_even(const struct copy_estimate *e)
{
	uint32_t limit = channel_ticks(e);

	for (unsigned i = 0; i < COPY_CLASSES; i++) {
		uint64_t ticks = mean(&e->cpu_ticks[i]), bytes = mean(&e->cpu_bytes[i]);
		uint32_t low = i ? BIT32(i + COPY_CLASS_MIN) : 1;
		uint32_t high = BIT32(i + COPY_CLASS_MIN + 1);

		/* what the largest of the class would cost */
		if (!ticks || !bytes || ticks * high / bytes <= limit)
			continue;
		bytes = (limit * bytes + ticks - 1) / ticks;
		return (uint32_t)MIN(MAX(bytes, (uint64_t)low), (uint64_t)high);
	}
	return COPY_NEVER_BYTES;
}

static void update(struct copy_estimate *e)
{
	uint32_t per_kib = MAX(mean(&e->channel_ticks_per_kib), 1u);

	e->samples = 0;
	e->break_even_bytes = break_even(e);
	for (unsigned i = 0; i < COPY_CLASSES; i++) {
		uint64_t patience = (uint64_t)mean(&e->cpu_ticks[i]) * COPY_PATIENCE;

		e->backlog_max_bytes[i] =
			(uint32_t)MIN(patience * 1024 / per_kib, (uint64_t)UINT32_MAX);
	}
}

static void sampled(struct copy_estimate *e)
{
	if (++e->samples >= SAMPLES_PER_UPDATE)
		update(e);
}

void copy_estimate_init(struct copy_estimate *e)
{
	for (unsigned i = 0; i < COPY_CLASSES; i++) {
		set(&e->cpu_bytes[i], MIDDLE(i));
		set(&e->cpu_ticks[i], CPU_TICKS(MIDDLE(i)));
		set(&e->latency_ticks[i], 0);
	}
	set(&e->prepare_ticks, PREPARE_TICKS);
	set(&e->doorbell_ticks, DOORBELL_TICKS);
	set(&e->poll_ticks, POLL_TICKS);
	set(&e->channel_ticks_per_kib, TICKS_PER_KIB);
	e->until_probe = COPY_PROBE_PERIOD;
	e->until_trial = COPY_TRIAL_PERIOD;
	e->trial = 0;
	update(e);
}

void copy_estimate_cpu(struct copy_estimate *e, uint32_t len_bytes, uint64_t ticks)
{
	unsigned i = copy_class(len_bytes);

	add(&e->cpu_ticks[i], ticks);
	add(&e->cpu_bytes[i], len_bytes);
	sampled(e);
}

void copy_estimate_prepare(struct copy_estimate *e, uint64_t ticks)
{
	add(&e->prepare_ticks, ticks);
	sampled(e);
}

void copy_estimate_doorbell(struct copy_estimate *e, uint64_t ticks, unsigned copies)
{
	if (copies)
		add(&e->doorbell_ticks, ticks / copies);
}

void copy_estimate_poll(struct copy_estimate *e, uint64_t ticks, unsigned copies)
{
	if (copies)
		add(&e->poll_ticks, ticks / copies);
	sampled(e);
}

void copy_estimate_rate(struct copy_estimate *e, uint64_t len_bytes, uint64_t ticks)
{
	if (len_bytes >= 1024)
		add(&e->channel_ticks_per_kib, ticks / (len_bytes / 1024));
}

void copy_estimate_latency(struct copy_estimate *e, uint32_t len_bytes, uint64_t ticks)
{
	struct copy_mean *m = &e->latency_ticks[copy_class(len_bytes)];

	if (m->value_x16)
		add(m, ticks);
	else
		set(m, (uint32_t)MIN(ticks, (uint64_t)SAMPLE_MAX));
}

bool copy_estimate_takes(struct copy_estimate *e, uint32_t len_bytes, bool helps)
{
	bool takes = len_bytes >= e->break_even_bytes;

	e->trial = 0;
	if (len_bytes < COPY_PROBE_BYTES || (takes && !helps))
		return takes;
	if (!helps && --e->until_trial)
		return false;
	e->until_trial = COPY_TRIAL_PERIOD;
	e->trial = COPY_TRIAL_COPIES;
	return true;
}

/* The probe keeps the other engine's figures from growing old. */
bool copy_estimate_prefers_channel(
	struct copy_estimate *e, uint32_t len_bytes, uint64_t backlog_bytes)
{
	bool channel = len_bytes >= e->break_even_bytes &&
		       backlog_bytes <= e->backlog_max_bytes[copy_class(len_bytes)];

	if (e->trial && len_bytes >= COPY_PROBE_BYTES) {
		e->trial--;
		return true;
	}
	if ((!channel && len_bytes < COPY_PROBE_BYTES) || --e->until_probe)
		return channel;
	e->until_probe = COPY_PROBE_PERIOD;
	e->cpu_probe = channel;
	return !channel;
}
