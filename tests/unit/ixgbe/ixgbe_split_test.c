// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* Receive queues that split headers off, and that stop alone while the port runs. */
#include "tests/unit/ixgbe/ixgbe_rig.h"

#include "drivers/ixgbe/ixgbe_hw.h"
#include "lib/errno.h"

#define PATTERN 0xa5

static uint8_t frame[70000], seen[70000];
static const uint8_t pool_mac[6] = { 2, 0, 0, 0, 7, 1 };
static uint64_t cookie[300];

static const uint8_t *mac(unsigned port)
{
	return rig.port[port].nic->mac;
}

/* Port 1 has pool 1 with an address of its own. */
static void start_pools(void)
{
	struct nic_setup s = rig_setup();

	s.nr_pools = s.nr_vectors = 2;
	s.vlan_strip = false;
	rig_start_split(&s);
	assert_int_equal(rig.port[1].nic->ops->add_mac(rig.port[1].nic, pool_mac, 1), 0);
}

/* What is on port 1's queue, compared with the frame; its headers' length. */
static unsigned receive_one(unsigned queue, uint32_t len)
{
	struct rig_port *p = &rig.port[1];
	struct nic_rxq *q = p->nic->rxq[queue];

	rig_us(50);
	assert_int_equal(nic_rx_poll(q, &p->batch), 1);
	assert_int_equal(p->batch.packet[0].error, NIC_RX_OK);
	assert_int_equal(rig_gather(p, 0, seen, sizeof(seen)), len);
	assert_memory_equal(seen, frame, len);
	for (unsigned i = 0; i < p->batch.nr_buffers; i++) {
		struct nic_buffer b = rig_buffer(q, p->batch.buffer[i].cookie);

		assert_int_equal(nic_rx_post(q, &b, 1), 1);
	}
	nic_rx_flush(q);
	rig_drain(0);
	return p->batch.packet[0].header_bytes;
}

static void test_split(void **state)
{
	uint32_t len;

	(void)state;
	start_pools();
	for (len = 60; len <= 1514; len += 3) { /* of no protocol that it knows */
		rig_frame(frame, len, mac(1), mac(0), len);
		assert_int_equal(rig_send(0, 0, frame, len), 1);
		assert_int_equal(receive_one(0, len), 14);
	}
	for (uint32_t payload = 6; payload <= 1460; payload += 7) {
		len = rig_tcp(frame, mac(1), mac(0), 9, payload, payload);
		assert_int_equal(rig_send(0, 0, frame, len), 1);
		assert_int_equal(receive_one(0, len), 54);
		assert_int_equal(rig.port[1].batch.buffer[0].len_bytes, payload);
	}
}

/* A buffer without payload is one all the same. */
static void test_headers_only(void **state)
{
	(void)state;
	start_pools();
	rig_tcp(frame, mac(1), mac(0), 9, 1, 0);
	memset(frame + 54, 0, 6);
	assert_int_equal(rig_send(0, 0, frame, 60), 1);
	receive_one(0, 60);
	assert_int_equal(rig.port[1].batch.nr_buffers, 1);
}

static void test_jumbo(void **state)
{
	struct nic_setup s = rig_setup();

	(void)state;
	s.mtu = 9000;
	s.rx_buffer_bytes = 4096;
	rig_start_split(&s);
	for (uint32_t payload = 4000; payload < 8900; payload += 96) {
		uint32_t len = rig_tcp(frame, mac(1), mac(0), 9, payload, payload);

		assert_int_equal(rig_send(0, 0, frame, len), 1);
		assert_int_equal(receive_one(0, len), 54);
	}
}

static unsigned take_back(unsigned queue)
{
	unsigned nr = 0, n;

	while ((n = nic_rx_take_back(rig.port[1].nic->rxq[queue], cookie + nr, 100)))
		nr += n;
	for (unsigned i = 0; i < nr; i++) {
		for (unsigned k = 0; k < i; k++)
			assert_int_not_equal(cookie[i], cookie[k]);
	}
	return nr;
}

