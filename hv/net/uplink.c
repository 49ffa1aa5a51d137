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

static int init_pair(struct uplink *up, unsigned i)
{
	struct uplink_pair *pair = up->setup.pages(sizeof(*pair));
	int err;

	if (!pair)
		return -ENOMEM;
	pair->up = up;
	pair->index = i;
	pair->rx.queue = up->nic->rxq[i];
	pair->tx.queue = up->nic->txq[i];
	err = uplink_rx_init(pair);
	if (!err)
		err = uplink_tx_init(pair);
	up->pair[i] = pair;
	return err;
}

static int check_setup(const struct nic *nic, const struct uplink_setup *s)
{
	if (s->rx_buffers < UPLINK_RX_BUFFERS_MIN || s->rx_buffers > UPLINK_RX_BUFFERS_MAX)
		return -EINVAL;
	if (!s->nr_pairs || s->nr_pairs > UPLINK_PAIRS_MAX || s->nr_pairs > nic->nr_queues)
		return -EINVAL;
	if (s->bounce_bytes < (uint32_t)nic->mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES)
		return -EINVAL;
	return 0;
}

static int init_pairs(struct uplink *up)
{
	for (unsigned i = 0; i < up->setup.nr_pairs; i++) {
		int err = init_pair(up, i);

		if (err)
			return err;
	}
	return 0;
}

int uplink_init(struct uplink *up, struct nic *nic, const struct uplink_setup *setup)
{
	int err = check_setup(nic, setup);

	if (err)
		return err;
	up->nic = nic;
	up->setup = *setup;
	up->port.ops = &uplink_port_ops;
	up->port.many_writers = setup->nr_pairs > 1;
	fmt_print(up->port.name, sizeof(up->port.name), "%s", setup->name);
	err = init_pairs(up);
	if (err)
		up->setup.nr_pairs = 0; /* whatever the NIC tells, there is nothing to wake */
	return err;
}

void uplink_assign_pair(struct uplink *up, unsigned pair, const struct port *guest,
	const struct sched_hint *hint, unsigned number)
{
	struct uplink_pair *p;

	if (pair == 0 || pair >= up->setup.nr_pairs)
		return;
	up->pair_of_port[guest->index] = (uint8_t)pair;
	p = up->pair[pair];
	p->hint = hint;
	p->rx.work.who = hint;
	p->tx.work.who = hint;
	if (!up->setup.steer)
		return;
	steer_queue_init(up->setup.steer, &p->steer, number, hint_read(hint));
	up->setup.aim(up, pair, p->steer.core);
}

static void schedule_pair(struct uplink_pair *pair)
{
	uplink_schedule(pair, &pair->rx.work);
	uplink_schedule(pair, &pair->tx.work);
}

/* The works post buffers, and look for what is there. */
void uplink_start(struct uplink *up)
{
	for (unsigned i = 0; i < up->setup.nr_pairs; i++)
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

	for (unsigned i = vector; i < up->setup.nr_pairs; i += MAX(nic->nr_vectors, 1u))
		schedule_pair(up->pair[i]);
}
