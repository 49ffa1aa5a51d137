/* A virtio driver on the host: finds its device on a guest's PCI bus and drives it by register
 * accesses and rings in guest memory, as Linux's virtio_pci_modern does. */
#ifndef SLUICE_TESTS_VIRTIO_DRIVER_H
#define SLUICE_TESTS_VIRTIO_DRIVER_H

#include "dev/bus.h"
#include "dev/pci.h"
#include "dev/virtio_pci.h"
#include "vring.h"

#define DRIVER_QUEUES_MAX 8

uint64_t machine_read(struct bus *b, uint64_t address, unsigned size_bytes);
void machine_write(struct bus *b, uint64_t address, unsigned size_bytes, uint64_t value);
/* By configuration mechanism #1. */
uint32_t config_read(struct bus *io, unsigned slot, unsigned off, unsigned size_bytes);
void config_write(struct bus *io, unsigned slot, unsigned off, unsigned size_bytes, uint32_t value);
uint64_t config_bar(struct bus *io, unsigned slot, unsigned n);
/* Next capability with that id behind `after` (0: from the start), 0: none. */
unsigned config_find_cap(struct bus *io, unsigned slot, uint8_t id, unsigned after);

struct virtio_driver {
	struct bus *memory, *io;
	struct test_memory *mem;
	unsigned slot, nr_queues;
	uint64_t common, isr, device, msix_table;
	uint64_t notify; /* the first capability's: an I/O port, if notify_is_io */
	uint64_t notify_memory;
	bool notify_is_io;
	uint32_t notify_multiplier;
	unsigned msix_cap;
	uint64_t offered, features; /* as negotiated */
	struct vring ring[DRIVER_QUEUES_MAX];
	unsigned kicks;
	void (*idle)(void *arg); /* while waiting for the device: runs its packet work */
	void *idle_arg;
};

/* 0, or -1: nothing there that a modern driver takes. */
int virtio_driver_probe(struct virtio_driver *d, struct bus *memory, struct bus *io, unsigned slot,
	struct test_memory *mem);
/* Reset to DRIVER_OK with rings of that size, MSI-X vector q for queue q (data: base + q). 0, or
 * -1: features refused. */
int virtio_driver_start(
	struct virtio_driver *d, uint64_t features, uint16_t ring_size, uint32_t msi_data_base);
void virtio_driver_reset(struct virtio_driver *d);
uint8_t virtio_driver_status(struct virtio_driver *d);
void virtio_driver_set_status(struct virtio_driver *d, uint8_t status);
uint64_t virtio_driver_common(struct virtio_driver *d, unsigned off, unsigned size_bytes);
void virtio_driver_set_common(
	struct virtio_driver *d, unsigned off, unsigned size_bytes, uint64_t value);
/* Publishes the ring and kicks if the device wants it. */
void virtio_driver_kick(struct virtio_driver *d, unsigned q);

#endif
