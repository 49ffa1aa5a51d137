/* The text that describes a peer: its kind and key=value words, separated by blanks. */
#include "peer_impl.h"

#include <errno.h>
#include <string.h>

#define WORD_MAX  128
#define SIZE_MIN  (ETH_MIN + WIRE_FCS_BYTES)
#define SIZE_LAST (WIRE_FRAME_MAX + WIRE_FCS_BYTES)

/* Decimal digits at *s, up to max; moves *s behind them. */
static bool take_number(const char **s, uint64_t max, uint64_t *v)
{
	const char *start = *s;

	for (*v = 0; **s >= '0' && **s <= '9'; ++*s) {
		uint64_t digit = (uint64_t)(**s - '0');

		if (*v > (max - digit) / 10)
			return false;
		*v = *v * 10 + digit;
	}
	return *s != start;
}

static bool parse_number(const char *s, uint64_t min, uint64_t max, uint64_t *v)
{
	return take_number(&s, max, v) && !*s && *v >= min;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_mac(const char *s, uint8_t mac[MAC_BYTES])
{
	if (strlen(s) != 3 * MAC_BYTES - 1)
		return false;
	for (unsigned i = 0; i < MAC_BYTES; i++, s += 3) {
		int high = hex_digit(s[0]), low = hex_digit(s[1]);

		if (high < 0 || low < 0 || (s[2] && s[2] != ':'))
			return false;
		mac[i] = (uint8_t)(high * 16 + low);
	}
	return true;
}

static bool parse_ip(const char *s, uint32_t *ip)
{
	*ip = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint64_t v;

		if (!take_number(&s, 255, &v) || *s != (i < 3 ? '.' : '\0'))
			return false;
		*ip = *ip << 8 | (uint32_t)v;
		s++;
	}
	return *ip != 0;
}

static bool set_mac(struct peer_config *c, const char *s)
{
	return parse_mac(s, c->mac) && !(c->mac[0] & 1);
}

static bool set_dst(struct peer_config *c, const char *s)
{
	return parse_mac(s, c->dst);
}

static bool set_ip_src(struct peer_config *c, const char *s)
{
	return parse_ip(s, &c->ip_src);
}

static bool set_ip_dst(struct peer_config *c, const char *s)
{
	return parse_ip(s, &c->ip_dst);
}

static bool set_pps(struct peer_config *c, const char *s)
{
	return parse_number(s, 1, 100000000, &c->pps);
}

static bool set_mbit(struct peer_config *c, const char *s)
{
	return parse_number(s, 1, 10000, &c->mbit);
}

static bool set_count(struct peer_config *c, const char *s)
{
	return parse_number(s, 1, UINT64_MAX, &c->count);
}

static bool set_flows(struct peer_config *c, const char *s)
{
	return parse_number(s, 1, PEER_FLOWS_MAX, &c->flows);
}

static bool set_start(struct peer_config *c, const char *s)
{
	return parse_number(s, 0, UINT64_MAX / CLOCK_PS_PER_US / 2, &c->start_us);
}

static bool set_size(struct peer_config *c, const char *s)
{
	c->nr_sizes = 1;
	c->size[0].weight = 1;
	return parse_number(s, SIZE_MIN, SIZE_LAST, &c->size[0].bytes);
}

static bool set_mix(struct peer_config *c, const char *s)
{
	for (c->nr_sizes = 0; c->nr_sizes < PEER_MIX_MAX; s++) {
		unsigned i = c->nr_sizes++;

		if (!take_number(&s, SIZE_LAST, &c->size[i].bytes) || c->size[i].bytes < SIZE_MIN ||
			*s++ != ':' || !take_number(&s, 1000000, &c->size[i].weight) ||
			!c->size[i].weight)
			return false;
		if (*s != ',')
			return !*s;
	}
	return false;
}

#define KEY_RATE 0x100 /* pps and mbit exclude each other, and so do size and mix */
#define KEY_SIZE 0x200

