/* The virtio PCI transport, modern only. Virtio 1.2, section 4.1.
 *
 *   BAR 0  I/O       notifications: a kick is a port write, whose exit needs no decoding of an
 *                    instruction; it is the first notify capability, the one Linux takes
 *   BAR 1  memory    MSI-X table and pending bits
 *   BAR 2  memory64  common, ISR, device-specific, and notifications for drivers that only take
 *                    memory
 *
 * There is no INTx: without MSI-X the driver has to poll. One lock per device serialises register
 * accesses; notifications in either direction take none. */
#ifndef SLUICE_DEV_VIRTIO_PCI_H
#define SLUICE_DEV_VIRTIO_PCI_H

#include <stdbool.h>
#include <stdint.h>

#include "dev/msix.h"
#include "dev/pci.h"
#include "lib/spinlock.h"
#include "net/virtio.h"

#define VIRTIO_PCI_QUEUES_MAX 32
#define VIRTIO_MSI_NO_VECTOR  0xffff

#define VIRTIO_PCI_BAR_NOTIFY	 0
#define VIRTIO_PCI_BAR_MSIX	 1
#define VIRTIO_PCI_BAR_REGISTERS 2

/* 4.1.4 Virtio Structure PCI Capabilities */
#define VIRTIO_PCI_CAP_COMMON_CFG 1
#define VIRTIO_PCI_CAP_NOTIFY_CFG 2
#define VIRTIO_PCI_CAP_ISR_CFG	  3
#define VIRTIO_PCI_CAP_DEVICE_CFG 4
#define VIRTIO_PCI_CAP_PCI_CFG	  5

/* Layout of the register BAR. */
#define VIRTIO_PCI_COMMON_OFFSET       0x0000
#define VIRTIO_PCI_ISR_OFFSET	       0x1000
#define VIRTIO_PCI_DEVICE_OFFSET       0x2000
#define VIRTIO_PCI_NOTIFY_OFFSET       0x3000
#define VIRTIO_PCI_REGISTERS_LEN_BYTES 0x4000
#define VIRTIO_PCI_NOTIFY_MULTIPLIER   4

/* 4.1.4.3 Common configuration structure layout */
struct virtio_pci_common {
	uint32_t device_feature_select;
	uint32_t device_feature;
	uint32_t driver_feature_select;
	uint32_t driver_feature;
	uint16_t config_msix_vector;
	uint16_t num_queues;
	uint8_t device_status;
	uint8_t config_generation;
	uint16_t queue_select;
	uint16_t queue_size;
	uint16_t queue_msix_vector;
	uint16_t queue_enable;
	uint16_t queue_notify_off;
	uint64_t queue_desc;
	uint64_t queue_driver;
	uint64_t queue_device;
};

_Static_assert(sizeof(struct virtio_pci_common) == 0x38, "virtio 1.2, 4.1.4.3");

struct virtio_pci_queue {
	struct virtio_queue_conf conf;
	uint16_t msix_vector;
	bool enabled;
};

struct virtio_pci {
	struct pci_function pci;
	struct msix msix;
	struct virtio_device *dev;
	struct spinlock lock; /* registers; not status and isr, which are atomic */
	uint32_t status;      /* 2.1, as the driver reads it */
	uint32_t isr;
	bool resetting; /* status reads as before until the device is quiet */
	uint8_t config_generation;
	uint16_t config_vector;
	uint16_t queue_select;
	uint32_t device_feature_select, driver_feature_select;
	uint64_t driver_features;
	unsigned pci_cfg_cap;
	struct virtio_pci_queue queue[VIRTIO_PCI_QUEUES_MAX];
};

/* Takes dev over and puts a function for it on the bus. send(ctx, ...) delivers its MSI-X
 * messages. p: caller's memory, as long as the bus. 0, -EINVAL or -ENOSPC. */
int virtio_pci_init(struct virtio_pci *p, struct pci_bus *b, struct virtio_device *dev,
	msi_send send, void *ctx) __must_check;

/* The machine is reset: as the driver's reset, and MSI-X goes too; beside pci_bus_reset(). Guest
 * memory may be reused once virtio_pci_reset_pending() is false. */
void virtio_pci_reset(struct virtio_pci *p);
bool virtio_pci_reset_pending(struct virtio_pci *p);

#endif
