/* Register access of the I/OAT engine. */
#include "drivers/ioat/ioat_mmio.h"

#include "cpu/hw.h"

/* base is a window of mmio_map(), so that the address is one of registers. A volatile access is one
 * instruction of its width; the fences cost nothing but keep the compiler's order. */
#define REGISTER(type, base, off) (*(volatile type *)((base) + (off)))
#define COMPILER_BARRIER()	  __atomic_signal_fence(__ATOMIC_SEQ_CST)

uint8_t ioat_read8(uint64_t base, uint32_t off)
{
	uint8_t v;

	COMPILER_BARRIER();
	v = REGISTER(uint8_t, base, off);
	COMPILER_BARRIER();
	return v;
}

uint16_t ioat_read16(uint64_t base, uint32_t off)
{
	uint16_t v;

	COMPILER_BARRIER();
	v = REGISTER(uint16_t, base, off);
	COMPILER_BARRIER();
	return v;
}

uint32_t ioat_read32(uint64_t base, uint32_t off)
{
	return mmio_read32(base, off);
}

void ioat_write8(uint64_t base, uint32_t off, uint8_t v)
{
	COMPILER_BARRIER();
	REGISTER(uint8_t, base, off) = v;
	COMPILER_BARRIER();
}

void ioat_write16(uint64_t base, uint32_t off, uint16_t v)
{
	COMPILER_BARRIER();
	REGISTER(uint16_t, base, off) = v;
	COMPILER_BARRIER();
}

void ioat_write32(uint64_t base, uint32_t off, uint32_t v)
{
	mmio_write32(base, off, v);
}