static const struct key {
	const char *name;
	const struct peer_kind *kind;
	bool (*set)(struct peer_config *c, const char *value);
	uint32_t group; /* given at most once */
	bool needed;
} keys[] = {
	{ "mac", &peer_echo, set_mac, 1, true },
	{ "ip", &peer_echo, set_ip_src, 2, false },
	{ "dst", &peer_generator, set_dst, 1, true },
	{ "src", &peer_generator, set_mac, 2, false },
	{ "pps", &peer_generator, set_pps, KEY_RATE, false },
	{ "mbit", &peer_generator, set_mbit, KEY_RATE, false },
	{ "size", &peer_generator, set_size, KEY_SIZE, false },
	{ "mix", &peer_generator, set_mix, KEY_SIZE, false },
	{ "count", &peer_generator, set_count, 4, false },
	{ "flows", &peer_generator, set_flows, 8, false },
	{ "ip_src", &peer_generator, set_ip_src, 16, false },
	{ "ip_dst", &peer_generator, set_ip_dst, 32, false },
	{ "start_us", &peer_generator, set_start, 64, false },
};
#define NR_KEYS (sizeof(keys) / sizeof(keys[0]))

/* The next word, or false: there is none, or (with why) it is too long. */
static bool take_word(const char **spec, char word[WORD_MAX], const char **why)
{
	size_t len;

	*spec += strspn(*spec, " \t");
	len = strcspn(*spec, " \t");
	if (!len)
		return false;
	if (len >= WORD_MAX) {
		*why = "a word is too long";
		return false;
	}
	memcpy(word, *spec, len);
	word[len] = 0;
	*spec += len;
	return true;
}

static const char *apply(struct peer_config *c, const struct peer_kind *kind, char *word)
{
	char *value = strchr(word, '=');

	if (!value)
		return "not key=value";
	*value++ = 0;
	for (unsigned i = 0; i < NR_KEYS; i++) {
		if (keys[i].kind != kind || strcmp(keys[i].name, word))
			continue;
		if (c->given & keys[i].group)
			return "given twice, or with what it excludes";
		c->given |= keys[i].group;
		return keys[i].set(c, value) ? NULL : "a value is malformed or out of range";
	}
	return "this kind of peer has no such key";
}

static const struct peer_kind *find_kind(const char *name)
{
	static const struct peer_kind *const kinds[] = { &peer_echo, &peer_generator, &peer_sink };

	for (unsigned i = 0; i < 3; i++) {
		if (!strcmp(kinds[i]->name, name))
			return kinds[i];
	}
	return NULL;
}

static void set_defaults(struct peer_config *c, const struct peer_kind *kind)
{
	static const uint8_t mac[MAC_BYTES] = { 0x02, 0, 0, 0, 0, 0x67 };

	*c = (struct peer_config){ .flows = 1, .nr_sizes = 1, .size = { { SIZE_MIN, 1 } } };
	memcpy(c->mac, mac, sizeof(mac));
	if (kind != &peer_generator)
		return;
	/* RFC 2544, C.2.2: addresses for tests */
	c->ip_src = 0xc6120001; /* 198.18.0.1 */
	c->ip_dst = 0xc6130001; /* 198.19.0.1 */
}

int peer_config_parse(
	struct peer_config *c, const struct peer_kind **kind, const char *spec, const char **why)
{
	char word[WORD_MAX];

	*why = NULL;
	*kind = take_word(&spec, word, why) ? find_kind(word) : NULL;
	if (!*kind) {
		*why = "a peer is echo, generator or sink";
		return -EINVAL;
	}
	set_defaults(c, *kind);
	while (!*why && take_word(&spec, word, why))
		*why = apply(c, *kind, word);
	for (unsigned i = 0; i < NR_KEYS && !*why; i++) {
		if (keys[i].kind == *kind && keys[i].needed && !(c->given & keys[i].group))
			*why = "mac= (echo) or dst= (generator) is missing";
	}
	return *why ? -EINVAL : 0;
}
