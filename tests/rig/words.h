/* Words of a line of the configuration or of a command, and options among them: key=value. */
#ifndef SLUICE_RIG_WORDS_H
#define SLUICE_RIG_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS_MAX	 24
#define WORDS_LINE_MAX	 1024
#define WORDS_REASON_MAX 200

struct words {
	char line[WORDS_LINE_MAX];
	char *word[WORDS_MAX];
	unsigned nr;
};

/* Copies the line and cuts it at blanks; '#' at the begin of a word begins a comment. -EINVAL: too
 * long, or too many words. */
int words_split(struct words *w, const char *line);

/* The line again from word `first` on, one blank between; at most cap - 1 bytes. */
void words_join(const struct words *w, unsigned first, char *buf, size_t cap);

/* The whole text is a number, decimal or hexadecimal with 0x. */
bool words_number(const char *text, uint64_t *v);

enum option_kind {
	OPTION_NUMBER, /* uint64_t, from min to max */
	OPTION_HEX,    /* the same, always hexadecimal */
	OPTION_MAC,    /* uint8_t[6] */
	OPTION_FLAG,   /* bool: the key alone */
	OPTION_TEXT,   /* const char *: valid as long as the words */
};

struct option {
	const char *key;
	enum option_kind kind;
	void *value; /* left alone if the option is not there */
	uint64_t min, max;
};

/* Words from `first` on must each be an option. 0, or -EINVAL with the reason. */
int words_options(const struct words *w, unsigned first, const struct option *options,
	unsigned nr_options, char reason[WORDS_REASON_MAX]);

#endif
