/* What the files of the I/OAT driver call of each other. */
#ifndef SLUICE_DRIVERS_IOAT_INTERNAL_H
#define SLUICE_DRIVERS_IOAT_INTERNAL_H

#include "drivers/ioat/ioat.h"

#define IOAT_RING_MASK (IOAT_RING_ENTRIES - 1)

static inline struct ioat_slot *ioat_slot_of(const struct ioat_chan *c, uint32_t n)
{
	return &c->slot[n & IOAT_RING_MASK];
}

/* channel.c */
enum ioat_progress { IOAT_PROGRESS_NONE, IOAT_PROGRESS_MADE, IOAT_PROGRESS_BAD };
/* Takes over what a status word, from memory or CHANSTS, says to be completed, if it can be. */
enum ioat_progress ioat_take_progress(struct ioat_chan *c, uint64_t status);
uint64_t ioat_chansts(const struct ioat_chan *c);
/* Commits a descriptor that copies nothing; ioat_poll() does not return it. 0 or -errno. */
int ioat_commit_null(struct ioat_chan *c, uint32_t ctl) __must_check;
/* Programs a channel that was reset to go on with descriptor n, and rings for what was issued. */
void ioat_start_chain(struct ioat_chan *c, uint32_t n);
void ioat_write_control(const struct ioat_chan *c);
void ioat_write_target(const struct ioat_chan *c);

/* recover.c */
void ioat_recover_halted(struct ioat_chan *c);
void ioat_recover_stalled(struct ioat_chan *c, uint64_t now);
/* The next step of a recovery under way, if it is due. */
void ioat_recover_step(struct ioat_chan *c);
/* The function is dead, and so is the channel. */
void ioat_recover_never(struct ioat_chan *c);
/* Waits. 0 or -ETIMEDOUT. */
int ioat_reset_wait(struct ioat_chan *c);
/* No DMA of this function any more, and its channels are dead. */
void ioat_off_the_bus(struct ioat_device *dev);
/* The same, as a fault. */
void ioat_device_kill(struct ioat_device *dev);

/* dca.c */
void ioat_dca_init(struct ioat_device *dev, enum ioat_dca wish);

/* interrupt.c: what a reset may have undone. */
void ioat_interrupt_restore(struct ioat_device *dev);

#endif
