/* virtio-net over virtio-pci: discovery and initialisation. */
#include "apic.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "lib/string.h"
#include "net/virtio.h"
#include "pci.h"
#include "vnet.h"

#define VIRTIO_NET_PCI_ID 0x10411af4u
/* 4.1.4 Virtio Structure PCI Capabilities */
#define CAP_COMMON	      1
#define CAP_NOTIFY	      2
#define CAP_ISR		      3
#define CAP_DEVICE	      4
#define CAP_PCI_CFG	      5
#define CAP_TYPE	      3
#define CAP_BAR		      4
#define CAP_OFFSET	      8
#define CAP_LENGTH	      12
#define CAP_NOTIFY_MULTIPLIER 16

#define MSIX_CONTROL	 2
#define MSIX_ENABLE	 0x8000u
#define MSIX_TABLE	 4
#define MSIX_ENTRY_BYTES 16
#define MSI_ADDRESS	 UINT64_C(0xfee00000)

struct ring_memory {
	struct vdesc desc[VNET_QUEUE_MAX] __attribute__((aligned(PAGE_SIZE)));
	struct vavail avail __attribute__((aligned(PAGE_SIZE)));
	struct vused used __attribute__((aligned(PAGE_SIZE)));
};

static struct ring_memory rings[VNET_QUEUES];
static uint8_t buffers[VNET_QUEUES][VNET_QUEUE_MAX][VNET_BUFFER_BYTES]
	__attribute__((aligned(PAGE_SIZE)));

uint64_t vregion_read(const struct vregion *r, uint32_t off, unsigned size_bytes)
{
	uint64_t at = r->base + off;

	switch (size_bytes) {
	case 1:
		return r->io ? inb((uint16_t)at) : *(volatile uint8_t *)at;
	case 2:
		return r->io ? inw((uint16_t)at) : *(volatile uint16_t *)at;
	case 4:
		return r->io ? inl((uint16_t)at) : mmio_read32(at, 0);
	default:
		return r->io ? 0 : mmio_read64(at, 0);
	}
}

void vregion_write(const struct vregion *r, uint32_t off, unsigned size_bytes, uint64_t v)
{
	uint64_t at = r->base + off;

	if (r->io && size_bytes == 1)
		outb((uint16_t)at, (uint8_t)v);
	else if (r->io && size_bytes == 2)
		outw((uint16_t)at, (uint16_t)v);
	else if (r->io)
		outl((uint16_t)at, (uint32_t)v);
	else if (size_bytes == 1)
		*(volatile uint8_t *)at = (uint8_t)v;
	else if (size_bytes == 2)
		*(volatile uint16_t *)at = (uint16_t)v;
	else if (size_bytes == 4)
		mmio_write32(at, 0, (uint32_t)v);
	else
		mmio_write64(at, 0, v);
}

static struct vregion region(const struct pci_bar *bars, unsigned bar, uint32_t off, uint32_t len)
{
	if (bar >= PCI_BARS || off >= bars[bar].len_bytes || len > bars[bar].len_bytes - off)
		return (struct vregion){ .len_bytes = 0 };
	return (struct vregion){ bars[bar].io, bars[bar].base + off, len };
}

static void take_capability(struct vnet *n, const struct pci_bar *bars, uint8_t cap)
{
	struct vregion r = region(bars, pci_read(n->dev, cap + CAP_BAR, 1),
		pci_read(n->dev, cap + CAP_OFFSET, 4), pci_read(n->dev, cap + CAP_LENGTH, 4));

	switch (pci_read(n->dev, cap + CAP_TYPE, 1)) {
	case CAP_COMMON:
		n->common = r;
		break;
	case CAP_NOTIFY:
		if (n->nr_notify < ARRAY_SIZE(n->notify) && r.len_bytes) {
			n->notify[n->nr_notify] = r;
			n->notify_multiplier[n->nr_notify++] =
				pci_read(n->dev, cap + CAP_NOTIFY_MULTIPLIER, 4);
		}
		break;
	case CAP_ISR:
		n->isr = r;
		break;
	case CAP_DEVICE:
		n->device = r;
		break;
	case CAP_PCI_CFG:
		n->pci_cfg_cap = cap;
		break;
	}
}

static void find_bars(uint8_t dev, struct pci_bar bars[PCI_BARS])
{
	for (unsigned i = 0; i < PCI_BARS; i++) {
		bool is_64 = (pci_read(dev, (uint8_t)PCI_BAR(i), 1) & 7) == 4;

		bars[i] = pci_bar(dev, i);
		if (is_64 && i + 1 < PCI_BARS)
			bars[++i] = (struct pci_bar){ .len_bytes = 0 };
	}
	pci_enable(dev);
}

bool vnet_find(struct vnet *n)
{
	struct pci_bar bars[PCI_BARS];

	memset(n, 0, sizeof(*n));
	if (!pci_find(VIRTIO_NET_PCI_ID, 0, &n->dev))
		return false;
	find_bars(n->dev, bars);
	for (uint8_t cap = 0; (cap = pci_capability(n->dev, PCI_CAP_VENDOR, cap));)
		take_capability(n, bars, cap);
	n->msix_cap = pci_capability(n->dev, PCI_CAP_MSIX, 0);
	if (n->msix_cap) {
		uint32_t table = pci_read(n->dev, n->msix_cap + MSIX_TABLE, 4);
		uint32_t entries = (pci_read(n->dev, n->msix_cap + MSIX_CONTROL, 2) & 0x7ff) + 1;

		n->msix_table = region(bars, table & 7, table & ~7u, entries * MSIX_ENTRY_BYTES);
		pci_write(n->dev, n->msix_cap + MSIX_CONTROL, 2, MSIX_ENABLE);
	}
	if (!n->common.len_bytes || !n->nr_notify || !n->device.len_bytes)
		return false;
	n->nr_queues = (uint16_t)vregion_read(&n->common, COMMON_NUM_QUEUES, 2);
	for (unsigned i = 0; i < sizeof(n->mac); i++)
		n->mac[i] = (uint8_t)vregion_read(&n->device, i, 1);
	return true;
}

