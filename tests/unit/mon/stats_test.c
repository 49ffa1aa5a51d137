// sources: hv/mon/stats.c hv/mon/steer_view.c hv/net/steer_track.c hv/net/steer.c hv/mon/json.c hv/mon/mon.c hv/lib/fmt.c hv/net/port.c
/* The whole object of a small machine, and marks. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_mon.h"
#include "mon/stats.h"

static const char expected[] =
	"{\"tsc\":1000,\"tsc_khz\":2400000,\"cores\":2,"
	"\"hypervisor\":{\"image_bytes\":300000,\"memory_bytes\":4000000,\"buffer_bytes\":2000000},"
	"\"guests\":[{\"name\":\"a\",\"state\":\"running\",\"vcpus\":1,\"memory_bytes\":67108864,"
	"\"kernel\":\"vm\\\\linux\",\"boot_ticks\":77,\"boot_exits\":0,\"run_ticks\":0,\"resets\":"
	"0,"
	"\"exits\":5,\"exits_by_reason\":{\"cpuid\":5},"
	"\"sched\":{\"waits\":900,\"wait_error_us\":12,\"boosts\":5,\"migrations\":4,"
	"\"throttled\":3,\"charged\":2,\"borrowed\":1,\"lent\":0}},"
	"{\"name\":\"b\",\"state\":\"paused\",\"vcpus\":2,\"memory_bytes\":67108864,"
	"\"kernel\":\"vm\\\\linux\",\"boot_ticks\":77,\"boot_exits\":0,\"run_ticks\":0,\"resets\":"
	"0,"
	"\"exits\":6,\"exits_by_reason\":{\"cpuid\":5,\"reason_71\":1},"
	"\"sched\":{\"waits\":900,\"wait_error_us\":12,\"boosts\":5,\"migrations\":4,"
	"\"throttled\":3,\"charged\":2,\"borrowed\":1,\"lent\":1}}],"
	"\"core_ticks\":[{\"apic_id\":0,\"vcpu\":18446744073709551615,\"worker\":0,\"idle\":0,"
	"\"smt_blocked\":0,\"switches\":0,\"stolen\":0,\"stolen_by_distance\":{}},{\"apic_id\":2,"
	"\"vcpu\":"
	"18446744073709551615,\"worker\":0,"
	"\"idle\":0,\"smt_blocked\":6,\"switches\":0,\"stolen\":1,\"stolen_by_distance\":{\"llc\":"
	"1}}],"
	"\"net\":{\"frames_in\":10,\"frames_out\":8,\"bytes_in\":0,\"bytes_out\":0,"
	"\"extra_copies\":0,\"drops_by_reason\":{\"runt\":2},\"copies\":{\"cpu\":8,\"ioat\":0}},"
	"\"ports\":[{\"switch\":\"lan\",\"name\":\"a.0\",\"rx_frames\":100,\"rx_bytes\":0,"
	"\"tx_frames\":0,\"tx_bytes\":0,\"tx_flooded\":0,\"tx_joined\":0,\"tx_joined_bytes\":0,"
	"\"pushed_back\":0,\"kicks\":0,"
	"\"interrupts\":0,\"runs\":0,\"batches\":0,\"copies\":0,\"drops_by_reason\":{}},"
	"{\"switch\":\"lan\",\"name\":\"b.0\",\"rx_frames\":101,\"rx_bytes\":0,\"tx_frames\":0,"
	"\"tx_bytes\":0,\"tx_flooded\":0,\"tx_joined\":0,\"tx_joined_bytes\":0,\"pushed_back\":0,"
	"\"kicks\":0,\"interrupts\":0,\"runs\":0,"
	"\"batches\":0,\"copies\":0,\"drops_by_reason\":{\"no_port\":1}}],"
	"\"steer\":{\"policy\":\"full\",\"backend\":\"dca\",\"placed\":20,\"on_target\":14,"
	"\"missed\":{\"moved\":0,\"old\":4,\"astray\":2,\"unseen\":0},\"held\":1,\"holds\":0,"
	"\"holds_ended\":0,\"moved\":0,\"retagged\":10,\"helped\":4,\"wait_error_us\":18,\"waits\":"
	"10,"
	"\"guests\":["
	"{\"name\":\"a\",\"placed\":10,\"on_target\":7,"
	"\"missed\":{\"moved\":0,\"old\":2,\"astray\":1,\"unseen\":0},\"held\":0,\"holds\":0,"
	"\"holds_ended\":0,\"moved\":0,\"retagged\":5,\"helped\":2,\"wait_error_us\":0,\"waits\":0}"
	","
	"{\"name\":\"b\",\"placed\":10,\"on_target\":7,"
	"\"missed\":{\"moved\":0,\"old\":2,\"astray\":1,\"unseen\":0},\"held\":1,\"holds\":0,"
	"\"holds_ended\":0,\"moved\":0,\"retagged\":5,\"helped\":2,\"wait_error_us\":9,\"waits\":"
	"10}]},"
	"\"marks\":[{\"guest\":\"b\",\"label\":65,\"tsc\":1000,\"exits_total\":11,"
	"\"exits\":{\"a\":5,\"b\":6},\"frames_in\":10,\"frames_out\":8}],\"marks_missed\":0,"
	"\"uplinks\":[{\"switch\":\"lan\",\"name\":\"nic0\",\"driver\":\"ixgbe\",\"state\":"
	"\"running\",\"link_mbps\":10000,\"rx_frames\":21,\"tx_frames\":22,\"rx_bytes\":0,"
	"\"tx_bytes\":0,\"rx_coalesced\":0,\"rx_coalesced_frames\":0,\"tx_wire_frames\":22,"
	"\"switch_rx_frames\":200,\"switch_tx_frames\":0,"
	"\"rx_drops_by_reason\":{\"missed\":4,\"no_buffer\":0,\"bad_frame\":3,"
	"\"bad_descriptor\":0,\"lost_in_reset\":0},\"errors\":{\"crc\":3,\"length\":0,\"other\":0,"
	"\"bad_descriptors\":0,\"dma_aborts\":0,\"tx_stalls\":0,\"rx_stalls\":0,"
	"\"late_write_backs\":0,\"lost_interrupts\":0,\"resets\":0,\"failed_resets\":0,"
	"\"link_changes\":0},\"copies\":{\"zero_copy\":20,\"rx_zero_copy\":7,\"bounced\":2},"
	"\"pairs\":[{\"pool\":1,\"rx_packets\":17,\"tx_packets\":20}],"
	"\"drops_by_reason\":{}}]}\n";

static void test_object(void **state)
{
	struct stats_marks *m = calloc(1, sizeof(*m));

	(void)state;
	fake_reset();
	stats_take_mark(m, &fake_ops, NULL, 1, 65);
	stats_write(&fake_sink, &fake_ops, NULL, m);
	assert_string_equal(fake_text, expected);
	free(m);
}

static void test_without_marks(void **state)
{
	(void)state;
	fake_reset();
	stats_write(&fake_sink, &fake_ops, NULL, NULL);
	assert_non_null(strstr(fake_text, "\"marks\":[],\"marks_missed\":0,"));
}

static void test_marks_are_bounded(void **state)
{
	struct stats_marks *m = calloc(1, sizeof(*m));

	(void)state;
	for (unsigned i = 0; i < STATS_MARKS_MAX + 3; i++)
		stats_take_mark(m, &fake_ops, NULL, UINT16_MAX, (uint8_t)i);
	assert_int_equal(m->nr, STATS_MARKS_MAX);
	assert_int_equal(m->missed, 3);
	fake_reset();
	stats_write(&fake_sink, &fake_ops, NULL, m);
	assert_non_null(strstr(fake_text, "{\"guest\":null,\"label\":127,"));
	free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_without_marks),
		cmocka_unit_test(test_marks_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
