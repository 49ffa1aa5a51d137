/* Wiring of physical NICs; see uplink.h. */
#include "vm/uplink.h"

#include "cpu/interrupt.h"
#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "drivers/e1000/e1000.h"
#include "drivers/ixgbe/ixgbe.h"
#include "drivers/pci/pci.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "mem/page_alloc.h"
#include "net/copy_setup.h"
#include "sched/sched.h"
#include "vm/nic.h"
#include "vm/steer.h"
#include "vm/uplink_lend.h"
#include "vm/vm.h"

#define MODERATION_US 40   /* between two interrupts of a vector */
#define POLL_US	      1000 /* between two looks at a NIC that has none */

struct vm_uplink *vm_uplink[CONF_SWITCHES_MAX];
unsigned nr_vm_uplinks;

static const struct driver {
	const char *name;
	bool (*matches)(uint16_t vendor, uint16_t device);
	int (*attach)(pci_bdf bdf, const struct nic_setup *setup, struct nic **nic);
	unsigned pools_max, queues_per_pool_max;
} drivers[] = {
	{ "ixgbe", ixgbe_matches, ixgbe_attach, UPLINK_POOLS_MAX, IXGBE_POOL_QUEUES_MAX },
	{ "e1000", e1000_matches, e1000_attach, 1, 1 },
};

static void *pages(uint64_t len_bytes)
{
	return page_alloc((unsigned)(ALIGN_UP(len_bytes, (uint64_t)PAGE_SIZE) / PAGE_SIZE));
}

static void *buffers(uint64_t len_bytes)
{
	return page_alloc_buffers((unsigned)(ALIGN_UP(len_bytes, (uint64_t)PAGE_SIZE) / PAGE_SIZE));
}

static uint64_t now_us(void)
{
	return tsc_to_us(rdtsc());
}

/* ---- Which function it is ---- */

struct search {
	const struct conf_uplink *conf;
	unsigned seen;
	pci_bdf bdf;
	const struct driver *driver;
};

static const struct driver *driver_of(uint16_t vendor, uint16_t device)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		if (drivers[i].matches(vendor, device))
			return &drivers[i];
	return NULL;
}

static bool visit(pci_bdf bdf, uint16_t vendor, uint16_t device, void *arg)
{
	struct search *s = arg;

	s->driver = driver_of(vendor, device);
	s->bdf = bdf;
	if (s->conf->by_pci)
		return bdf == s->conf->pci_bdf;
	return s->driver && s->seen++ == s->conf->nic_index;
}

static bool find_nic(const struct conf_switch *c, struct search *s)
{
	*s = (struct search){ .conf = &c->uplink };
	if (!host_pci_enumerate(visit, s)) {
		if (c->uplink.by_pci)
			log_warn("switch %s: uplink: no PCI function %02x:%02x.%x", c->name,
				c->uplink.pci_bdf >> 8, c->uplink.pci_bdf >> 3 & 0x1f,
				c->uplink.pci_bdf & 7);
		else
			log_warn("switch %s: uplink: there is no NIC %u, only %u", c->name,
				c->uplink.nic_index, s->seen);
		return false;
	}
	if (!s->driver)
		log_warn("switch %s: uplink: no driver for PCI function %02x:%02x.%x", c->name,
			s->bdf >> 8, s->bdf >> 3 & 0x1f, s->bdf & 7);
	return s->driver != NULL;
}

/* ---- Events ---- */

static void queue_interrupt(uint8_t vector, void *arg)
{
	struct vm_uplink_vector *v = arg;

	(void)vector;
	uplink_wake(&v->owner->up, v->owner->up.nic, v->index);
}

static void control_interrupt(uint8_t vector, void *arg)
{
	struct vm_uplink_vector *v = arg;

	(void)vector;
	v->owner->up.nic->ops->control_interrupt(v->owner->up.nic);
}

/* ---- Where a pair's DMA and interrupts go ---- */

