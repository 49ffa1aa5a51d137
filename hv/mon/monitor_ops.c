/* What the monitor reads and does, taken from the modules that have it; see mon.h. */
#include "mon/monitor_ops.h"

#include "cpu/image.h"
#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "lib/atomic.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mem/page_alloc.h"
#include "mon/log.h"
#include "net/copy_setup.h"
#include "sched/sched.h"
#include "vm/nic.h"
#include "vm/steer.h"
#include "vm/uplink.h"
#include "vm/vm.h"

_Static_assert(MON_EXIT_REASONS == EXIT_REASONS, "the same list");

static bool poweroff_wanted;

static void get_system(void *ctx, struct mon_system *s)
{
	struct copy_stats copies = { 0 };
	struct page_stats pages;

	(void)ctx;
	page_stats(&pages);
	memset(s, 0, sizeof(*s));
	s->tsc = rdtsc();
	s->tsc_khz = tsc_khz;
	s->image_bytes = (uint64_t)(image_end - image_start);
	s->memory_bytes = pages.hypervisor_bytes + s->image_bytes;
	s->buffer_bytes = pages.buffer_bytes;
	s->nr_guests = nr_vms;
	s->nr_cores = nr_cpus;
	s->nr_uplinks = nr_vm_uplinks;
	for (unsigned i = 0; i < nr_vms; i++)
		s->nr_ports += vms[i]->nr_nics;
	for (unsigned i = 0; i < nr_vm_switches; i++) {
		struct port_counters sum;

		switch_sum(vm_switch[i], &sum);
		port_counters_add(&s->net, &sum);
	}
	copy_stats_sum(&copies);
	s->copies_cpu = copies.cpu_copies;
	s->copies_ioat = copies.ioat_copies;
	s->steer_policy = vm_steer_policy_name();
	s->steer_backend = vm_steer_backend_name();
}

static enum mon_guest_state state_of(const struct vm *vm)
{
	switch ((enum vm_state)load_acquire(&vm->state)) {
	case VM_RUNNING:
		return MON_RUNNING;
	case VM_PAUSED:
		return MON_PAUSED;
	case VM_STOPPING:
		return MON_STOPPING;
	case VM_STOPPED:
		break;
	}
	return vm->last_exit == VM_EXIT_CRASH ? MON_CRASHED : MON_STOPPED;
}

/* wait_error_us: the sum in ticks until all vCPUs are in. */
static void add_sched(struct mon_sched *m, const struct sched_entity_stats *s)
{
	m->waits += s->nr_waits;
	m->wait_error_us += s->wait_error_ticks;
	m->boosts += s->nr_boosts;
	m->migrations += s->nr_migrations;
	m->throttled += s->nr_throttled;
	m->charged_ticks += load_relaxed(&s->charged_ticks);
	m->borrowed_ticks += s->borrowed_ticks;
	m->lent_ticks += s->lent_ticks;
}

static void add_vcpu(struct mon_guest *g, const struct vcpu *v)
{
	add_sched(&g->sched, &v->entity.stats);
	g->run_ticks += load_relaxed(&v->entity.ran_ticks);
	for (unsigned i = 0; i < MON_EXIT_REASONS; i++)
		g->exits[i] += load_relaxed(&v->exits[i]);
}

static void get_guest(void *ctx, unsigned i, struct mon_guest *g)
{
	const struct vm *vm = vms[i];

	(void)ctx;
	memset(g, 0, sizeof(*g));
	g->name = vm->conf->name;
	g->state = state_of(vm);
	g->why = g->state == MON_CRASHED ? vm->why : NULL;
	g->vcpus = vm->nr_vcpus;
	g->memory_bytes = vm->conf->memory_bytes;
	g->kernel = vm->conf->kernel;
	g->boot_ticks = vm->boot_ticks;
	g->boot_exits = vm->boot_exits;
	g->resets = vm->nr_starts ? vm->nr_starts - 1 : 0;
	for (unsigned n = 0; n < vm->nr_vcpus; n++)
		add_vcpu(g, vm->vcpu[n]);
	if (g->sched.waits)
		g->sched.wait_error_us = tsc_to_us(g->sched.wait_error_us / g->sched.waits);
}

static void get_core(void *ctx, unsigned i, struct mon_core *c)
{
	struct sched_core_stats s;

	(void)ctx;
	sched_stats(i, &s);
	*c = (struct mon_core){
		.apic_id = cpus[i]->apic_id,
		.idle = s.idle,
		.queued = s.nr_queued,
		.vcpu_ticks = s.entity_ticks,
		.worker_ticks = s.worker_ticks,
		.idle_ticks = s.idle_ticks,
		.smt_blocked_ticks = s.smt_blocked_ticks,
		.switches = s.nr_switches,
		.stolen = s.nr_stolen,
	};
	memcpy(c->stolen_by_distance, s.nr_stolen_by_distance, sizeof(c->stolen_by_distance));
}

/* Ports are numbered guest by guest. */
static void get_port(void *ctx, unsigned i, struct mon_port *p)
{
	const struct virtio_net *net;
	unsigned vm = 0;

	(void)ctx;
	for (; i >= vms[vm]->nr_nics; vm++)
		i -= vms[vm]->nr_nics;
	net = vms[vm]->nic[i]->net;
	p->switch_name = net->port.sw ? net->port.sw->name : "";
	p->name = net->port.name;
	p->counters = net->port.counters;
	virtio_net_sum(net, &p->device);
}

