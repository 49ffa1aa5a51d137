/* The life of a vCPU on a core: requests, interrupts, entry, exit. */
#include "vm/vcpu.h"

#include "cpu/apic.h"
#include "cpu/msr.h"
#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "cpu/vectors.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/page_alloc.h"
#include "vm/nic.h"
#include "vm/vm.h"
#include "vmx/tsc_scale.h"
#include "vmx/vmx.h"

#define NO_DEADLINE UINT64_MAX

static uint64_t guest_tsc(void *ctx)
{
	return vcpu_guest_tsc(ctx);
}

static void send_ipi(void *ctx, uint64_t icr)
{
	struct vcpu *v = ctx;
	struct lapic_ipi ipi = lapic_ipi_decode(icr);

	vcpu_deliver(v->vm, &ipi, v);
}

static void level_eoi(void *ctx, uint8_t vector)
{
	struct vcpu *v = ctx;

	ioapic_eoi(&v->vm->ioapic, vector);
}

static const struct lapic_ops lapic_ops = {
	.guest_tsc = guest_tsc,
	.send_ipi = send_ipi,
	.eoi = level_eoi,
};

uint64_t vcpu_guest_tsc(const struct vcpu *v)
{
	return tsc_scale(rdtsc(), v->vmx.tsc_ratio) + v->vmx.tsc_offset;
}

/* ---- Messages from other cores ---- */

static void interrupt_guest(struct vcpu *v, bool leave_guest)
{
	unsigned core;

	if (!load_acquire(&v->vmx.in_guest))
		return;
	core = load_acquire(&v->entity.core);
	if (core == this_cpu()->index)
		return;
	if (vmx_caps.posted_interrupts && !leave_guest)
		apic_send_ipi(cpus[core]->apic_id, VECTOR_POSTED);
	else
		sched_kick(core);
}

void vcpu_notify(struct vcpu *v, bool leave_guest)
{
	sched_wake(&v->entity); /* its barrier orders our message before the look at in_guest */
	interrupt_guest(v, leave_guest);
}

/* The same; from a device, the scheduler prefers it. */
static void notify_interrupt(struct vcpu *v, bool leave_guest, bool from_device)
{
	if (from_device)
		sched_wake_io(&v->entity);
	else
		sched_wake(&v->entity);
	interrupt_guest(v, leave_guest);
}

void vcpu_request(struct vcpu *v, uint32_t request)
{
	(void)atomic_fetch_or(&v->requests, request);
	vcpu_notify(v, true);
}

static void deliver_to(struct vcpu *v, const struct lapic_ipi *ipi, bool from_device)
{
	switch (ipi->mode) {
	case LAPIC_FIXED:
	case LAPIC_LOWEST:
		if (ipi->level_triggered) {
			if (lapic_post_level(&v->lapic, ipi->vector))
				notify_interrupt(v, true, from_device);
		} else if (lapic_post(&v->lapic, ipi->vector)) {
			notify_interrupt(v, false, from_device);
		}
		break;
	case LAPIC_NMI:
		vcpu_request(v, VCPU_REQUEST_NMI);
		break;
	case LAPIC_INIT:
		if (ipi->assert_level)
			vcpu_request(v, VCPU_REQUEST_INIT);
		break;
	case LAPIC_SIPI:
		store_release(&v->sipi_vector, ipi->vector);
		vcpu_request(v, VCPU_REQUEST_SIPI);
		break;
	default: /* SMI, ExtINT, reserved: nobody is there to take them */
		break;
	}
}

void vcpu_deliver(struct vm *vm, const struct lapic_ipi *ipi, struct vcpu *sender)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *v = vm->vcpu[i];

		if (!lapic_ipi_match(&v->lapic, ipi, sender ? &sender->lapic : NULL))
			continue;
		deliver_to(v, ipi, !sender);
		if (ipi->mode == LAPIC_LOWEST)
			return; /* one of them */
	}
}

/* ---- Start-up sequence: SDM vol. 3A, 9.4 ---- */

static void enter_phase(struct vcpu *v, enum vcpu_phase phase)
{
	v->phase = phase;
	v->halted = false;
	v->nmi_pending = false;
	v->irr_dirty = true;
}

static void take_init(struct vcpu *v)
{
	lapic_reset(&v->lapic);
	if (v->index == 0) { /* the boot CPU would run the firmware's reset code */
		vm_request_stop(v->vm, VM_EXIT_RESET);
		return;
	}
	enter_phase(v, VCPU_WAIT_SIPI);
}

static void take_sipi(struct vcpu *v)
{
	struct vmx_start s = { .mode = START_REAL, .sipi_vector = load_acquire(&v->sipi_vector) };

	if (v->phase != VCPU_WAIT_SIPI)
		return;
	s.gpr[GPR_RDX] = 0x600; /* family, as after INIT */
	vmx_vcpu_start(&v->vmx, &s);
	enter_phase(v, VCPU_ACTIVE);
}

