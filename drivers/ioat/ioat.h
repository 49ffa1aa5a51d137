/* Driver of the I/OAT DMA engine (Intel QuickData Technology), version 3.x: copies memory beside
 * the CPU. Registers and their specification: ioat_regs.h.
 *
 * A function has 1 to 16 channels, each a ring of descriptors that the channel works off in order.
 * A channel belongs to one core, which alone calls what takes a struct ioat_chan: no lock.
 *
 *     ioat_begin(), ioat_add()..., ioat_commit()   prepare one operation: no device access
 *     ioat_flush()                                 one doorbell for all that was committed
 *     ioat_poll()                                  operations that ended, in order, each once
 *
 * Nothing waits but opening and stopping: a channel that halts, stalls or lies is brought back by
 * what ioat_poll() does each time it is called. The first operation that it did not finish is
 * handed back to the caller, to be done by the CPU, and the channel goes on with the next; so each
 * recovery makes progress. A channel that cannot be brought back hands back all it had. When an
 * operation is handed back, the channel does not touch its memory any more.
 *
 * How long: a halt that the channel reports is seen by the next poll, other faults within
 * IOAT_CHECK_US of polling without progress; a channel is given up for lost after IOAT_STALL_US
 * without progress, its reset after IOAT_RESET_US. */
#ifndef SLUICE_DRIVERS_IOAT_H
#define SLUICE_DRIVERS_IOAT_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/ioat/ioat_regs.h"
#include "drivers/pci/pci.h"
#include "lib/bits.h"

#define IOAT_CHANNELS_MAX 16
#define IOAT_RING_ENTRIES 256u /* a power of two; one is never used: full is not empty */
#define IOAT_NO_TARGET	  UINT32_MAX

#define IOAT_CHECK_US	    100
#define IOAT_STALL_US	    10000
#define IOAT_SUSPEND_US	    1000
#define IOAT_RESET_US	    20000
#define IOAT_START_US	    1000
#define IOAT_RECOVERIES_MAX 8 /* in a row, without progress in between */

enum ioat_state {
	IOAT_CLOSED,
	IOAT_RUNNING,
	IOAT_SUSPENDING, /* stands still: being stopped, to be reset */
	IOAT_RESETTING,
	IOAT_DEAD /* for good; everything is handed back */
};

struct ioat_stats {
	uint64_t operations, bytes; /* ended well, by the channel */
	uint64_t descriptors, doorbells;
	uint64_t ring_full;
	uint64_t interrupts;
	uint64_t halts, stalls;	     /* recoveries, by their cause */
	uint64_t errors[32];	     /* by bit of CHANERR */
	uint64_t handed_back;	     /* operations */
	uint64_t bad_completions;    /* the completion word made no sense */
	uint64_t lost_completions;   /* CHANSTS knew more than the completion word */
	uint64_t repeated_doorbells; /* the channel was idle in spite of one */
	uint64_t resets, failed_resets;
	uint64_t retargets, retargets_refused;
};

/* What software keeps of a descriptor; what the device reads is not read back. */
struct ioat_slot {
	uint64_t token;
	uint32_t bytes; /* of this descriptor */
	uint16_t nr;	/* the operation's first: how many it has; else 0 */
};

struct ioat_device;

struct ioat_chan {
	struct ioat_device *dev;
	uint64_t regs; /* mapped */
	unsigned index;
	enum ioat_state state;
	struct ioat_desc *desc; /* IOAT_RING_ENTRIES, linked in a circle once */
	struct ioat_slot *slot; /* of the same index */
	uint64_t *completion;	/* written by the device: not to be trusted */
	uint64_t desc_hpa, completion_hpa;

	/* Descriptors, counted since the beginning; index in the ring: modulo its size.
	 *   tail <= complete <= issued <= head
	 *   [tail, complete)     done by the device, not yet fetched by ioat_poll()
	 *   [complete, issued)   the device's
	 *   [issued, head)       committed; [head, building): being prepared
	 *   [fail_first, fail_end)  handed back, when tail comes there */
	uint32_t tail, complete, issued, head, building;
	uint32_t fail_first, fail_end, fail_done_bytes;
	uint32_t chain_start; /* where CHAINADDR points; DMACOUNT counts from there */
	uint64_t backlog_bytes;
	uint32_t building_bytes;

	uint64_t last_word; /* completion word seen last */
	bool moved;	    /* progress since the last look at the time */
	uint64_t progress_tsc, check_tsc, deadline_tsc;
	unsigned recoveries; /* in a row */
	uint32_t target;     /* APIC ID that payload and completions go to, IOAT_NO_TARGET: none */
	uint32_t vector_apic_id;
	uint8_t vector; /* 0: no interrupt */
	void (*notify)(void *arg);
	void *notify_arg;
	struct ioat_stats stats;
};

