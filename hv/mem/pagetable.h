/* A four-level page table of 512 64-bit entries each, host paging and EPT alike. SDM vol. 3A, 4.5
 * and vol. 3C, 29.3. What the entries' bits mean is the caller's business: flags are opaque.
 *
 * No locking, no TLB invalidation: both are the caller's. Tables that become empty stay until
 * pagetable_destroy(). */
#ifndef SLUICE_MEM_PAGETABLE_H
#define SLUICE_MEM_PAGETABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define PAGETABLE_LARGE BIT64(7) /* in an entry of level 2 (2 MiB) or 3 (1 GiB) */

struct pagetable_config {
	uint64_t present_mask;	    /* an entry is present if any of these is set: 1, or EPT's 7 */
	uint64_t table_flags;	    /* of an entry that points to a table */
	unsigned max_leaf_level;    /* 1: 4 KiB pages only, 2: also 2 MiB, 3: also 1 GiB */
	void *(*alloc_table)(void); /* one zeroed page, or NULL */
	void (*free_table)(void *table); /* for pagetable_destroy(); may be NULL */
	uint64_t (*table_hpa)(const void *table);
	void *(*table_hva)(uint64_t hpa);
};

struct pagetable {
	const struct pagetable_config *config;
	uint64_t *root; /* level 4; its hpa is config->table_hpa(root) */
};

/* 0 or -ENOMEM. */
int pagetable_init(struct pagetable *pt, const struct pagetable_config *config) __must_check;
void pagetable_destroy(struct pagetable *pt);

/* Maps [va, va + len) to [hpa, hpa + len) with `flags` in every leaf (without PAGETABLE_LARGE,
 * which is set where a large page fits). Replaces what is there; large pages that are only partly
 * covered are split, the rest keeping its flags. All page-aligned, va in the canonical or
 * guest-physical 48-bit sense (the upper 16 bits are ignored). 0, -EINVAL on misalignment, -ENOMEM
 * (part of the range may then be mapped). */
int pagetable_map(struct pagetable *pt, uint64_t va, uint64_t hpa, uint64_t len_bytes,
	uint64_t flags) __must_check;

/* Unmapped parts of the range are fine. Fails with -ENOMEM only where a large page must be split.
 */
int pagetable_unmap(struct pagetable *pt, uint64_t va, uint64_t len_bytes) __must_check;

struct pagetable_leaf {
	uint64_t hpa;	/* of the very byte that was asked for */
	uint64_t flags; /* of the leaf entry, without PAGETABLE_LARGE and address */
	uint64_t page_bytes;
	uint64_t *entry; /* the entry itself */
};
/* false if nothing is mapped there. */
bool pagetable_lookup(const struct pagetable *pt, uint64_t va, struct pagetable_leaf *leaf);

#endif