static void aim(struct uplink *up, unsigned pair, unsigned core)
{
	struct vm_uplink *u = CONTAINER_OF(up, struct vm_uplink, up);
	struct nic *nic = up->nic;
	unsigned queue = up->pair[pair]->rx.queue->index;

	/* Neither has to work: without a tag DMA goes where it goes, and the interrupt's handler
	 * finds the pair's core from any other. */
	if (nic->capabilities & NIC_CAP_DCA)
		(void)nic->ops->set_dca(nic, queue, vm_steer_tag(core));
	if (queue < nic->nr_vectors)
		(void)nic->ops->route_vector(
			nic, queue, cpus[core]->apic_id, u->vector[queue].idt_vector);
}

/* ---- Construction ---- */

struct guest_port {
	const struct vm *vm;
	const struct vm_nic *nic;
	const struct conf_nic *conf;
};

/* The n-th guest NIC on a switch; false past the last. */
static bool guest_port(unsigned sw, unsigned n, struct guest_port *g)
{
	for (unsigned i = 0; i < nr_vms; i++) {
		g->vm = vms[i];
		for (unsigned k = 0; k < vms[i]->nr_nics; k++) {
			g->nic = vms[i]->nic[k];
			g->conf = &vms[i]->conf->nic[k];
			if (g->conf->switch_index == sw && n-- == 0)
				return true;
		}
	}
	return false;
}

/* Pool 0 is for what belongs to no guest; guests that find none left share it. */
static unsigned nr_pools_for(unsigned sw, const struct driver *d)
{
	struct guest_port g;
	unsigned n = 1;

	while (n < d->pools_max && guest_port(sw, n - 1, &g))
		n++;
	return n;
}

/* As many as the guest with most pairs of queues has use for. A pool of its own for each guest goes
 * first. */
static unsigned queues_per_pool_for(unsigned sw, const struct driver *d, unsigned nr_pools)
{
	unsigned max = MIN(d->queues_per_pool_max, UPLINK_PAIRS_MAX / nr_pools), n = 1;
	struct guest_port g;

	for (unsigned i = 0; i + 1 < nr_pools && guest_port(sw, i, &g); i++)
		n = MAX(n, (unsigned)g.conf->queue_pairs);
	return MIN(n, max);
}

/* Which of the NIC's pools and queues are used, and how. */
static void choose_queues(
	struct vm_uplink *u, const struct driver *d, struct nic_setup *nic, struct uplink_setup *up)
{
	struct guest_port g;

	nic->nr_pools = up->nr_pools = nr_pools_for(u->sw, d);
	nic->queues_per_pool = queues_per_pool_for(u->sw, d, nic->nr_pools);
	nic->nr_vectors = nic->nr_pools * nic->queues_per_pool;
	nic->single_queue_pools = 1;
	for (unsigned i = 1; i < up->nr_pools && guest_port(u->sw, i - 1, &g); i++) {
		up->pool_pairs[i] =
			(uint8_t)MIN((unsigned)g.conf->queue_pairs, nic->queues_per_pool);
		if (up->pool_pairs[i] == 1)
			nic->single_queue_pools |= BIT64(i);
	}
}

/* A power of two, as NICs want it; the uplink posts what fits. */
static unsigned ring_entries(unsigned rx_buffers)
{
	unsigned n = UPLINK_RX_BUFFERS_MIN;

	while (n < rx_buffers && n < UPLINK_RX_BUFFERS_MAX)
		n *= 2;
	return n;
}

static struct nic_setup nic_setup_of(struct vm_uplink *u)
{
	const struct conf_uplink *c = &u->conf->uplink;

	return (struct nic_setup){
		.name = u->name,
		.client = { &u->up, uplink_link_changed, uplink_state_changed, uplink_wake },
		.rx_entries = ring_entries(c->rx_buffers),
		.tx_entries = UPLINK_TX_ENTRIES,
		.rx_buffer_bytes = UPLINK_BUFFER_BYTES,
		.mtu = c->port.mtu,
		.moderation_us = MODERATION_US,
		.rsc = c->rsc,
		.tso = c->tso,
		.flow_control = false,
	};
}

