/* A line of characters in, an answer out: what the control socket and the port in the machine have
 * in common. */
#ifndef SLUICE_RIG_CONSOLE_H
#define SLUICE_RIG_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>

#include "words.h"

struct rig;

struct rig_console {
	struct rig *rig;
	char line[WORDS_LINE_MAX];
	size_t len; /* of the line; may be more than fits */
	char *answer;
	size_t answer_len, answer_read;
};

void console_init(struct rig_console *c, struct rig *r);
void console_destroy(struct rig_console *c);
/* Forgets the line and the answer. */
void console_reset(struct rig_console *c);
/* true: that ended a line, and there is its answer. */
bool console_put(struct rig_console *c, char ch);
/* The whole answer to the last line, NUL after its last byte. */
const char *console_answer(const struct rig_console *c, size_t *len);
/* Its next byte; 0 at its end and from then on. */
char console_get(struct rig_console *c);

#endif
