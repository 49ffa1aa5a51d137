/* The injection record: every DMA write of the models, with the cache it was aimed at, so that a
 * test can ask which core a packet was sent to. A ring; what no longer fits is dropped from its
 * beginning and counted. */
#ifndef SLUICE_MODELS_RECORD_H
#define SLUICE_MODELS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pci_dev.h"

struct record_entry {
	uint64_t at_ps;
	uint64_t addr;
	uint32_t len_bytes;
	uint16_t device; /* struct pci_dev.id */
	struct dma_hint hint;
};

struct record {
	struct record_entry *entry; /* capacity, a power of two */
	size_t capacity;
	uint64_t nr_written; /* in all: entry n is at n % capacity while n + capacity >= nr_written
			      */
};

/* capacity: rounded up to a power of two. -ENOMEM. */
int record_init(struct record *r, size_t capacity);
void record_destroy(struct record *r);
void record_add(struct record *r, const struct record_entry *e);

/* The newest entry whose range contains addr, at most as old as since_ps; NULL: none. */
const struct record_entry *record_find(const struct record *r, uint64_t addr, uint64_t since_ps);

/* One line an entry, oldest first:
 *   ps device queue kind address length target|-
 * with kind as desc, header, payload, head, completion. */
void record_export(const struct record *r, FILE *out);

#endif
