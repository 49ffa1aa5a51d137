/* The console: see console.h. */
#include "mon/console.h"

#include "lib/string.h"

#define PROMPT	       "sluice> "
#define ERASE_LINE     "\r\033[K" /* ECMA-48, EL */
#define KEY_ERASE_LINE 0x15	  /* Ctrl-U */
#define KEY_ESCAPE     0x1b
#define LOCK_ATTEMPTS  10000000

static void put(struct console *c, const char *text)
{
	c->write(text, strlen(text));
}

static void hide_prompt(struct console *c)
{
	if (c->prompt_shown)
		put(c, ERASE_LINE);
	c->prompt_shown = false;
}

static void show_prompt(struct console *c)
{
	if (c->prompt_shown || c->attached != COMMAND_NO_GUEST)
		return;
	c->prompt_shown = true;
	put(c, PROMPT);
	c->write(c->input, c->input_len);
}

static void flush_line(struct console *c, struct console_guest *g)
{
	char line[CONF_NAME_MAX + CONSOLE_LINE_BYTES + 4];
	size_t len = strlen(g->name);

	if (c->attached != COMMAND_NO_GUEST) {
		g->lines_hidden++;
		g->len = 0;
		return;
	}
	hide_prompt(c);
	line[0] = '[';
	memcpy(line + 1, g->name, len);
	memcpy(line + 1 + len, "] ", 2);
	len += 3;
	memcpy(line + len, g->text, g->len);
	len += g->len;
	line[len++] = '\n';
	c->write(line, len);
	g->len = 0;
}

/* ECMA-48, 5.4: ESC [, any number of parameter and intermediate bytes, and a final byte. Bytes of
 * C0 in between act as if alone. */
static bool in_sequence(struct console_guest *g, uint8_t byte)
{
	if (byte < 0x20) {
		g->state = byte == KEY_ESCAPE ? TEXT_ESCAPE : TEXT_PLAIN;
		return byte == KEY_ESCAPE;
	}
	if (g->state == TEXT_PLAIN)
		return false;
	if (g->state == TEXT_ESCAPE)
		g->state = byte == '[' ? TEXT_SEQUENCE : TEXT_PLAIN;
	else if (byte >= 0x40)
		g->state = TEXT_PLAIN;
	return true;
}

static void add_byte(struct console *c, struct console_guest *g, uint8_t byte)
{
	if (in_sequence(g, byte))
		return;
	if (byte == '\n') {
		if (g->len > 0 || !g->cut)
			flush_line(c, g);
		g->cut = false;
		return;
	}
	if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
		return;
	g->text[g->len++] = (char)byte;
	g->cut = false;
	if (g->len == sizeof(g->text)) {
		flush_line(c, g);
		g->cut = true;
	}
}

void console_guest_putc(struct console *c, unsigned guest, uint8_t byte, uint64_t now_us)
{
	struct console_guest *g;

	if (guest >= c->nr_guests)
		return;
	g = &c->guest[guest];
	spin_lock(&c->lock);
	g->last_us = now_us;
	if (c->attached == (int)guest)
		c->write((const char *)&byte, 1);
	else
		add_byte(c, g, byte);
	spin_unlock(&c->lock);
}

static bool lock_bounded(struct console *c)
{
	bool locked = spin_trylock(&c->lock);

	for (unsigned i = 0; !locked && i < LOCK_ATTEMPTS; i++) {
		cpu_relax();
		locked = spin_trylock(&c->lock);
	}
	return locked;
}

/* Lock held. */
static void begin_line(struct console *c)
{
	if (c->attached != COMMAND_NO_GUEST)
		put(c, "\n");
	else
		hide_prompt(c);
}

void console_log_line(struct console *c, const char *text, size_t len)
{
	bool locked = lock_bounded(c);

	if (locked)
		begin_line(c);
	c->write(text, len);
	if (locked)
		spin_unlock(&c->lock);
}

void console_seize(struct console *c)
{
	if (lock_bounded(c))
		begin_line(c);
}

static void flush_out(struct console *c)
{
	spin_lock(&c->lock);
	hide_prompt(c);
	c->write(c->out, c->out_len);
	spin_unlock(&c->lock);
	c->out_len = 0;
}

static void out_write(void *ctx, const char *text, size_t len)
{
	struct console *c = ctx;

	while (len > 0) {
		size_t n = MIN(len, sizeof(c->out) - c->out_len);

		memcpy(c->out + c->out_len, text, n);
		c->out_len += n;
		text += n;
		len -= n;
		if (c->out_len == sizeof(c->out))
			flush_out(c);
	}
}

