// sources: hv/dev/pci.c hv/dev/bus.c hv/dev/msix.c hv/dev/virtio_pci.c tests/support/virtio_driver.c tests/support/vring.c hv/mem/guest_mem.c
/* The virtio PCI transport with a fake device below: negotiation, status, queues, reset that takes
 * its time, every register by every width, the PCI_CFG window. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/errno.h"
#include "virtio_driver.h"

#define OFFERED (VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | BIT64(5))
#define C(name) offsetof(struct virtio_pci_common, name)

struct device {
	struct virtio_device virtio;
	uint64_t features;
	unsigned nr_resets, nr_enabled, nr_kicks, last_kick;
	struct virtio_queue_conf conf;
	uint8_t status, config[10];
	bool busy;
};

static struct {
	struct bus memory, io;
	struct pci_bus pci;
	struct virtio_pci vp;
	struct device dev;
	struct test_memory mem;
	struct virtio_driver drv;
	unsigned nr_sent;
	uint32_t data;
} m;

static struct device *dev(struct virtio_device *d)
{
	return CONTAINER_OF(d, struct device, virtio);
}

static int set_features(struct virtio_device *d, uint64_t features)
{
	dev(d)->features = features;
	return features & VIRTIO_F_VERSION_1 ? 0 : -EINVAL;
}

static int queue_enable(struct virtio_device *d, unsigned q, const struct virtio_queue_conf *c)
{
	dev(d)->conf = *c;
	if (q == 2)
		return -EINVAL;
	dev(d)->nr_enabled++;
	return 0;
}

static void set_status(struct virtio_device *d, uint8_t status)
{
	dev(d)->status = status;
}

static void reset(struct virtio_device *d)
{
	dev(d)->nr_resets++;
}

static bool reset_pending(struct virtio_device *d)
{
	return dev(d)->busy;
}

static void kick(struct virtio_device *d, unsigned q)
{
	assert_in_range(q, 0, 2);
	dev(d)->nr_kicks++;
	dev(d)->last_kick = q;
}

static uint32_t config_get(struct virtio_device *d, uint32_t off, unsigned size_bytes)
{
	uint32_t v = 0;

	assert_true(off % size_bytes == 0 && off + size_bytes <= 10);
	memcpy(&v, dev(d)->config + off, size_bytes);
	return v;
}

static void config_set(struct virtio_device *d, uint32_t off, unsigned size_bytes, uint32_t value)
{
	assert_true(off % size_bytes == 0 && off + size_bytes <= 10);
	memcpy(dev(d)->config + off, &value, size_bytes);
}

static const struct virtio_ops ops = { set_features, queue_enable, set_status, reset, reset_pending,
	kick, config_get, config_set };

static void send(void *ctx, uint64_t address, uint32_t data)
{
	(void)ctx;
	(void)address;
	m.nr_sent++;
	m.data = data;
}

static void become_idle(void *arg)
{
	(void)arg;
	m.dev.busy = false;
}

static int setup(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	m.dev.virtio = (struct virtio_device){ .ops = &ops,
		.device_id = VIRTIO_ID_NET,
		.nr_queues = 3,
		.queue_size_max = 256,
		.config_len_bytes = 10,
		.features_offered = OFFERED };
	for (unsigned i = 0; i < 10; i++)
		m.dev.config[i] = (uint8_t)(i + 1);
	test_memory_init(&m.mem, 0, 0x100000);
	assert_int_equal(pci_bus_init(&m.pci, &m.memory, &m.io), 0);
	assert_int_equal(virtio_pci_init(&m.vp, &m.pci, &m.dev.virtio, send, NULL), 0);
	assert_int_equal(virtio_driver_probe(&m.drv, &m.memory, &m.io, 1, &m.mem), 0);
	m.drv.idle = become_idle;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	test_memory_free(&m.mem);
	return 0;
}

static void test_identity(void **state)
{
	(void)state;
	assert_int_equal(config_read(&m.io, 1, 0, 4), 0x10411af4);
	assert_int_equal(config_read(&m.io, 1, 8, 1), 1);
	assert_int_equal(config_read(&m.io, 1, 0x2c, 4), 0x00411af4);
	assert_true(m.drv.notify_is_io);
	assert_int_equal(m.drv.notify_multiplier, 4);
	assert_int_equal(m.drv.nr_queues, 3);
}

static void test_negotiation(void **state)
{
	struct virtio_driver *d = &m.drv;

	(void)state;
	assert_int_equal(virtio_driver_start(d, OFFERED | BIT64(6), 64, 0x40), -1);
	assert_int_equal(virtio_driver_start(d, OFFERED | BIT64(63), 64, 0x40), -1);
	assert_int_equal(virtio_driver_start(d, BIT64(5), 64, 0x40), -1);
	assert_int_equal(m.dev.features, BIT64(5)); /* the others were not even shown */
	virtio_driver_set_status(d, virtio_driver_status(d) | VIRTIO_STATUS_DRIVER_OK);
	assert_int_equal(virtio_driver_status(d), 3); /* not without FEATURES_OK */
	assert_int_equal(virtio_driver_start(d, OFFERED, 64, 0x40), 0);
	assert_true(d->offered == OFFERED);
	assert_true(m.dev.features == OFFERED);
	assert_int_equal(m.dev.status, 0xf);
	assert_int_equal(m.dev.nr_enabled, 2);
	virtio_driver_set_common(d, C(queue_select), 2, 2);
	assert_int_equal(virtio_driver_common(d, C(queue_enable), 2), 0); /* the device refused */
	virtio_driver_set_common(d, C(driver_feature_select), 4, 0);
	virtio_driver_set_common(d, C(driver_feature), 4, 0);
	assert_int_equal(virtio_driver_common(d, C(driver_feature), 4), (uint32_t)OFFERED);
	virtio_driver_set_common(d, C(driver_feature_select), 4, 2);
	virtio_driver_set_common(d, C(driver_feature), 4, 1);
	assert_int_equal(virtio_driver_common(d, C(driver_feature), 4), 0);
	virtio_driver_set_status(d, 1); /* bits are not cleared one by one */
	assert_int_equal(virtio_driver_status(d), 0xf);
}

