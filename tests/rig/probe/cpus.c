/* MSI-X to every other CPU, by the firmware's MP services: UEFI Platform Initialization 1.7, volume
 * 2, 13.4. */
#include "probe.h"

#define POLLS_MAX 20000000

typedef VOID(EFIAPI *mp_procedure)(VOID *arg);

struct mp_services {
	EFI_STATUS(EFIAPI *count)
	(struct mp_services *mp, UINTN *nr, UINTN *nr_enabled);
	VOID *info, *start_all;
	EFI_STATUS(EFIAPI *start)
	(struct mp_services *mp, mp_procedure fn, UINTN cpu, EFI_EVENT done, UINTN timeout_us,
		VOID *arg, BOOLEAN *finished);
	VOID *switch_bsp, *enable, *who_am_i;
};

static const EFI_GUID mp_guid = { 0x3fdda605, 0xa76e, 0x4f46,
	{ 0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08 } };

enum { WAITING, READY, STOP, STOPPED };
static volatile unsigned state;
static volatile uint32_t other_id;

static VOID EFIAPI other_cpu(VOID *arg)
{
	(void)arg;
	interrupts_use_here();
	other_id = apic_id();
	state = READY;
	interrupts_enable();
	while (state != STOP)
		cpu_pause();
	interrupts_disable();
	state = STOPPED;
}

static bool reaches(unsigned wanted)
{
	for (unsigned i = 0; i < POLLS_MAX && state != wanted; i++)
		cpu_pause();
	return state == wanted;
}

static uint32_t all_hits(unsigned n)
{
	uint32_t sum = 0;

	for (unsigned id = 0; id < NR_APIC_IDS; id++)
		sum += hits[n][id];
	return sum;
}

static void test_cpu(struct device *d, struct mp_services *mp, unsigned cpu)
{
	uint32_t sum = all_hits(2);
	EFI_EVENT done;

	state = WAITING;
	/* with an event: it returns at once */
	if (EFI_ERROR(efi_boot->CreateEvent(0, TPL_NOTIFY, NULL, NULL, &done)) ||
		EFI_ERROR(mp->start(mp, other_cpu, cpu, done, 0, NULL, NULL)) || !reaches(READY)) {
		check(false, "CPU %u starts", cpu);
		return;
	}
	device_set_vector(d, cpu, VECTOR_FIRST + 2, other_id);
	mmio_write32(d->bar0, SELFTEST_GO, cpu);
	check(hits_reach(2, other_id, 1) && all_hits(2) == sum + 1, "MSI-X to CPU %u, APIC ID %u",
		cpu, other_id);
	state = STOP;
	reaches(STOPPED);
	/* until the firmware has it back */
	efi_boot->Stall(2000);
}

void test_cpus(struct device *d)
{
	EFI_GUID guid = mp_guid;
	UINTN nr = 0, nr_enabled;
	VOID *found = NULL;
	struct mp_services *mp;

	if (EFI_ERROR(efi_boot->LocateProtocol(&guid, NULL, &found)))
		return;
	mp = found;
	if (EFI_ERROR(mp->count(mp, &nr, &nr_enabled)))
		return;
	say("%u CPUs", (unsigned)nr);
	for (unsigned cpu = 1; cpu < nr; cpu++)
		test_cpu(d, mp, cpu);
}
