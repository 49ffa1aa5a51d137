/* Allocation and wiring of guests: memory, EPT, buses, devices, vCPUs. */
#include "vm/build.h"

#include "cpu/percpu.h"
#include "cpu/rtc.h"
#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "mem/page_alloc.h"
#include "vm/guest_layout.h"
#include "vm/nic.h"
#include "vmx/tsc_scale.h"
#include "vmx/vmx.h"

struct vm_hooks vm_hooks;

static const struct boot_info *boot;

static const struct boot_file *find_file(const char *path)
{
	for (unsigned i = 0; path[0] && i < boot->nr_files; i++)
		if (strcmp(HVA(boot->file[i].path_hpa), path) == 0)
			return &boot->file[i];
	return NULL;
}

void vm_files(const struct vm *vm, struct guest_files *files)
{
	const struct boot_file *kernel = find_file(vm->conf->kernel);
	const struct boot_file *initrd = find_file(vm->conf->initrd);

	*files = (struct guest_files){ .cmdline = vm->conf->cmdline };
	if (kernel) {
		files->kernel = HVA(kernel->hpa);
		files->kernel_len_bytes = kernel->len_bytes;
	}
	if (initrd) {
		files->initrd = HVA(initrd->hpa);
		files->initrd_len_bytes = initrd->len_bytes;
	}
}

uint64_t vm_wall_clock_ns(void)
{
	return rtc_boot_time_s() * UINT64_C(1000000000) + tsc_to_ns(rdtsc());
}

/* ---- Callbacks of the guest's devices; ctx is the struct vm ---- */

static void guest_putc(void *ctx, uint8_t c)
{
	vm_hooks.putc(ctx, c);
}

static void guest_uart_irq(void *ctx, bool asserted)
{
	ioapic_set_pin(&((struct vm *)ctx)->ioapic, GUEST_UART_IRQ, asserted);
}

static void guest_mark(void *ctx, uint8_t n)
{
	struct vm *vm = ctx;

	if (!vm->boot_ticks) {
		vm->boot_ticks = rdtsc() - vm->start_tsc;
		vm->boot_exits = vm_exits(vm);
	}
	vm_hooks.mark(vm, n);
}

static void guest_poweroff(void *ctx)
{
	vm_request_stop(ctx, VM_EXIT_POWEROFF);
}

static void guest_reset(void *ctx)
{
	vm_request_stop(ctx, VM_EXIT_RESET);
}

static uint64_t guest_wall_clock_s(void *ctx)
{
	(void)ctx;
	return vm_wall_clock_ns() / UINT64_C(1000000000);
}

static const struct uart16550_ops uart_ops = { .putc = guest_putc, .irq = guest_uart_irq };
static const struct power_ops power_ops = {
	.poweroff = guest_poweroff, .reset = guest_reset, .wall_clock_s = guest_wall_clock_s
};

/* ---- Construction ---- */

static int map_region(struct vm *vm, uint64_t gpa, uint64_t len_bytes)
{
	struct guest_mem_region *r = &vm->mem.region[vm->mem.nr_regions];

	r->gpa = gpa;
	r->len_bytes = len_bytes;
	r->hva = page_alloc_large(len_bytes, MIB(2));
	if (!r->hva)
		return -ENOMEM;
	vm->mem.nr_regions++;
	return ept_map(&vm->ept, gpa, HPA(r->hva), len_bytes, EPT_RAM);
}

static int build_memory(struct vm *vm)
{
	uint64_t bytes = vm->conf->memory_bytes, low = MIN(bytes, GUEST_LOW_RAM_MAX);
	int err = ept_init(&vm->ept);

	if (!err)
		err = map_region(vm, 0, low);
	if (!err && bytes > low)
		err = map_region(vm, GUEST_HIGH_RAM_GPA, bytes - low);
	return err;
}

/* The reset port lies inside the PCI ports and answers first: power before PCI. */
static int build_devices(struct vm *vm)
{
	int err;

	power_init(&vm->power, &power_ops, vm);
	err = power_attach(&vm->power, &vm->ports);
	if (!err)
		err = pci_bus_init(&vm->pci, &vm->mmio, &vm->ports);
	if (err)
		return err;
	vm->mark = (struct mark){ .mark = guest_mark, .ctx = vm };
	uart16550_init(&vm->uart, &uart_ops, vm);
	ioapic_init(&vm->ioapic, vm_msi, vm);
	if (!bus_add(&vm->ports, GUEST_PORT_UART, GUEST_PORT_UART_LEN, uart16550_port, &vm->uart) ||
		!bus_add(&vm->ports, MARK_PORT, MARK_SIZE_BYTES, mark_port, &vm->mark) ||
		!bus_add(&vm->mmio, GUEST_IOAPIC_GPA, GUEST_IOAPIC_LEN, ioapic_mmio, &vm->ioapic) ||
		!bus_add(&vm->mmio, GUEST_ECAM_GPA, GUEST_ECAM_LEN, pci_ecam_access, &vm->pci))
		return -ENOSPC;
	return 0;
}

static int build_vcpus(struct vm *vm)
{
	static uint16_t next_vpid = 1; /* 0 is the host's */

	for (unsigned i = 0; i < vm->conf->vcpus; i++) {
		struct vcpu *v = page_alloc((sizeof(*v) + PAGE_SIZE - 1) / PAGE_SIZE);

		if (!v)
			return -ENOMEM;
		vm->vcpu[i] = v;
		vm->nr_vcpus = i + 1;
		if (vcpu_init(v, vm, i, next_vpid++))
			return -ENOMEM;
	}
	return 0;
}

/* The TSC of sluice.conf needs scaling; without it the guest gets the host's, which it is told. */
static void choose_tsc(struct vm *vm)
{
	uint32_t want = vm->conf->tsc_khz;

	vm->tsc_khz = (uint32_t)tsc_khz;
	if (!want)
		return;
	if (!vmx_caps.tsc_scaling) {
		log_warn("guest %s: tsc_khz=%u needs TSC scaling, which this CPU lacks: it gets %u",
			vm->conf->name, want, vm->tsc_khz);
		return;
	}
	vm->tsc_khz = want;
	vm->tsc_ratio = tsc_ratio_of(want, tsc_khz);
}

static int build(struct vm *vm)
{
	int err = build_memory(vm);

	if (err) {
		log_error("guest %s: no %llu MiB of contiguous memory left: lower memory= in "
			  "sluice.conf",
			vm->conf->name, (unsigned long long)(vm->conf->memory_bytes >> 20));
		return err;
	}
	err = build_devices(vm);
	if (!err)
		err = build_vcpus(vm);
	for (unsigned i = 0; !err && i < vm->conf->nr_nics; i++) {
		err = vm_nic_create(vm, i, &vm->nic[i]);
		vm->nr_nics += err == 0;
	}
	return err;
}

int vm_create_all(const struct conf *c, const struct boot_info *bi)
{
	int err;

	boot = bi;
	for (unsigned i = 0; i < c->nr_guests; i++) {
		struct vm *vm = page_alloc((sizeof(*vm) + PAGE_SIZE - 1) / PAGE_SIZE);

		if (!vm)
			return -ENOMEM;
		vm->conf = &c->guest[i];
		vm->index = i;
		vm->hold = true;
		choose_tsc(vm);
		vm->clock.scale = pvclock_scale_of(vm->tsc_khz);
		err = build(vm);
		if (err) {
			log_error("guest %s: cannot be built (%d)", vm->conf->name, err);
			return err;
		}
		vm->start_wanted = vm->conf->autostart;
		vms[nr_vms++] = vm;
	}
	return 0;
}
