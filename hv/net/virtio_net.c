/* virtio-net: features, configuration, life cycle; see virtio_net.h. */
#include "net/virtio_net.h"

#include "lib/errno.h"
#include "lib/string.h"
#include "net/virtio_net_ctrl.h"

#define OFFERED                                                                                    \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC |                        \
		VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM |             \
		VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_HOST_ECN |          \
		VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_GUEST_ECN |       \
		VIRTIO_NET_F_MAC | VIRTIO_NET_F_MTU | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_CTRL_VQ | \
		VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_VLAN | VIRTIO_NET_F_CTRL_MAC_ADDR)

/* 5.1.3.1 Feature bit requirements: a feature, and those of which it needs one. */
static const struct {
	uint64_t feature, needs_one_of;
} requirement[] = {
	{ VIRTIO_NET_F_GUEST_TSO4, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_F_GUEST_TSO6, VIRTIO_NET_F_GUEST_CSUM },
	{ VIRTIO_NET_F_GUEST_ECN, VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 },
	{ VIRTIO_NET_F_HOST_TSO4, VIRTIO_NET_F_CSUM },
	{ VIRTIO_NET_F_HOST_TSO6, VIRTIO_NET_F_CSUM },
	{ VIRTIO_NET_F_HOST_ECN, VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 },
	{ VIRTIO_NET_F_CTRL_RX, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_CTRL_VLAN, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_CTRL_MAC_ADDR, VIRTIO_NET_F_CTRL_VQ },
	{ VIRTIO_NET_F_MQ, VIRTIO_NET_F_CTRL_VQ },
};

/* Without the features whose requirements are missing. The table's order makes one pass enough. */
static uint64_t consistent(uint64_t features)
{
	for (unsigned i = 0; i < ARRAY_SIZE(requirement); i++) {
		if (!(features & requirement[i].needs_one_of))
			features &= ~requirement[i].feature;
	}
	return features;
}

void queue_publish(struct virtio_net_queue *q)
{
	if (!virtqueue_publish(&q->vq))
		return;
	stat_add(&q->stats.interrupts, 1);
	q->dev->virtio.notify_queue(q->dev->virtio.transport, q->index);
}

void queue_broken(struct virtio_net_queue *q)
{
	struct virtio_net *d = q->dev;

	if (atomic_xchg(&d->broken, 1u) == 0)
		d->virtio.needs_reset(d->virtio.transport);
}

static struct virtio_net *net_of(struct virtio_device *v)
{
	return CONTAINER_OF(v, struct virtio_net, virtio);
}

/* 5.1.2: the control queue follows the pairs that the driver knows of. NULL: no such queue. */
static struct virtio_net_queue *queue_of(struct virtio_net *d, unsigned q)
{
	unsigned pairs = d->features & VIRTIO_NET_F_MQ ? d->setup.nr_pairs : 1;

	if (q < 2 * pairs)
		return q & 1 ? &d->pair[q / 2].tx.q : &d->pair[q / 2].rx.q;
	if (q == 2 * pairs && (d->features & VIRTIO_NET_F_CTRL_VQ))
		return &d->ctrl.q;
	return NULL;
}

static int set_features(struct virtio_device *v, uint64_t features)
{
	struct virtio_net *d = net_of(v);

	if (!(features & VIRTIO_F_VERSION_1) || consistent(features) != features)
		return -EINVAL;
	d->features = features;
	virtio_net_filter_publish(d);
	return 0;
}

static int queue_enable(struct virtio_device *v, unsigned q, const struct virtio_queue_conf *c)
{
	struct virtio_net *d = net_of(v);
	struct virtio_net_queue *queue = queue_of(d, q);
	int r;

	if (!queue || c->size > VIRTIO_NET_QUEUE_SIZE || queue_state(queue) != QUEUE_OFF)
		return -EINVAL;
	r = virtqueue_init(&queue->vq, d->setup.gm, c, d->features);
	if (r)
		return r;
	queue->index = q;
	store_release(&queue->state, (uint32_t)QUEUE_READY);
	return 0;
}

static void set_status(struct virtio_device *v, uint8_t status)
{
	struct virtio_net *d = net_of(v);

	if (!(status & VIRTIO_STATUS_DRIVER_OK))
		return;
	for (unsigned i = 0; i < v->nr_queues; i++) {
		struct virtio_net_queue *q = queue_of(d, i);

		if (!q || queue_state(q) != QUEUE_READY)
			continue;
		store_release(&q->state, (uint32_t)QUEUE_ON);
		queue_schedule(q); /* what the driver posted before needs no kick */
	}
}

/* The work of a queue that was on takes it to OFF: nobody else knows that it is not running. */
static void stop_queue(struct virtio_net_queue *q)
{
	uint32_t state = QUEUE_READY;

	if (atomic_cas(&q->state, &state, (uint32_t)QUEUE_OFF) || state == QUEUE_OFF)
		return;
	store_release(&q->state, (uint32_t)QUEUE_STOPPING);
	queue_schedule(q);
}

static void reset(struct virtio_device *v)
{
	struct virtio_net *d = net_of(v);

	for (unsigned i = 0; i < d->setup.nr_pairs; i++) {
		stop_queue(&d->pair[i].rx.q);
		stop_queue(&d->pair[i].tx.q);
	}
	stop_queue(&d->ctrl.q);
}

static bool is_off(const struct virtio_net_queue *q)
{
	return queue_state(q) == QUEUE_OFF;
}

