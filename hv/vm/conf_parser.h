/* sluice.conf: the parser's state and the tables of options. Used by the files conf*.c only. */
#ifndef SLUICE_VM_CONF_PARSER_H
#define SLUICE_VM_CONF_PARSER_H

#include "vm/conf_value.h"

enum conf_section {
	CONF_SECTION_NONE,
	CONF_SECTION_SLUICE,
	CONF_SECTION_SWITCH,
	CONF_SECTION_GUEST
};

struct conf_parser {
	struct conf_reader r;
	struct conf *c;
	enum conf_section section;
	bool had_sluice;
	uint32_t seen; /* options of this section, by index */
	struct conf_switch *sw;
	struct conf_guest *guest;
	struct conf_where uplink_at[CONF_SWITCHES_MAX];
	struct conf_where guest_at[CONF_GUESTS_MAX];
	struct conf_where nic_at[CONF_GUESTS_MAX][CONF_NICS_MAX];
};

struct conf_option {
	const char *name;
	int (*set)(struct conf_parser *p, struct conf_span s);
	bool repeats;
	bool whole_line; /* # does not begin a comment in it */
};

int conf_unsigned(struct conf_parser *p, struct conf_span s, const char *what,
	struct conf_range allowed, unsigned *out) __must_check;

/* mirror= of all ports (conf_mirror.c), when all of the file was read. */
int conf_mirrors_check(struct conf_parser *p) __must_check;

/* [sluice] (conf_sluice.c) */
#define CONF_SLUICE_OPTIONS 12
extern const struct conf_option conf_sluice_options[CONF_SLUICE_OPTIONS];
void conf_sluice_defaults(struct conf *c);

#endif
