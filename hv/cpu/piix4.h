/* The PIIX4's power-management function, which emulated PCs have and which works without ACPI.
 * Intel 82371AB data sheet, chapter 7. */
#ifndef SLUICE_CPU_PIIX4_H
#define SLUICE_CPU_PIIX4_H

#include <stdint.h>

#define PIIX4_PM_CONTROL 0x04 /* offsets from the base */
#define PIIX4_PM_TIMER	 0x08

/* Port base of its power-management registers; 0: there is no PIIX4, or it is not enabled. */
uint16_t piix4_pm_base(void);

#endif
