/* A model of Intel's 82599 10 GbE controller: two ports, PCI functions 0 and 1 of one device
 * (8086:10fb). Intel 82599 10 GbE Controller Datasheet (331520); "DS 8.2.3" below is its section.
 * What is modelled and what is not: docs/hardware.md. */
#ifndef SLUICE_MODELS_M82599_H
#define SLUICE_MODELS_M82599_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../pci_dev.h"
#include "../wire.h"

#define M82599_PORTS	2
#define M82599_QUEUES	128
#define M82599_BAR_SIZE 0x20000 /* registers; DS 9.3.6.1 */

struct m82599;

struct m82599_config {
	uint8_t mac[6];	    /* port 0's; port 1 has the next one */
	uint16_t device_id; /* 0: 0x10fb (SFI/SFP+) */
	bool bad_eeprom_checksum;
	bool no_msix; /* the capability is missing: drivers fall back to MSI */
};

/* Both functions in power-on reset, not connected. NULL: no memory. host_ctx[n] is passed to the
 * host's functions for port n. record may be NULL; entries carry first_id + port. */
struct m82599 *m82599_create(const struct m82599_config *config, struct clock *clock,
	const struct pci_host *host, void *const host_ctx[M82599_PORTS], struct record *record,
	uint16_t first_id);
void m82599_destroy(struct m82599 *chip);

struct pci_dev *m82599_function(struct m82599 *chip, unsigned port);

/* Puts the port on an end of a wire, which must outlive the chip. */
void m82599_connect(struct m82599 *chip, unsigned port, struct wire *wire, unsigned end);

/* Fault injection: one command, words separated by blanks. 0, or -EINVAL for an unknown or
 * malformed one, with the reason in why.
 *   link-down | link-up              the laser of this port's peer goes and comes
 *   link-flap US                     off now, on again US microseconds later
 *   lose-interrupts N                so many of the next messages get lost
 *   spurious-interrupt VECTOR        one message without a cause
 *   stall-tx Q [US] | stall-rx Q [US]  the queue stands still (for US microseconds; without: until
 *   run-tx Q | run-rx Q              this, or a reset of the port)
 *   abort-reads on|off | abort-writes on|off   DMA ends in a master abort
 *   damage-fcs N | damage-length N   of the next frames that arrive
 *   delay-write-back US              every descriptor write-back comes that much later; 0 ends it
 *   eeprom-checksum good|bad
 *   reset-hangs on|off               CTRL.RST and CTRL.LRST never clear
 */
int m82599_fault(struct m82599 *chip, unsigned port, const char *command, const char **why);

/* The model's own counts since its creation; never reset by software, so that they can be compared
 * with what the statistics registers said. Bytes include the FCS. */
struct m82599_counts {
	uint64_t rx_frames, rx_bytes;		   /* arrived without error, before filters */
	uint64_t rx_delivered, rx_delivered_bytes; /* written to memory */
	uint64_t rx_filtered;			   /* no filter matched, or reception was off */
	uint64_t rx_no_descriptor;		   /* dropped for want of descriptors or of space */
	uint64_t rx_fcs_errors, rx_length_errors;
	uint64_t rx_csum_errors;
	uint64_t rx_pause, tx_pause;
	uint64_t tx_frames, tx_bytes;
	uint64_t tx_tso; /* segments that were cut into several frames */
	uint64_t rx_rsc; /* coalesced packets written */
	uint64_t dma_errors;
	uint64_t interrupts;
	uint64_t unknown_reads, unknown_writes; /* registers that the model does not have */
};
void m82599_counts(const struct m82599 *chip, unsigned port, struct m82599_counts *counts);
/* As "name value" lines. */
void m82599_print_counts(const struct m82599 *chip, unsigned port, FILE *out);

#endif
