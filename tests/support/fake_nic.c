/* A NIC in host memory; see fake_nic.h. */
#include "fake_nic.h"

#include <stdlib.h>
#include <string.h>

#include "mem/direct_map.h"

#define GARBAGE 0xee

static void require(bool ok)
{
	if (!ok)
		abort();
}

static struct fake_nic *fake_of(const struct nic *nic)
{
	return CONTAINER_OF(nic, struct fake_nic, nic);
}

/* ---- Interrupts ---- */

static void interrupt(struct fake_nic *n, unsigned vector)
{
	if (vector == NIC_NO_VECTOR || !n->armed[vector])
		return;
	n->armed[vector] = false;
	n->interrupts[vector]++;
	n->client.wake(n->client.ctx, &n->nic, vector);
}

static void arm(struct nic *nic, unsigned v)
{
	struct fake_nic *n = fake_of(nic);
	void (*before)(struct fake_nic *, unsigned) = n->before_arm;

	require(v < nic->nr_vectors);
	n->before_arm = NULL;
	if (before)
		before(n, v);
	n->armed[v] = true;
}

static void mask(struct nic *nic, unsigned v)
{
	fake_of(nic)->armed[v] = false;
}

/* ---- Receive ---- */

static void spoil(const struct nic_buffer *b)
{
	memset(HVA(b->hpa), GARBAGE, b->len_bytes);
	if (b->header_hpa)
		memset(HVA(b->header_hpa), GARBAGE, NIC_HEADER_BYTES);
}

static unsigned rx_post(struct nic_rxq *q, const struct nic_buffer *b, unsigned nr)
{
	struct fake_rxq *rx = CONTAINER_OF(q, struct fake_rxq, q);
	unsigned i;

	require(!rx->stopped);
	for (i = 0; i < nr && rx->filled - rx->first < q->ring_entries - 1; i++) {
		if (b[i].len_bytes < q->buffer_bytes)
			break;
		require(!b[i].header_hpa == !q->header_bytes && !(b[i].header_hpa & 1));
		for (uint32_t k = rx->first; k != rx->filled; k++)
			require(rx->buffer[k % q->ring_entries].cookie != b[i].cookie);
		rx->buffer[rx->filled++ % q->ring_entries] = b[i];
		spoil(&b[i]);
	}
	return i;
}

static void rx_flush(struct nic_rxq *q)
{
	struct fake_rxq *rx = CONTAINER_OF(q, struct fake_rxq, q);

	rx->doorbells += rx->flushed != rx->filled;
	rx->flushed = rx->filled;
}

static void rx_poll(struct nic_rxq *q, struct nic_rx_batch *b)
{
	struct fake_rxq *rx = CONTAINER_OF(q, struct fake_rxq, q);

	while (rx->packet_first != rx->packet_end && b->nr_packets < NIC_BATCH &&
		b->nr_buffers <= NIC_RX_BATCH_BUFFERS - NIC_RX_CHAIN_MAX) {
		struct nic_rx_packet *p = &b->packet[b->nr_packets++];

		*p = rx->packet[rx->packet_first++ % FAKE_NIC_ENTRIES];
		p->first_buffer = (uint16_t)b->nr_buffers;
		for (unsigned i = 0; i < p->nr_buffers; i++, rx->first++)
			b->buffer[b->nr_buffers++] = (struct nic_rx_buffer){
				.cookie = rx->buffer[rx->first % q->ring_entries].cookie,
				.len_bytes = rx->len_bytes[rx->first % q->ring_entries]
			};
	}
}

static bool rx_pending(const struct nic_rxq *q)
{
	const struct fake_rxq *rx = CONTAINER_OF(q, const struct fake_rxq, q);

	return rx->packet_first != rx->packet_end;
}