static int route_vectors(struct vm_uplink *u)
{
	struct nic *nic = u->up.nic;
	int err = 0;

	if (!nic->nr_vectors) /* see vm_uplinks_poll() */
		return 0;
	for (unsigned i = 0; !err && i <= nic->nr_vectors; i++) {
		int vector;

		u->vector[i] = (struct vm_uplink_vector){ u, i, 0 };
		vector = interrupt_alloc(
			i == nic->nr_vectors ? control_interrupt : queue_interrupt, &u->vector[i]);
		if (vector < 0)
			return vector;
		u->vector[i].idt_vector = (uint8_t)vector;
		err = nic->ops->route_vector(nic, i, cpus[0]->apic_id, (uint8_t)vector);
	}
	return err;
}

static int join_switch(struct vm_uplink *u)
{
	const struct conf_port *c = &u->conf->uplink.port;
	struct port_policy policy = vm_port_policy(c);

	policy.promiscuous = true; /* what nobody here is known for may be out there */
	return switch_add_port(vm_switch[u->sw], &u->up.port, &policy);
}

/* The guest's driver has its pair n served by its vCPU n. */
static void assign_pool(struct uplink *up, unsigned pool, const struct guest_port *g)
{
	const struct sched_hint *hint[UPLINK_PAIRS_MAX];

	for (unsigned n = 0; n < up->pool[pool].nr; n++)
		hint[n] = &g->vm->vcpu[n % g->vm->nr_vcpus]->entity.hint;
	uplink_assign_pool(up, pool, &g->nic->net->port, hint, g->nic->net->setup.number);
}

static void serve_guests(struct vm_uplink *u)
{
	struct guest_port g;

	uplink_filter_init(&u->filter, &u->up);
	for (unsigned n = 0; guest_port(u->sw, n, &g); n++) {
		unsigned pool = n + 1 < u->up.setup.nr_pools ? n + 1 : 0;

		if (pool)
			assign_pool(&u->up, pool, &g);
		if (g.conf->rx_zero_copy)
			vm_uplink_lend(u, pool, g.conf, g.nic->net);
		uplink_filter_add(&u->filter, g.nic->net, pool);
	}
	uplink_filter_set_vlans(&u->filter);
}

/* For guests whose only way is this one. */
static void show_link(const struct vm_uplink *u)
{
	bool up = load_acquire(&u->up.link_up);
	struct guest_port g;

	for (unsigned n = 0; guest_port(u->sw, n, &g); n++)
		if (g.conf->link_follow)
			virtio_net_set_link(g.nic->net, up);
}

/* Which guests run, as uplink_filter_update() wants it. */
static uint32_t running_guests(const struct vm_uplink *u)
{
	struct guest_port g;
	uint32_t on = 0;

	for (unsigned n = 0; guest_port(u->sw, n, &g); n++) {
		uint32_t state = load_acquire(&g.vm->state);

		if (state == VM_RUNNING || state == VM_PAUSED)
			on |= BIT32(n);
	}
	return on;
}

static int bring_up(struct vm_uplink *u, const struct search *s)
{
	struct uplink_setup setup = {
		.name = u->name,
		.bounce_bytes = (uint32_t)ALIGN_UP(
			u->conf->uplink.port.mtu + ETH_HEADER_BYTES + ETH_VLAN_BYTES, 64),
		.worker_of = sched_worker,
		.now_us = now_us,
		.rx_buffers = u->conf->uplink.rx_buffers,
		.pages = pages,
		.buffers = buffers,
		.steer = &vm_steer,
		.aim = aim,
	};
	struct nic_setup nic = nic_setup_of(u);
	int err;

	choose_queues(u, s->driver, &nic, &setup);
	u->driver = s->driver->name;
	err = s->driver->attach(s->bdf, &nic, &u->up.nic);
	if (!err)
		err = uplink_init(&u->up, u->up.nic, &setup);
	if (!err)
		err = join_switch(u);
	if (!err)
		err = route_vectors(u);
	if (err)
		return err;
	serve_guests(u);
	if (vm_steer.backend == STEER_BACKEND_DCA && copy_dca_add_requester(s->bdf))
		log_warn("%s: no I/OAT function lets its tags through", u->name);
	err = u->up.nic->ops->start(u->up.nic);
	if (!err)
		uplink_start(&u->up);
	return err;
}

