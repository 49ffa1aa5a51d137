/* Bringing an I/OAT channel back that halted or stands still. DS 8.5.14, 8.5.16, 8.5.22.
 *
 *     RUNNING -halted-> RESETTING -reset done-> RUNNING
 *     RUNNING -stalled-> SUSPENDING -stopped, or not in time-> RESETTING
 *     RESETTING -not in time, or the function is dead, or too often-> DEAD
 *
 * What CHANSTS says to be complete is complete, and nothing of it is done again. The operation that
 * was not is handed back, whatever CHANERR says: most of its bits blame the descriptor, and each
 * recovery takes at least one operation off the ring. The next ones are issued again, as a new
 * chain.
 *
 * A reset that does not end leaves a channel that may still write. Then the function's bus
 * mastering is taken away, which stops all its channels, before anything is handed back. */
#include "drivers/ioat/internal.h"

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "drivers/ioat/ioat_mmio.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/log.h"

#define LOGGED_MAX 32

static bool needs_config_clear(const struct ioat_device *dev)
{
	return dev->version < IOAT_CBVER_3_3;
}

/* CHANERR is sticky, and while it is not clear the channel takes no chain. */
static uint32_t clear_errors(struct ioat_chan *c)
{
	uint32_t err = ioat_read32(c->regs, IOAT_CHANERR);

	ioat_write32(c->regs, IOAT_CHANERR, err);
	if (needs_config_clear(c->dev))
		host_pci_write32(c->dev->bdf, IOAT_CFG_CHANERR_INT,
			host_pci_read32(c->dev->bdf, IOAT_CFG_CHANERR_INT));
	return err;
}

/* The operation that the device has not finished, or all from there. Its first descriptors may be
 * done: that is told, and they are not done again. */
static void hand_back(struct ioat_chan *c, bool all)
{
	uint32_t first = c->complete, done_bytes = 0;

	while (first != c->tail && first != c->head && !ioat_slot_of(c, first)->nr)
		done_bytes += ioat_slot_of(c, --first)->bytes;
	c->fail_first = first;
	c->fail_done_bytes = done_bytes;
	if (all)
		c->fail_end = c->head;
	else if (c->complete == c->issued)
		c->fail_end = first; /* nothing was under way */
	else
		c->fail_end = first + ioat_slot_of(c, first)->nr;
	c->complete = c->fail_end; /* nothing up to there is the device's any more */
}

static void begin_reset(struct ioat_chan *c)
{
	c->stats.resets++;
	c->state = IOAT_RESETTING;
	c->deadline_tsc = rdtsc() + us_to_tsc(IOAT_RESET_US);
	ioat_write8(c->regs, IOAT_CHANCMD, IOAT_CHANCMD_RESET);
}

static bool is_resetting(const struct ioat_chan *c)
{
	return ioat_read8(c->regs, IOAT_CHANCMD) & IOAT_CHANCMD_RESET;
}

static void log_trouble(const struct ioat_chan *c, const char *what, uint32_t err)
{
	uint64_t nr = c->stats.halts + c->stats.stalls;

	/* A device that does it all the time must not fill the log. */
	log_print(nr <= LOGGED_MAX ? LOG_WARN : LOG_DEBUG,
		"ioat %02x:%02x.%x channel %u: %s, CHANERR 0x%x", c->dev->bdf >> 8,
		c->dev->bdf >> 3 & 0x1f, c->dev->bdf & 7, c->index, what, err);
}

/* An earlier hand-back must have been fetched before there can be another: until then the channel
 * stays as it is, and ioat_poll() comes back. */
static bool can_recover(struct ioat_chan *c)
{
	if (c->fail_first == c->fail_end)
		return true;
	c->last_word = 0;
	return false;
}

