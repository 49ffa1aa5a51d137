/* A minimal virtio-net driver whose every part can be misused.
 *
 * Virtio 1.2: 2.7 (split virtqueues), 4.1 (PCI), 5.1 (network device). One queue pair and, if asked
 * for, the control queue. Nothing is hidden: tests write rings and registers directly. */
#ifndef STUB_VNET_H
#define STUB_VNET_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"

#define VNET_QUEUE_MAX	  256
#define VNET_BUFFER_BYTES 2048
#define VNET_HEADER_BYTES 12
#define VNET_FRAME_MAX	  (VNET_BUFFER_BYTES - VNET_HEADER_BYTES)

enum { VNET_RX, VNET_TX, VNET_CTRL, VNET_QUEUES };

/* 4.1.4.3 Common configuration structure layout */
#define COMMON_DEVICE_FEATURE_SELECT 0x00
#define COMMON_DEVICE_FEATURE	     0x04
#define COMMON_DRIVER_FEATURE_SELECT 0x08
#define COMMON_DRIVER_FEATURE	     0x0c
#define COMMON_MSIX_CONFIG	     0x10
#define COMMON_NUM_QUEUES	     0x12
#define COMMON_DEVICE_STATUS	     0x14
#define COMMON_GENERATION	     0x15
#define COMMON_QUEUE_SELECT	     0x16
#define COMMON_QUEUE_SIZE	     0x18
#define COMMON_QUEUE_MSIX_VECTOR     0x1a
#define COMMON_QUEUE_ENABLE	     0x1c
#define COMMON_QUEUE_NOTIFY_OFF	     0x1e
#define COMMON_QUEUE_DESC	     0x20
#define COMMON_QUEUE_DRIVER	     0x28
#define COMMON_QUEUE_DEVICE	     0x30
#define MSIX_NO_VECTOR		     0xffff

/* 2.7.5 The Virtqueue Descriptor Table */
#define DESC_NEXT	   1
#define DESC_WRITE	   2
#define DESC_INDIRECT	   4
#define AVAIL_NO_INTERRUPT 1
#define USED_NO_NOTIFY	   1

struct vdesc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};
struct vavail {
	uint16_t flags, idx, ring[VNET_QUEUE_MAX];
	uint16_t used_event;
};
struct vused_elem {
	uint32_t id, len;
};
struct vused {
	uint16_t flags, idx;
	struct vused_elem ring[VNET_QUEUE_MAX];
	uint16_t avail_event;
};

/* Part of a BAR. len_bytes 0: the device has none. */
struct vregion {
	bool io;
	uint64_t base;
	uint32_t len_bytes;
};

uint64_t vregion_read(const struct vregion *r, uint32_t off, unsigned size_bytes);
void vregion_write(const struct vregion *r, uint32_t off, unsigned size_bytes, uint64_t v);

struct vqueue {
	volatile struct vdesc *desc;
	volatile struct vavail *avail;
	volatile struct vused *used;
	uint8_t (*buffer)[VNET_BUFFER_BYTES];
	uint16_t size;
	uint16_t avail_idx; /* what avail->idx becomes at the next vnet_publish() */
	uint16_t used_idx;  /* next used entry to look at */
	uint16_t notify_off;
	uint16_t free[VNET_QUEUE_MAX]; /* transmit: buffers not in the ring */
	uint16_t nr_free;
};

struct vnet {
	uint8_t dev;
	uint8_t pci_cfg_cap; /* VIRTIO_PCI_CAP_PCI_CFG, 0: none */
	uint8_t msix_cap;
	struct vregion common, isr, device, msix_table;
	struct vregion notify[2]; /* in the order of the capability list */
	unsigned nr_notify;
	uint32_t notify_multiplier[2];
	uint16_t nr_queues;
	uint8_t mac[6];
	uint64_t features; /* negotiated */
	bool irq;
	struct vqueue q[VNET_QUEUES];
};

/* Finds the first NIC, its capabilities and MAC. False: there is none, or it is unusable. */
bool vnet_find(struct vnet *n);

/* The steps of 3.1.1, to be used one by one or by vnet_start(). */
bool vnet_reset(struct vnet *n); /* waits until the status reads 0 */
uint8_t vnet_status(const struct vnet *n);
void vnet_set_status(struct vnet *n, uint8_t bits); /* ors them in */
uint64_t vnet_offered(const struct vnet *n);
bool vnet_negotiate(struct vnet *n, uint64_t features); /* true if FEATURES_OK stayed set */
/* Empties the ring memory and sets the queue's registers; size 0: the device's maximum. */
bool vnet_queue_setup(struct vnet *n, unsigned q, uint16_t size);
void vnet_queue_address(struct vnet *n, unsigned q, uint32_t reg, uint64_t gpa);
void vnet_queue_enable(struct vnet *n, unsigned q);
void vnet_msix_set(struct vnet *n, unsigned entry, uint64_t address, uint32_t data, bool masked);

/* Reset to DRIVER_OK with `wanted` features as far as offered (VERSION_1 always), both queues
 * empty. irq as below. */
bool vnet_begin(struct vnet *n, uint64_t wanted, bool irq);
/* vnet_begin() with all receive buffers posted. irq: receive interrupts by MSI-X as VECTOR_NET to
 * this CPU. */
bool vnet_start(struct vnet *n, uint64_t wanted, bool irq);

/* Room for a frame of VNET_FRAME_MAX bytes, or NULL if all buffers are under way. */
uint8_t *vnet_tx_buffer(struct vnet *n);
void vnet_tx(struct vnet *n, uint16_t len_bytes); /* the frame in the last vnet_tx_buffer() */
/* The oldest received frame, or NULL; valid until vnet_rx_done(). */
uint8_t *vnet_rx(struct vnet *n, uint32_t *len_bytes);
void vnet_rx_done(struct vnet *n);
/* Makes everything queued visible; notifies the device if it wants that. */
void vnet_publish(struct vnet *n, unsigned q);
void vnet_kick(struct vnet *n, unsigned q); /* notifies in any case */
/* Waits for a received frame, halted with irq, else polling; at most about ticks. False: none. */
bool vnet_wait(struct vnet *n, uint64_t ticks);
/* Waits until the device has taken every frame queued. False: it has not. */
bool vnet_drain(struct vnet *n);
/* How often vnet_wait() found a frame whose interrupt had not come. */
extern uint32_t vnet_lost_interrupts;

#endif