bool fake_nic_receive(struct fake_nic *n, unsigned queue, const uint8_t *bytes, uint32_t len_bytes,
	const struct fake_arrival *how)
{
	static const struct fake_arrival plain;
	struct fake_rxq *rx = &n->rx[queue];
	uint32_t piece, nr, entries = rx->q.ring_entries;
	struct nic_rx_packet p = { .len_bytes = len_bytes };

	how = how ? how : &plain;
	p.header_bytes = (uint16_t)MIN(len_bytes, rx->q.header_bytes);
	if (how->header_bytes && rx->q.header_bytes)
		p.header_bytes = (uint16_t)how->header_bytes;
	require(p.header_bytes <= rx->q.header_bytes && p.header_bytes <= len_bytes);
	len_bytes -= p.header_bytes;
	piece = how->piece_bytes ? how->piece_bytes : rx->q.buffer_bytes;
	nr = len_bytes ? (len_bytes + piece - 1) / piece : 1;
	require(nr <= NIC_RX_CHAIN_MAX && piece <= rx->q.buffer_bytes);
	if (load_acquire(&rx->q.gate.state) != NIC_GATE_OPEN || rx->flushed - rx->used < nr) {
		n->missed++;
		return false;
	}
	p.nr_buffers = (uint16_t)nr;
	p.flags = how->flags;
	p.vlan_tci = how->vlan_tci;
	p.rsc_segments = how->rsc_segments;
	p.error = how->error;
	memcpy(p.header_bytes ? HVA(rx->buffer[rx->used % entries].header_hpa) : (void *)&p, bytes,
		p.header_bytes);
	bytes += p.header_bytes;
	for (; nr; nr--, rx->used++) {
		uint32_t part = MIN(len_bytes, piece);

		memcpy(HVA(rx->buffer[rx->used % entries].hpa), bytes, part);
		rx->len_bytes[rx->used % entries] = part;
		bytes += part;
		len_bytes -= part;
	}
	rx->packet[rx->packet_end++ % FAKE_NIC_ENTRIES] = p;
	interrupt(n, rx->q.vector);
	return true;
}

/* What had arrived is gone; the buffers are still posted. */
static void rewind_rx(struct fake_rxq *rx)
{
	rx->packet_first = rx->packet_end;
	rx->used = rx->first;
	for (uint32_t k = rx->first; k != rx->filled; k++)
		spoil(&rx->buffer[k % rx->q.ring_entries]);
	rx->flushed = rx->filled;
}

static unsigned rx_take_back(struct nic_rxq *q, uint64_t *cookie, unsigned max)
{
	struct fake_rxq *rx = CONTAINER_OF(q, struct fake_rxq, q);
	unsigned nr = 0;

	if (!rx->stopped && (q->nic->state == NIC_RUNNING || q->nic->state == NIC_RECOVERING))
		return 0;
	while (nr < max && rx->filled != rx->first)
		cookie[nr++] = rx->buffer[--rx->filled % q->ring_entries].cookie;
	rx->flushed = rx->filled;
	return nr;
}

static int rx_queue_stop(struct nic *nic, unsigned queue)
{
	struct fake_nic *n = fake_of(nic);
	struct fake_rxq *rx = &n->rx[queue];

	if (n->stays_busy)
		return -EBUSY;
	rx->stopped = true;
	store_release(&rx->q.gate.state, (uint32_t)NIC_GATE_RETURN);
	n->missed += rx->packet_end - rx->packet_first;
	rewind_rx(rx);
	return 0;
}

static int rx_queue_start(struct nic *nic, unsigned queue)
{
	struct fake_rxq *rx = &fake_of(nic)->rx[queue];

	require(rx->filled == rx->first);
	rx->stopped = false;
	if (nic->state == NIC_RUNNING)
		store_release(&rx->q.gate.state, (uint32_t)NIC_GATE_OPEN);
	return 0;
}

/* ---- Transmit ---- */

static bool makes_sense(const struct nic_txq *q, const struct nic_tx_packet *p)
{
	uint32_t sum = 0, headers = (uint32_t)p->l2_len + p->l3_len + p->l4_len;
	uint32_t mtu_bytes = q->nic->mtu + 18u;

	if (!p->nr_segments || p->nr_segments > NIC_TX_SEGMENTS_MAX)
		return false;
	for (unsigned i = 0; i < p->nr_segments; i++) {
		if (!p->segment[i].len_bytes)
			return false;
		sum += p->segment[i].len_bytes;
	}
	if (sum != p->len_bytes || sum < NIC_TX_BYTES_MIN || sum > NIC_TX_BYTES_MAX)
		return false;
	if (p->flags & (NIC_TX_L4_CSUM | NIC_TX_L3_CSUM | NIC_TX_TSO) &&
		(p->l2_len < 14 || p->l3_len < (p->flags & NIC_TX_IPV4 ? 20 : 40) ||
			headers + (p->flags & NIC_TX_TSO	  ? 0u
					  : p->flags & NIC_TX_TCP ? 20u
								  : 8u) >
				sum))
		return false;
	if (p->flags & NIC_TX_TSO)
		return p->mss >= NIC_TX_MSS_MIN && p->l4_len >= 20 && sum > headers &&
		       headers + p->mss <= mtu_bytes && p->flags & NIC_TX_TCP &&
		       p->flags & NIC_TX_L4_CSUM;
	return sum <= mtu_bytes;
}

