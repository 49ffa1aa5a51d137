/* One virtual CPU as VT-x sees it: its VMCS, registers and the state that hardware does not switch.
 *
 * Loading is lazy. A vCPU stays loaded on a core (VMCS current; FPU, syscall MSRs, CR2 and debug
 * registers in the hardware) until another one takes its place there, so that an exit and a return
 * to the same guest switch nothing. The hypervisor itself uses none of that state. Only the core on
 * which a vCPU is loaded may evict it; an evicted one can be loaded anywhere. */
#ifndef SLUICE_VMX_VMX_VCPU_H
#define SLUICE_VMX_VMX_VCPU_H

#include <stdbool.h>
#include <stdint.h>

#include "vmx/ept.h"
#include "vmx/vmcs.h"

/* Instruction encoding order; RSP lives in the VMCS. */
enum gpr { GPR_RAX, GPR_RCX, GPR_RDX, GPR_RBX, GPR_RSP, GPR_RBP, GPR_RSI, GPR_RDI, GPRS = 16 };

#define VMX_NOT_LOADED (-1)

/* MSRs that the guest reads and writes directly and that are switched with the vCPU. */
enum vmx_guest_msr {
	GUEST_STAR,
	GUEST_LSTAR,
	GUEST_CSTAR,
	GUEST_FMASK,
	GUEST_KERNEL_GS_BASE,
	GUEST_TSC_AUX,
	GUEST_SPEC_CTRL,
	GUEST_MSRS
};

struct vmx_vcpu {
	uint64_t gpr[GPRS];
	void *vmcs;
	struct ept *ept;
	void *vapic_page;	 /* virtual-APIC page: the local APIC's registers */
	void *posted_interrupts; /* struct pi_desc, 4 KiB-aligned */
	void *fpu_area;		 /* XSAVE or FXSAVE image, one page */
	uint64_t xcr0;
	uint64_t msr[GUEST_MSRS]; /* while not loaded */
	uint64_t cr2;
	uint64_t dr[4], dr6;
	uint64_t tsc_offset;
	uint64_t tsc_ratio; /* vmx/tsc_scale.h; not 0 only if vmx_caps.tsc_scaling */
	int loaded_on;	    /* core index, VMX_NOT_LOADED */
	int last_core;	    /* whose TLB may hold entries of this VPID; -1 = none */
	uint16_t vpid;
	bool launched;
	bool uses_dr;  /* MOV-DR exiting is off, DR0-3 and DR6 are the guest's */
	bool in_guest; /* atomic: between the last check before entry and the exit */
};

/* Where a vCPU starts. */
enum vmx_start_mode { START_REAL, START_PROTECTED32, START_LONG64 };

struct vmx_start {
	enum vmx_start_mode mode;
	uint64_t rip, rsp, cr3;
	uint64_t gdt_gpa; /* LONG64: where CS=0x10 and DS=0x18 are described */
	uint32_t gdt_limit;
	uint64_t gpr[GPRS];
	uint8_t sipi_vector; /* REAL */
};

/* Allocates the pages. vpid: unique in the machine, not 0. On a core in VMX operation.
 * -ENOMEM, -EIO. */
int vmx_vcpu_init(struct vmx_vcpu *v, struct ept *ept, uint16_t vpid, void *vapic_page,
	void *posted_interrupts) __must_check;

/* Sets all state to that at power-on (INIT) with `s` on top. Loads the vCPU on this core. */
void vmx_vcpu_start(struct vmx_vcpu *v, const struct vmx_start *s);

void vmx_vcpu_load(struct vmx_vcpu *v);
void vmx_vcpu_evict(struct vmx_vcpu *v); /* no-op unless loaded on this core */

/* Enters; the vCPU must be loaded. Returns at the next VM exit with the exit reason word. With
 * VMX_ENTRY_FAILED nothing of the guest ran: its state, or with reason 0 an event that was to be
 * injected, is impossible. */
#define VMX_ENTRY_FAILED BIT32(31)
uint32_t vmx_vcpu_enter(struct vmx_vcpu *v);

uint64_t vmx_gpr_read(const struct vmx_vcpu *v, unsigned n);
void vmx_gpr_write(struct vmx_vcpu *v, unsigned n, uint64_t value);

/* Skips the instruction that exited, with its interrupt shadow: with the length that the exit
 * gives, or one that was decoded (EPT violations give none). */
void vmx_skip(unsigned len_bytes);
void vmx_next_instruction(void);

/* Events: SDM vol. 3C, 27.8.3. Only one per entry. */
enum vmx_event_type {
	EVENT_EXTERNAL = 0,
	EVENT_NMI = 2,
	EVENT_HARDWARE_EXCEPTION = 3,
	EVENT_SOFTWARE_INTERRUPT = 4,
	EVENT_PRIVILEGED_SOFTWARE_EXCEPTION = 5,
	EVENT_SOFTWARE_EXCEPTION = 6,
};

#define VECTOR_DB	     1
#define VECTOR_UD	     6
#define VECTOR_AC	     17
#define INTR_INFO_VALID	     BIT32(31)
#define INTR_INFO_ERROR_CODE BIT32(11)

void vmx_inject(enum vmx_event_type type, uint8_t vector, bool has_error, uint32_t error_code);
void vmx_inject_gp(void);
/* Gives the guest the exception that exited, as it was. */
void vmx_inject_exited(void);
void vmx_inject_ud(void);
bool vmx_event_pending(void);

/* After an exit that interrupted an event's delivery: schedules the event again. */
void vmx_reinject_interrupted(void);

bool vmx_can_take_interrupt(void);
bool vmx_can_take_nmi(void);
void vmx_window_exiting(uint32_t proc_bit, bool on);

/* Registers and segments to the log. */
void vmx_vcpu_dump(struct vmx_vcpu *v);

/* Once on the boot CPU after vmx_init(): bitmaps shared by all vCPUs. */
int vmx_shared_init(void) __must_check;

/* XCR0 bits a guest may set, 0 without XSAVE. */
uint64_t vmx_guest_xcr0_mask(void);
/* CR4 bits a guest may set. */
uint64_t vmx_guest_cr4_mask(void);

/* The host has IA32_SPEC_CTRL and IA32_PRED_CMD, and so has the guest. */
bool vmx_has_spec_ctrl(void);

/* The host's IA32_MISC_ENABLE[0], as it was when vmx_shared_init() ran. */
bool vmx_has_fast_strings(void);

/* Control registers as the guest reads them. */
uint64_t vmx_get_cr0(void);
uint64_t vmx_get_cr4(void);

/* MOV to control registers, for the exit handler. False: #GP. */
bool vmx_set_cr0(uint64_t value);
bool vmx_set_cr4(uint64_t value);
bool vmx_set_xcr0(struct vmx_vcpu *v, uint64_t value);

/* The guest touches debug registers: from now on they are its own. */
void vmx_give_debug_registers(struct vmx_vcpu *v);

#endif
