/* PIIX4 power management; see piix4.h. */
#include "cpu/piix4.h"

#include "drivers/pci/pci.h"

#define PIIX4_PMBA	    0x40
#define PIIX4_PMREGMISC	    0x80
#define PMREGMISC_IO_ENABLE BIT32(0)

uint16_t piix4_pm_base(void)
{
	pci_bdf bdf;

	if (host_pci_find(0x8086, 0x7113, 0, &bdf))
		return 0;
	if (!(host_pci_read8(bdf, PIIX4_PMREGMISC) & PMREGMISC_IO_ENABLE))
		return 0;
	return host_pci_read32(bdf, PIIX4_PMBA) & 0xffc0;
}
