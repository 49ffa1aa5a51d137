/* A virtio driver on the host; see virtio_driver.h. */
#include "virtio_driver.h"

#include <string.h>

#define C(name) offsetof(struct virtio_pci_common, name)

uint64_t machine_read(struct bus *b, uint64_t address, unsigned size_bytes)
{
	struct bus_access a = { .size_bytes = (uint8_t)size_bytes };

	bus_access(b, address, &a);
	return size_bytes == 8 ? a.value : a.value & (BIT64(8 * size_bytes) - 1);
}

void machine_write(struct bus *b, uint64_t address, unsigned size_bytes, uint64_t value)
{
	struct bus_access a = { .size_bytes = (uint8_t)size_bytes, .value = value, .write = true };

	bus_access(b, address, &a);
}

static void config_select(struct bus *io, unsigned slot, unsigned off)
{
	machine_write(io, 0xcf8, 4, 0x80000000u | slot << 11 | (off & 0xfc));
}

uint32_t config_read(struct bus *io, unsigned slot, unsigned off, unsigned size_bytes)
{
	config_select(io, slot, off);
	return (uint32_t)machine_read(io, 0xcfc + (off & 3), size_bytes);
}

void config_write(struct bus *io, unsigned slot, unsigned off, unsigned size_bytes, uint32_t value)
{
	config_select(io, slot, off);
	machine_write(io, 0xcfc + (off & 3), size_bytes, value);
}

uint64_t config_bar(struct bus *io, unsigned slot, unsigned n)
{
	uint64_t bar = config_read(io, slot, 0x10 + 4 * n, 4);

	if (bar & 1)
		return bar & ~UINT64_C(3);
	if ((bar & 6) == 4)
		bar |= (uint64_t)config_read(io, slot, 0x14 + 4 * n, 4) << 32;
	return bar & ~UINT64_C(15);
}

unsigned config_find_cap(struct bus *io, unsigned slot, uint8_t id, unsigned after)
{
	unsigned at = config_read(io, slot, after ? after + 1 : 0x34, 1);

	for (unsigned n = 0; at && n < 48; n++) {
		if (config_read(io, slot, at, 1) == id)
			return at;
		at = config_read(io, slot, at + 1, 1);
	}
	return 0;
}

static void take_capability(struct virtio_driver *d, unsigned cap)
{
	unsigned type = config_read(d->io, d->slot, cap + 3, 1);
	unsigned bar = config_read(d->io, d->slot, cap + 4, 1);
	bool is_io = config_read(d->io, d->slot, 0x10 + 4 * bar, 4) & 1;
	uint64_t address =
		config_bar(d->io, d->slot, bar) + config_read(d->io, d->slot, cap + 8, 4);

	if (type == VIRTIO_PCI_CAP_COMMON_CFG && !d->common)
		d->common = address;
	if (type == VIRTIO_PCI_CAP_ISR_CFG && !d->isr)
		d->isr = address;
	if (type == VIRTIO_PCI_CAP_DEVICE_CFG && !d->device)
		d->device = address;
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG && !is_io)
		d->notify_memory = address;
	if (type == VIRTIO_PCI_CAP_NOTIFY_CFG && !d->notify) {
		d->notify = address;
		d->notify_is_io = is_io;
		d->notify_multiplier = config_read(d->io, d->slot, cap + 16, 4);
	}
}

int virtio_driver_probe(struct virtio_driver *d, struct bus *memory, struct bus *io, unsigned slot,
	struct test_memory *mem)
{
	unsigned cap = 0;

	memset(d, 0, sizeof(*d));
	d->memory = memory;
	d->io = io;
	d->slot = slot;
	d->mem = mem;
	if (config_read(io, slot, 0, 2) != 0x1af4 || config_read(io, slot, 2, 2) < 0x1040)
		return -1;
	while ((cap = config_find_cap(io, slot, PCI_CAP_ID_VENDOR, cap)))
		take_capability(d, cap);
	d->msix_cap = config_find_cap(io, slot, PCI_CAP_ID_MSIX, 0);
	if (!d->common || !d->isr || !d->device || !d->notify || !d->msix_cap)
		return -1;
	d->msix_table = config_bar(io, slot, config_read(io, slot, d->msix_cap + 4, 4) & 7);
	d->nr_queues = (unsigned)virtio_driver_common(d, C(num_queues), 2);
	config_write(io, slot, 4, 2, config_read(io, slot, 4, 2) | PCI_COMMAND_MASTER);
	return 0;
}

