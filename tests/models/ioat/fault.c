/* Fault injection into the I/OAT model; the commands are in ioat_model.h. */
#include "engine.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 3
#define WORD_MAX  32
#define US_MAX	  UINT64_C(1000000000000) /* 11 days; no overflow in ps */

struct words {
	unsigned n;
	char word[WORDS_MAX][WORD_MAX];
};

static const char *const causes[] = { "source", "destination", "next", "descriptor", "chain",
	"command", "chipset-data", "dma-data", "read", "write", "control", "length", "completion",
	"interrupt", "soft", "unaffiliated", "xor-p", "xor-q", "count" };

#define NR_CAUSES (sizeof(causes) / sizeof(causes[0]))

static bool split(const char *s, struct words *w)
{
	for (w->n = 0;; w->n++) {
		size_t len;

		s += strspn(s, " \t");
		if (!*s)
			return true;
		len = strcspn(s, " \t");
		if (w->n == WORDS_MAX || len >= WORD_MAX)
			return false;
		memcpy(w->word[w->n], s, len);
		w->word[w->n][len] = '\0';
		s += len;
	}
}

static bool number(const char *s, uint64_t max, uint64_t *v)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*v = strtoull(s, &end, 10);
	return !errno && !*end && *v <= max;
}

static struct chan *channel_of(struct ioat_model *m, const struct words *w)
{
	uint64_t n;

	return w->n >= 2 && number(w->word[1], m->chancnt - 1, &n) ? &m->chan[n] : NULL;
}

static const char *halt(struct ioat_model *m, const struct words *w)
{
	struct chan *ch = channel_of(m, w);
	uint64_t bit = 0;

	if (!ch)
		return "no such channel";
	if (w->n != 3)
		return "a channel and a cause are wanted";
	if (!number(w->word[2], NR_CAUSES - 1, &bit))
		while (bit < NR_CAUSES && strcmp(w->word[2], causes[bit]))
			bit++;
	if (bit >= NR_CAUSES)
		return "no such cause";
	ch->inject |= 1u << bit;
	return NULL;
}

static const char *stall(struct ioat_model *m, const struct words *w)
{
	struct chan *ch = channel_of(m, w);
	uint64_t us;

	if (!ch)
		return "no such channel";
	if (w->n == 2) {
		ch->stalled_until_ps = CLOCK_NEVER;
	} else {
		if (!number(w->word[2], US_MAX, &us))
			return "bad number of microseconds";
		ch->stalled_until_ps = clock_now(m->clock) + us * CLOCK_PS_PER_US;
	}
	copy_run(m);
	return NULL;
}

static const char *run(struct ioat_model *m, const struct words *w)
{
	struct chan *ch = channel_of(m, w);

	if (!ch || w->n != 2)
		return "no such channel";
	if (ch->stalled_until_ps > clock_now(m->clock))
		ch->stalled_until_ps = clock_now(m->clock);
	copy_run(m);
	return NULL;
}

static const char *late_completion(struct ioat_model *m, const struct words *w)
{
	uint64_t us;

	if (w->n != 2 || !number(w->word[1], US_MAX, &us))
		return "bad number of microseconds";
	m->late_ps = us * CLOCK_PS_PER_US;
	return NULL;
}

static const char *lose_interrupts(struct ioat_model *m, const struct words *w)
{
	uint64_t n;

	if (w->n != 2 || !number(w->word[1], UINT32_MAX, &n))
		return "bad number";
	m->dev.lose_interrupts = n;
	return NULL;
}

static const char *on_off(const struct words *w, bool *flag)
{
	if (w->n != 2 || (strcmp(w->word[1], "on") && strcmp(w->word[1], "off")))
		return "on or off is wanted";
	*flag = !strcmp(w->word[1], "on");
	return NULL;
}

static const char *abort_reads(struct ioat_model *m, const struct words *w)
{
	return on_off(w, &m->dev.abort_reads);
}

static const char *abort_writes(struct ioat_model *m, const struct words *w)
{
	return on_off(w, &m->dev.abort_writes);
}

static const char *reset_hangs(struct ioat_model *m, const struct words *w)
{
	const char *why = on_off(w, &m->reset_hangs);

	if (!why && !m->reset_hangs)
		for (unsigned i = 0; i < m->chancnt; i++)
			chan_reset_end(&m->chan[i]);
	return why;
}

static const struct {
	const char *name;
	const char *(*fn)(struct ioat_model *m, const struct words *w);
} commands[] = {
	{ "halt", halt },
	{ "stall", stall },
	{ "run", run },
	{ "late-completion", late_completion },
	{ "lose-interrupts", lose_interrupts },
	{ "abort-reads", abort_reads },
	{ "abort-writes", abort_writes },
	{ "reset-hangs", reset_hangs },
};

int ioat_model_fault(struct ioat_model *m, const char *command, const char **why)
{
	struct words w;

	*why = "malformed command";
	if (!split(command, &w) || w.n == 0)
		return -EINVAL;
	*why = "unknown command";
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(w.word[0], commands[i].name))
			continue;
		*why = commands[i].fn(m, &w);
		return *why ? -EINVAL : 0;
	}
	return -EINVAL;
}
