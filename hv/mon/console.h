/* The console: one serial line for the prompt, the log and all guests.
 *
 * A guest's output is gathered into lines, which appear whole and prefixed "[name] "; control
 * characters and sequences are taken out, so that no guest can imitate another or the hypervisor.
 * `attach` gives one guest the line, unfiltered; meanwhile the others' lines are counted, not
 * shown. Input comes from one core, output from all. Nothing here logs: the lock is held while text
 * goes out. */
#ifndef SLUICE_MON_CONSOLE_H
#define SLUICE_MON_CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/spinlock.h"
#include "mon/command.h"
#include "mon/mon.h"

#define CONSOLE_LINE_BYTES 400	  /* of a guest; longer ones are cut in two */
#define CONSOLE_PARTIAL_US 100000 /* after which an unfinished line is shown */
#define CONSOLE_OUT_BYTES  65536  /* a command's output up to this is not interleaved */
#define CONSOLE_DETACH_KEY 0x1d	  /* Ctrl-] */

struct console_guest {
	char name[CONF_NAME_MAX];
	char text[CONSOLE_LINE_BYTES];
	unsigned len;
	bool cut; /* the line's first part is out already */
	enum { TEXT_PLAIN, TEXT_ESCAPE, TEXT_SEQUENCE } state;
	uint64_t last_us;
	uint64_t lines_hidden;
};

/* Caller-allocated. */
struct console {
	struct spinlock lock; /* guests, attached and the prompt's state */
	struct command_context command;
	void (*write)(const char *text, size_t len); /* the serial line; "\n" is enough */
	int attached;				     /* guest or COMMAND_NO_GUEST */
	bool prompt_shown; /* prompt and input are the line being written now */
	bool interactive;  /* somebody typed: from now on there is a prompt */
	unsigned input_len;
	char input[COMMAND_LINE_MAX];
	unsigned nr_guests;
	struct console_guest guest[CONF_GUESTS_MAX];
	size_t out_len; /* the input core's */
	char out[CONSOLE_OUT_BYTES];
};

/* ops, ctx, marks as for commands. Guests are numbered as in ops. */
void console_init(struct console *c, const struct mon_ops *ops, void *ctx,
	const struct stats_marks *marks, void (*write)(const char *text, size_t len));
void console_add_guest(struct console *c, const char *name);

/* Any core: a byte that the guest sent. */
void console_guest_putc(struct console *c, unsigned guest, uint8_t byte, uint64_t now_us);
/* Any core: a whole line of the log's, with its newline; goes between other lines. Usable where the
 * lock may be held by the same core (an NMI): it gives up waiting. */
void console_log_line(struct console *c, const char *text, size_t len);

/* The input core: a byte that was typed; and every 10 ms or so, for what time brings. */
void console_input(struct console *c, uint8_t byte);
void console_tick(struct console *c, uint64_t now_us);
/* Takes the line away from everybody, for what is said last before power-off: cores that call
 * console_guest_putc() from now on stay there. */
void console_seize(struct console *c);

#endif
