/* A virtio device as its transport sees it, and the transport as the device sees it.
 *
 * Virtio 1.2, section 2. The transport (hv/dev/virtio_pci.c) owns status, feature words and queue
 * addresses as the driver wrote them; the device (hv/net/virtio_net.c) owns what they mean. All
 * values that reach the device come from a guest. */
#ifndef SLUICE_NET_VIRTIO_H
#define SLUICE_NET_VIRTIO_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define VIRTIO_ID_NET 1

/* 2.1 Device status field */
#define VIRTIO_STATUS_ACKNOWLEDGE	 0x01
#define VIRTIO_STATUS_DRIVER		 0x02
#define VIRTIO_STATUS_DRIVER_OK		 0x04
#define VIRTIO_STATUS_FEATURES_OK	 0x08
#define VIRTIO_STATUS_DEVICE_NEEDS_RESET 0x40
#define VIRTIO_STATUS_FAILED		 0x80

/* 6 Reserved feature bits */
#define VIRTIO_F_INDIRECT_DESC BIT64(28)
#define VIRTIO_F_EVENT_IDX     BIT64(29)
#define VIRTIO_F_VERSION_1     BIT64(32)
#define VIRTIO_F_RING_PACKED   BIT64(34)

struct virtio_device;

struct virtio_queue_conf {
	uint64_t desc_gpa, driver_gpa, device_gpa;
	uint16_t size; /* a power of two, at most the device's maximum */
};

struct virtio_ops {
	/* Driver set FEATURES_OK: 0 accepts, -EINVAL leaves the bit unset. */
	int (*set_features)(struct virtio_device *d, uint64_t features);
	/* queue_enable = 1. -EINVAL: the queue stays disabled. */
	int (*queue_enable)(struct virtio_device *d, unsigned q, const struct virtio_queue_conf *c);
	void (*set_status)(struct virtio_device *d, uint8_t status); /* not called for reset */
	/* status = 0: begins a reset. It ends when no frame of the device is in flight and no queue
	 * memory is touched any more; until reset_pending() says so, device_status reads non-zero
	 * (2.4.1: the driver waits for 0). Packet work ends it; nothing spins. */
	void (*reset)(struct virtio_device *d);
	bool (*reset_pending)(struct virtio_device *d);
	/* Available-buffer notification. Any core, no lock held. */
	void (*kick)(struct virtio_device *d, unsigned q);
	uint32_t (*config_read)(struct virtio_device *d, uint32_t off, unsigned size_bytes);
	void (*config_write)(
		struct virtio_device *d, uint32_t off, unsigned size_bytes, uint32_t value);
};

struct virtio_device {
	const struct virtio_ops *ops;
	uint16_t device_id;
	unsigned nr_queues;
	uint16_t queue_size_max;
	uint32_t config_len_bytes;
	uint64_t features_offered;
	/* Set by the transport when it takes the device over. Both may be called on any core. */
	void *transport;
	void (*notify_queue)(void *transport, unsigned q); /* used-buffer notification */
	void (*notify_config)(void *transport);
	void (*needs_reset)(void *transport); /* device gave up on a broken driver */
};

#endif
