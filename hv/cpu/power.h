/* Ending it: power off and reset, by whatever the machine has. */
#ifndef SLUICE_CPU_POWER_H
#define SLUICE_CPU_POWER_H

/* Prints "sluice: power off, status N" on COM1, then tries in order: QEMU's isa-debug-exit (port
 * 0xf4), ACPI S5, the PIIX4's soft off; halts forever if none works. Callable on any core. */
_Noreturn void power_off(int status);

/* ACPI reset register, port 0xcf9, keyboard controller; halts forever if none works. */
_Noreturn void power_reset(void);

#endif
