/* Inside the I/OAT model: the engine's state and what its files call of each other. */
#ifndef SLUICE_MODELS_IOAT_ENGINE_H
#define SLUICE_MODELS_IOAT_ENGINE_H

#include "ioat_model.h"
#include "regs.h"

#define IOAT_CHUNK_BYTES 16384u /* of one channel before another gets its turn */
#define IOAT_RESET_PS	 UINT64_C(1000000)
#define IOAT_JOB_MIN_PS	 UINT64_C(1000) /* time goes on, whatever the rate */

/* CHANSTS[2:0]; DS 8.5.16 */
enum chan_state { CHAN_ACTIVE, CHAN_IDLE, CHAN_SUSPENDED, CHAN_HALTED, CHAN_ARMED };

/* The model's own copy: what the guest does to it later changes nothing. */
struct descriptor {
	uint32_t size_bytes, ctl;
	uint64_t src, dst, next, next_src, next_dst;
};

struct chan {
	struct ioat_model *m;
	unsigned index;
	/* registers, as the table in registers.c finds them */
	uint32_t chanctrl, dmacount, chanerr, chanerrmsk, dcactrl;
	uint32_t chainaddr_lo, chainaddr_hi, chancmp_lo, chancmp_hi, chansts_hi;
	uint32_t drsctl, ltr_swsel, ltr_active, ltr_idle;

	enum chan_state state;
	bool resetting, suspending;
	bool fresh;	    /* CHAINADDR was written and nothing of that chain fetched yet */
	uint16_t count;	    /* descriptors done: the internal counter of DS 8.5.15 */
	uint64_t completed; /* address of the last one, 0: none of this chain */
	uint64_t address;   /* of the descriptor that is under way or comes next */
	bool fetched;
	struct descriptor desc;
	uint32_t done_bytes;
	bool finishing;	   /* its data is done, its completion is late */
	uint64_t ready_ps; /* nothing goes on before */
	uint64_t stalled_until_ps;
	uint32_t inject; /* bits of CHANERR that the next descriptor ends in */

	bool irq_wanted;
	uint64_t irq_enabled_ps; /* when INT_DISABLE was cleared */
	struct clock_event irq_event, reset_event;
};

struct ioat_model {
	struct pci_dev dev;
	struct pci_model pci;
	struct clock *clock;
	struct ioat_model_config config; /* with its defaults filled in */
	struct chan chan[IOAT_MODEL_CHANNELS_MAX];
	uint32_t chancnt, xfercap, genctrl, intrctrl, attnstatus, cbver, intrdelay, dmacap;
	uint32_t dcaoffset, cbprio, chwpreflmt;
	uint32_t csi_cap_enable, pcie_cap_enable, tag_map_lo, tag_map_hi;
	uint32_t greqid[IOAT_GREQID_COUNT];
	bool line;		/* INTx or MSI: INTRCTRL.INT */
	bool reset_clears_msix; /* versions 3.3 */

	struct chan *busy;	 /* whose chunk is under way, until busy_end_ps */
	bool running, reporting; /* against DMA that ends in the engine's own registers */
	uint64_t busy_end_ps, free_ps;
	unsigned last; /* channel that had the engine */
	struct clock_event event;
	bool reset_hangs;
	uint64_t late_ps;
	struct ioat_model_counts counts;
	uint8_t chunk[IOAT_CHUNK_BYTES];
};

/* ---- registers.c ---- */
uint64_t registers_read(void *model, unsigned bar, uint64_t off, unsigned width_bytes);
void registers_write(void *model, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes);

/* ---- channel.c: a channel's states, commands and errors ---- */
void chan_init(struct ioat_model *m, unsigned index);
void chan_power_on(struct chan *ch);
uint64_t chan_status(const struct chan *ch); /* CHANSTS */
void chan_command(struct chan *ch, uint32_t v);
void chan_doorbell(struct chan *ch);	  /* DMACOUNT was written */
void chan_chain_written(struct chan *ch); /* CHAINADDR was written */
void chan_complete(struct chan *ch);	  /* the descriptor under way is done */
void chan_reset_end(struct chan *ch);
/* bits of CHANERR. can_skip: if all are masked, the channel may go on without what failed; true: it
 * does. */
bool chan_error(struct chan *ch, uint32_t bits, bool can_skip);

/* ---- copy.c: time and data ---- */
void copy_run(struct ioat_model *m); /* does what is due and plans the rest */
void copy_drop(struct chan *ch);     /* the channel's chunk under way is no more */
void copy_event(void *model);

/* ---- irq.c ---- */
void irq_request(struct chan *ch);
void irq_enabled(struct chan *ch); /* INT_DISABLE was cleared */
void irq_delay_changed(struct ioat_model *m);
void irq_event(void *chan);
void irq_reset(struct chan *ch);
void irq_update_line(struct ioat_model *m); /* INTRCTRL, ATTNSTATUS or the mode changed */

#endif
