#include "console.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

void console_init(struct rig_console *c, struct rig *r)
{
	memset(c, 0, sizeof(*c));
	c->rig = r;
}

void console_reset(struct rig_console *c)
{
	free(c->answer);
	c->answer = NULL;
	c->answer_len = c->answer_read = c->len = 0;
}

void console_destroy(struct rig_console *c)
{
	console_reset(c);
}

static void run_line(struct rig_console *c)
{
	bool whole = c->len < sizeof(c->line);
	FILE *out;

	c->line[whole ? c->len : 0] = 0;
	console_reset(c);
	out = open_memstream(&c->answer, &c->answer_len);
	if (!out)
		return;
	if (whole)
		command_run(c->rig, c->line, out);
	else
		fputs("error: the line is too long\n", out);
	fclose(out);
}

bool console_put(struct rig_console *c, char ch)
{
	if (ch == '\n') {
		run_line(c);
		return true;
	}
	if (c->len < sizeof(c->line))
		c->line[c->len++] = ch;
	return false;
}

const char *console_answer(const struct rig_console *c, size_t *len)
{
	*len = c->answer ? c->answer_len : 0;
	return c->answer ? c->answer : "";
}

char console_get(struct rig_console *c)
{
	return c->answer_read < c->answer_len ? c->answer[c->answer_read++] : 0;
}
