/* The life cycle of guests; see vm.h for the states. */
#include "vm/vm.h"

#include "cpu/hw.h"
#include "cpu/tsc.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "vm/build.h"
#include "vm/guest_acpi.h"
#include "vm/guest_layout.h"
#include "vm/guest_load.h"
#include "vm/nic.h"
#include "vmx/tsc_scale.h"

#define STOP_TIMEOUT_US 2000000

struct vm *vms[CONF_GUESTS_MAX];
unsigned nr_vms;

static const char *const state_name[] = {
	[VM_STOPPED] = "stopped",
	[VM_RUNNING] = "running",
	[VM_PAUSED] = "paused",
	[VM_STOPPING] = "stopping",
};

const char *vm_state_name(const struct vm *vm)
{
	if (vm->state == VM_STOPPED && vm->last_exit == VM_EXIT_CRASH)
		return "crashed";
	return state_name[vm->state];
}

uint64_t vm_exits(const struct vm *vm)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		sum += load_relaxed(&vm->vcpu[i]->nr_exits);
	return sum;
}

/* ---- Requests: any core ---- */

static int request(struct vm *vm, bool *flag, bool value, bool allowed)
{
	int err = -EINVAL;

	spin_lock(&vm->request_lock);
	if (allowed) {
		*flag = value;
		err = 0;
	}
	spin_unlock(&vm->request_lock);
	return err;
}

int vm_request_start(struct vm *vm)
{
	return request(vm, &vm->start_wanted, true, vm->state == VM_STOPPED);
}

int vm_request_pause(struct vm *vm)
{
	return request(vm, &vm->pause_wanted, true, vm->state == VM_RUNNING);
}

int vm_request_resume(struct vm *vm)
{
	return request(vm, &vm->pause_wanted, false, vm->state == VM_PAUSED || vm->pause_wanted);
}

/* Holds the guest at once; the first reason counts. */
void vm_request_stop(struct vm *vm, enum vm_exit why)
{
	spin_lock(&vm->request_lock);
	if (vm->state != VM_STOPPED) {
		if (vm->stopping == VM_EXIT_NONE)
			vm->stopping = why;
		store_release(&vm->hold, true); /* before anyone can see it stopped and start it */
	}
	spin_unlock(&vm->request_lock);
}

void vm_crash(struct vm *vm, const char *why)
{
	fmt_print(vm->why, sizeof(vm->why), "%s", why);
	vm_request_stop(vm, VM_EXIT_CRASH);
}

void vm_msi(void *ctx, uint64_t address, uint32_t data)
{
	struct lapic_ipi ipi;

	if (lapic_msi_decode(address, data, &ipi) == 0)
		vcpu_deliver(ctx, &ipi, NULL);
}

/* ---- Core 0 ---- */

static void kick_all(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		vcpu_notify(vm->vcpu[i], true);
}

static bool all_asleep(const struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		if (load_acquire(&vm->vcpu[i]->entity.state) != SCHED_ASLEEP)
			return false;
	return true;
}

static void set_start(struct vcpu *v, const struct guest_entry *entry)
{
	struct vmx_start *s = &v->start;

	memset(s, 0, sizeof(*s));
	s->mode = entry->mode == ENTRY_LONG64 ? START_LONG64 : START_PROTECTED32;
	s->rip = entry->rip;
	s->cr3 = entry->cr3;
	s->gdt_gpa = entry->gdt_gpa;
	s->gdt_limit = entry->gdt_limit;
	s->gpr[GPR_RSI] = entry->rsi;
	s->gpr[GPR_RBX] = entry->rbx;
}

static void reset_counters(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		memset(vm->vcpu[i]->exits, 0, sizeof(vm->vcpu[i]->exits));
		vm->vcpu[i]->nr_exits = 0;
		vm->vcpu[i]->guest_ticks = 0;
	}
	vm->boot_ticks = vm->boot_exits = 0;
}

/* Where real-mode software goes to reboot. Linux does on hardware-reduced ACPI without EFI, before
 * it tries the reset register: mov $0xcf9, %dx; mov $0x06, %al; out %al, %dx; 1: hlt; jmp 1b */
static int write_reset_vector(struct vm *vm)
{
	static const uint8_t code[] = { 0xba, 0xf9, 0x0c, 0xb0, 0x06, 0xee, 0xf4, 0xeb, 0xfd };

	_Static_assert(GUEST_PORT_RESET == 0xcf9 && GUEST_RESET_VALUE == 0x06, "as in the code");
	return guest_mem_write(&vm->mem, GUEST_RESET_VECTOR_GPA, code, sizeof(code));
}

