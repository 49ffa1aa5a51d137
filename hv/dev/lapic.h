/* A vCPU's local APIC in software, in x2APIC mode.
 *
 * SDM vol. 3A, chapter 11 (APIC) and vol. 3C, chapter 30 (APIC virtualisation). Registers live in
 * the virtual-APIC page, so that the same state serves software delivery and the processor's own
 * APIC-register virtualisation and virtual-interrupt delivery: nothing is converted when either is
 * used. The APIC is always enabled and always in x2APIC mode; only its software-enable bit (SVR)
 * changes.
 *
 * Who may call what: functions marked "any core" work through the posted-interrupt descriptor and
 * atomics; all others belong to the core that owns the vCPU at the moment. The page is written by
 * the owner and, in guest mode, by its processor.
 *
 * Functions that emulate a register access return 0, or -EINVAL for #GP(0). */
#ifndef SLUICE_DEV_LAPIC_H
#define SLUICE_DEV_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define MSR_IA32_APIC_BASE    0x01b
#define MSR_IA32_TSC_DEADLINE 0x6e0
#define MSR_X2APIC_FIRST      0x800
#define MSR_X2APIC_LAST	      0x83f

/* Offsets in the virtual-APIC page; the x2APIC MSR is 0x800 + offset / 16. Table 11-6. */
#define LAPIC_ID			 0x020
#define LAPIC_VERSION			 0x030
#define LAPIC_TPR			 0x080
#define LAPIC_PPR			 0x0a0
#define LAPIC_EOI			 0x0b0
#define LAPIC_LDR			 0x0d0
#define LAPIC_SVR			 0x0f0
#define LAPIC_SVR_ENABLE		 BIT32(8)
#define LAPIC_ISR			 0x100 /* eight registers of 32 bits, 16 bytes apart */
#define LAPIC_TMR			 0x180
#define LAPIC_IRR			 0x200
#define LAPIC_IRR_ANCHOR		 BIT32(0) /* ours, in the page; the guest does not see it */
#define LAPIC_ESR			 0x280
#define LAPIC_ESR_SEND_ILLEGAL_VECTOR	 BIT32(5)
#define LAPIC_ESR_RECEIVE_ILLEGAL_VECTOR BIT32(6)
#define LAPIC_ICR			 0x300 /* 64 bits in one place, as RDMSR reads it */
#define LAPIC_LVT_TIMER			 0x320
#define LAPIC_LVT_THERMAL		 0x330
#define LAPIC_LVT_PERF			 0x340
#define LAPIC_LVT_LINT0			 0x350
#define LAPIC_LVT_LINT1			 0x360
#define LAPIC_LVT_ERROR			 0x370
#define LAPIC_LVT_MASKED		 BIT32(16)
#define LAPIC_TIMER_INITIAL		 0x380
#define LAPIC_TIMER_CURRENT		 0x390
#define LAPIC_TIMER_DIVIDE		 0x3e0
#define LAPIC_SELF_IPI			 0x3f0

#define LAPIC_X2APIC_MSR(off) (MSR_X2APIC_FIRST + (off) / 16)

#define LAPIC_NO_DEADLINE UINT64_MAX
/* A shorter periodic timer would leave the guest no instruction between two interrupts. */
#define LAPIC_TIMER_PERIOD_MIN_TICKS 10000

/* Posted-interrupt descriptor: vol. 3C, table 30-1; control and ndst as VT-d lays them out. The
 * owner of the vCPU sets notification vector and destination; software here touches pir and ON.
 * One emulator insists on 4 KiB alignment, so the caller gives it a page of its own. */
struct pi_desc {
	uint64_t pir[4];
	uint32_t control; /* bit 0 ON, bit 1 SN, [23:16] notification vector */
	uint32_t ndst;	  /* x2APIC id, or xAPIC id in [15:8] */
	uint64_t reserved[3];
} __cacheline_aligned;

_Static_assert(sizeof(struct pi_desc) == 64, "posted-interrupt descriptor is 64 bytes");

#define PI_ON	 BIT32(0)
#define PI_SN	 BIT32(1)
#define PI_NV(v) ((uint32_t)(v) << 16)

struct lapic_ops {
	/* The guest's TSC now, as the owning core sees it. */
	uint64_t (*guest_tsc)(void *ctx);
	/* The guest wrote its ICR; vectors are already checked. Decode with lapic_ipi_decode(). */
	void (*send_ipi)(void *ctx, uint64_t icr);
	/* EOI of a level-triggered vector, for the I/O APIC. */
	void (*eoi)(void *ctx, uint8_t vector);
};

struct lapic {
	uint32_t *regs; /* the virtual-APIC page */
	struct pi_desc *pi;
	const struct lapic_ops *ops;
	void *ctx;
	uint32_t id;
	bool bsp;
	bool timer_armed;
	uint64_t timer_deadline; /* guest TSC, valid while armed */
	uint64_t level[4];	 /* mailbox of level-triggered vectors, atomic */
	uint32_t level_posted;	 /* something is in level[], atomic */
	uint32_t errors;	 /* ESR before the guest's write latches it, atomic */
};

/* page: 4 KiB, zeroed or not; pi: its control and ndst fields are left alone. All of it stays the
 * caller's. Ends in the reset state. */
void lapic_init(struct lapic *l, uint32_t id, bool bsp, void *page, struct pi_desc *pi,
	const struct lapic_ops *ops, void *ctx);
/* Power-up reset and INIT are the same but for the id, which is fixed here (11.4.7). */
void lapic_reset(struct lapic *l);

/* ---- Interrupts from elsewhere ---- */

/* Any core: an edge-triggered interrupt. True: no notification is outstanding, so the target needs
 * one (a posted-interrupt notification, an exit, or a wake-up). */
