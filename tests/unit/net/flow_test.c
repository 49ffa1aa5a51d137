// sources:
/* Flows of a guest with several pairs of queues: what it sends by a pair comes back to that pair.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "net/flow.h"

#define PAIRS 4

struct flow {
	bool ipv6, tagged;
	unsigned ip_options_bytes; /* IPv4 */
	uint8_t protocol;
	uint8_t address[2][16];
	uint16_t port[2];
	uint16_t fragment;
};

/* From end `from` to the other one. */
static void make_frame(struct frame *f, const struct flow *w, unsigned from)
{
	unsigned at = 12, bytes = w->ipv6 ? 16 : 4;
	uint8_t *h = f->head;

	memset(f, 0, sizeof(*f));
	memset(h, 0x5a, sizeof(f->head));
	if (w->tagged) {
		memcpy(h + at, "\x81\x00\x00\x07", 4);
		at += 4;
	}
	memcpy(h + at, w->ipv6 ? "\x86\xdd" : "\x08\x00", 2);
	at += 2;
	if (w->ipv6) {
		h[at + 6] = w->protocol;
	} else {
		h[at] = (uint8_t)(0x45 + w->ip_options_bytes / 4);
		h[at + 6] = (uint8_t)(w->fragment >> 8);
		h[at + 7] = (uint8_t)w->fragment;
		h[at + 9] = w->protocol;
	}
	at += w->ipv6 ? 8 : 12;
	memcpy(h + at, w->address[from], bytes);
	memcpy(h + at + bytes, w->address[!from], bytes);
	at += 2 * bytes + (w->ipv6 ? 0 : w->ip_options_bytes);
	for (unsigned i = 0; i < 2; i++) {
		h[at + 2 * i] = (uint8_t)(w->port[i ? !from : from] >> 8);
		h[at + 2 * i + 1] = (uint8_t)w->port[i ? !from : from];
	}
	f->head_len = FRAME_HEAD_BYTES;
	f->len_bytes = 1514;
}

static struct flow a_flow(bool ipv6, bool tagged, uint8_t protocol)
{
	struct flow w = { .ipv6 = ipv6, .tagged = tagged, .protocol = protocol };

	for (unsigned i = 0; i < sizeof(w.address); i++)
		w.address[i / 16][i % 16] = (uint8_t)rand();
	w.port[0] = (uint16_t)rand();
	w.port[1] = (uint16_t)rand();
	return w;
}

static void test_comes_back(void **state)
{
	struct flow_table t = { 0 };
	struct frame f;

	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		struct flow w = a_flow(i & 1, i & 2, i & 4 ? FLOW_TCP : FLOW_UDP);
		unsigned pair = (unsigned)rand() % PAIRS;

		w.ip_options_bytes = i & 8 && !w.ipv6 ? 8 : 0;
		make_frame(&f, &w, 0);
		flow_learn(&t, &f, pair);
		make_frame(&f, &w, 1);
		assert_int_equal(flow_pair(&t, &f, PAIRS), pair);
		/* as it leaves the switch it may have a tag, or have lost it */
		w.tagged = !w.tagged;
		make_frame(&f, &w, 1);
		assert_int_equal(flow_pair(&t, &f, PAIRS), pair);
		/* sent by another vCPU now */
		make_frame(&f, &w, 0);
		flow_learn(&t, &f, (pair + 1) % PAIRS);
		make_frame(&f, &w, 1);
		assert_int_equal(flow_pair(&t, &f, PAIRS), (pair + 1) % PAIRS);
	}
}

/* Connections that differ in one port only: a client's to one server. */
static void test_unknown_flows_spread(void **state)
{
	struct flow w = a_flow(false, false, FLOW_TCP);
	unsigned used[PAIRS] = { 0 };
	struct flow_table t = { 0 };
	struct frame f;

	(void)state;
	for (unsigned i = 0; i < 256; i++) {
		unsigned first;

		w.port[0] = (uint16_t)(40000 + 2 * i);
		make_frame(&f, &w, 0);
		first = flow_pair(&t, &f, PAIRS);
		assert_int_equal(flow_pair(&t, &f, PAIRS), first);
		used[first]++;
	}
	for (unsigned i = 0; i < PAIRS; i++)
		assert_in_range(used[i], 256 / PAIRS / 2, 256 / PAIRS * 2);
}

/* Nothing is learnt of them, and the source decides: one source stays in one queue. */
static void check_by_source(const struct frame *f)
{
	struct flow_table t = { 0 }, empty = { 0 };
	struct frame other = *f;

	flow_learn(&t, f, 1);
	assert_memory_equal(&t, &empty, sizeof(t));
	for (uint16_t source = 0; source < 2 * PAIRS; source++) {
		other.source_port = source;
		assert_int_equal(flow_pair(&t, &other, PAIRS), source % PAIRS);
	}
}

static void test_no_flows(void **state)
{
	struct flow w = a_flow(false, false, 1);
	struct frame f;

	(void)state;
	make_frame(&f, &w, 0); /* ICMP */
	check_by_source(&f);
	w = a_flow(false, false, FLOW_UDP);
	w.fragment = 0x2000; /* the first one; the others have no ports */
	make_frame(&f, &w, 0);
	check_by_source(&f);
	w.fragment = 0x00b9;
	make_frame(&f, &w, 0);
	check_by_source(&f);
	w = a_flow(false, false, FLOW_TCP);
	w.ip_options_bytes = 40; /* the ports are behind the head */
	make_frame(&f, &w, 0);
	check_by_source(&f);
	make_frame(&f, &w, 0);
	memcpy(f.head + 12, "\x08\x06", 2); /* ARP */
	check_by_source(&f);
	for (unsigned len = 14; len < 14 + 20 + 4; len++) {
		w.ip_options_bytes = 0;
		make_frame(&f, &w, 0);
		f.head_len = (uint16_t)len;
		check_by_source(&f);
	}
}

/* A table of pairs that are not there any more, or of anything. */
static void test_any_table(void **state)
{
	struct flow_table t;
	struct frame f;

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		struct flow w = a_flow(i & 1, false, FLOW_TCP);
		unsigned nr = 1 + (unsigned)rand() % 8;

		memset(&t, rand(), sizeof(t));
		make_frame(&f, &w, 0);
		assert_true(flow_pair(&t, &f, nr) < nr);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comes_back),
		cmocka_unit_test(test_unknown_flows_spread),
		cmocka_unit_test(test_no_flows),
		cmocka_unit_test(test_any_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