static bool reset_pending(struct virtio_device *v)
{
	struct virtio_net *d = net_of(v);

	for (unsigned i = 0; i < d->setup.nr_pairs; i++) {
		if (!is_off(&d->pair[i].rx.q) || !is_off(&d->pair[i].tx.q))
			return true;
	}
	if (!is_off(&d->ctrl.q))
		return true;
	/* Over: as after power-on. */
	d->features = 0;
	store_relaxed(&d->broken, 0u);
	store_relaxed(&d->active_pairs, 1u);
	memset(&d->flows, 0, sizeof(d->flows));
	d->promiscuous = false;
	d->all_multicast = false;
	d->multicast_overflow = false;
	d->nr_multicast = 0;
	memcpy(d->config.mac, d->setup.mac, sizeof(d->config.mac));
	virtio_net_filter_publish(d);
	return false;
}

static void kick(struct virtio_device *v, unsigned q)
{
	struct virtio_net_queue *queue = queue_of(net_of(v), q);

	if (!queue || queue_state(queue) != QUEUE_ON)
		return;
	(void)__atomic_fetch_add(&queue->stats.kicks, 1, __ATOMIC_RELAXED);
	queue_schedule(queue);
}

static uint32_t config_read(struct virtio_device *v, uint32_t off, unsigned size_bytes)
{
	const struct virtio_net *d = net_of(v);
	uint32_t value = 0;

	if (size_bytes > sizeof(value) || off > sizeof(d->config) - size_bytes)
		return 0;
	memcpy(&value, (const uint8_t *)&d->config + off, size_bytes);
	return value;
}

/* 5.1.4.1: all of it is read-only for the driver. */
static void config_write(struct virtio_device *v, uint32_t off, unsigned size_bytes, uint32_t value)
{
	(void)v;
	(void)off;
	(void)size_bytes;
	(void)value;
}

static const struct virtio_ops virtio_net_ops = {
	.set_features = set_features,
	.queue_enable = queue_enable,
	.set_status = set_status,
	.reset = reset,
	.reset_pending = reset_pending,
	.kick = kick,
	.config_read = config_read,
	.config_write = config_write,
};

uint64_t virtio_net_len_bytes(unsigned nr_pairs)
{
	return sizeof(struct virtio_net) + nr_pairs * sizeof(struct virtio_net_pair);
}

static void init_queues(struct virtio_net *d)
{
	for (unsigned i = 0; i < d->setup.nr_pairs; i++) {
		virtio_net_rx_init(&d->pair[i].rx, d, 2 * i);
		virtio_net_tx_init(&d->pair[i].tx, d, 2 * i + 1);
	}
	virtio_net_ctrl_init(&d->ctrl, d, 2 * d->setup.nr_pairs);
}

struct virtio_net *virtio_net_init(void *memory, const struct virtio_net_setup *setup)
{
	struct virtio_net *d = memory;
	uint64_t multi = setup->nr_pairs > 1 ? VIRTIO_NET_F_MQ : 0;

	d->setup = *setup;
	d->active_pairs = 1;
	memcpy(d->config.mac, setup->mac, sizeof(d->config.mac));
	d->config.status = VIRTIO_NET_S_LINK_UP;
	d->config.max_virtqueue_pairs = (uint16_t)setup->nr_pairs;
	d->config.mtu = setup->mtu;
	d->virtio.ops = &virtio_net_ops;
	d->virtio.device_id = VIRTIO_ID_NET;
	d->virtio.nr_queues = 2 * setup->nr_pairs + 1;
	d->virtio.queue_size_max = VIRTIO_NET_QUEUE_SIZE;
	d->virtio.config_len_bytes = sizeof(d->config);
	d->virtio.features_offered =
		consistent(((OFFERED | multi) & ~setup->features_off) | VIRTIO_F_VERSION_1);
	d->port.ops = &virtio_net_port_ops;
	d->port.many_writers = setup->nr_pairs > 1;
	for (unsigned i = 0; i + 1 < sizeof(d->port.name) && setup->name[i]; i++)
		d->port.name[i] = setup->name[i];
	init_queues(d);
	virtio_net_filter_publish(d);
	return d;
}

void virtio_net_set_link(struct virtio_net *d, bool up)
{
	uint16_t status = up ? VIRTIO_NET_S_LINK_UP : 0;

	if (d->config.status == status)
		return;
	store_relaxed(&d->config.status, status);
	/* Without the feature the driver does not look at it (5.1.4). Before it has set a vector,
	 * nothing happens, and it reads the status then. */
	if (load_relaxed(&d->features) & VIRTIO_NET_F_STATUS)
		d->virtio.notify_config(d->virtio.transport);
}

void virtio_net_housekeeping(struct virtio_net *d, uint64_t now_us)
{
	for (unsigned i = 0; i < d->setup.nr_pairs; i++)
		virtio_net_rx_housekeeping(&d->pair[i].rx, now_us);
}

static void add_stats(struct virtio_net_stats *sum, const struct virtio_net_queue *q)
{
	sum->kicks += load_relaxed(&q->stats.kicks);
	sum->interrupts += load_relaxed(&q->stats.interrupts);
	sum->runs += load_relaxed(&q->stats.runs);
	sum->batches += load_relaxed(&q->stats.batches);
	sum->frames += load_relaxed(&q->stats.frames);
	sum->copies += load_relaxed(&q->stats.copies);
	sum->copy_bytes += load_relaxed(&q->stats.copy_bytes);
}

void virtio_net_sum(const struct virtio_net *d, struct virtio_net_stats *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (unsigned i = 0; i < d->setup.nr_pairs; i++) {
		add_stats(sum, &d->pair[i].rx.q);
		add_stats(sum, &d->pair[i].tx.q);
	}
	add_stats(sum, &d->ctrl.q);
}
