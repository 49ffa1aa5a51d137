/* The machine in which the rig puts its devices: PCI functions, time and interrupts. The files
 * bx*.c implement it for the emulator; unit tests bring their own. */
#ifndef SLUICE_RIG_BUS_H
#define SLUICE_RIG_BUS_H

#include <stdint.h>

#include "../models/pci_dev.h"

struct bus_function;

/* For the models; its context is a struct bus_function. */
extern const struct pci_host bus_host;

/* NULL: no memory. Nothing is on the bus yet. `name` is copied. */
struct bus_function *bus_create(const char *name);

/* Puts it on the bus, as function `function` of device `slot` (0: the next free one), and sets d's
 * bdf. The slot, or -EBUSY. */
int bus_attach(struct bus_function *f, struct pci_dev *d, unsigned slot, unsigned function);

/* The device d must still be there, but is not touched again. */
void bus_destroy(struct bus_function *f);

/* From now on c has the machine's time, and its events run. */
void machine_start_clock(struct clock *c);

/* A fault of the emulator: a guest that is entered with RFLAGS.IF = 0 is not left for an external
 * interrupt until it changes IF. Repaired every so many microseconds and after each message of a
 * device; 0: not repaired. */
void machine_repair_masks(unsigned period_us);

#endif