static int create(const struct conf_switch *c, unsigned sw)
{
	struct vm_uplink *u;
	struct search s;
	int err;

	if (!find_nic(c, &s))
		return 0;
	u = pages(sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->conf = c;
	u->sw = sw;
	fmt_print(u->name, sizeof(u->name), "nic%u", nr_vm_uplinks);
	err = bring_up(u, &s);
	if (err) {
		log_error("switch %s: uplink %02x:%02x.%x does not come up, error %d", c->name,
			s.bdf >> 8, s.bdf >> 3 & 0x1f, s.bdf & 7, err);
		return err == -ENOMEM ? err : 0;
	}
	vm_uplink[nr_vm_uplinks++] = u;
	log_info("switch %s: uplink %s is %02x:%02x.%x, %s, %02x:%02x:%02x:%02x:%02x:%02x, %u "
		 "queues",
		c->name, u->name, s.bdf >> 8, s.bdf >> 3 & 0x1f, s.bdf & 7, u->driver,
		u->up.nic->mac[0], u->up.nic->mac[1], u->up.nic->mac[2], u->up.nic->mac[3],
		u->up.nic->mac[4], u->up.nic->mac[5], u->up.nr_pairs);
	return 0;
}

int vm_uplinks_create(const struct conf *c)
{
	for (unsigned i = 0; i < c->nr_switches; i++) {
		int err = c->sw[i].has_uplink ? create(&c->sw[i], i) : 0;

		if (err)
			return err;
	}
	return 0;
}

void vm_uplinks_housekeeping(uint64_t t_us)
{
	for (unsigned i = 0; i < nr_vm_uplinks; i++) {
		struct vm_uplink *u = vm_uplink[i];

		uplink_filter_update(&u->filter, running_guests(u));
		uplink_housekeeping(&u->up);
		u->up.nic->ops->housekeeping(u->up.nic, t_us);
		show_link(u);
	}
}

void vm_uplinks_stop(void)
{
	for (unsigned i = 0; i < nr_vm_uplinks; i++) {
		struct vm_uplink *u = vm_uplink[i];
		struct nic *nic = u->up.nic;

		u->last_state = nic->state;
		u->last_link = nic->link;
		u->ended = true;
		nic->ops->stop(nic);
	}
}

uint64_t vm_uplinks_poll(void)
{
	uint64_t next_us = UINT64_MAX;

	for (unsigned i = 0; i < nr_vm_uplinks; i++) {
		struct uplink *up = &vm_uplink[i]->up;

		if (up->nic->nr_vectors)
			continue;
		uplink_wake(up, up->nic, 0);
		if (load_acquire(&up->link_up))
			next_us = POLL_US;
	}
	return next_us;
}

static bool follows(const struct uplink_pair *pair, const struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		if (pair->hint == &vm->vcpu[i]->entity.hint)
			return true;
	return false;
}

void vm_uplinks_retagged(const struct vm *vm, uint64_t *retagged, uint64_t *helped)
{
	*retagged = *helped = 0;
	for (unsigned i = 0; i < nr_vm_uplinks; i++) {
		const struct uplink *up = &vm_uplink[i]->up;

		for (unsigned n = 0; n < up->nr_pairs; n++) {
			if (!follows(up->pair[n], vm))
				continue;
			*retagged += load_relaxed(&up->pair[n]->steer.retagged);
			*helped += load_relaxed(&up->pair[n]->steer.helped);
		}
	}
}
