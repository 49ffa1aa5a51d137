/* Wiring of virtio-net devices between a guest's PCI bus and a switch; see nic.h. */
#include "vm/nic.h"

#include "cpu/percpu.h"
#include "cpu/tsc.h"
#include "lib/errno.h"
#include "lib/fmt.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mem/page_alloc.h"
#include "vm/steer.h"
#include "vm/vm.h"

#define AGEING_PERIOD_US 1000000

struct net_switch *vm_switch[CONF_SWITCHES_MAX];
unsigned nr_vm_switches;

static void *pages_for(uint64_t bytes)
{
	return page_alloc((unsigned)(ALIGN_UP(bytes, (uint64_t)PAGE_SIZE) / PAGE_SIZE));
}

static uint64_t now_us(void)
{
	return tsc_to_us(rdtsc());
}

int vm_switches_create(const struct conf *c)
{
	for (unsigned i = 0; i < c->nr_switches; i++) {
		struct net_switch *sw = pages_for(sizeof(*sw));

		if (!sw)
			return -ENOMEM;
		switch_init(sw, c->sw[i].name, c->sw[i].ageing_s, c->sw[i].storm_limit_pps);
		vm_switch[nr_vm_switches++] = sw;
	}
	return 0;
}

struct port_policy vm_port_policy(const struct conf_port *c)
{
	struct port_policy p = {
		.trunk = c->vlan_mode == CONF_VLAN_TRUNK,
		.vlan = c->vlan,
		.nr_trunk_vlans = c->nr_trunk_vlans,
		.isolated = c->isolated,
		.promiscuous = c->promiscuous,
		.rate_limit_bps = c->rate_limit_bps,
		.mirror = (enum port_mirror)c->mirror,
	};

	_Static_assert(
		(int)MIRROR_PORT == (int)CONF_MIRROR_PORT && (int)MIRROR_TX == (int)CONF_MIRROR_TX,
		"the same choice");

	_Static_assert(sizeof(p.trunk_vlan) == sizeof(c->trunk_vlan), "the same list");
	memcpy(p.trunk_vlan, c->trunk_vlan, sizeof(p.trunk_vlan));
	return p;
}

static struct port_policy policy_of(const struct conf_nic *c)
{
	struct port_policy p = vm_port_policy(&c->port);

	p.spoof_check = c->spoof_check;
	memcpy(p.mac, c->mac, ETH_ALEN);
	return p;
}

/* ---- The scheduler, as steering sees it ---- */

static unsigned this_core(void)
{
	return this_cpu()->index;
}

static void wake(struct sched_hint *h)
{
	sched_wake_io(CONTAINER_OF(h, struct sched_entity, hint));
}

static void release(struct sched_hint *h)
{
	struct vcpu *v = CONTAINER_OF(h, struct vcpu, entity.hint);

	vm_nics_release(v->vm, hint_core(hint_read(h)));
}

void vm_nics_release(struct vm *vm, unsigned core)
{
	for (unsigned i = 0; i < vm->nr_nics; i++)
		virtio_net_release(vm->nic[i]->net, sched_worker(core));
}

void vm_nics_consume(struct vm *vm, unsigned core, uint64_t t_us, bool at_once)
{
	for (unsigned i = 0; i < vm->nr_nics; i++)
		virtio_net_consume(vm->nic[i]->net, core, t_us, at_once);
}

void vm_nics_steer_sum(const struct vm *vm, struct steer_stats *sum)
{
	for (unsigned i = 0; i < vm->nr_nics; i++)
		virtio_net_steer_sum(vm->nic[i]->net, sum);
}

/* ---- Devices ---- */

static struct virtio_net *create_device(struct vm *vm, unsigned n)
{
	static unsigned number;
	const struct conf_nic *c = &vm->conf->nic[n];
	char name[sizeof(((struct port *)0)->name)];
	struct virtio_net_setup setup = {
		.name = name,
		.gm = &vm->mem,
		.mac_fixed = c->spoof_check,
		.mtu = c->port.mtu,
		.features_off = c->features_off,
		.nr_pairs = c->queue_pairs,
		.hint = &vm->vcpu[0]->entity.hint,
		.worker_of = sched_worker,
		.now_us = now_us,
		.steer = &vm_steer,
		.number = number,
		.pending = &vm->published,
		.this_core = this_core,
		.place = sched_place,
		.wake = wake,
		.release = release,
	};
	void *memory = pages_for(virtio_net_len_bytes(setup.nr_pairs));

	fmt_print(name, sizeof(name), "%s.%u", vm->conf->name, n);
	memcpy(setup.mac, c->mac, ETH_ALEN);
	number++;
	return memory ? virtio_net_init(memory, &setup) : NULL;
}

int vm_nic_create(struct vm *vm, unsigned n, struct vm_nic **nic)
{
	const struct conf_nic *c = &vm->conf->nic[n];
	struct port_policy policy = policy_of(c);
	struct vm_nic *v = pages_for(sizeof(*v));
	int err;

	if (!v)
		return -ENOMEM;
	v->net = create_device(vm, n);
	if (!v->net)
		return -ENOMEM;
	err = switch_add_port(vm_switch[c->switch_index], &v->net->port, &policy);
	if (err) {
		log_error("guest %s: NIC %u does not fit on switch %s (%d): two NICs with one MAC, "
			  "or "
			  "too many ports",
			vm->conf->name, n, c->switch_name, err);
		return err;
	}
	*nic = v;
	return virtio_pci_init(&v->pci, &vm->pci, &v->net->virtio, vm_msi, vm);
}

bool vm_nic_reset(struct vm_nic *nic)
{
	if (!nic->resetting) {
		virtio_pci_reset(&nic->pci);
		nic->resetting = true;
	}
	if (virtio_pci_reset_pending(&nic->pci))
		return false;
	nic->resetting = false;
	return true;
}

void vm_nics_housekeeping(uint64_t t_us)
{
	static uint64_t next_ageing_us;

	for (unsigned i = 0; i < nr_vms; i++)
		for (unsigned n = 0; n < vms[i]->nr_nics; n++)
			virtio_net_housekeeping(vms[i]->nic[n]->net, t_us);
	if (t_us < next_ageing_us)
		return;
	next_ageing_us = t_us + AGEING_PERIOD_US;
	for (unsigned i = 0; i < nr_vm_switches; i++)
		switch_age(vm_switch[i], t_us);
}
