#include "words.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

int words_split(struct words *w, const char *line)
{
	char *rest;

	w->nr = 0;
	if (strlen(line) >= sizeof(w->line))
		return -EINVAL;
	strcpy(w->line, line);
	for (char *p = strtok_r(w->line, BLANKS, &rest); p && *p != '#';
		p = strtok_r(NULL, BLANKS, &rest)) {
		if (w->nr == WORDS_MAX)
			return -EINVAL;
		w->word[w->nr++] = p;
	}
	return 0;
}

void words_join(const struct words *w, unsigned first, char *buf, size_t cap)
{
	size_t len = 0;

	buf[0] = 0;
	for (unsigned i = first; i < w->nr && len < cap; i++) {
		const char *blank = i > first ? " " : "";

		len += (size_t)snprintf(buf + len, cap - len, "%s%s", blank, w->word[i]);
	}
}

static bool parse(const char *text, int base, uint64_t *v)
{
	char *end;

	if (text[0] < '0' || text[0] > 'f')
		return false;
	errno = 0;
	*v = strtoull(text, &end, base);
	return errno == 0 && end != text && *end == 0;
}

bool words_number(const char *text, uint64_t *v)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');

	return parse(text, hex ? 16 : 10, v);
}

static bool parse_mac(const char *text, uint8_t *mac)
{
	for (unsigned i = 0; i < 6; i++) {
		size_t len = strcspn(text, ":");
		char byte[3] = "";
		uint64_t v;

		if (len == 0 || len > 2 || text[len] != (i < 5 ? ':' : 0))
			return false;
		memcpy(byte, text, len);
		if (!parse(byte, 16, &v))
			return false;
		mac[i] = (uint8_t)v;
		text += len + 1;
	}
	return true;
}

static bool take(const struct option *o, const char *text)
{
	uint64_t v;

	switch (o->kind) {
	case OPTION_FLAG:
		*(bool *)o->value = true;
		return true;
	case OPTION_TEXT:
		*(const char **)o->value = text;
		return *text != 0;
	case OPTION_MAC:
		return parse_mac(text, o->value);
	default:
		if (!(o->kind == OPTION_HEX ? parse(text, 16, &v) : words_number(text, &v)) ||
			v < o->min || v > o->max)
			return false;
		*(uint64_t *)o->value = v;
		return true;
	}
}

/* The option that a word sets; *text is what follows its key and '='. */
static const struct option *find(
	const struct option *options, unsigned nr, const char *word, const char **text)
{
	for (const struct option *o = options; o < options + nr; o++) {
		size_t len = strlen(o->key);

		if (strncmp(word, o->key, len) != 0)
			continue;
		*text = word + len + 1;
		if (word[len] == (o->kind == OPTION_FLAG ? 0 : '='))
			return o;
	}
	return NULL;
}

int words_options(const struct words *w, unsigned first, const struct option *options,
	unsigned nr_options, char reason[WORDS_REASON_MAX])
{
	for (unsigned i = first; i < w->nr; i++) {
		const char *text;
		const struct option *o = find(options, nr_options, w->word[i], &text);

		if (o && take(o, text))
			continue;
		if (o)
			snprintf(reason, WORDS_REASON_MAX, "%.100s: not a valid value", w->word[i]);
		else
			snprintf(reason, WORDS_REASON_MAX, "no option %.100s", w->word[i]);
		return -EINVAL;
	}
	return 0;
}
