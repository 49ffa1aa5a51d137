/* Machine checks. SDM vol. 3B, chapter 15. */
#include "cpu/interrupt.h"

#include "cpu/hw.h"
#include "cpu/msr.h"
#include "cpu/percpu.h"
#include "lib/log.h"

#define IA32_MCG_STATUS	    0x17a
#define MCG_STATUS_RIPV	    BIT64(0)
#define MSR_MC_STATUS(bank) (0x401u + 4 * (bank))
#define MSR_MC_ADDR(bank)   (0x402u + 4 * (bank))
#define MC_STATUS_VALID	    BIT64(63)
#define MC_STATUS_ADDRV	    BIT64(58)
#define MC_STATUS_PCC	    BIT64(57)

/* Reports and clears one bank; whether the processor's context is corrupt. */
static bool take_bank(unsigned bank)
{
	uint64_t status = rdmsr(MSR_MC_STATUS(bank)), address = 0;

	if (!(status & MC_STATUS_VALID))
		return false;
	if (status & MC_STATUS_ADDRV)
		address = rdmsr(MSR_MC_ADDR(bank));
	log_error("machine check on core %u: bank %u status %016lx address %lx", this_cpu()->index,
		bank, status, address);
	wrmsr(MSR_MC_STATUS(bank), 0);
	return (status & MC_STATUS_PCC) != 0;
}

void machine_check_handle(void)
{
	unsigned nr_banks = rdmsr(IA32_MCG_CAP) & 0xff;
	uint64_t global = rdmsr(IA32_MCG_STATUS);
	bool corrupt = !(global & MCG_STATUS_RIPV);

	this_cpu()->nr_machine_check++;
	for (unsigned bank = 0; bank < nr_banks; bank++)
		corrupt |= take_bank(bank);
	if (corrupt)
		panic("machine check, status %lx: the processor's context is lost", global);
	wrmsr(IA32_MCG_STATUS, 0);
}