static void attach(struct console *c, unsigned guest)
{
	struct console_guest *g = &c->guest[guest];

	spin_lock(&c->lock);
	hide_prompt(c);
	put(c, "attached to ");
	put(c, g->name);
	put(c, "; Ctrl-] returns\n");
	c->attached = (int)guest;
	c->write(g->text, g->len); /* what the guest has on its line, such as its own prompt */
	g->len = 0;
	spin_unlock(&c->lock);
}

static void detach(struct console *c)
{
	const struct mon_sink out = { out_write, c };

	spin_lock(&c->lock);
	put(c, "\n");
	c->attached = COMMAND_NO_GUEST;
	for (unsigned i = 0; i < c->nr_guests; i++) {
		struct console_guest *g = &c->guest[i];

		if (g->lines_hidden)
			mon_print(&out, "[%s] %llu lines not shown\n", g->name,
				(unsigned long long)g->lines_hidden);
		g->lines_hidden = 0;
	}
	spin_unlock(&c->lock);
	if (c->out_len)
		flush_out(c);
}

static void run(struct console *c, const char *line)
{
	const struct mon_sink out = { out_write, c };

	command_run(&c->command, line, &out);
	if (c->out_len)
		flush_out(c);
	if (c->command.attach >= 0 && (unsigned)c->command.attach < c->nr_guests)
		attach(c, (unsigned)c->command.attach);
}

/* A line to run is copied to *line. Lock held. */
static bool edit(struct console *c, uint8_t byte, char line[COMMAND_LINE_MAX])
{
	const char echo = (char)byte;

	c->interactive = true;
	show_prompt(c);
	if (byte == '\r' || byte == '\n') {
		memcpy(line, c->input, c->input_len);
		line[c->input_len] = '\0';
		c->input_len = 0;
		c->prompt_shown = false;
		put(c, "\n");
		return true;
	}
	if ((byte == '\b' || byte == 0x7f) && c->input_len > 0) {
		c->input_len--;
		put(c, "\b \b");
	} else if (byte == KEY_ERASE_LINE) {
		hide_prompt(c);
		c->input_len = 0;
		show_prompt(c);
	} else if (byte >= 0x20 && byte < 0x7f && c->input_len < sizeof(c->input) - 1) {
		c->input[c->input_len++] = echo;
		c->write(&echo, 1);
	}
	return false;
}

static void prompt_again(struct console *c)
{
	spin_lock(&c->lock);
	show_prompt(c);
	spin_unlock(&c->lock);
}

void console_input(struct console *c, uint8_t byte)
{
	char line[COMMAND_LINE_MAX];
	bool complete;

	if (c->attached != COMMAND_NO_GUEST) { /* only this core changes it */
		if (byte == CONSOLE_DETACH_KEY) {
			detach(c);
			prompt_again(c);
		} else {
			(void)c->command.ops->guest_input(
				c->command.ctx, (unsigned)c->attached, byte);
		}
		return;
	}
	spin_lock(&c->lock);
	complete = edit(c, byte, line);
	spin_unlock(&c->lock);
	if (complete) {
		run(c, line);
		prompt_again(c);
	}
}

void console_tick(struct console *c, uint64_t now_us)
{
	spin_lock(&c->lock);
	for (unsigned i = 0; i < c->nr_guests; i++) {
		struct console_guest *g = &c->guest[i];

		if (g->len > 0 && now_us - g->last_us >= CONSOLE_PARTIAL_US &&
			c->attached == COMMAND_NO_GUEST) {
			flush_line(c, g);
			g->cut = true; /* a newline that follows ends this line, not another */
		}
	}
	if (c->interactive)
		show_prompt(c);
	spin_unlock(&c->lock);
}

void console_init(struct console *c, const struct mon_ops *ops, void *ctx,
	const struct stats_marks *marks, void (*write)(const char *text, size_t len))
{
	memset(c, 0, sizeof(*c));
	c->command = (struct command_context){ ops, ctx, marks, COMMAND_NO_GUEST };
	c->write = write;
	c->attached = COMMAND_NO_GUEST;
}

void console_add_guest(struct console *c, const char *name)
{
	struct console_guest *g;

	if (c->nr_guests == ARRAY_SIZE(c->guest))
		return;
	g = &c->guest[c->nr_guests];
	memcpy(g->name, name, MIN(strlen(name), sizeof(g->name) - 1));
	c->nr_guests++;
}