static unsigned descriptors_of(const struct nic_tx_packet *p)
{
	return p->nr_segments + (p->flags ? 1u : 0u);
}

static int prepare_one(struct fake_txq *tx, const struct nic_tx_packet *p)
{
	struct fake_tx_packet *t = &tx->packet[tx->end % FAKE_NIC_ENTRIES];

	if (!makes_sense(&tx->q, p) || p->len_bytes == fake_of(tx->q.nic)->refused_bytes)
		return -EINVAL;
	if (tx->descriptors + descriptors_of(p) > tx->q.ring_entries - 1)
		return -EAGAIN;
	t->p = *p;
	memcpy(t->segment, p->segment, p->nr_segments * sizeof(t->segment[0]));
	t->p.segment = t->segment;
	t->lost = false;
	tx->descriptors += descriptors_of(p);
	tx->end++;
	return 0;
}

static int tx_prepare(struct nic_txq *q, const struct nic_tx_packet *p, unsigned nr)
{
	struct fake_txq *tx = CONTAINER_OF(q, struct fake_txq, q);
	int err = 0;
	unsigned i;

	require(nr && nr <= NIC_BATCH);
	tx->prepares++;
	for (i = 0; i < nr && (err = prepare_one(tx, &p[i])) == 0; i++)
		;
	return i ? (int)i : err;
}

static void tx_flush(struct nic_txq *q)
{
	struct fake_txq *tx = CONTAINER_OF(q, struct fake_txq, q);

	tx->doorbells += tx->flushed != tx->end;
	tx->flushed = tx->end;
}

static unsigned tx_reap(struct nic_txq *q, struct nic_tx_done *done, unsigned max)
{
	struct fake_txq *tx = CONTAINER_OF(q, struct fake_txq, q);
	unsigned nr = 0;

	for (; nr < max && tx->first != tx->done; tx->first++) {
		const struct fake_tx_packet *t = &tx->packet[tx->first % FAKE_NIC_ENTRIES];

		done[nr++] = (struct nic_tx_done){ t->p.cookie, !t->lost };
		tx->descriptors -= descriptors_of(&t->p);
	}
	return nr;
}

static bool tx_pending(const struct nic_txq *q)
{
	const struct fake_txq *tx = CONTAINER_OF(q, const struct fake_txq, q);

	return tx->first != tx->done;
}

unsigned fake_nic_transmit(struct fake_nic *n, unsigned queue, unsigned max)
{
	struct fake_txq *tx = &n->tx[queue];
	unsigned nr = 0;

	if (!n->nic.link.up || n->nic.state != NIC_RUNNING)
		return 0;
	for (; nr < max && tx->done != tx->flushed; nr++, tx->done++)
		fake_nic_send(n, queue, &tx->packet[tx->done % FAKE_NIC_ENTRIES].p);
	if (nr)
		interrupt(n, tx->q.vector);
	return nr;
}

unsigned fake_nic_in_ring(const struct fake_nic *n, unsigned queue)
{
	return n->tx[queue].end - n->tx[queue].done;
}

void fake_nic_keep(struct fake_nic *n, unsigned queue, const uint8_t *bytes, uint32_t len_bytes)
{
	struct fake_sent *s;

	if (n->nr_sent == n->sent_max) {
		n->sent_max = n->sent_max ? 2 * n->sent_max : 256;
		n->sent = realloc(n->sent, n->sent_max * sizeof(*n->sent));
	}
	s = &n->sent[n->nr_sent++];
	*s = (struct fake_sent){ malloc(len_bytes), len_bytes, queue };
	memcpy(s->bytes, bytes, len_bytes);
}

void fake_nic_forget(struct fake_nic *n)
{
	for (unsigned i = 0; i < n->nr_sent; i++)
		free(n->sent[i].bytes);
	n->nr_sent = 0;
}

/* ---- Control ---- */

