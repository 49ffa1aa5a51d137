/* Which of a guest's pairs of queues a flow uses: automatic receive steering.
 * Virtio 1.2, 5.1.6.5.6.
 *
 * What the guest sends by a pair teaches where the flow's other direction is received, so that its
 * packets meet the vCPU that handles them. A flow that the guest has not sent anything of gets a
 * pair by its hash. A flow is the addresses and ports of TCP or UDP, the same in both directions;
 * all else is told apart by its source port of the switch only. Two flows may share an entry. */
#ifndef SLUICE_NET_FLOW_H
#define SLUICE_NET_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/atomic.h"
#include "lib/string.h"
#include "net/frame.h"

#define FLOW_ENTRY_BITS	    8u
#define FLOW_ENTRIES	    (1u << FLOW_ENTRY_BITS)
#define FLOW_TYPE_IPV4	    0x0800u
#define FLOW_TYPE_IPV6	    0x86ddu
#define FLOW_TCP	    6u
#define FLOW_UDP	    17u
#define FLOW_ADDRESSES_IPV4 12u
#define FLOW_ADDRESSES_IPV6 8u

/* Zero is empty. Any core reads and writes it; each entry is a byte, and any value is safe. */
struct flow_table {
	uint8_t pair[FLOW_ENTRIES]; /* and 1; 0: not known */
};

/* Exclusive or of n 32-bit words: the same if two halves of them are exchanged. */
static inline uint32_t flow_xor(const uint8_t *p, unsigned n)
{
	uint32_t x = 0, word;

	for (unsigned i = 0; i < n; i++) {
		memcpy(&word, p + 4 * i, sizeof(word));
		x ^= word;
	}
	return x;
}

static inline unsigned flow_be16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* What tells flows apart, in a frame's first bytes. */
struct flow_key {
	const uint8_t *addresses; /* of IP, source and destination */
	unsigned nr_words;	  /* 32-bit, of both */
	const uint8_t *ports; /* of TCP or UDP, NULL: none, or in another fragment, or not there */
	uint8_t protocol;
};

/* Of the first len_bytes of a frame. False: no IP. */
static inline bool flow_key(const uint8_t *h, unsigned len_bytes, struct flow_key *k)
{
	unsigned ip = 14, l4;
	bool fragment = false;

	if (len_bytes >= 18 && flow_be16(h + 12) == ETH_TYPE_VLAN)
		ip = 18;
	if (len_bytes >= ip + 20 && flow_be16(h + ip - 2) == FLOW_TYPE_IPV4) {
		fragment = (flow_be16(h + ip + 6) & 0x3fff) != 0;
		l4 = ip + (h[ip] & 0xf) * 4u;
		*k = (struct flow_key){ h + ip + FLOW_ADDRESSES_IPV4, 2, NULL, h[ip + 9] };
	} else if (len_bytes >= ip + 40 && flow_be16(h + ip - 2) == FLOW_TYPE_IPV6) {
		l4 = ip + 40;
		*k = (struct flow_key){ h + ip + FLOW_ADDRESSES_IPV6, 8, NULL, h[ip + 6] };
	} else {
		return false;
	}
	if (!fragment && (k->protocol == FLOW_TCP || k->protocol == FLOW_UDP) &&
		len_bytes >= l4 + 4)
		k->ports = h + l4;
	return true;
}

/* False: not of TCP or UDP, a fragment, or more headers than a frame's head holds. The frame need
 * not have been through the switch. */
static inline bool flow_entry(const struct frame *f, unsigned *entry)
{
	struct flow_key k;
	uint32_t x;

	if (!flow_key(f->head, f->head_len, &k) || !k.ports)
		return false;
	x = flow_xor(k.addresses, k.nr_words) ^ flow_be16(k.ports) ^ flow_be16(k.ports + 2) ^
	    (uint32_t)k.protocol << 16;
	/* by the golden ratio: the upper bits depend on all */
	*entry = x * UINT32_C(0x9e3779b1) >> (32 - FLOW_ENTRY_BITS);
	return true;
}

/* The guest has sent f by this pair. */
static inline void flow_learn(struct flow_table *t, const struct frame *f, unsigned pair)
{
	unsigned entry;

	if (flow_entry(f, &entry) && load_relaxed(&t->pair[entry]) != pair + 1)
		store_relaxed(&t->pair[entry], (uint8_t)(pair + 1));
}

/* For f, which goes to the guest, one of nr_pairs. */
static inline unsigned flow_pair(
	const struct flow_table *t, const struct frame *f, unsigned nr_pairs)
{
	unsigned entry, known;

	if (!flow_entry(f, &entry))
		return f->source_port % nr_pairs;
	known = load_relaxed(&t->pair[entry]);
	return known && known <= nr_pairs ? known - 1 : entry % nr_pairs;
}

#endif
