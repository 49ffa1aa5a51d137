// sources: hv/vm/steer_probe.c
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "vm/steer_probe.h"

static struct cpu_features cpu(uint32_t model, const char *brand)
{
	struct cpu_features f = { .vendor = "GenuineIntel", .family = 6, .model = model };

	for (unsigned i = 0; brand[i] && i < sizeof(f.brand) - 1; i++)
		f.brand[i] = brand[i];
	return f;
}

static void test_ddio(void **state)
{
	struct cpu_features f = cpu(0x2d, "       Intel(R) Xeon(R) CPU E5-2670 0 @ 2.60GHz");

	(void)state;
	assert_true(steer_cpu_has_ddio(&f));
	f = cpu(0x55, "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz");
	assert_true(steer_cpu_has_ddio(&f));
	f.family = 15;
	assert_false(steer_cpu_has_ddio(&f));
	f = cpu(0x55, "Intel(R) Core(TM) i7-7800X CPU @ 3.50GHz");
	assert_false(steer_cpu_has_ddio(&f));
	f = cpu(0x2c, "Intel(R) Xeon(R) CPU X5670 @ 2.93GHz"); /* has DCA instead */
	assert_false(steer_cpu_has_ddio(&f));
	f = cpu(0x2d, "Intel(R) Xeo");
	assert_false(steer_cpu_has_ddio(&f));
}

static void test_caches(void **state)
{
	struct topology t = { .core_shift = 1,
		.cache_shift = { 1, 1, 4, 32 },
		.cache_bytes = { 32768, 262144, 16 << 20, 0 } };

	(void)state;
	assert_int_equal(steer_cache_share(&t), 65536);
	t.core_shift = 0;
	assert_int_equal(steer_cache_share(&t), 131072);
	assert_int_equal(steer_llc_id(&t, 0x0f), 0);
	assert_int_equal(steer_llc_id(&t, 0x10), 1);
	t = (struct topology){ .cache_shift = { 32, 32, 32, 32 } };
	assert_int_equal(steer_cache_share(&t), 0);
	assert_int_equal(steer_llc_id(&t, 7), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ddio),
		cmocka_unit_test(test_caches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