static void test_queue_registers(void **state)
{
	struct virtio_driver *d = &m.drv;

	(void)state;
	virtio_driver_reset(d);
	virtio_driver_set_status(d, 3);
	virtio_driver_set_common(d, C(driver_feature_select), 4, 1);
	virtio_driver_set_common(d, C(driver_feature), 4, 1);
	virtio_driver_set_common(d, C(queue_enable), 2, 1);
	assert_int_equal(m.dev.nr_enabled, 0); /* not before FEATURES_OK */
	virtio_driver_set_status(d, 0xb);
	assert_int_equal(virtio_driver_common(d, C(queue_size), 2), 256);
	virtio_driver_set_common(d, C(queue_size), 2, 512);
	virtio_driver_set_common(d, C(queue_size), 2, 0);
	virtio_driver_set_common(d, C(queue_size), 2, 96);
	assert_int_equal(virtio_driver_common(d, C(queue_size), 2), 256);
	virtio_driver_set_common(d, C(queue_msix_vector), 2, 3);
	assert_int_equal(virtio_driver_common(d, C(queue_msix_vector), 2), 3);
	virtio_driver_set_common(d, C(queue_msix_vector), 2, 4);
	assert_int_equal(virtio_driver_common(d, C(queue_msix_vector), 2), 0xffff);
	virtio_driver_set_common(d, C(queue_desc), 8, 0x1122334455667788);
	virtio_driver_set_common(d, C(queue_desc) + 3, 1, 0xaa);
	assert_true(virtio_driver_common(d, C(queue_desc), 8) == 0x11223344aa667788);
	virtio_driver_set_common(d, C(queue_size), 8, 0x0000000100030020); /* four at once */
	assert_int_equal(m.dev.conf.size, 32);
	assert_int_equal(m.dev.nr_enabled, 1);
	virtio_driver_set_common(d, C(queue_desc), 8, 0);
	virtio_driver_set_common(d, C(queue_enable), 2, 1);
	assert_int_equal(m.dev.nr_enabled, 1); /* enabled once, addresses stay */
	assert_true(virtio_driver_common(d, C(queue_desc), 8) == 0x11223344aa667788);
	virtio_driver_set_common(d, C(queue_select), 2, 3);
	assert_int_equal(virtio_driver_common(d, C(queue_size), 2), 0);
	virtio_driver_set_common(d, C(queue_select), 2, 0xffff);
	virtio_driver_set_common(d, C(queue_desc), 8, 7);
	virtio_driver_set_common(d, C(queue_enable), 2, 1);
	virtio_driver_set_common(d, C(queue_select), 2, 1);
	virtio_driver_set_status(d, 0xf);
	virtio_driver_set_common(d, C(queue_enable), 2, 1);
	assert_int_equal(m.dev.nr_enabled, 1); /* too late */
}