static void set_gates(struct fake_nic *n, enum nic_gate_state rx, enum nic_gate_state tx)
{
	for (unsigned i = 0; i < n->nic.nr_queues; i++) {
		store_release(&n->rx[i].q.gate.state,
			(uint32_t)(n->rx[i].stopped ? NIC_GATE_RETURN : rx));
		store_release(&n->tx[i].q.gate.state, (uint32_t)tx);
	}
}

static void rewind_queues(struct fake_nic *n)
{
	for (unsigned i = 0; i < n->nic.nr_queues; i++) {
		struct fake_rxq *rx = &n->rx[i];
		struct fake_txq *tx = &n->tx[i];

		rewind_rx(rx);
		for (; tx->done != tx->end; tx->done++)
			tx->packet[tx->done % FAKE_NIC_ENTRIES].lost = true;
		tx->flushed = tx->end;
	}
}

static void set_state(struct fake_nic *n, enum nic_state state)
{
	if (n->nic.state == state)
		return;
	n->nic.state = state;
	n->client.state_changed(n->client.ctx, &n->nic, state);
}

void fake_nic_link(struct fake_nic *n, bool up)
{
	if (n->nic.link.up == up)
		return;
	n->nic.link = (struct nic_link){ .up = up, .mbps = up ? 10000 : 0 };
	n->client.link_changed(n->client.ctx, &n->nic, n->nic.link);
}

static int start(struct nic *nic)
{
	struct fake_nic *n = fake_of(nic);

	set_gates(n, NIC_GATE_OPEN, NIC_GATE_OPEN);
	set_state(n, NIC_RUNNING);
	return 0;
}

static void stop(struct nic *nic)
{
	struct fake_nic *n = fake_of(nic);

	set_gates(n, NIC_GATE_CLOSED, NIC_GATE_CLOSED);
	rewind_queues(n);
	set_gates(n, NIC_GATE_CLOSED, NIC_GATE_RETURN);
	fake_nic_link(n, false);
	set_state(n, NIC_STOPPED);
}

static int reset(struct nic *nic)
{
	struct fake_nic *n = fake_of(nic);

	set_gates(n, NIC_GATE_CLOSED, NIC_GATE_CLOSED);
	fake_nic_link(n, false);
	rewind_queues(n);
	if (n->reset_fails)
		set_gates(n, NIC_GATE_CLOSED, NIC_GATE_RETURN);
	else
		set_gates(n, NIC_GATE_OPEN, NIC_GATE_OPEN);
	set_state(n, n->reset_fails ? NIC_FAILED : NIC_RUNNING);
	for (unsigned v = 0; v < nic->nr_vectors; v++)
		n->client.wake(n->client.ctx, nic, v);
	return n->reset_fails ? -EIO : 0;
}

static void collect(struct nic *nic)
{
	nic->stats.rx_missed = fake_of(nic)->missed;
}

/* ---- Filters ---- */

static int find_mac(const struct fake_nic *n, const uint8_t *mac)
{
	for (unsigned i = 0; i < FAKE_NIC_MACS; i++)
		if (n->mac[i].used && !memcmp(n->mac[i].mac, mac, NIC_MAC_BYTES))
			return (int)i;
	return -1;
}

int fake_nic_pool_of(const struct fake_nic *n, const uint8_t *mac)
{
	int i = find_mac(n, mac);

	return i < 0 ? -1 : (int)n->mac[i].pool;
}

static int add_mac(struct nic *nic, const uint8_t *mac, unsigned pool)
{
	struct fake_nic *n = fake_of(nic);
	int i = find_mac(n, mac);

	require(pool < nic->nr_pools && !(mac[0] & 1));
	if (i >= 0)
		return n->mac[i].pool == pool ? 0 : -EEXIST;
	for (i = 0; i < FAKE_NIC_MACS && n->mac[i].used; i++)
		;
	if (i == FAKE_NIC_MACS)
		return -ENOSPC;
	memcpy(n->mac[i].mac, mac, NIC_MAC_BYTES);
	n->mac[i].pool = pool;
	n->mac[i].used = true;
	n->nr_filter_changes++;
	return 0;
}

static int remove_mac(struct nic *nic, const uint8_t *mac, unsigned pool)
{
	struct fake_nic *n = fake_of(nic);
	int i = find_mac(n, mac);

	if (i < 0 || n->mac[i].pool != pool)
		return -ENOENT;
	n->mac[i].used = false;
	n->nr_filter_changes++;
	return 0;
}

