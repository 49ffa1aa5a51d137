/* From the loader's hand-over to running guests: the parts, in order. */
#include "main.h"

#include "cpu/acpi.h"
#include "cpu/apic.h"
#include "cpu/cpu.h"
#include "cpu/interrupt.h"
#include "cpu/percpu.h"
#include "cpu/power.h"
#include "cpu/rtc.h"
#include "cpu/smp.h"
#include "cpu/topology.h"
#include "cpu/tsc.h"
#include "drivers/pci/pci.h"
#include "drivers/uart/uart.h"
#include "lib/atomic.h"
#include "mem/direct_map.h"
#include "mem/host_paging.h"
#include "mem/page_alloc.h"
#include "mon/log.h"
#include "mon/monitor.h"
#include "mon/monitor_ops.h"
#include "net/copy_setup.h"
#include "sched/sched.h"
#include "sched/topology_host.h"
#include "vm/build.h"
#include "vm/conf.h"
#include "vm/nic.h"
#include "vm/steer.h"
#include "vm/uplink.h"
#include "vm/vm.h"
#include "vmx/vmx.h"

/* Exit status of the machine, as power_off() prints it. */
enum status { STATUS_OK, STATUS_NO_VTX, STATUS_BUILD, STATUS_GUEST_CRASHED };

#define HOUSEKEEPING_US UINT64_C(10000)

static struct conf conf;
static bool cores_may_go;

/* Called by entry.S on the boot stack, in the loader's address space. */
void entry_main(uint64_t boot_info_hpa)
{
	const struct boot_info *bi = (const void *)boot_info_hpa; /* identity-mapped still */

	percpu_init_boot();
	host_paging_early(bi->image_hpa);
	hv_main(HVA(boot_info_hpa));
}

/* The other cores wait until guests are built. */
static void core_main(void)
{
	while (!load_acquire(&cores_may_go))
		cpu_halt_until_interrupt();
	if (vmx_core_on())
		panic("core %u cannot enter VMX operation", this_cpu()->index);
	sched_run_core();
}

static void log_machine(void)
{
	const struct cpu_features *f = cpu_features_get();
	struct page_stats s;

	page_stats(&s);
	log_info("%s, family %u model %u stepping %u", f->brand[0] ? f->brand : f->vendor,
		f->family, f->model, f->stepping);
	log_info("%u cores, %lu MiB of memory free, hypervisor %lu KiB and image, TSC %lu kHz, %s",
		nr_cpus, s.free_bytes >> 20, s.hypervisor_bytes >> 10, tsc_khz,
		apic_is_x2apic() ? "x2APIC" : "xAPIC");
}

static void bring_up_machine(const struct boot_info *bi)
{
	uart_init();
	log_init();
	if (bi->magic != BOOT_INFO_MAGIC || bi->version != BOOT_INFO_VERSION)
		panic("the loader's hand-over is of another version");
	pic_mask_all();
	page_alloc_init(bi->mem, bi->nr_mem);
	host_paging_init(bi);
	acpi_init(bi->rsdp_hpa);
	tsc_init();
	rtc_init();
	apic_init();
	apic_enable();
	apic_timer_init();
	this_cpu()->apic_id = apic_id();
	topology_init();
	host_pci_init();
	smp_start(bi->trampoline_hpa, core_main);
	log_machine();
}

/* The loader has parsed it once without an error; this is the same parser. */
static void read_conf(const struct boot_info *bi)
{
	struct conf_error err;

	if (conf_parse(HVA(bi->conf_hpa), bi->conf_len_bytes, &conf, &err))
		panic("sluice.conf:%u:%u: %s", err.line, err.column, err.text);
	log_set_level((enum log_level)conf.log_level);
}

/* Nothing writes to memory that is not the hypervisor's any more; then the counters are final. */
static void end_machine(int status)
{
	vm_uplinks_stop();
	copy_stop();
	monitor_end();
	power_off(status);
}

static void end_if_all_stopped(void)
{
	int status = STATUS_OK;

	if (!conf.poweroff_when_idle)
		return;
	for (unsigned i = 0; i < nr_vms; i++) {
		if (vms[i]->state != VM_STOPPED || vms[i]->start_wanted)
			return;
		if (vms[i]->last_exit == VM_EXIT_CRASH)
			status = STATUS_GUEST_CRASHED;
	}
	end_machine(status);
}

static void guest_stopped(struct vm *vm)
{
	if (!vm->conf->poweroff_on_exit || vm->last_exit == VM_EXIT_RESET)
		return;
	end_machine(vm->last_exit == VM_EXIT_CRASH ? STATUS_GUEST_CRASHED : STATUS_OK);
}

/* Core 0. The console is paced by its UART, everything else by 10 ms. */
static uint64_t housekeeping(void)
{
	static uint64_t next;
	uint64_t now = rdtsc();
	uint64_t monitor_us = monitor_poll(), uplinks_us = vm_uplinks_poll();
	uint64_t soon_us = MIN(monitor_us, uplinks_us);

	if (monitor_poweroff_wanted())
		end_machine(STATUS_OK);
	if (now < next)
		return MIN(soon_us, tsc_to_us(next - now) + 1);
	next = now + us_to_tsc(HOUSEKEEPING_US);
	for (unsigned i = 0; i < nr_vms; i++)
		vm_poll(vms[i]);
	vm_nics_housekeeping(tsc_to_us(now));
	vm_uplinks_housekeeping(tsc_to_us(now));
	vm_steer_housekeeping(tsc_to_us(now));
	end_if_all_stopped();
	return MIN(soon_us, HOUSEKEEPING_US);
}

static void release_cores(void)
{
	store_release(&cores_may_go, true);
	for (unsigned i = 1; i < nr_cpus; i++)
		smp_kick(i);
}

static int start_scheduler(void)
{
	static struct sched_topology topology;
	const struct sched_setup setup = {
		.nr_cores = nr_cpus,
		.slice_us = conf.slice_us,
		.housekeeping = housekeeping,
		.topology = &topology,
		.policy = conf.round_robin ? SCHED_ROUND_ROBIN : SCHED_FULL,
		.cache_aware = conf.cache_aware,
		.credit_stealing = conf.credit_stealing,
		.smt_isolation = conf.smt_isolated,
	};

	topology_of_machine(&topology);
	return sched_init(&setup);
}

static int build_guests(const struct boot_info *bi)
{
	int err;

	vm_hooks.putc = monitor_guest_putc;
	vm_hooks.mark = monitor_mark;
	vm_hooks.stopped = guest_stopped;
	if (start_scheduler() || vmx_shared_init() ||
		copy_start(sched_worker, conf.ioat, vm_steer_dca(&conf)) || vm_steer_init(&conf) ||
		vm_switches_create(&conf))
		return -1;
	err = vm_create_all(&conf, bi);
	return err ? err : vm_uplinks_create(&conf);
}

void hv_main(const struct boot_info *bi)
{
	struct vmx_wishes wishes;

	bring_up_machine(bi);
	read_conf(bi);
	wishes = (struct vmx_wishes){ .apicv = conf.apicv,
		.posted_interrupts = conf.posted_interrupts };
	if (vmx_init(&wishes) || vmx_core_on())
		power_off(STATUS_NO_VTX);
	if (build_guests(bi)) {
		log_error("the guests of sluice.conf cannot be built on this machine");
		power_off(STATUS_BUILD);
	}
	monitor_init();
	release_cores();
	sched_run_core();
}
