/* The guest's port and memory buses: who answers at an address.
 *
 * A region is (base, size, handler, arg). Regions are added while the machine is built; later only
 * their base changes (a PCI BAR that moves). Dispatch takes no lock: bases are single words, and
 * each device locks its own state. One bus per address space and guest. */
#ifndef SLUICE_DEV_BUS_H
#define SLUICE_DEV_BUS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define BUS_REGIONS_MAX 64
#define BUS_UNMAPPED	UINT64_MAX

struct bus_access {
	uint64_t offset;    /* from the region's base */
	uint64_t value;	    /* in for a write, out for a read */
	uint8_t size_bytes; /* 1, 2, 4 or 8; the access lies wholly inside the region */
	bool write;
};

typedef void (*bus_handler)(void *arg, struct bus_access *a);

struct bus_region {
	uint64_t base; /* BUS_UNMAPPED: decodes nothing */
	uint64_t size_bytes;
	bus_handler handler;
	void *arg;
};

struct bus {
	unsigned nr_regions;
	struct bus_region region[BUS_REGIONS_MAX];
};

/* The new region, or NULL if the table is full. base may be BUS_UNMAPPED. */
struct bus_region *bus_add(
	struct bus *b, uint64_t base, uint64_t size_bytes, bus_handler handler, void *arg);
void bus_move(struct bus_region *r, uint64_t base);

/* True if a region answered. A read that nobody answers gives all ones (returned false, value set).
 * An access that straddles a region's end is nobody's. */
bool bus_access(struct bus *b, uint64_t address, struct bus_access *a);

#endif
