/* A physical port: set-up, events, and which work runs where. See uplink.h. */
#include "net/uplink.h"

#include "lib/errno.h"
#include "lib/fmt.h"

static unsigned core_of(const struct uplink_pair *pair)
{
	const struct uplink_setup *s = &pair->up->setup;

	if (!pair->hint)
		return s->home;
	return s->steer ? load_relaxed(&pair->steer.core) : hint_core(hint_read(pair->hint));
}

void uplink_schedule(struct uplink_pair *pair, struct work *w)
{
	work_schedule(pair->up->setup.worker_of(core_of(pair)), w);
}

bool uplink_is_home(struct uplink_pair *pair, struct work *w)
{
	if (!pair->hint || !pair->up->setup.steer)
		return true;
	w->move_to = pair->up->setup.worker_of(core_of(pair));
	return w->move_to == w->worker;
}

static int init_pair(struct uplink *up, unsigned queue)
{
	struct uplink_pair *pair = up->setup.pages(sizeof(*pair));
	int err;

	if (!pair)
		return -ENOMEM;
	pair->up = up;
	pair->index = up->nr_pairs;
	pair->rx.queue = up->nic->rxq[queue];
	pair->tx.queue = up->nic->txq[queue];
	err = uplink_rx_init(pair);
	if (!err)
		err = uplink_tx_init(pair);
	up->pair[up->nr_pairs++] = pair;
	up->pair_of_queue[queue] = pair;
	return err;
}

static unsigned nr_queues(const struct uplink_setup *s, const struct nic *nic)
{
	return s->nr_pools * nic->queues_per_pool;
}

static int check_setup(const struct nic *nic, const struct uplink_setup *s)
{
	if (s->rx_buffers < UPLINK_RX_BUFFERS_MIN || s->rx_buffers > UPLINK_RX_BUFFERS_MAX)
		return -EINVAL;
	if (!s->nr_pools || s->nr_pools > UPLINK_POOLS_MAX || s->pool_pairs[0] > 1 ||
		nr_queues(s, nic) > MIN(nic->nr_queues, (unsigned)UPLINK_PAIRS_MAX))
		return -EINVAL;
	for (unsigned i = 0; i < s->nr_pools; i++)
		if (s->pool_pairs[i] > nic->queues_per_pool)
			return -EINVAL;
	if (s->bounce_bytes < (uint32_t)nic->mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES)
		return -EINVAL;
	return 0;
}

static int init_pool(struct uplink *up, unsigned i)
{
	struct uplink_pool *pool = &up->pool[i];
	int err = 0;

	pool->first = (uint8_t)up->nr_pairs;
	pool->nr = MAX(up->setup.pool_pairs[i], (uint8_t)1);
	for (unsigned n = 0; n < pool->nr && !err; n++)
		err = init_pair(up, i * up->nic->queues_per_pool + n);
	return err;
}

static int init_pools(struct uplink *up)
{
	int err = 0;

	for (unsigned i = 0; i < up->setup.nr_pools && !err; i++)
		err = init_pool(up, i);
	return err;
}

int uplink_init(struct uplink *up, struct nic *nic, const struct uplink_setup *setup)
{
	int err = check_setup(nic, setup);

	if (err)
		return err;
	up->nic = nic;
	up->setup = *setup;
	up->port.ops = &uplink_port_ops;
	fmt_print(up->port.name, sizeof(up->port.name), "%s", setup->name);
	err = init_pools(up);
	up->port.many_writers = up->nr_pairs > 1;
	if (err) /* whatever the NIC tells, there is nothing to wake */
		up->nr_pairs = up->setup.nr_pools = 0;
	return err;
}

static void assign_pair(struct uplink_pair *p, const struct sched_hint *hint, unsigned number)
{
	const struct uplink_setup *s = &p->up->setup;

	p->hint = hint;
	p->rx.work.who = hint;
	p->tx.work.who = hint;
	if (!s->steer)
		return;
	steer_queue_init(s->steer, &p->steer, number, hint_read(hint));
	s->aim(p->up, p->index, p->steer.core);
}

void uplink_assign_pool(struct uplink *up, unsigned pool, const struct port *guest,
	const struct sched_hint *const hint[], unsigned number)
{
	if (pool == 0 || pool >= up->setup.nr_pools)
		return;
	up->pool_of_port[guest->index] = (uint8_t)pool;
	for (unsigned n = 0; n < up->pool[pool].nr; n++)
		assign_pair(up->pair[up->pool[pool].first + n], hint[n], number + n);
}

static void schedule_pair(struct uplink_pair *pair)
{
	uplink_schedule(pair, &pair->rx.work);
	uplink_schedule(pair, &pair->tx.work);
}

/* The works post buffers, and look for what is there. */
void uplink_start(struct uplink *up)
{
	for (unsigned i = 0; i < up->nr_pairs; i++)
		schedule_pair(up->pair[i]);
}

void uplink_link_changed(void *ctx, struct nic *nic, struct nic_link link)
{
	struct uplink *up = ctx;

	(void)nic;
	store_release(&up->link_up, link.up);
	uplink_start(up); /* what waits is sent, or dropped */
}

void uplink_state_changed(void *ctx, struct nic *nic, enum nic_state state)
{
	struct uplink *up = ctx;

	(void)nic;
	if (state != NIC_RUNNING)
		store_release(&up->link_up, false);
	uplink_start(up);
}

void uplink_wake(void *ctx, struct nic *nic, unsigned vector)
{
	struct uplink *up = ctx;
	unsigned nr = nr_queues(&up->setup, nic);

	for (unsigned q = vector; q < nr; q += MAX(nic->nr_vectors, 1u))
		if (up->pair_of_queue[q])
			schedule_pair(up->pair_of_queue[q]);
}