static void send_to(const uint8_t *to, unsigned nr)
{
	rig_frame(frame, 300, to, mac(0), 9);
	for (unsigned i = 0; i < nr; i++)
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

static void check_buffers_untouched(unsigned nr)
{
	for (unsigned i = 0; i < nr; i++) {
		const uint8_t *b = (const uint8_t *)cookie[i];

		for (unsigned k = 0; k < 2048 + NIC_HEADER_BYTES; k++)
			assert_int_equal(b[k], PATTERN);
	}
}

/* One queue stops in the middle of traffic: what was not polled is counted, the other goes on, no
 * buffer is written to any more; and it starts again with buffers of another size. */
static void test_stop(void **state)
{
	struct nic *nic;

	(void)state;
	start_pools();
	nic = rig.port[1].nic;
	send_to(pool_mac, 5);
	rig_us(100);
	assert_int_equal(nic->ops->rx_queue_stop(nic, 1), 0);
	assert_int_equal(nic->ops->rx_queue_stop(nic, 1), 0);
	assert_int_equal(take_back(1), 255);
	for (unsigned i = 0; i < 255; i++)
		memset((void *)cookie[i], PATTERN, 2048 + NIC_HEADER_BYTES);
	send_to(pool_mac, 20);
	send_to(mac(1), 20);
	settle(1500);
	check_buffers_untouched(255);
	assert_int_equal(rig.port[1].nr_packets, 20);
	assert_int_equal(nic->stats.rx_lost_in_reset, 5);
	assert_int_equal(nic->stats.resets, 0);
	nic->rxq[1]->buffer_bytes = 1024;
	nic->rxq[1]->header_bytes = 0;
	assert_int_equal(nic->ops->rx_queue_start(nic, 1), 0);
	assert_int_equal(rig_post(1, 1, 300), 255);
	send_to(pool_mac, 30);
	settle(200);
	assert_int_equal(rig.port[1].nr_packets, 50);
	assert_int_equal(nic->stats.resets, 0);
}

static void test_stop_and_reset(void **state)
{
	struct nic *nic;

	(void)state;
	start_pools();
	nic = rig.port[1].nic;
	assert_int_equal(nic->ops->rx_queue_stop(nic, 1), 0);
	assert_int_equal(nic->ops->reset(nic), 0);
	assert_int_equal(rig_post(1, 1, 1), 0);
	assert_int_equal(take_back(1), 255);
	assert_int_equal(take_back(0), 0);
	settle(1500);
	send_to(mac(1), 3);
	settle(100);
	assert_int_equal(rig.port[1].nr_packets, 3);
	assert_int_equal(nic->ops->rx_queue_start(nic, 1), 0);
	assert_int_equal(rig_post(1, 1, 300), 255);
	send_to(pool_mac, 3);
	settle(100);
	assert_int_equal(rig.port[1].nr_packets, 6);
}

/* A core that stays in one of the queue's functions. */
static void test_stop_busy(void **state)
{
	struct nic *nic;

	(void)state;
	start_pools();
	nic = rig.port[1].nic;
	assert_true(nic_gate_enter(&nic->rxq[1]->gate, NIC_GATE_OPEN));
	assert_int_equal(nic->ops->rx_queue_stop(nic, 1), -EBUSY);
	nic_gate_leave(&nic->rxq[1]->gate);
	send_to(pool_mac, 3);
	settle(100);
	assert_int_equal(rig.port[1].nr_packets, 3);
	assert_int_equal(nic->ops->rx_queue_stop(nic, 9), -EINVAL);
	assert_int_equal(nic->ops->rx_queue_start(nic, 9), -EINVAL);
	assert_int_equal(nic->ops->rx_queue_start(nic, 1), 0);
}

/* A device that does not obey goes off the bus, and the buffers are safe all the same. */
static void test_stop_device_gone(void **state)
{
	struct nic *nic;

	(void)state;
	start_pools();
	nic = rig.port[1].nic;
	rig.gone = true;
	assert_int_equal(nic->ops->rx_queue_stop(nic, 1), 0);
	assert_int_equal(take_back(1), 255);
	assert_int_equal(nic->state, NIC_RECOVERING);
	assert_false(
		pci_dev_cfg_read(rig.port[1].dev, HOST_PCI_COMMAND, 2) & HOST_PCI_COMMAND_MASTER);
	rig.gone = false;
	settle(2500);
	assert_int_equal(nic->state, NIC_RUNNING);
	assert_int_equal(nic->ops->rx_queue_start(nic, 1), 0);
	assert_int_equal(rig_post(1, 1, 300), 255);
	send_to(pool_mac, 3);
	settle(100);
	assert_int_equal(rig.port[1].nr_packets, 3);
}

static void test_stop_while_stopped(void **state)
{
	struct nic *nic;

	(void)state;
	start_pools();
	nic = rig.port[1].nic;
	nic->ops->stop(nic);
	assert_int_equal(nic->ops->rx_queue_stop(nic, 1), 0);
	assert_int_equal(take_back(1), 255);
	assert_int_equal(nic->ops->start(nic), 0);
	assert_int_equal(rig_post(1, 1, 1), 0);
	assert_int_equal(nic->ops->rx_queue_start(nic, 1), 0);
	assert_int_equal(rig_post(1, 1, 300), 255);
	settle(1000);
	send_to(pool_mac, 3);
	settle(100);
	assert_int_equal(rig.port[1].nr_packets, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_teardown(f, rig_teardown)
		T(test_split),
		T(test_headers_only),
		T(test_jumbo),
		T(test_stop),
		T(test_stop_and_reset),
		T(test_stop_busy),
		T(test_stop_device_gone),
		T(test_stop_while_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