static void test_interrupts(void **state)
{
	struct virtio_driver *d = &m.drv;

	(void)state;
	assert_int_equal(virtio_driver_start(d, OFFERED, 64, 0x40), 0);
	m.dev.virtio.notify_queue(m.dev.virtio.transport, 1);
	assert_int_equal(m.nr_sent, 1);
	assert_int_equal(m.data, 0x41);
	assert_int_equal(machine_read(&m.memory, d->isr, 1), 0);
	virtio_driver_set_common(d, C(config_msix_vector), 2, 2);
	m.dev.virtio.needs_reset(m.dev.virtio.transport);
	assert_int_equal(m.data, 0x42);
	assert_int_equal(virtio_driver_status(d), 0x4f);
	assert_int_equal(machine_read(&m.memory, d->isr, 4), 2);
	assert_int_equal(machine_read(&m.memory, d->isr, 1), 0);
	assert_int_equal(virtio_driver_common(d, C(config_generation), 1), 1);
	config_write(&m.io, 1, d->msix_cap + 2, 2, 0);
	m.dev.virtio.notify_queue(m.dev.virtio.transport, 1);
	assert_int_equal(m.nr_sent, 2);
	assert_int_equal(machine_read(&m.memory, d->isr, 1), 1);
	virtio_driver_reset(d);
	assert_int_equal(virtio_driver_status(d), 0);
}

static void test_kick(void **state)
{
	struct virtio_driver *d = &m.drv;
	static const unsigned sizes[] = { 1, 2, 4 };

	(void)state;
	for (unsigned s = 0; s < 3; s++) {
		for (unsigned q = 0; q < 4; q++) {
			machine_write(&m.io, d->notify + 4 * q, sizes[s], q);
			machine_write(&m.memory, d->notify_memory + 4 * q, sizes[s], q);
		}
	}
	assert_int_equal(m.dev.nr_kicks, 3 * 3 * 2); /* the fourth queue is not there */
	assert_int_equal(m.dev.last_kick, 2);
	assert_int_equal(machine_read(&m.io, d->notify, 2), 0);
}

static void test_slow_reset(void **state)
{
	struct virtio_driver *d = &m.drv;

	(void)state;
	assert_int_equal(virtio_driver_start(d, OFFERED, 64, 0x40), 0);
	m.dev.nr_resets = 0;
	m.dev.busy = true;
	virtio_driver_set_status(d, 0);
	virtio_driver_set_status(d, 0);
	assert_int_equal(m.dev.nr_resets, 1);
	assert_int_not_equal(virtio_driver_status(d), 0);
	virtio_driver_set_status(d, 1); /* ignored meanwhile */
	virtio_driver_set_common(d, C(queue_select), 2, 1);
	assert_true(virtio_pci_reset_pending(&m.vp));
	m.dev.busy = false;
	assert_int_equal(virtio_driver_status(d), 0);
	assert_int_equal(virtio_driver_common(d, C(queue_enable), 2), 0);
	assert_int_equal(virtio_driver_common(d, C(queue_msix_vector), 2), 0xffff);
	assert_false(virtio_pci_reset_pending(&m.vp));
	m.dev.busy = true;
	virtio_pci_reset(&m.vp);
	assert_true(virtio_pci_reset_pending(&m.vp));
	m.dev.busy = false;
	assert_false(virtio_pci_reset_pending(&m.vp));
}

