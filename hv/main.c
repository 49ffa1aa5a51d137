/* From the loader's hand-over to a machine that is up: the parts, in order. */
#include "main.h"

#include "cpu/acpi.h"
#include "cpu/apic.h"
#include "cpu/cpu.h"
#include "cpu/interrupt.h"
#include "cpu/percpu.h"
#include "cpu/power.h"
#include "cpu/smp.h"
#include "cpu/topology.h"
#include "cpu/tsc.h"
#include "drivers/pci/pci.h"
#include "drivers/uart/uart.h"
#include "mem/direct_map.h"
#include "mem/host_paging.h"
#include "mem/page_alloc.h"
#include "mon/log.h"

/* Called by entry.S on the boot stack, in the loader's address space. */
void entry_main(uint64_t boot_info_hpa)
{
	const struct boot_info *bi = (const void *)boot_info_hpa; /* identity-mapped still */

	percpu_init_boot();
	host_paging_early(bi->image_hpa);
	hv_main(HVA(boot_info_hpa));
}

static void core_main(void)
{
	for (;;)
		cpu_halt_until_interrupt();
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

void hv_main(const struct boot_info *bi)
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
	apic_init();
	apic_enable();
	apic_timer_init();
	this_cpu()->apic_id = apic_id();
	topology_init();
	pci_init();
	smp_start(bi->trampoline_hpa, core_main);
	log_machine();
	power_off(0);
}
