/* A writer of JSON (RFC 8259) into a sink, without a tree and without memory.
 *
 * The caller nests begin and end properly; commas are the writer's. key is NULL inside arrays and
 * for the outermost value. */
#ifndef SLUICE_MON_JSON_H
#define SLUICE_MON_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "mon/mon.h"

struct json {
	const struct mon_sink *sink;
	bool comma; /* a value precedes on this level */
};

void json_begin_object(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_begin_array(struct json *j, const char *key);
void json_end_array(struct json *j);
void json_u64(struct json *j, const char *key, uint64_t v);
void json_bool(struct json *j, const char *key, bool v);
void json_null(struct json *j, const char *key);
/* Bytes above 0x7f pass unchanged; NULL becomes null. */
void json_string(struct json *j, const char *key, const char *s);

#endif