uint64_t virtio_driver_common(struct virtio_driver *d, unsigned off, unsigned size_bytes)
{
	return machine_read(d->memory, d->common + off, size_bytes);
}

void virtio_driver_set_common(
	struct virtio_driver *d, unsigned off, unsigned size_bytes, uint64_t value)
{
	machine_write(d->memory, d->common + off, size_bytes, value);
}

uint8_t virtio_driver_status(struct virtio_driver *d)
{
	return (uint8_t)virtio_driver_common(d, C(device_status), 1);
}

void virtio_driver_set_status(struct virtio_driver *d, uint8_t status)
{
	virtio_driver_set_common(d, C(device_status), 1, status);
}

void virtio_driver_reset(struct virtio_driver *d)
{
	virtio_driver_set_status(d, 0);
	for (unsigned i = 0; i < 1000000 && virtio_driver_status(d); i++) {
		if (d->idle)
			d->idle(d->idle_arg);
	}
}

static uint64_t read_offered(struct virtio_driver *d)
{
	uint64_t low, high;

	virtio_driver_set_common(d, C(device_feature_select), 4, 0);
	low = virtio_driver_common(d, C(device_feature), 4);
	virtio_driver_set_common(d, C(device_feature_select), 4, 1);
	high = virtio_driver_common(d, C(device_feature), 4);
	return low | high << 32;
}

static void write_features(struct virtio_driver *d)
{
	for (unsigned i = 0; i < 2; i++) {
		virtio_driver_set_common(d, C(driver_feature_select), 4, i);
		virtio_driver_set_common(
			d, C(driver_feature), 4, (uint32_t)(d->features >> (32 * i)));
	}
}

static void set_up_vector(struct virtio_driver *d, unsigned vector, uint32_t data)
{
	uint64_t entry = d->msix_table + 16 * vector;

	machine_write(d->memory, entry, 4, 0xfee00000);
	machine_write(d->memory, entry + 4, 4, 0);
	machine_write(d->memory, entry + 8, 4, data);
	machine_write(d->memory, entry + 12, 4, 0);
}

static void set_up_queue(struct virtio_driver *d, unsigned q, uint16_t size)
{
	struct vring *r = &d->ring[q];

	vring_init(r, d->mem, size, (d->features & VIRTIO_F_EVENT_IDX) != 0);
	virtio_driver_set_common(d, C(queue_select), 2, q);
	virtio_driver_set_common(d, C(queue_size), 2, size);
	virtio_driver_set_common(d, C(queue_msix_vector), 2, q);
	/* As Linux: two halves. */
	virtio_driver_set_common(d, C(queue_desc), 4, (uint32_t)r->conf.desc_gpa);
	virtio_driver_set_common(d, C(queue_desc) + 4, 4, r->conf.desc_gpa >> 32);
	virtio_driver_set_common(d, C(queue_driver), 4, (uint32_t)r->conf.driver_gpa);
	virtio_driver_set_common(d, C(queue_driver) + 4, 4, r->conf.driver_gpa >> 32);
	virtio_driver_set_common(d, C(queue_device), 8, r->conf.device_gpa);
	virtio_driver_set_common(d, C(queue_enable), 2, 1);
}

int virtio_driver_start(
	struct virtio_driver *d, uint64_t features, uint16_t ring_size, uint32_t msi_data_base)
{
	virtio_driver_reset(d);
	virtio_driver_set_status(d, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	d->offered = read_offered(d);
	d->features = features;
	write_features(d);
	virtio_driver_set_status(d, virtio_driver_status(d) | VIRTIO_STATUS_FEATURES_OK);
	if (!(virtio_driver_status(d) & VIRTIO_STATUS_FEATURES_OK))
		return -1;
	config_write(d->io, d->slot, d->msix_cap + 2, 2, 0x8000);
	for (unsigned q = 0; q < d->nr_queues && q < DRIVER_QUEUES_MAX; q++) {
		set_up_vector(d, q, msi_data_base + q);
		set_up_queue(d, q, ring_size);
	}
	virtio_driver_set_status(d, virtio_driver_status(d) | VIRTIO_STATUS_DRIVER_OK);
	return 0;
}

void virtio_driver_kick(struct virtio_driver *d, unsigned q)
{
	if (!vring_publish(&d->ring[q]))
		return;
	d->kicks++;
	machine_write(
		d->notify_is_io ? d->io : d->memory, d->notify + q * d->notify_multiplier, 2, q);
}
