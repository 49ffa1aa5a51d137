/* Fault injection by command: m82599.h says which. */
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WORD_MAX_BYTES	 32
#define WORDS_MAX	 3
#define MICROSECONDS_MAX UINT64_C(1000000000) /* 1000 s: far from an overflow of the clock */

struct command {
	struct m82599 *chip;
	struct port *port;
	unsigned nr_words;
	char word[WORDS_MAX][WORD_MAX_BYTES];
	const char *why;
};

static int refuse(struct command *c, const char *why)
{
	c->why = why;
	return -EINVAL;
}

static bool get_number(struct command *c, unsigned word, uint64_t max, uint64_t *v)
{
	const char *text = c->word[word];
	char *end;

	if (word >= c->nr_words || text[0] < '0' || text[0] > '9') {
		c->why = "a number is missing";
		return false;
	}
	errno = 0;
	*v = strtoull(text, &end, 10);
	if (errno || *end || *v > max) {
		c->why = "not a number, or out of range";
		return false;
	}
	return true;
}

static bool get_switch(struct command *c, const char *on, const char *off, bool *v)
{
	*v = c->nr_words == 2 && strcmp(c->word[1], on) == 0;
	if (*v || (c->nr_words == 2 && strcmp(c->word[1], off) == 0))
		return true;
	c->why = "neither of the two words it takes";
	return false;
}

static int link_down(struct command *c)
{
	link_fault(c->port, true, CLOCK_NEVER);
	return 0;
}

static int link_up(struct command *c)
{
	link_fault(c->port, false, CLOCK_NEVER);
	return 0;
}

static int link_flap(struct command *c)
{
	uint64_t us;

	if (!get_number(c, 1, MICROSECONDS_MAX, &us))
		return -EINVAL;
	link_fault(c->port, true, clock_now(c->port->clock) + us * CLOCK_PS_PER_US);
	return 0;
}

static int lose_interrupts(struct command *c)
{
	uint64_t n;

	if (!get_number(c, 1, UINT32_MAX, &n))
		return -EINVAL;
	c->port->dev.lose_interrupts = n;
	return 0;
}

static int spurious_interrupt(struct command *c)
{
	uint64_t vector;

	if (!get_number(c, 1, MSIX_VECTORS - 1, &vector))
		return -EINVAL;
	irq_spurious(c->port, (unsigned)vector);
	return 0;
}

static int stall(struct command *c, bool tx)
{
	uint64_t queue, us, until_ps = CLOCK_NEVER;

	if (!get_number(c, 1, M82599_QUEUES - 1, &queue))
		return -EINVAL;
	if (c->nr_words == 3) {
		if (!get_number(c, 2, MICROSECONDS_MAX, &us))
			return -EINVAL;
		until_ps = clock_now(c->port->clock) + us * CLOCK_PS_PER_US;
	}
	data_stall(c->port, tx, (unsigned)queue, until_ps);
	return 0;
}

static int stall_tx(struct command *c)
{
	return stall(c, true);
}

static int stall_rx(struct command *c)
{
	return stall(c, false);
}

static int run(struct command *c, bool tx)
{
	uint64_t queue;

	if (!get_number(c, 1, M82599_QUEUES - 1, &queue))
		return -EINVAL;
	data_run(c->port, tx, (unsigned)queue);
	return 0;
}

static int run_tx(struct command *c)
{
	return run(c, true);
}

static int run_rx(struct command *c)
{
	return run(c, false);
}

static int abort_reads(struct command *c)
{
	return get_switch(c, "on", "off", &c->port->dev.abort_reads) ? 0 : -EINVAL;
}

static int abort_writes(struct command *c)
{
	return get_switch(c, "on", "off", &c->port->dev.abort_writes) ? 0 : -EINVAL;
}

static int damage(struct command *c, bool length)
{
	uint64_t n;

	if (!c->port->wire)
		return refuse(c, "no wire is connected");
	if (!get_number(c, 1, UINT32_MAX, &n))
		return -EINVAL;
	if (length)
		c->port->wire->damage_length = (uint32_t)n;
	else
		c->port->wire->damage_fcs = (uint32_t)n;
	return 0;
}

static int damage_fcs(struct command *c)
{
	return damage(c, false);
}

static int damage_length(struct command *c)
{
	return damage(c, true);
}

static int delay_write_back(struct command *c)
{
	uint64_t us;

	if (!get_number(c, 1, MICROSECONDS_MAX, &us))
		return -EINVAL;
	data_delay_write_back(c->port, us * CLOCK_PS_PER_US);
	return 0;
}

static int eeprom_checksum(struct command *c)
{
	bool bad;

	if (!get_switch(c, "bad", "good", &bad))
		return -EINVAL;
	c->chip->shared->bad_checksum = bad;
	eeprom_seal(c->chip->shared);
	return 0;
}

static int reset_hangs(struct command *c)
{
	bool hangs;

	if (!get_switch(c, "on", "off", &hangs))
		return -EINVAL;
	reset_set_hanging(c->port, hangs);
	return 0;
}

static const struct {
	const char *name;
	unsigned min_words, max_words;
	int (*fn)(struct command *c);
} commands[] = {
	{ "link-down", 1, 1, link_down },
	{ "link-up", 1, 1, link_up },
	{ "link-flap", 2, 2, link_flap },
	{ "lose-interrupts", 2, 2, lose_interrupts },
	{ "spurious-interrupt", 2, 2, spurious_interrupt },
	{ "stall-tx", 2, 3, stall_tx },
	{ "stall-rx", 2, 3, stall_rx },
	{ "run-tx", 2, 2, run_tx },
	{ "run-rx", 2, 2, run_rx },
	{ "abort-reads", 2, 2, abort_reads },
	{ "abort-writes", 2, 2, abort_writes },
	{ "damage-fcs", 2, 2, damage_fcs },
	{ "damage-length", 2, 2, damage_length },
	{ "delay-write-back", 2, 2, delay_write_back },
	{ "eeprom-checksum", 2, 2, eeprom_checksum },
	{ "reset-hangs", 2, 2, reset_hangs },
};

static bool split(struct command *c, const char *text)
{
	while (*(text += strspn(text, " "))) {
		size_t length = strcspn(text, " ");

		if (c->nr_words == WORDS_MAX || length >= WORD_MAX_BYTES)
			return false;
		memcpy(c->word[c->nr_words], text, length);
		c->word[c->nr_words++][length] = 0;
		text += length;
	}
	return c->nr_words > 0;
}

static int execute(struct command *c)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(c->word[0], commands[i].name) != 0)
			continue;
		if (c->nr_words < commands[i].min_words || c->nr_words > commands[i].max_words)
			return refuse(c, "not the number of words it takes");
		return commands[i].fn(c);
	}
	return refuse(c, "no such command");
}

int m82599_fault(struct m82599 *chip, unsigned port, const char *command, const char **why)
{
	struct command c = { .chip = chip };
	int err;

	if (port >= M82599_PORTS) {
		err = refuse(&c, "no such port");
	} else if (!split(&c, command)) {
		err = refuse(&c, "too few or too long words");
	} else {
		c.port = &chip->port[port];
		err = execute(&c);
	}
	if (why)
		*why = c.why;
	return err;
}
