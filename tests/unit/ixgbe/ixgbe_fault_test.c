// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* Every fault that the model can have: found in the stated time, recovered from, nothing lost that
 * is not counted, every cookie back once. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include "drivers/pci/pci.h"
#include "lib/errno.h"

static uint8_t frame[2000];

static const struct nic_stats *stats(unsigned port)
{
	return &rig.port[port].nic->stats;
}

static int setup(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_start(&s);
	rig_frame(frame, 300, rig.port[1].nic->mac, rig.port[0].nic->mac, 9);
	return 0;
}

/* n frames from port 0; with housekeeping and polling on both sides until all is quiet. */
static void send(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(rig_send(0, 0, frame, 300), 1);
}

static void settle(unsigned ms)
{
	for (unsigned i = 0; i < ms; i += 10) {
		rig_ms(10);
		rig_drain(0);
		rig_drain(1);
	}
}

/* Frames pass in both directions, and the books of both ports are right. */
static void check_works(void)
{
	uint64_t packets[2] = { rig.port[0].nr_packets, rig.port[1].nr_packets };
	uint8_t back[100];

	settle(1200); /* until the next statistics, and links */
	assert_true(rig.port[0].nic->link.up && rig.port[1].nic->link.up);
	send(20);
	rig_frame(back, 100, rig.port[0].nic->mac, rig.port[1].nic->mac, 3);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(rig_send(1, 0, back, 100), 1);
	settle(200);
	assert_int_equal(rig.port[0].nr_packets - packets[0], 20);
	assert_int_equal(rig.port[1].nr_packets - packets[1], 20);
	for (unsigned i = 0; i < 2; i++) {
		const struct nic_stats *s = stats(i);

		assert_int_equal(rig.port[i].nic->state, NIC_RUNNING);
		assert_int_equal(s->tx_prepared, s->tx_sent + s->tx_lost_in_reset);
		assert_int_equal(s->tx_sent, rig.port[i].nr_sent);
		assert_int_equal(s->tx_lost_in_reset, rig.port[i].nr_lost);
		assert_int_equal(s->rx_frames,
			s->rx_polled + s->rx_no_buffer + s->rx_missed + s->rx_lost_in_reset);
		assert_int_equal(s->rx_polled, rig.port[i].nr_packets - rig.port[i].nr_errors);
		assert_int_equal(s->rx_bad_descriptors, 0);
	}
}

static void test_link_down_and_up(void **state)
{
	unsigned links = rig.port[0].nr_links;

	(void)state;
	rig_fault(0, "link-down");
	rig_ms(10);
	rig_ms(10);
	assert_false(rig.port[0].nic->link.up);
	assert_int_equal(rig.port[0].nr_links, links + 1);
	/* what cannot go out comes back */
	send(10);
	settle(500);
	assert_int_equal(rig.port[0].nr_sent + rig.port[0].nr_lost, 10);
	rig_fault(0, "link-up");
	check_works();
	assert_true(rig.port[0].nr_links >= links + 2);
}

static void test_link_flaps(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		rig_fault(0, "link-flap 30000");
		send(5);
		settle(400);
	}
	assert_true(stats(0)->link_changes >= 10);
	check_works();
}

static void test_stalled_transmit_queue(void **state)
{
	(void)state;
	send(5);
	rig_fault(0, "stall-tx 0");
	send(10);
	settle(400);
	assert_int_equal(stats(0)->tx_stalls, 1);
	assert_int_equal(stats(0)->resets, 1);
	check_works();
	assert_int_equal(stats(0)->resets, 1);
	assert_true(stats(0)->tx_lost_in_reset >= 10 && stats(0)->tx_lost_in_reset <= 15);
}

static void test_short_stall_needs_no_reset(void **state)
{
	(void)state;
	rig_fault(0, "stall-tx 0 50000");
	send(10);
	settle(500);
	rig_fault(1, "stall-rx 0 50000");
	send(10);
	settle(500);
	check_works(); /* what was dropped is counted */
	assert_int_equal(stats(0)->resets + stats(1)->resets, 0);
}

static void test_stalled_receive_queue(void **state)
{
	(void)state;
	send(5);
	settle(20);
	rig_fault(1, "stall-rx 0");
	for (unsigned i = 0; i < 8; i++) {
		send(1);
		settle(50);
	}
	assert_int_equal(stats(1)->rx_stalls, 1);
	assert_int_equal(stats(1)->resets, 1);
	check_works();
	assert_int_equal(stats(1)->resets, 1);
}