static void handle_requests(struct vcpu *v)
{
	uint32_t r = atomic_xchg(&v->requests, 0);

	if (r & VCPU_REQUEST_NMI) /* first: what came before an INIT is gone with it */
		v->nmi_pending = true;
	if (r & VCPU_REQUEST_START) {
		vmx_vcpu_start(&v->vmx, &v->start);
		enter_phase(v, VCPU_ACTIVE);
	}
	if (r & VCPU_REQUEST_INIT)
		take_init(v);
	if (r & VCPU_REQUEST_SIPI)
		take_sipi(v);
}

/* ---- Interrupts ---- */

static void deliver_nmi(struct vcpu *v)
{
	if (!v->nmi_pending)
		return;
	if (vmx_can_take_nmi()) {
		v->nmi_pending = false;
		vmx_inject(EVENT_NMI, VECTOR_NMI, false, 0);
	}
	vmx_window_exiting(PROC_NMI_WINDOW, v->nmi_pending);
}

/* What other cores posted goes to IRR. */
static void sync_mailbox(struct vcpu *v)
{
	if (!lapic_posted(&v->lapic))
		return;
	if (load_relaxed(&v->lapic.level_posted))
		v->tmr_dirty = true;
	lapic_sync(&v->lapic);
	v->irr_dirty = true;
}

/* The processor delivers by itself; it only has to know the highest request. */
static void deliver_by_hardware(struct vcpu *v)
{
	uint32_t status;

	sync_mailbox(v);
	if (!v->irr_dirty)
		return;
	v->irr_dirty = false;
	status = vmcs_read32(VMCS_GUEST_INTR_STATUS);
	vmcs_write(VMCS_GUEST_INTR_STATUS, (status & 0xff00) | lapic_rvi(&v->lapic));
	if (v->tmr_dirty) {
		uint64_t bitmap[4];

		v->tmr_dirty = false;
		lapic_eoi_exit_bitmap(&v->lapic, bitmap);
		for (unsigned i = 0; i < 4; i++)
			vmcs_write(VMCS_EOI_EXIT_BITMAP0 + 2 * i, bitmap[i]);
	}
}

static void deliver_by_software(struct vcpu *v)
{
	int vector;

	sync_mailbox(v);
	vector = lapic_pending_vector(&v->lapic);
	if (vector >= 0 && vmx_can_take_interrupt()) {
		vmx_inject(EVENT_EXTERNAL, (uint8_t)vector, false, 0);
		lapic_accept(&v->lapic, (uint8_t)vector);
		vector = lapic_pending_vector(&v->lapic);
	}
	vmx_window_exiting(PROC_INTERRUPT_WINDOW, vector >= 0);
	vmcs_write(VMCS_TPR_THRESHOLD, lapic_tpr_threshold(&v->lapic));
}

/* What ends a HLT. */
static bool has_event(struct vcpu *v)
{
	if (v->nmi_pending || load_acquire(&v->requests))
		return true;
	sync_mailbox(v);
	return v->halted_with_if && lapic_pending_vector(&v->lapic) >= 0;
}

/* ---- Time ---- */

/* The guest chooses its TSC and its deadline: what is far in its future must not wrap into our
 * past. */
static uint64_t timer_deadline_host(const struct vcpu *v, uint64_t now)
{
	uint64_t guest_now = tsc_scale(now, v->vmx.tsc_ratio) + v->vmx.tsc_offset, wait;
	uint64_t d = lapic_timer_deadline(&v->lapic);

	if (d == LAPIC_NO_DEADLINE)
		return NO_DEADLINE;
	if (d <= guest_now)
		return now;
	wait = tsc_unscale(d - guest_now, v->vmx.tsc_ratio);
	return wait < NO_DEADLINE - now ? now + wait : NO_DEADLINE;
}

static void arm_preemption_timer(uint64_t now, uint64_t deadline)
{
	uint64_t ticks = deadline > now ? (deadline - now) >> vmx_caps.preemption_shift : 0;

	vmcs_write(VMCS_PREEMPTION_TIMER, MIN(ticks, (uint64_t)UINT32_MAX));
}

static void account_steal(struct vcpu *v, bool preempted)
{
	if (v->clock.steal_time_msr)
		pvclock_update_steal(&v->clock, &v->vm->mem,
			tsc_to_ns(v->entity.waited_ticks - v->steal_base_ticks), preempted);
}

/* ---- The loop ---- */

/* Whether packets are on target is judged by where the first vCPU, which the NICs follow, is when
 * it takes them: before an entry, or at once, by a posted interrupt, while it is in the guest. */
static void take_packets(struct vcpu *v, bool at_once)
{
	if (__builtin_expect(!load_relaxed(&v->vm->published), 1) || v->index != 0)
		return;
	(void)atomic_xchg(
		&v->vm->published, 0u); /* before the look: what comes now sets it again */
	vm_nics_consume(v->vm, this_cpu()->index, tsc_to_us(rdtsc()), at_once);
}

