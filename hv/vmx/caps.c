/* Folding of the VMX capability MSRs into control words; see caps.h. */
#include "vmx/caps.h"

#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/string.h"

struct need {
	uint32_t bit;
	const char *name;
};

static const struct need need_pin[] = {
	{ PIN_EXTERNAL_INTERRUPT, "external-interrupt exiting" },
	{ PIN_NMI, "NMI exiting" },
	{ PIN_VIRTUAL_NMI, "virtual NMIs" },
	{ PIN_PREEMPTION_TIMER, "preemption timer" },
	{ 0, NULL },
};

static const struct need need_proc[] = {
	{ PROC_TSC_OFFSET, "TSC offsetting" },
	{ PROC_HLT, "HLT exiting" },
	{ PROC_MWAIT, "MWAIT exiting" },
	{ PROC_RDPMC, "RDPMC exiting" },
	{ PROC_TPR_SHADOW, "TPR shadow" },
	{ PROC_MOV_DR, "MOV-DR exiting" },
	{ PROC_IO_BITMAPS, "I/O bitmaps" },
	{ PROC_MSR_BITMAPS, "MSR bitmaps" },
	{ PROC_MONITOR, "MONITOR exiting" },
	{ PROC_SECONDARY, "secondary controls" },
	{ 0, NULL },
};

static const struct need need_proc2[] = {
	{ PROC2_EPT, "EPT" },
	{ PROC2_UNRESTRICTED_GUEST, "unrestricted guest" },
	{ 0, NULL },
};

static const struct need need_exit[] = {
	{ EXIT_CTL_SAVE_DEBUG, "save debug controls" },
	{ EXIT_CTL_HOST_64, "64-bit host" },
	{ EXIT_CTL_ACK_INTERRUPT, "acknowledge interrupt on exit" },
	{ EXIT_CTL_SAVE_PAT, "save IA32_PAT" },
	{ EXIT_CTL_LOAD_PAT, "load IA32_PAT on exit" },
	{ EXIT_CTL_SAVE_EFER, "save IA32_EFER" },
	{ EXIT_CTL_LOAD_EFER, "load IA32_EFER on exit" },
	{ 0, NULL },
};

static const struct need need_entry[] = {
	{ ENTRY_CTL_LOAD_DEBUG, "load debug controls" },
	{ ENTRY_CTL_LOAD_PAT, "load IA32_PAT on entry" },
	{ ENTRY_CTL_LOAD_EFER, "load IA32_EFER on entry" },
	{ 0, NULL },
};

uint32_t vmx_fold(uint64_t capability, uint32_t wanted)
{
	uint32_t must_be_1 = (uint32_t)capability, may_be_1 = (uint32_t)(capability >> 32);

	return (wanted | must_be_1) & may_be_1;
}

static void add_missing(char missing[VMX_MISSING_MAX], const char *name)
{
	size_t len = strlen(missing);

	fmt_print(missing + len, VMX_MISSING_MAX - len, "%s%s", len ? ", " : "", name);
}

/* Folds the needed bits of a table, plus `optional`; notes what is absent. */
static uint32_t choose(
	uint64_t capability, const struct need *needs, uint32_t optional, char *missing)
{
	uint32_t wanted = optional;

	for (const struct need *n = needs; n->name; n++) {
		wanted |= n->bit;
		if (!(capability >> 32 & n->bit))
			add_missing(missing, n->name);
	}
	return vmx_fold(capability, wanted);
}

/* APIC virtualisation is all or nothing: with only a part of it the software path is simpler. */
static uint32_t optional_proc2(const struct vmx_msrs *m, const struct vmx_wishes *w)
{
	const uint32_t apicv = PROC2_VIRTUAL_X2APIC | PROC2_APIC_REGISTER | PROC2_VIRTUAL_INTERRUPT;
	uint32_t may = (uint32_t)(m->proc2 >> 32);
	uint32_t want = PROC2_RDTSCP | PROC2_VPID | PROC2_INVPCID | PROC2_XSAVES |
			PROC2_PAUSE_LOOP | PROC2_WBINVD;

	if (w->apicv && (may & apicv) == apicv)
		want |= apicv;
	return want;
}

static void choose_ept(const struct vmx_msrs *m, struct vmx_caps *c, char *missing)
{
	uint64_t flush = EPT_CAP_INVVPID | EPT_CAP_INVVPID_SINGLE;

	c->ept_vpid = c->proc2 & PROC2_EPT ? m->ept_vpid : 0;
	if (!(c->proc2 & PROC2_EPT))
		return;
	if (!(m->ept_vpid & EPT_CAP_WALK_4))
		add_missing(missing, "EPT page-walk length 4");
	if (!(m->ept_vpid & EPT_CAP_WB))
		add_missing(missing, "EPT write-back memory type");
	if (!(m->ept_vpid & EPT_CAP_INVEPT) ||
		!(m->ept_vpid & (EPT_CAP_INVEPT_SINGLE | EPT_CAP_INVEPT_ALL)))
		add_missing(missing, "INVEPT");
	/* A VPID that cannot be flushed alone is worth less than none. */
	c->vpid = (c->proc2 & PROC2_VPID) && (m->ept_vpid & flush) == flush;
	if (!c->vpid)
		c->proc2 &= ~PROC2_VPID;
}

int vmx_caps_choose(const struct vmx_msrs *m, const struct vmx_wishes *w, struct vmx_caps *c,
	char missing[VMX_MISSING_MAX])
{
	missing[0] = '\0';
	*c = (struct vmx_caps){ 0 };
	c->revision = (uint32_t)m->basic & 0x7fffffff;
	c->pin = choose(m->pin, need_pin, 0, missing);
	c->proc = choose(m->proc, need_proc, 0, missing);
	c->proc2 = choose(
		c->proc & PROC_SECONDARY ? m->proc2 : 0, need_proc2, optional_proc2(m, w), missing);
	c->exit = choose(m->exit, need_exit, 0, missing);
	c->entry = choose(m->entry, need_entry, 0, missing);
	choose_ept(m, c, missing);
	c->apicv = c->proc2 & PROC2_VIRTUAL_INTERRUPT;
	c->posted_interrupts =
		c->apicv && w->posted_interrupts && (m->pin >> 32 & PIN_POSTED_INTERRUPTS);
	if (c->posted_interrupts)
		c->pin |= PIN_POSTED_INTERRUPTS;
	c->xsaves = c->proc2 & PROC2_XSAVES;
	c->tsc_scaling = m->proc2 >> 32 & PROC2_TSC_SCALING;
	c->pause_loop = c->proc2 & PROC2_PAUSE_LOOP;
	c->invpcid = c->proc2 & PROC2_INVPCID;
	c->rdtscp = c->proc2 & PROC2_RDTSCP;
	c->preemption_shift = (unsigned)m->misc & 31;
	c->save_efer_lma = m->misc & BIT64(5);
	c->cr0_fixed0 = m->cr0_fixed0;
	c->cr0_fixed1 = m->cr0_fixed1;
	c->cr4_fixed0 = m->cr4_fixed0;
	c->cr4_fixed1 = m->cr4_fixed1;
	return missing[0] ? -ENOTSUP : 0;
}