static void test_device_config(void **state)
{
	struct virtio_driver *d = &m.drv;

	(void)state;
	assert_true(machine_read(&m.memory, d->device, 8) == 0x0807060504030201);
	assert_int_equal(machine_read(&m.memory, d->device + 1, 4), 0x05040302);
	assert_true(machine_read(&m.memory, d->device + 7, 8) == 0x0a0908);
	assert_int_equal(machine_read(&m.memory, d->device + 10, 4), 0);
	machine_write(&m.memory, d->device + 5, 8, 0x1122334455667788);
	assert_true(machine_read(&m.memory, d->device + 2, 8) == 0x4455667788050403);
}

static void window(unsigned cap, uint8_t bar, uint32_t offset, uint32_t len)
{
	config_write(&m.io, 1, cap + 4, 1, bar);
	config_write(&m.io, 1, cap + 8, 4, offset);
	config_write(&m.io, 1, cap + 12, 4, len);
}

static void test_pci_cfg(void **state)
{
	unsigned cap = 0;

	(void)state;
	do {
		cap = config_find_cap(&m.io, 1, PCI_CAP_ID_VENDOR, cap);
	} while (config_read(&m.io, 1, cap + 3, 1) != VIRTIO_PCI_CAP_PCI_CFG);
	window(cap, 2, C(num_queues), 2);
	assert_int_equal(config_read(&m.io, 1, cap + 16, 2), 3);
	window(cap, 2, C(device_status), 1);
	config_write(&m.io, 1, cap + 16, 1, 1);
	assert_int_equal(virtio_driver_status(&m.drv), 1);
	window(cap, 0, 8, 2);
	config_write(&m.io, 1, cap + 16, 2, 2);
	assert_int_equal(m.dev.nr_kicks, 1);
	assert_int_equal(m.dev.last_kick, 2);
	window(cap, 2, C(num_queues) + 1, 2); /* not aligned, too long, outside, no such BAR */
	config_write(&m.io, 1, cap + 16, 4, 0xffffffff);
	window(cap, 2, 0x3ffc, 8);
	config_write(&m.io, 1, cap + 16, 4, 0xffffffff);
	window(cap, 2, 0xfffffffc, 4);
	config_write(&m.io, 1, cap + 16, 4, 0xffffffff);
	window(cap, 3, 0, 4);
	config_write(&m.io, 1, cap + 16, 4, 0xffffffff);
	window(cap, 0xff, 0, 4);
	config_write(&m.io, 1, cap + 16, 4, 0xffffffff);
	assert_int_equal(config_read(&m.io, 1, cap + 16, 4), 0xffffffff);
	assert_int_equal(virtio_driver_status(&m.drv), 1);
}

static void test_every_register(void **state)
{
	static const unsigned sizes[] = { 1, 2, 4, 8 };
	uint64_t bar = config_bar(&m.io, 1, 2);

	(void)state;
	for (unsigned off = 0; off < VIRTIO_PCI_REGISTERS_LEN_BYTES; off++) {
		for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
			machine_read(&m.memory, bar + off, sizes[s]);
			machine_write(&m.memory, bar + off, sizes[s], UINT64_MAX);
			machine_write(&m.memory, bar + off, sizes[s], off * 0x9e3779b97f4a7c15u);
			machine_write(&m.memory, bar + off, sizes[s], 0);
		}
	}
	for (unsigned off = 0; off < 256; off++) {
		for (unsigned s = 0; s < 3; s++) {
			if ((off & 3) + sizes[s] > 4)
				continue;
			config_read(&m.io, 1, off, sizes[s]);
			config_write(&m.io, 1, off, sizes[s], UINT32_MAX);
			config_read(&m.io, 1, off, sizes[s]);
		}
	}
	pci_bus_reset(&m.pci);
	virtio_pci_reset(&m.vp);
	assert_int_equal(virtio_driver_start(&m.drv, OFFERED, 64, 0x40), 0);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_negotiation),
		TEST(test_queue_registers),
		TEST(test_interrupts),
		TEST(test_kick),
		TEST(test_slow_reset),
		TEST(test_device_config),
		TEST(test_pci_cfg),
		TEST(test_every_register),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
