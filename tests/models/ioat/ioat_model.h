/* A model of Intel's I/OAT DMA engine (QuickData Technology, "Crystal Beach") version 3.x: one PCI
 * function with 4 to 16 channels. Intel Xeon Processor E5-1600/2400/2600/4600 v2 Product Families
 * Datasheet, volume 2: Registers (329188), 8.4 (configuration space) and 8.5 (memory-mapped); "DS
 * 8.5.22" below is its section. What the datasheet does not say (descriptors, several channels in
 * one function) is as the drivers of Linux, FreeBSD and SPDK rely on.
 *
 * The device ID decides the version, the capabilities and what stock Linux does with it:
 *   6f50-6f53, 0c50-0c53  3.3 (Xeon D-1500, Atom S1200); the default is 6f50. Linux's ioatdma keeps
 *               to the first 256 bytes of configuration space, so that it works where there is
 *               only CF8/CFC. A reset of a channel clears the first MSI-X entry, which the driver
 *               knows and repairs; MSI-X table at 0x1000 and pending bits at 0x1800 of BAR 0.
 *   0b00        3.4 (Ice Lake): the same, with descriptor prefetch and LTR registers. The driver
 *               never offers DCA.
 *   2021, 0e20-0e2f, 2f20-2f2f, 6f20-6f2f, 3c20-3c2f, 3710-3719 and any other: 3.2. 3430, 3431,
 *               3432, 3433, 3429-342c: 3.0. Linux's driver then wants CHANERR_INT at 0x180 of
 *               configuration space, and its probe fails where that is out of reach.
 * Linux offers DCA to NICs (drivers/dma/ioat/dca.c) below version 3.4 if the CPU has it too: CPUID
 * leaf 1 ECX[18] and leaf 9 EAX[0]. It uses at most 4 channels of a function.
 * No RAID (XOR, PQ) and no CRC: their bits in DMACAPABILITY are clear.
 * What is modelled and what is not: docs/hardware.md. */
#ifndef SLUICE_MODELS_IOAT_MODEL_H
#define SLUICE_MODELS_IOAT_MODEL_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../pci_dev.h"

#define IOAT_MODEL_CHANNELS_MIN 4
#define IOAT_MODEL_CHANNELS_MAX 16
#define IOAT_MODEL_BAR_SIZE	0x4000 /* DS 8.4.9 */

/* In the record, target of a payload write whose descriptor had dest_dca: DCACTRL's target CPU (an
 * APIC ID), with this bit if `hint` was set too. Completion writes: the CPU alone. */
#define IOAT_MODEL_TARGET_HINT 0x10000u

struct ioat_model;

struct ioat_model_config {
	uint16_t device_id;	    /* 0: 0x6f50 */
	uint8_t version;	    /* CBVER; 0: as the device has it */
	unsigned channels;	    /* 0: 4 */
	uint64_t copy_bytes_per_us; /* of the engine, which the channels share; 0: 5000 (5 GB/s) */
	uint64_t start_latency_ps;  /* from the doorbell of an idle channel; 0: 200 ns */
	/* Nothing happens to the engine but at multiples of this: fewer calls of the clock, for a
	 * host to which they are dear. 0: exact. */
	uint64_t batch_ps;
	bool has_dca;
	uint64_t apicid_tag_map; /* as the BIOS left it; 0: as one that never programmed it */
};

/* In power-on reset. NULL: no memory, or a number of channels out of range. host_ctx is passed to
 * the host's functions. record may be NULL; entries carry id, and the channel as their queue. */
struct ioat_model *ioat_model_create(const struct ioat_model_config *config, struct clock *clock,
	const struct pci_host *host, void *host_ctx, struct record *record, uint16_t id);
void ioat_model_destroy(struct ioat_model *m);

struct pci_dev *ioat_model_function(struct ioat_model *m);

/* Fault injection: one command, words separated by blanks. 0, or -EINVAL for an unknown or
 * malformed one, with the reason in why.
 *   halt CH CAUSE       the next descriptor of this channel ends in that bit of CHANERR: its
 *                       number, or source, destination, next, descriptor, chain, command,
 *                       chipset-data, dma-data, read, write, control, length, completion,
 *                       interrupt, soft, unaffiliated, xor-p, xor-q, count
 *   stall CH [US]       the channel stands still (for US microseconds; without: until this, or a
 *   run CH              reset of the channel); it does not take a suspend either
 *   late-completion US  every descriptor completes that much later than its data; 0 ends it
 *   lose-interrupts N   so many of the next messages get lost
 *   abort-reads on|off | abort-writes on|off   DMA ends in a master abort
 *   reset-hangs on|off  CHANCMD's reset bit never clears; off lets pending resets end
 */
int ioat_model_fault(struct ioat_model *m, const char *command, const char **why);

/* The model's own counts since its creation; never reset by software. */
struct ioat_model_counts {
	uint64_t doorbells;
	uint64_t copies, fills, nulls; /* descriptors completed */
	uint64_t bytes;		       /* written as payload */
	uint64_t completion_writes;
	uint64_t interrupts; /* generated, before the host may lose them */
	uint64_t errors[32]; /* by bit of CHANERR, masked ones included */
	uint64_t halts;	     /* for an error */
	uint64_t suspends, aborts, resets;
	uint64_t ignored_writes; /* commands or addresses that the channel's state did not allow */
	uint64_t unknown_reads, unknown_writes; /* registers that the model does not have */
	struct {
		uint64_t descriptors, bytes, halts;
	} channel[IOAT_MODEL_CHANNELS_MAX];
};
void ioat_model_counts(const struct ioat_model *m, struct ioat_model_counts *counts);
/* As "name value" lines; channels that did nothing are left out. */
void ioat_model_print_counts(const struct ioat_model *m, FILE *out);

#endif