struct ioat_device {
	pci_bdf bdf;
	uint16_t device_id;
	uint64_t regs; /* mapped BAR 0 */
	uint64_t regs_bytes;
	uint8_t version;
	uint8_t nr_channels;
	uint32_t max_bytes; /* of one descriptor */
	bool has_dca;	    /* also the platform: CPUID, BIOS */
	bool has_msix;
	uint32_t dead; /* atomic: its bus mastering was taken away */
	uint16_t dca_offset;
	uint8_t tag_map[IOAT_TAG_MAP_BYTES];
	struct host_pci_msix msix;
	struct ioat_chan chan[IOAT_CHANNELS_MAX];
};

/* Whether the engine's writes, and by its tags a NIC's, may be aimed at caches: never; if CPU,
 * firmware and engine say that they support it; without asking the CPU. */
enum ioat_dca { IOAT_DCA_OFF, IOAT_DCA_PROBE, IOAT_DCA_FORCE };

/* How many there are: an upper bound of what ioat_probe() finds. */
unsigned ioat_count(void);
/* Finds the engines and fills in up to `max`, caller-allocated; how many. At start, boot CPU. */
unsigned ioat_probe(struct ioat_device *dev, unsigned max, enum ioat_dca dca);
/* No DMA from now on: for the end of everything. Waits IOAT_RESET_US at most for each channel. */
void ioat_stop(struct ioat_device *dev);

/* Ring, reset, and a first descriptor as a test. At start; waits up to IOAT_RESET_US +
 * IOAT_START_US. 0, -ENOMEM, -EIO, -ETIMEDOUT: then the channel stays closed. */
int ioat_open(struct ioat_chan *c) __must_check;

/* ---- Preparing. Buffers are memory that HPA() takes, physically contiguous as all of the direct
 * map is, so that a segment is cut only where it is larger than a descriptor can be. ---- */

/* 0; -EAGAIN: it is being recovered; -EIO: dead. Must be followed by commit or cancel. */
int ioat_begin(struct ioat_chan *c) __must_check;
/* 0; -EAGAIN: the ring is full: cancel; -EINVAL: no bytes. dca: aim it at the channel's target. */
int ioat_add(
	struct ioat_chan *c, void *dst, const void *src, uint32_t len_bytes, bool dca) __must_check;
/* At least one ioat_add() worked. token: what ioat_poll() will say; not IOAT_TOKEN_NONE. */
void ioat_commit(struct ioat_chan *c, uint64_t token);
/* As if ioat_begin() had not been. */
void ioat_cancel(struct ioat_chan *c);

#define IOAT_TOKEN_NONE UINT64_MAX

/* One doorbell, if anything was committed. How many descriptors. */
unsigned ioat_flush(struct ioat_chan *c);

struct ioat_result {
	uint64_t token;
	int status;	     /* 0, or -EIO: handed back */
	uint32_t done_bytes; /* of those added, from the first: done by the device */
};
/* Up to `max` operations that ended since, in the order of their commits. */
unsigned ioat_poll(struct ioat_chan *c, struct ioat_result *result, unsigned max);

/* Anything committed that ioat_poll() has not returned. */
static inline bool ioat_is_busy(const struct ioat_chan *c)
{
	return c->tail != c->head;
}

/* ---- Destination: DCA. DS 8.5.24 ---- */

/* Where payload with `dca` and completions go: an APIC ID or IOAT_NO_TARGET. -ENOTSUP; -EBUSY:
 * operations are under way, whose target would change with it. */
int ioat_set_target(struct ioat_chan *c, uint32_t apic_id) __must_check;

/* For NICs: the tag that names a core, from the platform's map. -ENOTSUP. */
int ioat_dca_tag(const struct ioat_device *dev, uint32_t apic_id, uint8_t *tag) __must_check;
/* Lets a function's tagged writes through. -ENOTSUP, -ENOSPC. */
int ioat_dca_add_requester(struct ioat_device *dev, pci_bdf bdf) __must_check;
void ioat_dca_remove_requester(struct ioat_device *dev, pci_bdf bdf);

/* ---- Interrupts: MSI-X, one vector a channel ---- */

/* notify() is called on that core when an operation has ended for which an interrupt was asked, or
 * the channel halted. At start. -ENOTSUP: no MSI-X; -ENOSPC, -EINVAL. */
int ioat_interrupt_enable(
	struct ioat_chan *c, uint32_t apic_id, void (*notify)(void *arg), void *arg) __must_check;
/* Interrupt when all that was committed so far has ended; flushes. If nothing is under way, or
 * there is no room for it, or no interrupt enabled: false, and the caller polls. */
bool ioat_interrupt_request(struct ioat_chan *c);

#endif