static void get_uplink(void *ctx, unsigned i, struct mon_uplink *u)
{
	const struct vm_uplink *v = vm_uplink[i];
	const struct uplink *up = &v->up;

	(void)ctx;
	up->nic->ops->collect(up->nic);
	*u = (struct mon_uplink){
		.switch_name = v->conf->name,
		.name = v->name,
		.driver = v->driver,
		.state = v->ended ? v->last_state : up->nic->state,
		.link = v->ended ? v->last_link : up->nic->link,
		.counters = up->port.counters,
		.nic = up->nic->stats,
	};
	u->nr_pairs = up->nr_pairs;
	for (unsigned n = 0; n < up->nr_pairs; n++) {
		const struct uplink_pair *pair = up->pair[n];

		u->pair[n].pool = pair->rx.queue->pool;
		u->pair[n].rx_packets = pair->rx.stats.packets;
		u->pair[n].tx_packets = pair->tx.stats.zero_copy + pair->tx.stats.bounced;
		u->rx_bad_frames += pair->rx.stats.bad_frames;
		u->rx_bad_descriptors += pair->rx.stats.bad_descriptors;
		u->rx_zero_copy += pair->rx.stats.zero_copy;
		u->tx_zero_copy += pair->tx.stats.zero_copy;
		u->tx_bounced += pair->tx.stats.bounced;
		u->tx_wire_frames += pair->tx.stats.wire_frames;
	}
}

static void get_steer(void *ctx, unsigned guest, struct mon_steer *s)
{
	const struct vm *vm = vms[guest];

	(void)ctx;
	*s = (struct mon_steer){ 0 };
	vm_uplinks_retagged(vm, &s->retagged, &s->helped);
	vm_nics_steer_sum(vm, &s->stats);
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		const struct sched_entity_stats *e = &vm->vcpu[i]->entity.stats;

		s->wait_error_us += tsc_to_us(load_relaxed(&e->wait_error_ticks));
		s->nr_waits += load_relaxed(&e->nr_waits);
	}
}

static void for_each_placement(
	void *ctx, unsigned guest, void (*fn)(void *arg, const struct steer_trace *t), void *arg)
{
	(void)ctx;
	for (unsigned i = 0; i < vms[guest]->nr_nics; i++)
		virtio_net_for_each_placement(vms[guest]->nic[i]->net, fn, arg);
}

struct mac_walk {
	void (*fn)(void *arg, const struct mon_mac *m);
	void *arg;
	const struct net_switch *sw;
};

static void visit_mac(void *arg, const struct mac_entry *e)
{
	const struct mac_walk *w = arg;
	const struct port *port = load_acquire(&w->sw->port[e->port]);
	struct mon_mac m = {
		.switch_name = w->sw->name,
		.port = port ? port->name : "",
		.vlan = e->vlan,
		.fixed = e->fixed,
		.age_s = e->age_s,
	};

	memcpy(m.mac, e->mac, sizeof(m.mac));
	w->fn(w->arg, &m);
}

static void for_each_mac(void *ctx, void (*fn)(void *arg, const struct mon_mac *m), void *arg)
{
	(void)ctx;
	for (unsigned i = 0; i < nr_vm_switches; i++) {
		struct mac_walk w = { fn, arg, vm_switch[i] };

		switch_for_each_mac(vm_switch[i], visit_mac, &w);
	}
}

static int request_stop(struct vm *vm, enum vm_exit why)
{
	if (load_acquire(&vm->state) == VM_STOPPED)
		return -EINVAL;
	vm_request_stop(vm, why);
	return 0;
}

static int control(void *ctx, unsigned guest, enum mon_control what)
{
	struct vm *vm = vms[guest];

	(void)ctx;
	switch (what) {
	case MON_START:
		return vm_request_start(vm);
	case MON_PAUSE:
		return vm_request_pause(vm);
	case MON_RESUME:
		return vm_request_resume(vm);
	case MON_RESET:
		return request_stop(vm, VM_EXIT_RESET);
	case MON_STOP:
		return request_stop(vm, VM_EXIT_STOPPED);
	case MON_POWEROFF:
		return request_stop(vm, VM_EXIT_POWEROFF);
	}
	return -EINVAL;
}

static bool guest_input(void *ctx, unsigned guest, uint8_t c)
{
	(void)ctx;
	return uart16550_input(&vms[guest]->uart, c);
}

/* Not at once: the answer to the command is not out yet. */
static void poweroff(void *ctx)
{
	(void)ctx;
	poweroff_wanted = true;
}

bool monitor_poweroff_wanted(void)
{
	return poweroff_wanted;
}

const struct mon_ops monitor_ops = {
	.system = get_system,
	.guest = get_guest,
	.core = get_core,
	.port = get_port,
	.uplink = get_uplink,
	.steer = get_steer,
	.for_each_placement = for_each_placement,
	.for_each_mac = for_each_mac,
	.control = control,
	.guest_input = guest_input,
	.set_log_level = log_set_level,
	.exit_reason_name = exit_reason_name,
	.poweroff = poweroff,
};
