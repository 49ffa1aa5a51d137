/* sluice.conf: its values, and the errors about them. Used by the files conf*.c only.
 *
 * A value is a span of the text. Every function that can fail returns 0, or -EINVAL after
 * filling in the error with where it is, what is wrong and what was expected. `what` names the
 * option in the message. */
#ifndef SLUICE_VM_CONF_VALUE_H
#define SLUICE_VM_CONF_VALUE_H

#include "vm/conf.h"

struct conf_span {
	const char *at;
	size_t len;
};

struct conf_where {
	unsigned line, column;
};

struct conf_reader {
	const char *line_start;
	unsigned line;
	struct conf_error *err;
	char quoted[32];
};

struct conf_range {
	uint64_t first, last;
};

int conf_fail(struct conf_reader *r, const char *at, const char *fmt, ...)
	__printf_like(3, 4) __must_check;
int conf_fail_at(struct conf_reader *r, struct conf_where w, const char *fmt, ...)
	__printf_like(3, 4) __must_check;
struct conf_where conf_where(const struct conf_reader *r, const char *at);

/* The text of s, cut to fit into a message. Valid until the next call. */
const char *conf_quote(struct conf_reader *r, struct conf_span s);

bool conf_equals(struct conf_span s, const char *text);
struct conf_span conf_trim(struct conf_span s); /* spaces and tabs at both ends */

/* Takes what stands before the first separator off *rest, which loses the separator too. A space
 * as separator means any number of spaces and tabs. False if nothing is left. */
bool conf_next(struct conf_span *rest, char separator, struct conf_span *item) __must_check;

int conf_number(struct conf_reader *r, struct conf_span s, const char *what,
	struct conf_range allowed, uint64_t *out) __must_check;

/* N or N-M within allowed, N not above M. */
int conf_number_range(struct conf_reader *r, struct conf_span s, const char *what,
	struct conf_range allowed, struct conf_range *out) __must_check;

/* A number with suffix K, M or G, a factor of unit each (1000 or 1024). */
int conf_scaled(struct conf_reader *r, struct conf_span s, const char *what, unsigned unit,
	uint64_t *out) __must_check;

/* on or off */
int conf_on_off(
	struct conf_reader *r, struct conf_span s, const char *what, bool *out) __must_check;

/* One of the words in names, a list such as "halt|poweroff"; *out is its place in it. */
int conf_choice(struct conf_reader *r, struct conf_span s, const char *what, const char *names,
	unsigned *out) __must_check;

/* Any text that is not empty and fits into cap bytes with its NUL. */
int conf_text(struct conf_reader *r, struct conf_span s, const char *what, char *out,
	size_t cap) __must_check;

/* A name of a switch or guest: letters, digits, - _ and . */
int conf_name(struct conf_reader *r, struct conf_span s, const char *what,
	char out[CONF_NAME_MAX]) __must_check;

int conf_mac(struct conf_reader *r, struct conf_span s, uint8_t mac[6]) __must_check;

/* bus:device.function in hexadecimal, with or without a domain 0000: before it. */
int conf_pci(
	struct conf_reader *r, struct conf_span s, const char *what, uint16_t *bdf) __must_check;

/* A value made of options with blanks between: nic = and uplink = (conf_port.c). */
struct conf_port_option {
	const char *name;
	int (*set)(struct conf_reader *r, struct conf_span s, void *target);
	bool is_flag; /* the name alone means on */
};

struct conf_port_line {
	const char *what;
	const struct conf_port_option *options; /* its own ones; a port's come on top */
	unsigned nr_options;
	void *target; /* of its own ones */
	struct conf_port *port;
	uint32_t seen; /* its own options that were given, by index */
};

/* Fills *l->port with the defaults first. */
int conf_port_parse(
	struct conf_reader *r, struct conf_span s, struct conf_port_line *l) __must_check;

/* nic = ... (conf_nic.c). The switch it names is looked up when all of the file was read. */
int conf_nic_parse(struct conf_reader *r, struct conf_span s, struct conf_nic *nic) __must_check;
/* uplink = ... (conf_uplink.c) */
int conf_uplink_parse(
	struct conf_reader *r, struct conf_span s, struct conf_uplink *uplink) __must_check;

#endif
