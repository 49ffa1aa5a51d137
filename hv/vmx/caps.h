/* What this CPU's VMX offers, and which of it we use.
 *
 * Pure: the capability MSRs come in as values (vmx_read_msrs() in vmx.c fetches them), so that
 * every CPU model is a unit test. Each control word is (wanted | must_be_1) & may_be_1: SDM vol.
 * 3D, appendix A. An optional control is used only if its bit may be 1; what is indispensable and
 * absent is named. */
#ifndef SLUICE_VMX_CAPS_H
#define SLUICE_VMX_CAPS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

/* 25.6.1 Pin-based */
#define PIN_EXTERNAL_INTERRUPT BIT32(0)
#define PIN_NMI		       BIT32(3)
#define PIN_VIRTUAL_NMI	       BIT32(5)
#define PIN_PREEMPTION_TIMER   BIT32(6)
#define PIN_POSTED_INTERRUPTS  BIT32(7)

/* 25.6.2 Processor-based */
#define PROC_INTERRUPT_WINDOW BIT32(2)
#define PROC_TSC_OFFSET	      BIT32(3)
#define PROC_HLT	      BIT32(7)
#define PROC_INVLPG	      BIT32(9)
#define PROC_MWAIT	      BIT32(10)
#define PROC_RDPMC	      BIT32(11)
#define PROC_RDTSC	      BIT32(12)
#define PROC_CR3_LOAD	      BIT32(15)
#define PROC_CR3_STORE	      BIT32(16)
#define PROC_CR8_LOAD	      BIT32(19)
#define PROC_CR8_STORE	      BIT32(20)
#define PROC_TPR_SHADOW	      BIT32(21)
#define PROC_NMI_WINDOW	      BIT32(22)
#define PROC_MOV_DR	      BIT32(23)
#define PROC_UNCOND_IO	      BIT32(24)
#define PROC_IO_BITMAPS	      BIT32(25)
#define PROC_MSR_BITMAPS      BIT32(28)
#define PROC_MONITOR	      BIT32(29)
#define PROC_PAUSE	      BIT32(30)
#define PROC_SECONDARY	      BIT32(31)

/* 25.6.2 Secondary processor-based */
#define PROC2_EPT		 BIT32(1)
#define PROC2_DESCRIPTOR_TABLE	 BIT32(2)
#define PROC2_RDTSCP		 BIT32(3)
#define PROC2_VIRTUAL_X2APIC	 BIT32(4)
#define PROC2_VPID		 BIT32(5)
#define PROC2_WBINVD		 BIT32(6)
#define PROC2_UNRESTRICTED_GUEST BIT32(7)
#define PROC2_APIC_REGISTER	 BIT32(8)
#define PROC2_VIRTUAL_INTERRUPT	 BIT32(9)
#define PROC2_PAUSE_LOOP	 BIT32(10)
#define PROC2_INVPCID		 BIT32(12)
#define PROC2_XSAVES		 BIT32(20)
#define PROC2_TSC_SCALING	 BIT32(25)

/* 25.7.1 VM-exit */
#define EXIT_CTL_SAVE_DEBUG	  BIT32(2)
#define EXIT_CTL_HOST_64	  BIT32(9)
#define EXIT_CTL_LOAD_PERF_GLOBAL BIT32(12)
#define EXIT_CTL_ACK_INTERRUPT	  BIT32(15)
#define EXIT_CTL_SAVE_PAT	  BIT32(18)
#define EXIT_CTL_LOAD_PAT	  BIT32(19)
#define EXIT_CTL_SAVE_EFER	  BIT32(20)
#define EXIT_CTL_LOAD_EFER	  BIT32(21)

/* 25.8.1 VM-entry */
#define ENTRY_CTL_LOAD_DEBUG BIT32(2)
#define ENTRY_CTL_GUEST_64   BIT32(9)
#define ENTRY_CTL_LOAD_PAT   BIT32(14)
#define ENTRY_CTL_LOAD_EFER  BIT32(15)

/* A.10 IA32_VMX_EPT_VPID_CAP */
#define EPT_CAP_WALK_4		    BIT64(6)
#define EPT_CAP_UC		    BIT64(8)
#define EPT_CAP_WB		    BIT64(14)
#define EPT_CAP_2M		    BIT64(16)
#define EPT_CAP_1G		    BIT64(17)
#define EPT_CAP_INVEPT		    BIT64(20)
#define EPT_CAP_ACCESSED_DIRTY	    BIT64(21)
#define EPT_CAP_INVEPT_SINGLE	    BIT64(25)
#define EPT_CAP_INVEPT_ALL	    BIT64(26)
#define EPT_CAP_INVVPID		    BIT64(32)
#define EPT_CAP_INVVPID_ADDRESS	    BIT64(40)
#define EPT_CAP_INVVPID_SINGLE	    BIT64(41)
#define EPT_CAP_INVVPID_ALL	    BIT64(42)
#define EPT_CAP_INVVPID_KEEP_GLOBAL BIT64(43)

/* Raw MSR values; the TRUE ones where IA32_VMX_BASIC[55] says they exist, else the plain ones. */
struct vmx_msrs {
	uint64_t basic, pin, proc, proc2, exit, entry, misc, ept_vpid;
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
};

/* Which optional parts sluice.conf allows. */
struct vmx_wishes {
	bool apicv;
	bool posted_interrupts;
};

struct vmx_caps {
	uint32_t revision;
	uint32_t pin, proc, proc2, exit, entry; /* control words, ready for the VMCS */
	uint64_t ept_vpid;
	uint64_t cr0_fixed0, cr0_fixed1, cr4_fixed0, cr4_fixed1;
	unsigned preemption_shift; /* timer ticks once per 2^shift TSC ticks */
	bool apicv;		   /* x2APIC + APIC-register + virtual-interrupt delivery */
	bool posted_interrupts;
	bool vpid;
	bool xsaves;
	bool tsc_scaling;
	bool pause_loop;
	bool invpcid;
	bool rdtscp;
	bool save_efer_lma; /* always true with unrestricted guest */
};

#define VMX_MISSING_MAX 256

/* (wanted | must_be_1) & may_be_1 of one capability MSR. */
uint32_t vmx_fold(uint64_t capability, uint32_t wanted);

/* 0; or -ENOTSUP and in `missing` the comma-separated names of what is needed and absent. */
int vmx_caps_choose(const struct vmx_msrs *m, const struct vmx_wishes *w, struct vmx_caps *c,
	char missing[VMX_MISSING_MAX]) __must_check;

#endif
