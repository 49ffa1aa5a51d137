/* Starting the other cores. SDM vol. 3A, 8.4.4 (INIT-SIPI-SIPI). */
#include "cpu/smp.h"

#include "cpu/acpi.h"
#include "cpu/apic.h"
#include "cpu/msr.h"
#include "cpu/tsc.h"
#include "cpu/vectors.h"
#include "lib/atomic.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mem/direct_map.h"
#include "mem/host_paging.h"

#define INIT_WAIT_US 10000
#define SIPI_WAIT_US 200
#define EXPECTED_US  1000000 /* for cores that the MADT promises */
#define QUIET_US     50000   /* without MADT: nobody new for so long */
#define ONLINE_US    1000000
#define DOOR_CLOSED  0x10000u

/* Behind the code of trampoline.S, in its order. */
struct trampoline_data {
	uint32_t cr3;
	uint32_t efer;
	uint32_t far_offset;
	uint16_t far_selector;
	uint16_t gdt_limit;
	uint32_t gdt_base;
	uint32_t reserved;
	uint64_t target;
} __attribute__((packed));
_Static_assert(sizeof(struct trampoline_data) == 32, "as trampoline.S lays it out");

extern const uint8_t trampoline_start[], trampoline_data[], trampoline_end[];
void smp_entry(void);
_Noreturn void smp_core_main(uint32_t ticket);

/* Shared with trampoline.S. Ticket n is core n + 1; its slot holds the stack it may take. */
uint32_t smp_tickets;
uint8_t *smp_slots[CPU_MAX];

static void (*core_entry)(void);

static int trampoline_place(uint64_t hpa)
{
	uint8_t *page = HVA(hpa);
	struct trampoline_data d;

	if (host_map_trampoline(hpa))
		return -1;
	memcpy(page, trampoline_start, (size_t)(trampoline_end - trampoline_start));
	memcpy(&d, trampoline_data, sizeof(d));
	d.cr3 = (uint32_t)host_cr3();
	d.efer = EFER_LME | EFER_NXE;
	d.far_offset += (uint32_t)hpa;
	d.gdt_base += (uint32_t)hpa;
	d.target = (uint64_t)smp_entry;
	memcpy(page + (trampoline_data - trampoline_start), &d, sizeof(d));
	return 0;
}

/* Without x2APIC an id must fit in 8 bits, of which 0xff is everyone. */
static bool is_startable(uint32_t apic_id)
{
	return apic_id != this_cpu()->apic_id && (apic_is_x2apic() || apic_id < 0xff);
}

static void send_sipi_listed(const struct acpi_info *acpi, uint8_t page)
{
	for (unsigned i = 0; i < acpi->nr_cpus; i++) {
		if (is_startable(acpi->cpu_apic_id[i]))
			apic_send_sipi(acpi->cpu_apic_id[i], page);
	}
}

static unsigned send_init_listed(const struct acpi_info *acpi)
{
	unsigned n = 0;

	for (unsigned i = 0; i < acpi->nr_cpus; i++) {
		if (is_startable(acpi->cpu_apic_id[i])) {
			apic_send_init(acpi->cpu_apic_id[i]);
			n++;
		}
	}
	return n;
}

/* Number of other cores that will come, 0 if nobody knows. */
static unsigned send_startup(const struct acpi_info *acpi, uint8_t page)
{
	unsigned expected = 0;

	if (acpi->nr_cpus)
		expected = send_init_listed(acpi);
	else
		apic_send_init_all_but_self();
	udelay(INIT_WAIT_US);
	for (unsigned i = 0; i < 2; i++) {
		if (acpi->nr_cpus)
			send_sipi_listed(acpi, page);
		else
			apic_send_sipi_all_but_self(page);
		udelay(SIPI_WAIT_US);
	}
	return expected;
}

/* Gives a stack to everyone who has taken a ticket; false if memory is out. */
static bool serve_tickets(void)
{
	unsigned taken = MIN(load_acquire(&smp_tickets), CPU_MAX - 1);

	while (nr_cpus < 1 + taken) {
		struct percpu *pc = percpu_alloc(nr_cpus, 0);

		if (!pc)
			return false;
		cpus[nr_cpus] = pc;
		store_release(&smp_slots[nr_cpus - 1], pc->stack_top);
		nr_cpus++;
	}
	return true;
}

/* Until `expected` cores are there, or with 0 until nobody new has come for a while. */
static void collect(unsigned expected)
{
	uint64_t timeout = us_to_tsc(expected ? EXPECTED_US : QUIET_US), since = rdtsc();
	unsigned seen = nr_cpus;

	while (rdtsc() - since < timeout && (!expected || nr_cpus < 1 + expected)) {
		if (!serve_tickets())
			break;
		if (nr_cpus != seen)
			since = rdtsc();
		seen = nr_cpus;
		cpu_pause();
	}
}

/* Whoever has no slot by now, or comes later, sees a ticket beyond CPU_MAX and halts. */
static void close_door(void)
{
	uint32_t taken = atomic_fetch_add(&smp_tickets, DOOR_CLOSED);

	if (taken > nr_cpus - 1)
		log_warn("%u cores came too late", taken - (nr_cpus - 1));
}

/* Those who took a ticket but stay silent cannot be left out of the middle: it is an error that
 * must be seen, the machine goes on with the cores below the first silent one. */
static void wait_online(void)
{
	uint64_t start = rdtsc(), timeout = us_to_tsc(ONLINE_US);

	for (unsigned i = 1; i < nr_cpus; i++) {
		while (!load_acquire(&cpus[i]->online) && rdtsc() - start < timeout)
			cpu_pause();
		if (!load_acquire(&cpus[i]->online)) {
			log_error("core %u does not come up; going on with %u", i, i);
			nr_cpus = i;
		}
	}
}

void smp_core_main(uint32_t ticket)
{
	struct percpu *pc = cpus[ticket + 1];

	host_paging_load();
	percpu_load(pc);
	apic_enable();
	pc->apic_id = apic_id();
	store_release(&pc->online, 1);
	core_entry();
	panic("the entry function of core %u returned", pc->index);
}

void smp_start(uint64_t trampoline_hpa, void (*entry)(void))
{
	const struct acpi_info *acpi = acpi_get();
	unsigned expected;

	core_entry = entry;
	if (acpi->nr_cpus == 1)
		return;
	if (!trampoline_hpa || trampoline_hpa >= MIB(1) || trampoline_place(trampoline_hpa)) {
		log_warn("no page below 1 MiB: the other cores stay off");
		return;
	}
	expected = send_startup(acpi, (uint8_t)(trampoline_hpa >> PAGE_SHIFT));
	collect(expected);
	close_door();
	wait_online();
	host_unmap_trampoline(trampoline_hpa);
	if (expected && nr_cpus != 1 + expected)
		log_warn("%u of %u cores came up", nr_cpus, 1 + expected);
}

void smp_kick(unsigned index)
{
	apic_send_ipi(cpus[index]->apic_id, VECTOR_RESCHEDULE);
}