/* With flow control a single queue does not drop: frames stay in the packet buffer. */
static void test_stuck_packet_buffer(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	s.flow_control = true;
	rig_start(&s);
	rig_frame(frame, 300, rig.port[1].nic->mac, rig.port[0].nic->mac, 9);
	rig_fault(1, "stall-rx 0 50000");
	send(10);
	settle(500);
	assert_int_equal(rig.port[1].nr_packets, 10);
	assert_int_equal(stats(1)->resets, 0);
	rig_fault(1, "stall-rx 0");
	for (unsigned i = 0; i < 8; i++) {
		send(1);
		settle(50);
	}
	assert_int_equal(stats(1)->rx_stalls, 1);
	assert_true(stats(1)->rx_lost_in_reset >= 3);
	check_works();
	assert_int_equal(stats(1)->resets, 1);
}

static void test_lost_interrupts(void **state)
{
	struct nic *nic = rig.port[1].nic;
	unsigned wakes = rig.port[1].nr_wakes[0];

	(void)state;
	rig_drain(1);
	nic_vector_arm(nic, 0);
	rig_fault(1, "lose-interrupts 1");
	send(1);
	rig_ms(40);
	assert_int_equal(rig.port[1].nr_wakes[0], wakes + 1);
	assert_int_equal(stats(1)->lost_interrupts, 1);
	assert_int_equal(rig_drain(1), 1);
	check_works();
}

static void test_spurious_interrupts(void **state)
{
	(void)state;
	rig_fault(1, "spurious-interrupt 0");
	rig_fault(1, "spurious-interrupt 1");
	rig.port[1].nic->ops->control_interrupt(rig.port[1].nic);
	check_works();
	assert_int_equal(stats(1)->resets, 0);
}

static void test_aborted_reads(void **state)
{
	(void)state;
	rig_fault(0, "abort-reads on");
	send(10);
	settle(200);
	assert_true(stats(0)->dma_aborts >= 1);
	assert_true(stats(0)->resets >= 1);
	rig_fault(0, "abort-reads off");
	settle(500);
	assert_int_equal(rig.port[0].nr_sent + rig.port[0].nr_lost, 10);
	check_works();
}

static void test_aborted_writes(void **state)
{
	(void)state;
	rig_fault(1, "abort-writes on");
	send(10);
	settle(200);
	assert_true(stats(1)->dma_aborts >= 1);
	rig_fault(1, "abort-writes off");
	settle(500);
	check_works();
	assert_int_equal(rig.port[1].nr_errors, 0);
}

static void test_damaged_frames(void **state)
{
	(void)state;
	rig_fault(1, "damage-fcs 3");
	send(10);
	settle(200);
	assert_int_equal(rig.port[1].nr_packets, 7);
	rig_fault(1, "damage-length 2");
	send(10);
	settle(1200);
	assert_int_equal(rig.port[1].nr_packets, 15);
	assert_int_equal(stats(1)->rx_crc_errors, 3);
	assert_true(stats(1)->rx_length_errors >= 2);
	check_works();
}

static void test_late_write_back(void **state)
{
	(void)state;
	rig_fault(0, "delay-write-back 250000");
	send(10);
	settle(400);
	assert_int_equal(stats(0)->late_write_backs, 1);
	assert_int_equal(stats(0)->resets, 0);
	assert_int_equal(rig.port[0].nr_sent, 10);
	rig_fault(0, "delay-write-back 0");
	check_works();
}

static void test_write_back_too_late(void **state)
{
	(void)state;
	rig_fault(0, "delay-write-back 5000000");
	send(10);
	settle(800);
	assert_int_equal(stats(0)->resets, 1);
	assert_int_equal(rig.port[0].nr_lost, 10);
	rig_fault(0, "delay-write-back 0");
	settle(6000);
	check_works();
	assert_int_equal(stats(0)->resets, 1);
}

static void test_late_receive_write_back(void **state)
{
	(void)state;
	rig_fault(1, "delay-write-back 50000");
	send(10);
	settle(300);
	assert_int_equal(rig.port[1].nr_packets, 10);
	rig_fault(1, "delay-write-back 0");
	check_works();
	assert_int_equal(stats(1)->resets, 0);
}