void ioat_recover_halted(struct ioat_chan *c)
{
	uint64_t status = ioat_chansts(c);
	uint32_t err;

	if ((status & IOAT_CHANSTS_STATE) != IOAT_STATE_HALTED || !can_recover(c))
		return; /* the completion word was wrong, or old */
	(void)ioat_take_progress(c, status);
	err = clear_errors(c);
	for (unsigned i = 0; i < 32; i++)
		c->stats.errors[i] += err >> i & 1;
	c->stats.halts++;
	log_trouble(c, "halted", err);
	hand_back(c, false);
	begin_reset(c);
}

void ioat_recover_stalled(struct ioat_chan *c, uint64_t now)
{
	if (!can_recover(c))
		return;
	c->stats.stalls++;
	c->state = IOAT_SUSPENDING;
	c->deadline_tsc = now + us_to_tsc(IOAT_SUSPEND_US);
	log_trouble(c, "stands still", ioat_read32(c->regs, IOAT_CHANERR));
	ioat_write8(c->regs, IOAT_CHANCMD, IOAT_CHANCMD_SUSPEND);
}

static void die(struct ioat_chan *c)
{
	log_error("ioat %02x:%02x.%x channel %u: not used any more", c->dev->bdf >> 8,
		c->dev->bdf >> 3 & 0x1f, c->dev->bdf & 7, c->index);
	c->state = IOAT_DEAD;
	c->issued = c->head;
	if (c->fail_first == c->fail_end)
		hand_back(c, true);
	else /* in the middle of a recovery: nothing behind that one was done */
		c->fail_end = c->complete = c->head;
}

void ioat_recover_never(struct ioat_chan *c)
{
	if (can_recover(c))
		die(c);
}

static void step_suspending(struct ioat_chan *c)
{
	uint64_t status = ioat_chansts(c), state = status & IOAT_CHANSTS_STATE;

	(void)ioat_take_progress(c, status);
	if (state != IOAT_STATE_SUSPENDED && state != IOAT_STATE_HALTED &&
		rdtsc() < c->deadline_tsc)
		return;
	(void)clear_errors(c);
	hand_back(c, false);
	begin_reset(c);
}

static void step_resetting(struct ioat_chan *c)
{
	if (is_resetting(c)) {
		if (rdtsc() < c->deadline_tsc)
			return;
		c->stats.failed_resets++;
		ioat_device_kill(c->dev);
		die(c);
		return;
	}
	ioat_interrupt_restore(c->dev);
	if (++c->recoveries > IOAT_RECOVERIES_MAX) {
		die(c); /* after its reset it does nothing */
		return;
	}
	(void)clear_errors(c);
	ioat_start_chain(c, c->complete);
}

void ioat_recover_step(struct ioat_chan *c)
{
	if (c->state != IOAT_SUSPENDING && c->state != IOAT_RESETTING)
		return;
	if (load_relaxed(&c->dev->dead))
		die(c);
	else if (c->state == IOAT_SUSPENDING)
		step_suspending(c);
	else
		step_resetting(c);
}

int ioat_reset_wait(struct ioat_chan *c)
{
	begin_reset(c);
	while (is_resetting(c)) {
		if (rdtsc() >= c->deadline_tsc) {
			c->stats.failed_resets++;
			return -ETIMEDOUT;
		}
		cpu_relax();
	}
	(void)clear_errors(c);
	return 0;
}

void ioat_off_the_bus(struct ioat_device *dev)
{
	host_pci_set_command(dev->bdf, 0, HOST_PCI_COMMAND_MASTER);
	/* The answer to this read does not pass what the function had already written (PCI Express
	 * 2.4.1), so nothing of it arrives later. */
	(void)host_pci_read16(dev->bdf, HOST_PCI_COMMAND);
	store_release(&dev->dead, 1u);
}

void ioat_device_kill(struct ioat_device *dev)
{
	if (!load_relaxed(&dev->dead))
		log_error("ioat %02x:%02x.%x: taken off the bus", dev->bdf >> 8,
			dev->bdf >> 3 & 0x1f, dev->bdf & 7);
	ioat_off_the_bus(dev);
}
