/* The switch's forwarding table: (VLAN, MAC) -> port. IEEE 802.1Q-2018, 8.8 (filtering database).
 *
 * A bucket is one cache line of eight entries, an entry one 64-bit word, so a lookup touches one
 * line and can never see half an entry. The key is 60 bits (VLAN 12, MAC 48); a bijective hash
 * permutes it, its low bits pick the bucket and the rest, together with the bucket's number, *is*
 * the key: a match is never a coincidence, and the key can be computed back for listing.
 *
 *     [63:14] rest of the permuted key   [13:9] port   [8] static   [7:0] age stamp, 0 = free
 *
 * Lookups and learning run on many cores without locks. Learning writes only if the port or the
 * stamp differs. Time is the table's own stamp, advanced by mac_table_age(); a stamp lasts at
 * least a second. */
#ifndef SLUICE_NET_MAC_TABLE_H
#define SLUICE_NET_MAC_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define MAC_TABLE_BUCKETS_LOG2 10
#define MAC_TABLE_BUCKETS      (1u << MAC_TABLE_BUCKETS_LOG2)
#define MAC_BUCKET_ENTRIES     8
#define MAC_TABLE_PORTS_MAX    32

struct mac_bucket {
	uint64_t entry[MAC_BUCKET_ENTRIES]; /* atomic words */
} __cacheline_aligned;

struct mac_table {
	uint32_t stamp;	    /* now, 1..255; written by mac_table_age() only */
	uint32_t stamp_s;   /* seconds that one stamp lasts */
	uint32_t max_age;   /* in stamps, 0: nothing ages */
	uint64_t next_us;   /* when the stamp advances; 0: not yet started */
	uint64_t evictions; /* atomic: live entries that gave way because their bucket was full */
	struct mac_bucket bucket[MAC_TABLE_BUCKETS];
};

struct mac_entry {
	uint8_t mac[6];
	uint16_t vlan;
	unsigned port;
	bool fixed; /* a port's own address: does not age or move */
	uint32_t age_s;
};

/* The table's memory must be zero. */
void mac_table_init(struct mac_table *t, unsigned ageing_s);

/* mac points to 6 bytes. VLAN and MAC as one 60-bit key. */
static inline uint64_t mac_table_key(uint16_t vlan, const uint8_t *mac)
{
	uint32_t low;
	uint16_t high;

	__builtin_memcpy(&low, mac, sizeof(low));
	__builtin_memcpy(&high, mac + sizeof(low), sizeof(high));
	return (uint64_t)vlan << 48 | (uint64_t)high << 32 | low;
}

/* The port, or -ENOENT. */
int mac_table_lookup(const struct mac_table *t, uint64_t key) __must_check;

/* Remembers or refreshes. An entry that was added as fixed stays as it is. */
void mac_table_learn(struct mac_table *t, uint64_t key, unsigned port);

/* 0, -EEXIST if another port has it fixed, -ENOSPC if its bucket is full of fixed entries.
 * Callers serialise. */
int mac_table_add_fixed(struct mac_table *t, uint64_t key, unsigned port) __must_check;

void mac_table_forget_port(struct mac_table *t, unsigned port);

/* One caller at a time, about once a second; cheap if the stamp need not advance. */
void mac_table_age(struct mac_table *t, uint64_t now_us);

void mac_table_for_each(
	const struct mac_table *t, void (*fn)(void *arg, const struct mac_entry *e), void *arg);

#endif
