/* The end of a hypervisor that found itself broken. */
#ifndef SLUICE_CPU_CRASH_H
#define SLUICE_CPU_CRASH_H

/* Exit code of power_off() after a panic. */
#define CRASH_STATUS 1

/* Between the two the caller prints its dump. The first core to come stops the others by NMI; any
 * other core halts here, and a crash within a crash powers off at once. */
void crash_begin(void);
_Noreturn void crash_end(void);

#endif
