/* JSON writer: see json.h. */
#include "mon/json.h"

#include "lib/string.h"

static void put(struct json *j, const char *text)
{
	mon_write(j->sink, text, strlen(text));
}

static void put_string(struct json *j, const char *s)
{
	const char *plain = s;

	put(j, "\"");
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		mon_write(j->sink, plain, (size_t)(s - plain));
		if (c < 0x20)
			mon_print(j->sink, "\\u%04x", c);
		else
			mon_print(j->sink, "\\%c", c);
		plain = s + 1;
	}
	mon_write(j->sink, plain, (size_t)(s - plain));
	put(j, "\"");
}

/* What stands before a value. */
static void lead(struct json *j, const char *key)
{
	if (j->comma)
		put(j, ",");
	if (key) {
		put_string(j, key);
		put(j, ":");
	}
	j->comma = true;
}

void json_begin_object(struct json *j, const char *key)
{
	lead(j, key);
	put(j, "{");
	j->comma = false;
}

void json_end_object(struct json *j)
{
	put(j, "}");
	j->comma = true;
}

void json_begin_array(struct json *j, const char *key)
{
	lead(j, key);
	put(j, "[");
	j->comma = false;
}

void json_end_array(struct json *j)
{
	put(j, "]");
	j->comma = true;
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
	lead(j, key);
	mon_print(j->sink, "%llu", (unsigned long long)v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	lead(j, key);
	put(j, v ? "true" : "false");
}

void json_null(struct json *j, const char *key)
{
	lead(j, key);
	put(j, "null");
}

void json_string(struct json *j, const char *key, const char *s)
{
	lead(j, key);
	if (s)
		put_string(j, s);
	else
		put(j, "null");
}