bool lapic_post(struct lapic *l, uint8_t vector) __must_check;
/* Any core: a level-triggered interrupt. It bypasses the descriptor, since the EOI-exit bitmap must
 * be set before the guest sees it: true means the target must leave guest mode (or be woken), a
 * posted-interrupt notification is not enough. */
bool lapic_post_level(struct lapic *l, uint8_t vector) __must_check;
/* Any core: lapic_sync() has something to do. What an owner checks last before it sleeps. */
bool lapic_posted(const struct lapic *l);
/* Before entry: clears ON and moves what was posted to IRR. */
void lapic_sync(struct lapic *l);
/* An interrupt from the owner itself (timer, self-IPI). */
void lapic_raise(struct lapic *l, uint8_t vector);
/* The owner detected an error: ESR, and the error interrupt unless masked. */
void lapic_raise_error(struct lapic *l, uint32_t esr_bit);

/* ---- Software delivery ---- */

/* The highest IRR vector whose class is above PPR's, or -1. */
int lapic_pending_vector(const struct lapic *l);
/* It was injected: IRR to ISR, PPR follows. */
void lapic_accept(struct lapic *l, uint8_t vector);
/* Ends the highest interrupt in service. */
void lapic_eoi(struct lapic *l);
uint8_t lapic_tpr(const struct lapic *l);
void lapic_set_tpr(struct lapic *l, uint8_t tpr);
/* CR8 accesses: TPR's class. */
int lapic_cr8_write(struct lapic *l, uint64_t v) __must_check;
uint8_t lapic_ppr(const struct lapic *l);
/* For "use TPR shadow": the TPR class below which an exit must happen because an interrupt becomes
 * deliverable; 0 if none waits for that. */
unsigned lapic_tpr_threshold(const struct lapic *l);

/* ---- Hardware delivery (virtual-interrupt delivery) ---- */

/* Requesting and servicing virtual interrupt for the VMCS guest interrupt status; 0 if none. */
uint8_t lapic_rvi(const struct lapic *l);
uint8_t lapic_svi(const struct lapic *l);
/* The four EOI-exit bitmap fields: the level-triggered vectors. Changes in lapic_sync() only. */
void lapic_eoi_exit_bitmap(const struct lapic *l, uint64_t bitmap[4]);
/* An EOI-induced exit: the processor has already cleared ISR. */
void lapic_eoi_exited(struct lapic *l, uint8_t vector);

/* ---- Register accesses ---- */

/* With APIC-register virtualisation the processor may read all readable registers from the page by
 * itself except the timer's current count; of the writes it may take TPR, EOI and self-IPI. */
int lapic_msr_read(struct lapic *l, uint32_t msr, uint64_t *v) __must_check;
int lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t v) __must_check;
uint64_t lapic_base_read(const struct lapic *l);
/* Leaving x2APIC mode, disabling or moving the APIC is refused. */
int lapic_base_write(struct lapic *l, uint64_t v) __must_check;

/* ---- Timer ---- */

/* One count of the bus clock is one tick of the guest's TSC, so that every deadline is a TSC value.
 * When the timer next raises an interrupt, or LAPIC_NO_DEADLINE. */
uint64_t lapic_timer_deadline(const struct lapic *l);
/* Fires if due; true if an interrupt was raised. Periods that were missed merge into one. */
bool lapic_timer_check(struct lapic *l, uint64_t now_guest_tsc);
uint64_t lapic_tsc_deadline_read(struct lapic *l);
void lapic_tsc_deadline_write(struct lapic *l, uint64_t v);
/* The guest changed its TSC by delta: a count in progress must not notice. */
void lapic_timer_tsc_moved(struct lapic *l, int64_t delta);
/* For lapic_msr_*(). */
uint32_t lapic_timer_current(struct lapic *l);
void lapic_timer_write_initial(struct lapic *l, uint32_t count);
void lapic_timer_write_divide(struct lapic *l, uint32_t divide);
void lapic_timer_write_lvt(struct lapic *l, uint32_t lvt);

/* ---- Destinations ---- */

enum lapic_mode {
	LAPIC_FIXED = 0,
	LAPIC_LOWEST = 1,
	LAPIC_SMI = 2,
	LAPIC_NMI = 4,
	LAPIC_INIT = 5,
	LAPIC_SIPI = 6, /* vector is the page number of the start address */
	LAPIC_EXTINT = 7,
};

enum lapic_shorthand { LAPIC_DEST, LAPIC_SELF, LAPIC_ALL, LAPIC_OTHERS };

#define LAPIC_BROADCAST UINT32_MAX

struct lapic_ipi {
	uint32_t dest;
	uint8_t vector;
	uint8_t mode;	   /* enum lapic_mode, or the reserved 3: deliver nothing */
	uint8_t shorthand; /* enum lapic_shorthand */
	bool logical;
	bool assert_level; /* an INIT with assert_level clear is a de-assert: ignore it */
	bool level_triggered;
};

struct lapic_ipi lapic_ipi_decode(uint64_t icr);
/* An MSI, or what an I/O APIC sends: vol. 3A, 11.11. Not an interrupt: -EINVAL. */
int lapic_msi_decode(uint64_t address, uint32_t data, struct lapic_ipi *ipi) __must_check;
/* Is l addressed? In logical mode by the x2APIC cluster id that follows from its id. */
bool lapic_match(const struct lapic *l, uint32_t dest, bool logical);
/* The same with shorthands; sender may be NULL (a device). LAPIC_LOWEST: the caller picks one. */
bool lapic_ipi_match(
	const struct lapic *l, const struct lapic_ipi *ipi, const struct lapic *sender);

#endif
