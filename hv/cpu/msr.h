/* Model-specific registers, named as SDM vol. 4 names them. */
#ifndef SLUICE_CPU_MSR_H
#define SLUICE_CPU_MSR_H

#define IA32_TIME_STAMP_COUNTER	 0x10
#define IA32_PLATFORM_ID	 0x17
#define IA32_APIC_BASE		 0x1b
#define APIC_BASE_BSP		 (1u << 8)
#define APIC_BASE_EXTD		 (1u << 10)
#define APIC_BASE_ENABLE	 (1u << 11)
#define IA32_FEATURE_CONTROL	 0x3a
#define FEATURE_CONTROL_LOCK	 (1u << 0)
#define FEATURE_CONTROL_VMXON	 (1u << 2) /* outside SMX */
#define IA32_TSC_ADJUST		 0x3b
#define IA32_SPEC_CTRL		 0x48
#define IA32_PRED_CMD		 0x49
#define IA32_BIOS_SIGN_ID	 0x8b
#define IA32_MTRRCAP		 0xfe
#define IA32_ARCH_CAPABILITIES	 0x10a
#define IA32_FLUSH_CMD		 0x10b
#define IA32_SYSENTER_CS	 0x174
#define IA32_SYSENTER_ESP	 0x175
#define IA32_SYSENTER_EIP	 0x176
#define IA32_MCG_CAP		 0x179
#define IA32_MCG_STATUS		 0x17a
#define IA32_MISC_ENABLE	 0x1a0
#define IA32_DEBUGCTL		 0x1d9
#define IA32_MTRR_PHYSBASE0	 0x200
#define IA32_MTRR_PHYSMASK7	 0x20f
#define IA32_MTRR_FIX64K_00000	 0x250
#define IA32_MTRR_FIX4K_F8000	 0x26f
#define IA32_PAT		 0x277
#define IA32_MTRR_DEF_TYPE	 0x2ff
#define IA32_VMX_BASIC		 0x480
#define IA32_VMX_PINBASED_CTLS	 0x481
#define IA32_VMX_PROCBASED_CTLS	 0x482
#define IA32_VMX_EXIT_CTLS	 0x483
#define IA32_VMX_ENTRY_CTLS	 0x484
#define IA32_VMX_MISC		 0x485
#define IA32_VMX_CR0_FIXED0	 0x486
#define IA32_VMX_CR0_FIXED1	 0x487
#define IA32_VMX_CR4_FIXED0	 0x488
#define IA32_VMX_CR4_FIXED1	 0x489
#define IA32_VMX_PROCBASED_CTLS2 0x48b
#define IA32_VMX_EPT_VPID_CAP	 0x48c
#define IA32_VMX_TRUE_PINBASED	 0x48d
#define IA32_VMX_TRUE_PROCBASED	 0x48e
#define IA32_VMX_TRUE_EXIT	 0x48f
#define IA32_VMX_TRUE_ENTRY	 0x490
#define IA32_TSC_DEADLINE	 0x6e0
#define IA32_X2APIC_FIRST	 0x800
#define IA32_X2APIC_TPR		 0x808
#define IA32_X2APIC_EOI		 0x80b
#define IA32_X2APIC_SELF_IPI	 0x83f
#define IA32_X2APIC_LAST	 0x8ff
#define IA32_XSS		 0xda0
#define IA32_EFER		 0xc0000080
#define EFER_SCE		 (1u << 0)
#define EFER_LME		 (1u << 8)
#define EFER_LMA		 (1u << 10)
#define EFER_NXE		 (1u << 11)
#define IA32_STAR		 0xc0000081
#define IA32_LSTAR		 0xc0000082
#define IA32_CSTAR		 0xc0000083
#define IA32_FMASK		 0xc0000084
#define IA32_FS_BASE		 0xc0000100
#define IA32_GS_BASE		 0xc0000101
#define IA32_KERNEL_GS_BASE	 0xc0000102
#define IA32_TSC_AUX		 0xc0000103

/* Control register bits: SDM vol. 3A, 2.5 */
#define CR0_PE (1u << 0)
#define CR0_MP (1u << 1)
#define CR0_EM (1u << 2)
#define CR0_TS (1u << 3)
#define CR0_ET (1u << 4)
#define CR0_NE (1u << 5)
#define CR0_WP (1u << 16)
#define CR0_AM (1u << 18)
#define CR0_NW (1u << 29)
#define CR0_CD (1u << 30)
#define CR0_PG (1u << 31)

#define CR4_VME	       (1u << 0)
#define CR4_PVI	       (1u << 1)
#define CR4_TSD	       (1u << 2)
#define CR4_DE	       (1u << 3)
#define CR4_PSE	       (1u << 4)
#define CR4_PAE	       (1u << 5)
#define CR4_MCE	       (1u << 6)
#define CR4_PGE	       (1u << 7)
#define CR4_PCE	       (1u << 8)
#define CR4_OSFXSR     (1u << 9)
#define CR4_OSXMMEXCPT (1u << 10)
#define CR4_UMIP       (1u << 11)
#define CR4_VMXE       (1u << 13)
#define CR4_FSGSBASE   (1u << 16)
#define CR4_PCIDE      (1u << 17)
#define CR4_OSXSAVE    (1u << 18)
#define CR4_SMEP       (1u << 20)
#define CR4_SMAP       (1u << 21)

#define RFLAGS_FIXED (1u << 1)
#define RFLAGS_TF    (1u << 8)
#define RFLAGS_IF    (1u << 9)

#endif