static void test_failed_reset_then_recovery(void **state)
{
	struct nic *nic = rig.port[0].nic;

	(void)state;
	send(3);
	rig_fault(0, "stall-tx 0");
	send(10);
	rig_fault(0, "reset-hangs on");
	settle(500);
	assert_int_equal(nic->state, NIC_RECOVERING);
	assert_int_equal(stats(0)->failed_resets, 1);
	/* off the bus, and what was in flight is back */
	assert_int_equal(
		pci_dev_cfg_read(rig.port[0].dev, HOST_PCI_COMMAND, 2) & HOST_PCI_COMMAND_MASTER,
		0);
	assert_int_equal(rig.port[0].nr_sent + rig.port[0].nr_lost, 13);
	assert_int_equal(rig_send(0, 0, frame, 300), -ENODEV);
	rig_fault(0, "reset-hangs off");
	settle(1500);
	assert_int_equal(nic->state, NIC_RUNNING);
	check_works();
}

static void test_out_of_service(void **state)
{
	struct nic *nic = rig.port[0].nic;
	uint64_t cookie[64];
	unsigned nr = 0, n;

	(void)state;
	rig_fault(0, "reset-hangs on");
	rig_fault(0, "stall-tx 0");
	send(10);
	settle(4000);
	assert_int_equal(nic->state, NIC_FAILED);
	assert_int_equal(stats(0)->failed_resets, 3);
	assert_int_equal(rig.port[0].nr_lost, 10);
	assert_false(nic->link.up);
	while ((n = nic->ops->rx_take_back(nic->rxq[0], cookie, 64)))
		nr += n;
	assert_int_equal(nr, 255);
	/* by hand, once somebody has repaired it */
	rig_fault(0, "reset-hangs off");
	assert_int_equal(nic->ops->start(nic), 0);
	assert_int_equal(rig_post(0, 0, 300), 255);
	check_works();
}

static void test_bad_eeprom(void **state)
{
	const struct m82599_config config = { .mac = { 2, 0, 0, 0, 0, 1 },
		.bad_eeprom_checksum = true };
	struct nic_setup s = rig_setup();

	(void)state;
	rig_create(&config);
	assert_int_equal(rig_attach(0, &s), -EIO);
	rig_destroy();
	rig_create(NULL);
	rig_fault(0, "eeprom-checksum bad");
	assert_int_equal(rig_attach(0, &s), -EIO);
	rig_fault(0, "eeprom-checksum good");
	assert_int_equal(rig_attach(0, &s), 0);
}

static void test_reset_hangs_at_attach(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_create(NULL);
	rig_fault(0, "reset-hangs on");
	assert_int_equal(rig_attach(0, &s), -EIO);
}

/* A port without a cable is no error. */
static void test_no_link_at_start(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	rig_create(NULL);
	wire_set_plugged(&rig.wire, false);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(rig_attach(i, &s), 0);
		assert_int_equal(rig.port[i].nic->ops->start(rig.port[i].nic), 0);
		rig_post(i, 0, 300);
	}
	rig_ms(2000);
	assert_false(rig.port[0].nic->link.up);
	assert_int_equal(stats(0)->resets, 0);
	wire_set_plugged(&rig.wire, true);
	rig_frame(frame, 300, rig.port[1].nic->mac, rig.port[0].nic->mac, 9);
	check_works();
}

/* On demand, with frames everywhere: in the ring, on the wire, arrived and not polled. */
static void test_reset_under_traffic(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8; i++) {
		send(30);
		rig_us(5 + 3 * i);
		assert_int_equal(rig.port[i & 1].nic->ops->reset(rig.port[i & 1].nic), 0);
		settle(600);
	}
	check_works();
	assert_int_equal(stats(0)->resets, 4);
	assert_int_equal(stats(1)->resets, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)
		T(test_link_down_and_up),
		T(test_link_flaps),
		T(test_stalled_transmit_queue),
		T(test_short_stall_needs_no_reset),
		T(test_stalled_receive_queue),
		T(test_lost_interrupts),
		T(test_spurious_interrupts),
		T(test_aborted_reads),
		T(test_aborted_writes),
		T(test_damaged_frames),
		T(test_late_write_back),
		T(test_write_back_too_late),
		T(test_late_receive_write_back),
		T(test_failed_reset_then_recovery),
		T(test_out_of_service),
		T(test_reset_under_traffic),
		cmocka_unit_test_teardown(test_stuck_packet_buffer, rig_teardown),
		cmocka_unit_test_teardown(test_bad_eeprom, rig_teardown),
		cmocka_unit_test_teardown(test_reset_hangs_at_attach, rig_teardown),
		cmocka_unit_test_teardown(test_no_link_at_start, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
