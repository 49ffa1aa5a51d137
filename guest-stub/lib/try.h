/* Operations that may fault: each returns the vector of the fault, or 0. */
#ifndef STUB_TRY_H
#define STUB_TRY_H

#include <stdint.h>

unsigned try_call(void (*fn)(void *), void *arg); /* start.S */

unsigned try_rdmsr(uint32_t msr, uint64_t *v);
unsigned try_wrmsr(uint32_t msr, uint64_t v);
unsigned try_write_cr0(uint64_t v);
unsigned try_write_cr3(uint64_t v);
unsigned try_write_cr4(uint64_t v);
unsigned try_write_cr8(uint64_t v);
unsigned try_write_dr(unsigned n, uint64_t v);
unsigned try_xsetbv(uint32_t index, uint64_t v);
/* size_bytes: 1, 2, 4, and 8 for memory */
unsigned try_in(uint16_t port, unsigned size_bytes, uint32_t *v);
unsigned try_out(uint16_t port, unsigned size_bytes, uint32_t v);
unsigned try_read(uint64_t address, unsigned size_bytes, uint64_t *v);
unsigned try_write(uint64_t address, unsigned size_bytes, uint64_t v);
unsigned try_fetch(uint64_t address); /* calls it: a near return must be there */

#endif
