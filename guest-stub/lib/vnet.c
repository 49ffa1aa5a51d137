/* virtio-net over virtio-pci: data path. */
#include "vnet.h"

#include "apic.h"
#include "cpu.h"
#include "cpu/hw.h"
#include "lib/atomic.h"
#include "lib/string.h"
#include "net/virtio.h"

#define VIRTIO_NET_F_MAC BIT64(5)

uint32_t vnet_lost_interrupts;

bool vnet_begin(struct vnet *n, uint64_t wanted, bool irq)
{
	n->irq = irq;
	if (!vnet_reset(n))
		return false;
	vnet_set_status(n, VIRTIO_STATUS_ACKNOWLEDGE);
	vnet_set_status(n, VIRTIO_STATUS_DRIVER);
	wanted |= VIRTIO_F_VERSION_1 | VIRTIO_NET_F_MAC;
	if (!vnet_negotiate(n, wanted & vnet_offered(n)))
		return false;
	if (!vnet_queue_setup(n, VNET_RX, 0) || !vnet_queue_setup(n, VNET_TX, 0))
		return false;
	n->q[VNET_TX].avail->flags = AVAIL_NO_INTERRUPT;
	n->q[VNET_RX].avail->flags = AVAIL_NO_INTERRUPT;
	vnet_queue_enable(n, VNET_RX);
	vnet_queue_enable(n, VNET_TX);
	vnet_set_status(n, VIRTIO_STATUS_DRIVER_OK);
	return true;
}

bool vnet_start(struct vnet *n, uint64_t wanted, bool irq)
{
	if (!vnet_begin(n, wanted, irq))
		return false;
	for (uint16_t i = 0; i < n->q[VNET_RX].size; i++) {
		n->q[VNET_RX].desc[i].flags = DESC_WRITE;
		n->q[VNET_RX].avail->ring[n->q[VNET_RX].avail_idx++ % n->q[VNET_RX].size] = i;
	}
	vnet_publish(n, VNET_RX);
	return true;
}

static void tx_reclaim(struct vqueue *q)
{
	while (q->used_idx != load_acquire(&q->used->idx)) {
		uint32_t id = q->used->ring[q->used_idx++ % q->size].id;

		if (id < q->size && q->nr_free < q->size)
			q->free[q->nr_free++] = (uint16_t)id;
	}
}

uint8_t *vnet_tx_buffer(struct vnet *n)
{
	struct vqueue *q = &n->q[VNET_TX];

	if (!q->nr_free)
		tx_reclaim(q);
	if (!q->nr_free)
		return NULL;
	return q->buffer[q->free[q->nr_free - 1]] + VNET_HEADER_BYTES;
}

void vnet_tx(struct vnet *n, uint16_t len_bytes)
{
	struct vqueue *q = &n->q[VNET_TX];
	uint16_t slot = q->free[--q->nr_free];

	memset(q->buffer[slot], 0, VNET_HEADER_BYTES);
	q->desc[slot].len = VNET_HEADER_BYTES + len_bytes;
	q->avail->ring[q->avail_idx++ % q->size] = slot;
}

static bool tx_is_empty(void *arg)
{
	struct vqueue *q = arg;

	tx_reclaim(q);
	return q->nr_free == q->size;
}

bool vnet_drain(struct vnet *n)
{
	vnet_publish(n, VNET_TX);
	return wait_until(tx_is_empty, &n->q[VNET_TX], WAIT_TICKS);
}

uint8_t *vnet_rx(struct vnet *n, uint32_t *len_bytes)
{
	struct vqueue *q = &n->q[VNET_RX];

	while (q->used_idx != load_acquire(&q->used->idx)) {
		volatile struct vused_elem *e = &q->used->ring[q->used_idx % q->size];
		uint32_t len = e->len;

		if (len > VNET_HEADER_BYTES && len <= VNET_BUFFER_BYTES && e->id < q->size) {
			*len_bytes = len - VNET_HEADER_BYTES;
			return q->buffer[e->id] + VNET_HEADER_BYTES;
		}
		vnet_rx_done(n);
	}
	return NULL;
}

void vnet_rx_done(struct vnet *n)
{
	struct vqueue *q = &n->q[VNET_RX];
	uint32_t id = q->used->ring[q->used_idx++ % q->size].id;

	q->avail->ring[q->avail_idx++ % q->size] = (uint16_t)(id % q->size);
}

void vnet_publish(struct vnet *n, unsigned q)
{
	struct vqueue *vq = &n->q[q];

	if (vq->avail->idx == vq->avail_idx)
		return;
	store_release(&vq->avail->idx, vq->avail_idx);
	smp_mb(); /* the new index before the device's wish: 2.7.13.4.1 */
	if (!(vq->used->flags & USED_NO_NOTIFY))
		vnet_kick(n, q);
}

void vnet_kick(struct vnet *n, unsigned q)
{
	/* The first notify capability is the cheap one. */
	vregion_write(&n->notify[0], n->q[q].notify_off * n->notify_multiplier[0], 2, q);
}

static bool rx_pending(const struct vqueue *q)
{
	return q->used_idx != load_acquire(&q->used->idx);
}

static bool wait_polling(const struct vqueue *q, uint64_t ticks)
{
	uint64_t start = rdtsc();

	while (!rx_pending(q)) {
		if (rdtsc() - start > ticks)
			return false;
		cpu_relax();
	}
	return true;
}

bool vnet_wait(struct vnet *n, uint64_t ticks)
{
	struct vqueue *q = &n->q[VNET_RX];
	uint32_t before = this_cpu()->interrupts[VECTOR_NET];
	uint32_t timer = this_cpu()->interrupts[VECTOR_TIMER];
	bool pending;

	if (!n->irq)
		return wait_polling(q, ticks);
	store_relaxed(&q->avail->flags, 0);
	smp_mb(); /* interrupts on before looking again */
	if (!rx_pending(q)) {
		cpu_idle(ticks);
		pending = rx_pending(q);
		/* Woken by the timer although a frame is there: give its interrupt a moment. */
		if (pending && this_cpu()->interrupts[VECTOR_TIMER] != timer)
			cpu_idle(ticks);
		if (pending && load_relaxed(&this_cpu()->interrupts[VECTOR_NET]) == before)
			vnet_lost_interrupts++;
	}
	store_relaxed(&q->avail->flags, AVAIL_NO_INTERRUPT);
	return rx_pending(q);
}