static void set_multicast(struct nic *nic, const uint8_t (*mac)[NIC_MAC_BYTES], unsigned nr)
{
	struct fake_nic *n = fake_of(nic);

	require(nr <= FAKE_NIC_MULTICAST);
	memcpy(n->multicast, mac, nr * sizeof(n->multicast[0]));
	n->nr_multicast = nr;
	n->nr_filter_changes++;
}

bool fake_nic_passes_multicast(const struct fake_nic *n, const uint8_t *mac)
{
	for (unsigned i = 0; i < n->nr_multicast; i++)
		if (!memcmp(n->multicast[i], mac, NIC_MAC_BYTES))
			return true;
	return n->all_multicast;
}

static void set_promiscuous(struct nic *nic, bool unicast, bool multicast)
{
	fake_of(nic)->promiscuous = unicast;
	fake_of(nic)->all_multicast = multicast;
	fake_of(nic)->nr_filter_changes++;
}

static void set_vlan_filter(struct nic *nic, bool on)
{
	fake_of(nic)->vlan_filter = on;
}

static int set_vlan(struct nic *nic, uint16_t vlan, unsigned pool, bool member)
{
	struct fake_nic *n = fake_of(nic);

	require(vlan && vlan < 4095 && pool < nic->nr_pools);
	if (!n->vlan_pools[vlan] && n->vlans_max && n->nr_vlans == n->vlans_max)
		return -ENOSPC;
	n->nr_vlans += !n->vlan_pools[vlan];
	if (member)
		n->vlan_pools[vlan] |= BIT64(pool);
	else
		n->vlan_pools[vlan] &= ~BIT64(pool);
	return 0;
}

static const struct nic_ops fake_ops = {
	.start = start,
	.stop = stop,
	.reset = reset,
	.collect = collect,
	.add_mac = add_mac,
	.remove_mac = remove_mac,
	.set_multicast = set_multicast,
	.set_promiscuous = set_promiscuous,
	.set_vlan_filter = set_vlan_filter,
	.set_vlan = set_vlan,
	.arm = arm,
	.mask = mask,
	.rx_take_back = rx_take_back,
	.rx_queue_stop = rx_queue_stop,
	.rx_queue_start = rx_queue_start,
};

static void init_queue(struct fake_nic *n, unsigned i, const struct fake_nic_conf *conf)
{
	uint16_t vector = conf->polled ? NIC_NO_VECTOR : (uint16_t)i;

	n->rx[i].q = (struct nic_rxq){ .post = rx_post,
		.flush = rx_flush,
		.poll = rx_poll,
		.pending = rx_pending,
		.nic = &n->nic,
		.index = (uint16_t)i,
		.vector = vector,
		.buffer_bytes = 2048,
		.ring_entries = conf->rx_entries ? conf->rx_entries : 512 };
	n->tx[i].q = (struct nic_txq){ .prepare = tx_prepare,
		.flush = tx_flush,
		.reap = tx_reap,
		.pending = tx_pending,
		.nic = &n->nic,
		.index = (uint16_t)i,
		.pool = (uint16_t)(i / n->nic.queues_per_pool),
		.vector = vector,
		.ring_entries = conf->tx_entries ? conf->tx_entries : 1024 };
	n->tx[i].packet = calloc(FAKE_NIC_ENTRIES, sizeof(*n->tx[i].packet));
	n->rxq[i] = &n->rx[i].q;
	n->txq[i] = &n->tx[i].q;
}

void fake_nic_init(struct fake_nic *n, const struct fake_nic_conf *conf)
{
	unsigned per_pool = conf->queues_per_pool ? conf->queues_per_pool : 1;

	memset(n, 0, sizeof(*n));
	n->client = conf->client;
	n->nic = (struct nic){ .ops = &fake_ops,
		.name = conf->name,
		.capabilities = conf->capabilities,
		.mtu = conf->mtu ? conf->mtu : 1500,
		.nr_pools = conf->nr_queues / per_pool,
		.queues_per_pool = per_pool,
		.nr_queues = conf->nr_queues,
		.nr_vectors = conf->polled ? 0 : conf->nr_queues,
		.rxq = n->rxq,
		.txq = n->txq };
	for (unsigned i = 0; i < conf->nr_queues; i++)
		init_queue(n, i, conf);
}

void fake_nic_free(struct fake_nic *n)
{
	fake_nic_forget(n);
	free(n->sent);
	for (unsigned i = 0; i < n->nic.nr_queues; i++)
		free(n->tx[i].packet);
}