static void held_work(struct sched_entity *e)
{
	vm_nics_release(CONTAINER_OF(e, struct vcpu, entity)->vm, this_cpu()->index);
}

/* False: the vCPU has nothing to run and must sleep. */
static bool runnable(struct vcpu *v, uint64_t now)
{
	if (load_acquire(&v->vm->hold)) {
		v->entity.timer_tsc = SCHED_NO_TIMER;
		return false;
	}
	if (load_relaxed(&v->requests))
		handle_requests(v);
	if (v->phase != VCPU_ACTIVE) {
		v->entity.timer_tsc = SCHED_NO_TIMER;
		return false;
	}
	if (lapic_timer_check(&v->lapic, tsc_scale(now, v->vmx.tsc_ratio) + v->vmx.tsc_offset))
		v->irr_dirty = true;
	if (v->halted) {
		v->entity.timer_tsc = timer_deadline_host(v, now);
		sched_forget_wake(&v->entity); /* has_event() sees what they were for */
		if (!has_event(v))
			return false;
		v->halted = false;
	}
	return true;
}

static void enter_and_handle(struct vcpu *v, uint64_t now)
{
	uint32_t reason;
	uint64_t before;

	store_release(&v->vmx.in_guest, true);
	smp_mb(); /* from here on a message finds us in the guest and interrupts us */
	if (load_relaxed(&v->requests) || load_relaxed(&v->vm->hold)) {
		store_release(&v->vmx.in_guest, false);
		return;
	}
	deliver_nmi(v);
	if (vmx_caps.apicv)
		deliver_by_hardware(v);
	else
		deliver_by_software(v);
	arm_preemption_timer(now, MIN(sched_yield_tsc(), timer_deadline_host(v, now)));
	take_packets(v, false);
	before = rdtsc();
	reason = vmx_vcpu_enter(&v->vmx);
	v->guest_ticks += rdtsc() - before;
	if (vmx_caps.posted_interrupts)
		take_packets(v, true);
	store_release(&v->vmx.in_guest, false);
	v->nr_exits++;
	v->exits[MIN(reason & 0xffff, EXIT_REASONS - 1u)]++;
	if (vcpu_handle_exit(v, reason) == EXIT_NEXT_INSN)
		vmx_next_instruction();
}

static enum sched_result run(struct sched_entity *e)
{
	struct vcpu *v = CONTAINER_OF(e, struct vcpu, entity);
	uint64_t now = rdtsc();

	if (!runnable(v, now))
		return SCHED_SLEEP;
	vmx_vcpu_load(&v->vmx);
	account_steal(v, false);
	v->yield = false;
	for (;;) {
		enter_and_handle(v, now);
		sched_poll();
		now = rdtsc();
		if (!runnable(v, now))
			return SCHED_SLEEP;
		if (now >= sched_yield_tsc() || v->yield)
			break;
	}
	account_steal(v, true);
	return SCHED_YIELD;
}

static bool resident(const struct sched_entity *e)
{
	const struct vcpu *v = CONTAINER_OF(e, struct vcpu, entity);

	return load_acquire(&v->vmx.loaded_on) != VMX_NOT_LOADED;
}

int vcpu_init(struct vcpu *v, struct vm *vm, unsigned index, uint16_t vpid)
{
	void *apic_page = page_alloc(1), *pi = page_alloc(1);

	if (!apic_page || !pi)
		return -ENOMEM;
	v->vm = vm;
	v->index = index;
	v->entity.run = run;
	v->entity.resident = resident;
	v->entity.held_work = index == 0 ? held_work : NULL;
	v->entity.weight = vm->conf->weight;
	v->entity.cap_percent = vm->conf->cap_percent;
	v->entity.group = vm->index;
	v->entity.cores = vm->conf->cores;
	lapic_init(&v->lapic, index, index == 0, apic_page, pi, &lapic_ops, v);
	if (vmx_vcpu_init(&v->vmx, &vm->ept, vpid, apic_page, pi))
		return -ENOMEM;
	vcpu_reset(v);
	sched_add(&v->entity);
	return 0;
}

void vcpu_reset(struct vcpu *v)
{
	lapic_reset(&v->lapic);
	v->phase = v->index == 0 ? VCPU_WAIT_START : VCPU_WAIT_SIPI;
	v->requests = 0;
	v->halted = v->nmi_pending = false;
	v->irr_dirty = v->tmr_dirty = true;
	v->vmx.tsc_offset = v->vm->tsc_offset;
	v->vmx.tsc_ratio = v->vm->tsc_ratio;
	memset(&v->clock, 0, sizeof(v->clock));
	v->mtrr_def_type = 0xc06; /* enabled, default write-back */
	memset(v->mtrr_fixed, 0, sizeof(v->mtrr_fixed));
	memset(v->mtrr_variable, 0, sizeof(v->mtrr_variable));
}