uint8_t vnet_status(const struct vnet *n)
{
	return (uint8_t)vregion_read(&n->common, COMMON_DEVICE_STATUS, 1);
}

void vnet_set_status(struct vnet *n, uint8_t bits)
{
	vregion_write(&n->common, COMMON_DEVICE_STATUS, 1, vnet_status(n) | bits);
}

static bool status_is_zero(void *arg)
{
	return vnet_status(arg) == 0;
}

bool vnet_reset(struct vnet *n)
{
	vregion_write(&n->common, COMMON_DEVICE_STATUS, 1, 0);
	return wait_until(status_is_zero, n, WAIT_TICKS);
}

uint64_t vnet_offered(const struct vnet *n)
{
	uint64_t low;

	vregion_write(&n->common, COMMON_DEVICE_FEATURE_SELECT, 4, 0);
	low = vregion_read(&n->common, COMMON_DEVICE_FEATURE, 4);
	vregion_write(&n->common, COMMON_DEVICE_FEATURE_SELECT, 4, 1);
	return low | vregion_read(&n->common, COMMON_DEVICE_FEATURE, 4) << 32;
}

bool vnet_negotiate(struct vnet *n, uint64_t features)
{
	n->features = features;
	vregion_write(&n->common, COMMON_DRIVER_FEATURE_SELECT, 4, 0);
	vregion_write(&n->common, COMMON_DRIVER_FEATURE, 4, (uint32_t)features);
	vregion_write(&n->common, COMMON_DRIVER_FEATURE_SELECT, 4, 1);
	vregion_write(&n->common, COMMON_DRIVER_FEATURE, 4, features >> 32);
	vnet_set_status(n, VIRTIO_STATUS_FEATURES_OK);
	return vnet_status(n) & VIRTIO_STATUS_FEATURES_OK;
}

void vnet_msix_set(struct vnet *n, unsigned entry, uint64_t address, uint32_t data, bool masked)
{
	uint32_t off = entry * MSIX_ENTRY_BYTES;

	if (off + MSIX_ENTRY_BYTES > n->msix_table.len_bytes)
		return;
	vregion_write(&n->msix_table, off + 12, 4, 1); /* masked while it changes */
	vregion_write(&n->msix_table, off, 4, (uint32_t)address);
	vregion_write(&n->msix_table, off + 4, 4, address >> 32);
	vregion_write(&n->msix_table, off + 8, 4, data);
	vregion_write(&n->msix_table, off + 12, 4, masked);
}

void vnet_queue_address(struct vnet *n, unsigned q, uint32_t reg, uint64_t gpa)
{
	vregion_write(&n->common, COMMON_QUEUE_SELECT, 2, q);
	vregion_write(&n->common, reg, 4, (uint32_t)gpa);
	vregion_write(&n->common, reg + 4, 4, gpa >> 32);
}

/* Buffer i belongs to descriptor i. */
static void queue_memory_init(struct vqueue *q, unsigned index)
{
	struct ring_memory *m = &rings[index];

	memset(m, 0, sizeof(*m));
	q->desc = m->desc;
	q->avail = &m->avail;
	q->used = &m->used;
	q->buffer = buffers[index];
	q->avail_idx = q->used_idx = q->nr_free = 0;
	for (uint16_t i = 0; i < q->size; i++) {
		q->desc[i].addr = (uint64_t)q->buffer[i]; /* identity-mapped */
		q->desc[i].len = VNET_BUFFER_BYTES;
		q->free[q->nr_free++] = i;
	}
}

bool vnet_queue_setup(struct vnet *n, unsigned q, uint16_t size)
{
	struct vqueue *vq = &n->q[q];
	uint16_t max;

	vregion_write(&n->common, COMMON_QUEUE_SELECT, 2, q);
	max = (uint16_t)vregion_read(&n->common, COMMON_QUEUE_SIZE, 2);
	if (!max)
		return false;
	vq->size = size ? size : MIN(max, (uint16_t)VNET_QUEUE_MAX);
	vregion_write(&n->common, COMMON_QUEUE_SIZE, 2, vq->size);
	vq->notify_off = (uint16_t)vregion_read(&n->common, COMMON_QUEUE_NOTIFY_OFF, 2);
	queue_memory_init(vq, q);
	vnet_queue_address(n, q, COMMON_QUEUE_DESC, (uint64_t)vq->desc);
	vnet_queue_address(n, q, COMMON_QUEUE_DRIVER, (uint64_t)vq->avail);
	vnet_queue_address(n, q, COMMON_QUEUE_DEVICE, (uint64_t)vq->used);
	if (n->irq && q == VNET_RX) {
		vnet_msix_set(n, 0, MSI_ADDRESS | apic_id() << 12, VECTOR_NET, false);
		vregion_write(&n->common, COMMON_QUEUE_MSIX_VECTOR, 2, 0);
	}
	return true;
}

void vnet_queue_enable(struct vnet *n, unsigned q)
{
	vregion_write(&n->common, COMMON_QUEUE_SELECT, 2, q);
	vregion_write(&n->common, COMMON_QUEUE_ENABLE, 2, 1);
}
