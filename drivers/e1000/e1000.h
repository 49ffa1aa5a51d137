/* Driver of the Intel 82540EM and 82545EM 1 GbE controllers, the NIC of stock QEMU and Bochs for
 * development. Behind drivers/nic.h: one pool with one queue pair, no offloads, polled only.
 *
 * Specification, cited as SDM: PCI/PCI-X Family of Gigabit Ethernet Controllers Software
 * Developer's Manual (317453). In the order of a port's life: e1000.c (attach), e1000_reset.c,
 * e1000_eeprom.c, e1000_init.c, e1000_filter.c, e1000_rx.c, e1000_tx.c, e1000_stats.c,
 * e1000_health.c, e1000_recover.c.
 *
 * What emulators do otherwise: a reset leaves the registers as they are, so that everything that
 * matters is written afterwards; Bochs has four receive addresses instead of 16, so that each is
 * read back; the link is always up. */
#ifndef SLUICE_DRIVERS_E1000_H
#define SLUICE_DRIVERS_E1000_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nic.h"
#include "drivers/pci/pci.h"
#include "lib/bits.h"

/* Whether this driver serves the function. */
bool e1000_matches(uint16_t vendor, uint16_t device);

/* Takes the function over: resets it, reads its address, allocates all memory. The port is STOPPED.
 * -EINVAL: a set-up that the hardware cannot do: more than a pool and a queue, buffers that are not
 * 1, 2, 4 or 8 KiB; -EIO: the hardware does not answer as it should, or its EEPROM's checksum is
 * wrong; -ENOMEM. There are no vectors, whatever the set-up asks for. VLAN tags stay in the frames,
 * nothing is coalesced or cut, PAUSE is neither sent nor obeyed. */
int e1000_attach(pci_bdf bdf, const struct nic_setup *setup, struct nic **nic) __must_check;

#endif
