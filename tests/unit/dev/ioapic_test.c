// sources: hv/dev/ioapic.c
/* The I/O APIC against the 82093AA datasheet. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "dev/ioapic.h"

static struct ioapic io;
static unsigned nr_msi;
static uint64_t last_address;
static uint32_t last_data;

static void fake_msi(void *ctx, uint64_t address, uint32_t data)
{
	assert_ptr_equal(ctx, &io);
	last_address = address;
	last_data = data;
	nr_msi++;
}

static int setup(void **state)
{
	(void)state;
	nr_msi = 0;
	ioapic_init(&io, fake_msi, &io);
	return 0;
}

static void mmio_write(uint64_t off, uint64_t v, uint8_t size)
{
	struct bus_access a = { .offset = off, .value = v, .size_bytes = size, .write = true };

	ioapic_mmio(&io, &a);
}

static uint32_t mmio_read(uint64_t off)
{
	struct bus_access a = { .offset = off, .size_bytes = 4 };

	ioapic_mmio(&io, &a);
	return (uint32_t)a.value;
}

static void reg_write(uint8_t index, uint32_t v)
{
	mmio_write(0, index, 4);
	mmio_write(0x10, v, 4);
}

static uint32_t reg_read(uint8_t index)
{
	mmio_write(0, index, 4);
	return mmio_read(0x10);
}

static void route(unsigned pin, uint32_t low, uint32_t high)
{
	reg_write((uint8_t)(0x11 + 2 * pin), high);
	reg_write((uint8_t)(0x10 + 2 * pin), low);
}

static void reset_state(void **state)
{
	(void)state;
	assert_int_equal(reg_read(0), 0);
	assert_int_equal(reg_read(1), 0x00170020);
	for (unsigned i = 0; i < 24; i++) {
		assert_int_equal(reg_read((uint8_t)(0x10 + 2 * i)), 0x10000);
		assert_int_equal(reg_read((uint8_t)(0x11 + 2 * i)), 0);
	}
	for (unsigned i = 0x40; i < 0x100; i++)
		assert_int_equal(reg_read((uint8_t)i), 0);
	assert_int_equal(mmio_read(0), 0xff);
}

static void writable_bits(void **state)
{
	(void)state;
	for (unsigned i = 3; i < 0x100; i++)
		reg_write((uint8_t)i, UINT32_MAX);
	reg_write(0, UINT32_MAX);
	reg_write(1, UINT32_MAX);
	assert_int_equal(reg_read(0), 0x0f000000);
	assert_int_equal(reg_read(1), 0x00170020);
	assert_int_equal(reg_read(0x10), 0x1afff);
	assert_int_equal(reg_read(0x3f), 0xff000000);
	assert_int_equal(nr_msi, 0);
	mmio_write(0, 0x10, 1);
	mmio_write(0x10, 0, 1); /* the window is 32 bits wide */
	assert_int_equal(mmio_read(0x10), 0x1afff);
	ioapic_reset(&io);
	reset_state(state);
}

static void edge(void **state)
{
	(void)state;
	ioapic_set_pin(&io, 4, true); /* masked: lost */
	ioapic_set_pin(&io, 4, false);
	route(4, 0x0934, 0x05000000);
	assert_int_equal(nr_msi, 0);
	ioapic_set_pin(&io, 4, true);
	assert_int_equal(nr_msi, 1);
	assert_true(last_address == 0xfee05004);
	assert_int_equal(last_data, 0x4134);
	ioapic_set_pin(&io, 4, true); /* no edge */
	assert_int_equal(nr_msi, 1);
	ioapic_set_pin(&io, 4, false);
	ioapic_set_pin(&io, 4, true);
	assert_int_equal(nr_msi, 2);
	ioapic_eoi(&io, 0x34);
	assert_int_equal(nr_msi, 2);
	ioapic_set_pin(&io, 24, true);
	ioapic_set_pin(&io, UINT32_MAX, true);
	assert_int_equal(nr_msi, 2);
}

static void level(void **state)
{
	(void)state;
	route(10, 0x8041, 0x01000000);
	ioapic_set_pin(&io, 10, true);
	assert_int_equal(nr_msi, 1);
	assert_true(last_address == 0xfee01000);
	assert_int_equal(last_data, 0xc041);
	assert_int_equal(reg_read(0x10 + 20), 0xc041); /* remote IRR */
	ioapic_set_pin(&io, 10, false);
	ioapic_set_pin(&io, 10, true);
	assert_int_equal(nr_msi, 1);
	ioapic_eoi(&io, 0x40);
	assert_int_equal(nr_msi, 1);
	ioapic_eoi(&io, 0x41);
	assert_int_equal(nr_msi, 2); /* still asserted */
	ioapic_set_pin(&io, 10, false);
	ioapic_eoi(&io, 0x41);
	assert_int_equal(nr_msi, 2);
	assert_int_equal(reg_read(0x10 + 20), 0x8041);
}

static void level_masked_is_held(void **state)
{
	(void)state;
	route(10, 0x18041, 0);
	ioapic_set_pin(&io, 10, true);
	assert_int_equal(nr_msi, 0);
	route(10, 0x8041, 0);
	assert_int_equal(nr_msi, 1);
	route(10, 0x18041, 0); /* remote IRR survives masking */
	route(10, 0x8041, 0);
	assert_int_equal(nr_msi, 1);
	mmio_write(0x40, 0x41, 4); /* EOI register */
	assert_int_equal(nr_msi, 2);
	/* The turn through edge mode that clears remote IRR. */
	route(10, 0x10041, 0);
	route(10, 0x8041, 0);
	assert_int_equal(nr_msi, 3);
}

static void shared_vector(void **state)
{
	(void)state;
	route(10, 0x8041, 0);
	route(11, 0x8041, 0);
	ioapic_set_pin(&io, 10, true);
	ioapic_set_pin(&io, 11, true);
	ioapic_set_pin(&io, 10, false);
	assert_int_equal(nr_msi, 2);
	ioapic_eoi(&io, 0x41);
	assert_int_equal(nr_msi, 3);
}

static void odd_accesses(void **state)
{
	(void)state;
	for (uint64_t off = 0; off < 0x1000; off++)
		for (uint8_t size = 1; size <= 8; size = (uint8_t)(size * 2)) {
			struct bus_access a = { .offset = off, .size_bytes = size };

			ioapic_mmio(&io, &a);
			if (off != 0 && off != 0x10)
				assert_int_equal(a.value, 0);
			mmio_write(off, UINT64_MAX, size);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reset_state, setup),
		cmocka_unit_test_setup(writable_bits, setup),
		cmocka_unit_test_setup(edge, setup),
		cmocka_unit_test_setup(level, setup),
		cmocka_unit_test_setup(level_masked_is_held, setup),
		cmocka_unit_test_setup(shared_vector, setup),
		cmocka_unit_test_setup(odd_accesses, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
