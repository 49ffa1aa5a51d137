/* virtio-net's control queue; see virtio_net_ctrl.h.
 *
 * Receive filtering is the driver's wish and best effort (5.1.6.5.1): which frames a port gets is
 * the switch's decision. Address and multicast list serve the filters of the switch's NIC. */
#include "net/virtio_net_ctrl.h"

#include "lib/errno.h"
#include "lib/string.h"

#define CTRL_BUDGET 16

struct command {
	uint8_t class, command;
	struct virtqueue_reader data;
	uint64_t data_len_bytes;
};

/* ---- The filter: a sequence lock, whose reader gives up instead of waiting ---- */

static uint64_t mac_word(const uint8_t *mac)
{
	uint64_t word = 0;

	memcpy(&word, mac, ETH_ALEN);
	return word;
}

void virtio_net_filter_publish(struct virtio_net *d)
{
	struct virtio_net_filter *f = &d->filter;
	uint32_t seq = load_relaxed(&f->seq);
	bool can_say = d->features == 0 || d->features & VIRTIO_NET_F_CTRL_RX;

	store_relaxed(&f->seq, seq + 1);
	smp_mb(); /* it is odd before anything changes */
	store_relaxed(&f->mac, mac_word(d->config.mac));
	store_relaxed(&f->nr_multicast, d->nr_multicast);
	for (unsigned i = 0; i < d->nr_multicast; i++)
		store_relaxed(&f->multicast[i], mac_word(d->multicast[i]));
	store_relaxed(&f->all_multicast,
		d->promiscuous || d->all_multicast || d->multicast_overflow || !can_say);
	store_release(&f->seq, seq + 2);
}

bool virtio_net_wants(const struct virtio_net *d, struct virtio_net_wanted *w, uint32_t *seq)
{
	const struct virtio_net_filter *f = &d->filter;
	uint64_t word;

	*seq = load_acquire(&f->seq);
	word = load_relaxed(&f->mac);
	memcpy(w->mac, &word, ETH_ALEN);
	w->all_multicast = load_relaxed(&f->all_multicast);
	w->nr_multicast = MIN(load_relaxed(&f->nr_multicast), (uint32_t)VIRTIO_NET_MULTICAST_MAX);
	for (unsigned i = 0; i < w->nr_multicast; i++) {
		word = load_relaxed(&f->multicast[i]);
		memcpy(w->multicast[i], &word, ETH_ALEN);
	}
	smp_mb(); /* all is read before seq is read again */
	return !(*seq & 1) && load_relaxed(&f->seq) == *seq;
}

/* ---- Commands ---- */

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
	virtio_net_filter_publish(d);
	return VIRTIO_NET_OK;
}

/* One list of the table: a 32-bit number of addresses and the addresses, of which the first ones
 * are kept. False: not all of it is there. */
static bool take_list(
	struct command *c, uint64_t *left, uint8_t (*mac)[ETH_ALEN], uint32_t max, uint32_t *nr)
{
	uint32_t kept;

	if (!take(c, nr, sizeof(*nr)))
		return false;
	*left -= sizeof(*nr);
	if ((uint64_t)*nr * ETH_ALEN > MIN(*left, (uint64_t)UINT32_MAX))
		return false;
	*left -= (uint64_t)*nr * ETH_ALEN;
	kept = MIN(*nr, max);
	return take(c, mac, kept * ETH_ALEN) && take(c, NULL, (*nr - kept) * ETH_ALEN);
}

/* Unicast, then multicast. Unicast ones are not for filters: a driver that may use other addresses
 * than its own has a NIC that takes all. */
static uint8_t set_mac_table(struct virtio_net *d, struct command *c)
{
	uint8_t multicast[VIRTIO_NET_MULTICAST_MAX][ETH_ALEN];
	uint64_t left = c->data_len_bytes;
	uint32_t nr_unicast, nr;

	if (!(d->features & VIRTIO_NET_F_CTRL_RX) || !take_list(c, &left, NULL, 0, &nr_unicast) ||
		!take_list(c, &left, multicast, VIRTIO_NET_MULTICAST_MAX, &nr))
		return VIRTIO_NET_ERR;
	d->multicast_overflow = nr > VIRTIO_NET_MULTICAST_MAX;
	d->nr_multicast = MIN(nr, (uint32_t)VIRTIO_NET_MULTICAST_MAX);
	memcpy(d->multicast, multicast, d->nr_multicast * sizeof(multicast[0]));
	virtio_net_filter_publish(d);
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
	virtio_net_filter_publish(d);
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