static int load(struct vm *vm, struct guest_entry *entry)
{
	struct guest_files files;
	char why[VM_WHY_MAX];
	uint64_t rsdp_gpa;
	int err;

	for (unsigned i = 0; i < vm->mem.nr_regions; i++)
		memset(vm->mem.region[i].hva, 0, vm->mem.region[i].len_bytes);
	err = guest_acpi_build(&vm->mem, vm->nr_vcpus, &rsdp_gpa);
	if (!err)
		err = write_reset_vector(vm);
	if (err) {
		log_error("guest %s: no room for its ACPI tables", vm->conf->name);
		return err;
	}
	vm_files(vm, &files);
	err = guest_load(&vm->mem, &files, rsdp_gpa, entry, why, sizeof(why));
	if (err) {
		log_error("guest %s: kernel %s: %s", vm->conf->name, vm->conf->kernel, why);
		fmt_print(vm->why, sizeof(vm->why), "%s", why);
	}
	return err;
}

static void start(struct vm *vm)
{
	struct guest_entry entry;

	vm->start_wanted = false;
	if (load(vm, &entry)) {
		vm->last_exit = VM_EXIT_CRASH;
		return;
	}
	vm->start_tsc = rdtsc();
	vm->tsc_offset = -tsc_scale(vm->start_tsc, vm->tsc_ratio);
	vm->clock.tsc_base = 0;
	vm->clock.wall_base_ns = vm_wall_clock_ns();
	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		vcpu_reset(vm->vcpu[i]);
	set_start(vm->vcpu[0], &entry);
	reset_counters(vm);
	vm->stopping = VM_EXIT_NONE;
	vm->pause_wanted = false;
	vm->nr_starts++;
	store_release(&vm->hold, false);
	store_release(&vm->state, VM_RUNNING);
	log_info("guest %s: started, %u vCPUs, %llu MiB", vm->conf->name, vm->nr_vcpus,
		(unsigned long long)(guest_mem_size(&vm->mem) >> 20));
	vcpu_request(vm->vcpu[0], VCPU_REQUEST_START);
}

static void begin_stop(struct vm *vm)
{
	vm->stop_tsc = rdtsc() + us_to_tsc(STOP_TIMEOUT_US);
	store_release(&vm->state, VM_STOPPING);
	kick_all(vm);
}

/* All vCPUs are off their cores: now the devices can be taken back. */
static bool devices_quiet(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_nics; i++)
		if (!vm_nic_reset(vm->nic[i]))
			return false;
	return true;
}

static void finish_stop(struct vm *vm)
{
	static const char *const how[] = {
		[VM_EXIT_NONE] = "stopped",
		[VM_EXIT_POWEROFF] = "powered off",
		[VM_EXIT_RESET] = "reset",
		[VM_EXIT_CRASH] = "crashed",
		[VM_EXIT_STOPPED] = "stopped",
	};

	pci_bus_reset(&vm->pci);
	ioapic_reset(&vm->ioapic);
	uart16550_reset(&vm->uart);
	vm->last_exit = vm->stopping;
	store_release(&vm->state, VM_STOPPED);
	log_info("guest %s: %s after %llu ms, %llu exits", vm->conf->name, how[vm->last_exit],
		(unsigned long long)tsc_to_us(rdtsc() - vm->start_tsc) / 1000,
		(unsigned long long)vm_exits(vm));
	vm_hooks.stopped(vm);
	if (vm->last_exit == VM_EXIT_RESET)
		vm->start_wanted = true;
}

static void poll_running(struct vm *vm)
{
	if (vm->stopping != VM_EXIT_NONE) {
		begin_stop(vm);
	} else if (vm->pause_wanted && vm->state == VM_RUNNING) {
		store_release(&vm->hold, true);
		kick_all(vm);
		store_release(&vm->state, VM_PAUSED);
	} else if (!vm->pause_wanted && vm->state == VM_PAUSED) {
		store_release(&vm->hold, false);
		store_release(&vm->state, VM_RUNNING);
		kick_all(vm);
	}
}

/* Its memory must not be used again before it is quiet: late, we kick once more and say so. */
static void poll_stopping(struct vm *vm)
{
	if (all_asleep(vm) && devices_quiet(vm)) {
		finish_stop(vm);
	} else if (rdtsc() > vm->stop_tsc) {
		log_warn("guest %s: still stopping: %s", vm->conf->name,
			all_asleep(vm) ? "packets are under way"
				       : "a vCPU does not leave its core");
		vm->stop_tsc = rdtsc() + us_to_tsc(STOP_TIMEOUT_US);
		kick_all(vm);
	}
}

void vm_poll(struct vm *vm)
{
	switch ((enum vm_state)vm->state) {
	case VM_STOPPED:
		if (vm->start_wanted)
			start(vm);
		break;
	case VM_RUNNING:
	case VM_PAUSED:
		poll_running(vm);
		break;
	case VM_STOPPING:
		poll_stopping(vm);
		break;
	}
}
