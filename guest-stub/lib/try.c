#include "try.h"

#include "cpu/hw.h"

struct operands {
	uint64_t where, value;
	unsigned size_bytes;
};

#define DEFINE_OPERATION(name, statement)                                                          \
	static void name##_now(void *arg)                                                          \
	{                                                                                          \
		struct operands *o = arg;                                                          \
		statement;                                                                         \
	}

DEFINE_OPERATION(rdmsr, o->value = rdmsr((uint32_t)o->where))
DEFINE_OPERATION(wrmsr, wrmsr((uint32_t)o->where, o->value))
DEFINE_OPERATION(cr0, write_cr0(o->value))
DEFINE_OPERATION(cr3, write_cr3(o->value))
DEFINE_OPERATION(cr4, write_cr4(o->value))
DEFINE_OPERATION(cr8, __asm__ volatile("mov %0, %%cr8" : : "r"(o->value) : "memory"))
DEFINE_OPERATION(xsetbv, xsetbv((uint32_t)o->where, o->value))
DEFINE_OPERATION(fetch, ((void (*)(void))o->where)())

static void dr_now(void *arg)
{
	struct operands *o = arg;

	switch (o->where) {
	case 0:
		write_dr0(o->value);
		break;
	case 1:
		write_dr1(o->value);
		break;
	case 2:
		write_dr2(o->value);
		break;
	case 3:
		write_dr3(o->value);
		break;
	case 4:
		__asm__ volatile("mov %0, %%dr4" : : "r"(o->value));
		break;
	case 5:
		__asm__ volatile("mov %0, %%dr5" : : "r"(o->value));
		break;
	case 6:
		write_dr6(o->value);
		break;
	default:
		write_dr7(o->value);
	}
}

static void in_now(void *arg)
{
	struct operands *o = arg;
	uint16_t port = (uint16_t)o->where;

	o->value = o->size_bytes == 1 ? inb(port) : o->size_bytes == 2 ? inw(port) : inl(port);
}

static void out_now(void *arg)
{
	struct operands *o = arg;
	uint16_t port = (uint16_t)o->where;

	if (o->size_bytes == 1)
		outb(port, (uint8_t)o->value);
	else if (o->size_bytes == 2)
		outw(port, (uint16_t)o->value);
	else
		outl(port, (uint32_t)o->value);
}

static void read_now(void *arg)
{
	struct operands *o = arg;

	switch (o->size_bytes) {
	case 1:
		o->value = *(volatile uint8_t *)o->where;
		break;
	case 2:
		o->value = *(volatile uint16_t *)o->where;
		break;
	case 4:
		o->value = *(volatile uint32_t *)o->where;
		break;
	default:
		o->value = *(volatile uint64_t *)o->where;
	}
}

static void write_now(void *arg)
{
	struct operands *o = arg;

	switch (o->size_bytes) {
	case 1:
		*(volatile uint8_t *)o->where = (uint8_t)o->value;
		break;
	case 2:
		*(volatile uint16_t *)o->where = (uint16_t)o->value;
		break;
	case 4:
		*(volatile uint32_t *)o->where = (uint32_t)o->value;
		break;
	default:
		*(volatile uint64_t *)o->where = o->value;
	}
}

static unsigned run(void (*fn)(void *), uint64_t where, uint64_t value, unsigned size_bytes)
{
	struct operands o = { where, value, size_bytes };

	return try_call(fn, &o);
}

unsigned try_rdmsr(uint32_t msr, uint64_t *v)
{
	struct operands o = { .where = msr };
	unsigned vector = try_call(rdmsr_now, &o);

	*v = o.value;
	return vector;
}

unsigned try_wrmsr(uint32_t msr, uint64_t v)
{
	return run(wrmsr_now, msr, v, 0);
}

unsigned try_write_cr0(uint64_t v)
{
	return run(cr0_now, 0, v, 0);
}

unsigned try_write_cr3(uint64_t v)
{
	return run(cr3_now, 0, v, 0);
}

unsigned try_write_cr4(uint64_t v)
{
	return run(cr4_now, 0, v, 0);
}

unsigned try_write_cr8(uint64_t v)
{
	return run(cr8_now, 0, v, 0);
}

unsigned try_write_dr(unsigned n, uint64_t v)
{
	return run(dr_now, n, v, 0);
}

unsigned try_xsetbv(uint32_t index, uint64_t v)
{
	return run(xsetbv_now, index, v, 0);
}

unsigned try_in(uint16_t port, unsigned size_bytes, uint32_t *v)
{
	struct operands o = { port, 0, size_bytes };
	unsigned vector = try_call(in_now, &o);

	*v = (uint32_t)o.value;
	return vector;
}

unsigned try_out(uint16_t port, unsigned size_bytes, uint32_t v)
{
	return run(out_now, port, v, size_bytes);
}

unsigned try_read(uint64_t address, unsigned size_bytes, uint64_t *v)
{
	struct operands o = { address, 0, size_bytes };
	unsigned vector = try_call(read_now, &o);

	*v = o.value;
	return vector;
}

unsigned try_write(uint64_t address, unsigned size_bytes, uint64_t v)
{
	return run(write_now, address, v, size_bytes);
}

unsigned try_fetch(uint64_t address)
{
	return run(fetch_now, address, 0, 0);
}
