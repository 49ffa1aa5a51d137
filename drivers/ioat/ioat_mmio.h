/* Register access of the I/OAT engine, which has registers of 8 and 16 bits beside those of 32. A
 * module of its own, so that host tests link a device model in its place. */
#ifndef SLUICE_DRIVERS_IOAT_MMIO_H
#define SLUICE_DRIVERS_IOAT_MMIO_H

#include <stdint.h>

/* Each is one access of that width and a barrier for the compiler: nothing moves across. What these
 * mean to other accesses of memory: see channel.c. */
uint8_t ioat_read8(uint64_t base, uint32_t off);
uint16_t ioat_read16(uint64_t base, uint32_t off);
uint32_t ioat_read32(uint64_t base, uint32_t off);
void ioat_write8(uint64_t base, uint32_t off, uint8_t v);
void ioat_write16(uint64_t base, uint32_t off, uint16_t v);
void ioat_write32(uint64_t base, uint32_t off, uint32_t v);

#endif
