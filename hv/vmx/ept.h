/* A guest's physical address space. SDM vol. 3C, 29.3.
 *
 * Mapped once when the guest is built; what is not mapped is a device or nobody's, and faults into
 * the bus. Translations are cached per core under the EPT pointer, so a change bumps `generation`
 * and every core flushes before it next enters a vCPU of this guest (ept_sync). */
#ifndef SLUICE_VMX_EPT_H
#define SLUICE_VMX_EPT_H

#include <stdint.h>

#include "cpu/percpu.h"
#include "mem/pagetable.h"

#define EPT_READ    BIT64(0)
#define EPT_WRITE   BIT64(1)
#define EPT_EXECUTE BIT64(2)
#define EPT_WB	    (UINT64_C(6) << 3)
#define EPT_UC	    (UINT64_C(0) << 3)
#define EPT_RAM	    (EPT_READ | EPT_WRITE | EPT_EXECUTE | EPT_WB)

struct ept {
	struct pagetable table;
	uint64_t pointer;	/* EPTP for the VMCS */
	uint32_t generation;	/* atomic */
	uint32_t seen[CPU_MAX]; /* each core's own: generation at its last flush */
};

int ept_init(struct ept *e) __must_check;
void ept_destroy(struct ept *e);

/* As pagetable_map; flags of EPT_. */
int ept_map(
	struct ept *e, uint64_t gpa, uint64_t hpa, uint64_t len_bytes, uint64_t flags) __must_check;

/* On the core that is about to enter: flushes what it may have cached from an older generation. */
void ept_sync(struct ept *e);

/* Drops what this core has cached of one VPID. */
void vpid_flush(uint16_t vpid);

#endif
