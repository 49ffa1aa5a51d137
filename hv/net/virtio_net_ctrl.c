/* virtio-net's control queue; see virtio_net_ctrl.h.
 *
 * Receive filtering is the driver's wish and best effort (5.1.6.5.1): which frames a port gets is
 * the switch's decision, so filters are checked for form and accepted. */
#include "net/virtio_net_ctrl.h"

#include "lib/errno.h"
#include "lib/string.h"

#define CTRL_BUDGET 16

struct command {
	uint8_t class, command;
	struct virtqueue_reader data;
	uint64_t data_len_bytes;
};

static bool take(struct command *c, void *dst, uint32_t len_bytes)
{
	return virtqueue_read(&c->data, dst, len_bytes) == len_bytes;
}

static uint8_t set_rx_mode(struct virtio_net *d, struct command *c)
{
	uint8_t on;

	if (!(d->features & VIRTIO_NET_F_CTRL_RX) || !take(c, &on, 1) || on > 1)
		return VIRTIO_NET_ERR;
	if (c->command == VIRTIO_NET_CTRL_RX_PROMISC)
		d->promiscuous = on;
	else if (c->command == VIRTIO_NET_CTRL_RX_ALLMULTI)
		d->all_multicast = on;
	else
		return VIRTIO_NET_ERR;
	return VIRTIO_NET_OK;
}

/* Unicast, then multicast: each a 32-bit number of addresses and the addresses. */
static uint8_t set_mac_table(struct virtio_net *d, struct command *c)
{
	uint64_t left = c->data_len_bytes;

	if (!(d->features & VIRTIO_NET_F_CTRL_RX))
		return VIRTIO_NET_ERR;
	for (unsigned i = 0; i < 2; i++) {
		uint32_t nr;

		if (!take(c, &nr, sizeof(nr)))
			return VIRTIO_NET_ERR;
		left -= sizeof(nr);
		if ((uint64_t)nr * ETH_ALEN > MIN(left, (uint64_t)UINT32_MAX) ||
			!take(c, NULL, nr * ETH_ALEN))
			return VIRTIO_NET_ERR;
		left -= (uint64_t)nr * ETH_ALEN;
	}
	return VIRTIO_NET_OK;
}

static uint8_t set_mac(struct virtio_net *d, struct command *c)
{
	static const uint8_t zero[ETH_ALEN];
	uint8_t mac[ETH_ALEN];
	bool same;

	if (!(d->features & VIRTIO_NET_F_CTRL_MAC_ADDR) || !take(c, mac, sizeof(mac)))
		return VIRTIO_NET_ERR;
	same = memcmp(mac, d->config.mac, sizeof(mac)) == 0;
	if ((d->setup.mac_fixed && !same) || (mac[0] & 1) || memcmp(mac, zero, sizeof(mac)) == 0)
		return VIRTIO_NET_ERR;
	memcpy(d->config.mac, mac, sizeof(mac));
	return VIRTIO_NET_OK;
}

static uint8_t set_vlan(struct virtio_net *d, struct command *c)
{
	uint16_t vlan;

	if (!(d->features & VIRTIO_NET_F_CTRL_VLAN) || c->command > VIRTIO_NET_CTRL_VLAN_DEL ||
		!take(c, &vlan, sizeof(vlan)))
		return VIRTIO_NET_ERR;
	return vlan < 4096 ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
}

static uint8_t set_pairs(struct virtio_net *d, struct command *c)
{
	uint16_t pairs;

	if (!(d->features & VIRTIO_NET_F_MQ) || c->command != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET ||
		!take(c, &pairs, sizeof(pairs)) || pairs == 0 || pairs > d->setup.nr_pairs)
		return VIRTIO_NET_ERR;
	store_relaxed(&d->active_pairs, (unsigned)pairs);
	return VIRTIO_NET_OK;
}

static uint8_t execute(struct virtio_net *d, struct command *c)
{
	switch (c->class) {
	case VIRTIO_NET_CTRL_RX:
		return set_rx_mode(d, c);
	case VIRTIO_NET_CTRL_MAC:
		if (c->command == VIRTIO_NET_CTRL_MAC_TABLE_SET)
			return set_mac_table(d, c);
		return c->command == VIRTIO_NET_CTRL_MAC_ADDR_SET ? set_mac(d, c) : VIRTIO_NET_ERR;
	case VIRTIO_NET_CTRL_VLAN:
		return set_vlan(d, c);
	case VIRTIO_NET_CTRL_MQ:
		return set_pairs(d, c);
	default:
		return VIRTIO_NET_ERR;
	}
}

/* Class and command, data, and one byte to answer in. */
static void answer(struct ctrl_queue *q, const struct virtqueue_chain *chain)
{
	struct command c = { .class = UINT8_MAX };
	uint8_t *ack;

	if (!chain->nr_write) {
		virtqueue_push_used(&q->q.vq, chain->head, 0);
		return;
	}
	ack = chain->segment[chain->nr_read].hva;
	virtqueue_reader_init(&c.data, chain);
	c.data_len_bytes = chain->read_bytes - MIN(chain->read_bytes, 2u);
	if (take(&c, &c.class, 1) && take(&c, &c.command, 1))
		store_relaxed(ack, execute(q->q.dev, &c));
	else
		store_relaxed(ack, (uint8_t)VIRTIO_NET_ERR);
	virtqueue_push_used(&q->q.vq, chain->head, 1);
}

/* -EAGAIN when there is nothing more, and the driver will kick for what comes. */
static int next(struct ctrl_queue *q)
{
	struct virtqueue_chain chain = { .segment = q->segment, .segments_max = CTRL_SEGMENTS_MAX };
	int r = virtqueue_pop_chain(&q->q.vq, &chain);

	if (r == 0) {
		answer(q, &chain);
	} else if (r == -EINVAL || r == -E2BIG) {
		virtqueue_push_used(&q->q.vq, chain.head, 0);
	} else if (r == -EPROTO) {
		queue_broken(&q->q);
		return r;
	} else if (!virtqueue_enable_kick(&q->q.vq)) {
		return -EAGAIN;
	}
	return 0;
}

static enum work_result ctrl_run(struct work *w, unsigned budget)
{
	struct ctrl_queue *q = CONTAINER_OF(w, struct ctrl_queue, q.work);
	unsigned n = 0;

	(void)budget;
	if (queue_state(&q->q) == QUEUE_STOPPING)
		store_release(&q->q.state, (uint32_t)QUEUE_OFF);
	if (queue_state(&q->q) != QUEUE_ON)
		return WORK_DONE;
	stat_add(&q->q.stats.runs, 1);
	virtqueue_disable_kick(&q->q.vq);
	while (n < CTRL_BUDGET && next(q) == 0)
		n++;
	queue_publish(&q->q);
	return n < CTRL_BUDGET ? WORK_DONE : WORK_MORE;
}

void virtio_net_ctrl_init(struct ctrl_queue *c, struct virtio_net *d, unsigned index)
{
	queue_init(&c->q, d, index, ctrl_run);
}
