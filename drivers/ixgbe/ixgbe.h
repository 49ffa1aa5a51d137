/* Driver of the Intel 82599 10 GbE controller with SFP+ modules. Behind drivers/nic.h.
 *
 * Specification, cited as DS: Intel 82599 10 GbE Controller Datasheet (331520). In the order of a
 * port's life: ixgbe.c (attach), ixgbe_reset.c, ixgbe_init.c, ixgbe_eeprom.c, ixgbe_sync.c
 * (semaphores), ixgbe_i2c.c, ixgbe_sfp.c, ixgbe_link.c, ixgbe_queue.c (rings), ixgbe_filter.c,
 * ixgbe_vlan.c, ixgbe_irq.c, ixgbe_dca.c, ixgbe_stats.c, then the packets: ixgbe_rx.c,
 * ixgbe_rx_chain.c, ixgbe_tx.c, ixgbe_tx_offload.c, and what goes wrong: ixgbe_health.c,
 * ixgbe_recover.c, ixgbe_rx_rewind.c. */
#ifndef SLUICE_DRIVERS_IXGBE_H
#define SLUICE_DRIVERS_IXGBE_H

#include <stdbool.h>
#include <stdint.h>

#include "drivers/nic.h"
#include "drivers/pci/pci.h"
#include "lib/bits.h"

#define IXGBE_POOL_QUEUES_MAX 4 /* with 2 to 32 pools */

/* Whether this driver serves the function. */
bool ixgbe_matches(uint16_t vendor, uint16_t device);

/* Takes the function over: resets it, reads its address, allocates all memory. The port is STOPPED.
 * -EINVAL: a set-up that the hardware cannot do; -EIO: the hardware does not answer as it should,
 * or its EEPROM's checksum is wrong; -ENOMEM. Queues per pool: 1 pool 1..16, up to 32 pools 1..4,
 * up to 64 pools 1..2. Vectors: at most 63 for queues. */
int ixgbe_attach(pci_bdf bdf, const struct nic_setup *setup, struct nic **nic) __must_check;

#endif
