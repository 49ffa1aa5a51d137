/* The copy contexts of all cores, and which core has which I/OAT channels. */
#ifndef SLUICE_NET_COPY_SETUP_H
#define SLUICE_NET_COPY_SETUP_H

#include "drivers/ioat/ioat.h"
#include "lib/bits.h"
#include "net/copy.h"

/* Boot CPU, after the cores have started and have their workers; use_ioat false: the CPU alone.
 * Finds the engines, opens their channels and gives them to the cores in turn: each core gets as
 * many, up to COPY_CHANNELS_MAX. A channel aims at its core's cache to begin with, if it can aim.
 * Any engine that does not work is left out, with a message. 0, or -ENOMEM: there are no contexts.
 */
int copy_start(
	struct worker *(*worker_of)(unsigned core), bool use_ioat, enum ioat_dca dca) __must_check;
/* The machine goes down: no DMA any more. */
void copy_stop(void);

/* After copy_start(). */
struct copy_ctx *copy_of_core(unsigned core);
/* All cores'. Adds to *sum. */
void copy_stats_sum(struct copy_stats *sum);
/* Whether an engine, or a NIC by a tag, can aim at caches. */
bool copy_has_dca(void);
/* The tag by which a NIC names the core's cache. -ENOTSUP: there is none. */
int copy_dca_tag(unsigned core, uint8_t *tag) __must_check;
/* Lets the tagged writes of a NIC through. -ENOTSUP, -ENOSPC. */
int copy_dca_add_requester(pci_bdf bdf) __must_check;

/* How many channels are in use. */
unsigned copy_channels(void);

#endif
