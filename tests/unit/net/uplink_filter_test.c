// sources: @virtio_net @uplink @net_guest hv/net/uplink_filter.c tests/support/cpu_copy.c tests/unit/net/uplink_bench.c
/* The NIC's filters follow the switch and the guests' drivers: addresses, multicast, VLANs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "net/uplink_filter.h"
#include "net/virtio_net_ctrl.h"
#include "uplink_bench.h"

#define NIC (&side[0].nic)
#define UP  (&side[0].up)
#define C   (&world.guest[2])
#define CTRL                                                                                       \
	(BASE | VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_VLAN |             \
		VIRTIO_NET_F_CTRL_MAC_ADDR)

static struct uplink_filter filter;
static struct net_guest_conf guest[3];
static struct port_policy uplink;

static const uint8_t new_mac[6] = { 2, 7, 7, 7, 7, 7 };

/* Three guests, pairs for two of them. */
static void init(void)
{
	struct bench_conf c = { .capabilities = { FAKE_NIC_ALL, FAKE_NIC_ALL },
		.nr_pools = 3,
		.nr_guests = 3,
		.guest = guest,
		.uplink = { uplink } };

	bench_init(&c);
	memset(&filter, 0, sizeof(filter));
	uplink_filter_init(&filter, UP);
	for (unsigned i = 0; i < 3; i++) {
		bench_assign(i + 1, &world.guest[i], i);
		uplink_filter_add(&filter, world.guest[i].net, i < 2 ? i + 1 : 0);
	}
	uplink_filter_set_vlans(&filter);
}

static int setup(void **state)
{
	(void)state;
	memset(guest, 0, sizeof(guest));
	uplink = (struct port_policy){ 0 };
	for (unsigned i = 0; i < 3; i++)
		guest[i].policy.spoof_check = true;
	return 0;
}

/* A command to the guest's control queue; its answer. */
static int command(struct net_guest *g, uint8_t class, uint8_t cmd, const void *data, uint32_t len)
{
	uint64_t gpa = g->tx_gpa;
	uint8_t *at = test_memory_at(&g->mem, gpa);
	struct vring_buffer b[] = { { gpa, 2, false }, { gpa + 2, len, false },
		{ gpa + 2000, 1, true } };

	at[0] = class;
	at[1] = cmd;
	memcpy(at + 2, data, len);
	at[2000] = 0xff;
	assert_true(vring_add(&g->drv.ring[NET_CTRL], b, 3, 0) >= 0);
	net_guest_kick(g, NET_CTRL);
	bench_run();
	assert_true(vring_take_used(&g->drv.ring[NET_CTRL], NULL) >= 0);
	return at[2000];
}

static const uint8_t *group(unsigned n)
{
	static uint8_t mac[6] = { 1, 0, 0x5e };

	mac[4] = (uint8_t)(n >> 8);
	mac[5] = (uint8_t)n;
	return mac;
}

/* One unicast address, and nr multicast ones from `first` on. */
static void set_table(struct net_guest *g, unsigned first, uint32_t nr)
{
	uint8_t table[1000] = { 1, 0, 0, 0, 2, 2, 2, 2, 2, 2 };

	memcpy(table + 10, &nr, 4);
	for (unsigned i = 0; i < nr; i++)
		memcpy(table + 14 + 6 * i, group(first + i), 6);
	assert_int_equal(
		command(g, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, table, 14 + 6 * nr),
		VIRTIO_NET_OK);
}

static void test_addresses(void **state)
{
	unsigned changes;

	(void)state;
	init();
	uplink_filter_update(&filter, 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(fake_nic_pool_of(NIC, world.guest[i].mac), -1);
	assert_false(NIC->promiscuous);
	assert_false(NIC->all_multicast);
	uplink_filter_update(&filter, 7);
	assert_int_equal(fake_nic_pool_of(NIC, A->mac), 1);
	assert_int_equal(fake_nic_pool_of(NIC, B->mac), 2);
	assert_int_equal(fake_nic_pool_of(NIC, C->mac), 0);
	changes = NIC->nr_filter_changes;
	uplink_filter_update(&filter, 7); /* nothing to do */
	assert_int_equal(NIC->nr_filter_changes, changes);
	uplink_filter_update(&filter, 5); /* B has stopped */
	assert_int_equal(fake_nic_pool_of(NIC, A->mac), 1);
	assert_int_equal(fake_nic_pool_of(NIC, B->mac), -1);
	uplink_filter_update(&filter, 7);
	assert_int_equal(fake_nic_pool_of(NIC, B->mac), 2);
	assert_false(NIC->promiscuous);
}

static void test_changed_address(void **state)
{
	(void)state;
	guest[0].policy.spoof_check = false;
	init();
	bench_start_guests(CTRL, 10, 1600);
	uplink_filter_update(&filter, 7);
	assert_true(NIC->promiscuous); /* A may be anybody */
	assert_int_equal(fake_nic_pool_of(NIC, A->mac), 1);
	assert_int_equal(command(A, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, new_mac, 6),
		VIRTIO_NET_OK);
	uplink_filter_update(&filter, 7);
	assert_int_equal(fake_nic_pool_of(NIC, new_mac), 1);
	assert_int_equal(fake_nic_pool_of(NIC, A->mac), -1);
	/* what B has A does not get, and B keeps it; also when B is off */
	assert_int_equal(command(A, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, B->mac, 6),
		VIRTIO_NET_OK);
	uplink_filter_update(&filter, 5);
	assert_int_equal(fake_nic_pool_of(NIC, new_mac), -1);
	assert_int_equal(fake_nic_pool_of(NIC, B->mac), -1);
	uplink_filter_update(&filter, 7);
	assert_int_equal(fake_nic_pool_of(NIC, B->mac), 2);
	virtio_driver_reset(&A->drv); /* its own again */
	bench_run();
	(void)virtio_driver_status(&A->drv);
	uplink_filter_update(&filter, 7);
	assert_int_equal(fake_nic_pool_of(NIC, A->mac), 1);
	assert_int_equal(fake_nic_pool_of(NIC, B->mac), 2);
	uplink_filter_update(&filter, 6);
	assert_false(NIC->promiscuous);
}

static void test_promiscuous_only_if_needed(void **state)
{
	(void)state;
	guest[1].policy.promiscuous = true;
	init();
	uplink_filter_update(&filter, 1);
	assert_false(NIC->promiscuous);
	uplink_filter_update(&filter, 3);
	assert_true(NIC->promiscuous);
	uplink_filter_update(&filter, 1);
	assert_false(NIC->promiscuous);
	/* no room for another address */
	NIC->mac[1].used = NIC->mac[2].used = NIC->mac[3].used = true;
	uplink_filter_update(&filter, 5);
	assert_true(NIC->promiscuous);
	bench_free();
	guest[1].policy.promiscuous = false;
	uplink.mirror = MIRROR_RX; /* whoever listens wants to see all of it */
	init();
	uplink_filter_update(&filter, 1);
	assert_true(NIC->promiscuous && NIC->all_multicast);
}

static void test_multicast(void **state)
{
	(void)state;
	init();
	bench_start_guests(CTRL, 10, 1600);
	uplink_filter_update(&filter, 7);
	assert_false(fake_nic_passes_multicast(NIC, group(1)));
	set_table(A, 1, 3);
	set_table(B, 3, 2);
	uplink_filter_update(&filter, 7);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(fake_nic_passes_multicast(NIC, group(i)), i >= 1 && i <= 4);
	assert_int_equal(NIC->nr_multicast, 4);
	uplink_filter_update(&filter, 6); /* A has stopped */
	assert_false(fake_nic_passes_multicast(NIC, group(1)));
	assert_true(fake_nic_passes_multicast(NIC, group(3)));
	assert_int_equal(command(C, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, "\1", 1), 0);
	uplink_filter_update(&filter, 6);
	assert_true(NIC->all_multicast);
	assert_int_equal(command(C, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, "\0", 1), 0);
	uplink_filter_update(&filter, 6);
	assert_false(NIC->all_multicast);
	set_table(B, 0, VIRTIO_NET_MULTICAST_MAX + 1); /* more than is kept */
	uplink_filter_update(&filter, 6);
	assert_true(NIC->all_multicast);
	set_table(B, 0, VIRTIO_NET_MULTICAST_MAX);
	uplink_filter_update(&filter, 6);
	assert_false(NIC->all_multicast);
	assert_int_equal(NIC->nr_multicast, VIRTIO_NET_MULTICAST_MAX);
}

/* A driver that cannot say what it wants gets all. */
static void test_driver_without_filters(void **state)
{
	(void)state;
	init();
	bench_start_guests(BASE, 10, 1600);
	uplink_filter_update(&filter, 1);
	assert_true(NIC->all_multicast);
	virtio_driver_reset(&A->drv);
	bench_run();
	(void)virtio_driver_status(&A->drv);
	uplink_filter_update(&filter, 1);
	assert_false(NIC->all_multicast);
}

/* While the guest changes its list nothing half-written is used; afterwards it is looked at. */
static void test_list_being_written(void **state)
{
	(void)state;
	init();
	bench_start_guests(CTRL, 10, 1600);
	set_table(A, 1, 1);
	uplink_filter_update(&filter, 1);
	assert_true(fake_nic_passes_multicast(NIC, group(1)));
	A->net->filter.seq++;
	A->net->filter.nr_multicast = 0;
	uplink_filter_update(&filter, 1);
	assert_true(fake_nic_passes_multicast(NIC, group(1)));
	A->net->filter.seq++;
	uplink_filter_update(&filter, 1);
	assert_false(fake_nic_passes_multicast(NIC, group(1)));
}

static void test_vlans(void **state)
{
	(void)state;
	uplink = (struct port_policy){
		.trunk = true, .trunk_vlan = { 10, 20, 30 }, .nr_trunk_vlans = 3, .vlan = 5
	};
	guest[0].policy.vlan = 20;
	guest[1].policy = (struct port_policy){
		.spoof_check = true, .trunk = true, .trunk_vlan = { 20, 40 }, .nr_trunk_vlans = 2
	};
	guest[2].policy.vlan = 10;
	init();
	assert_true(NIC->vlan_filter);
	assert_int_equal(NIC->nr_vlans, 2);
	assert_int_equal(NIC->vlan_pools[20], BIT64(0) | BIT64(1) | BIT64(2));
	assert_int_equal(NIC->vlan_pools[10], BIT64(0));
	bench_free();
	uplink = (struct port_policy){ .vlan = 20 }; /* an access port: no tags */
	init();
	assert_true(NIC->vlan_filter);
	assert_int_equal(NIC->nr_vlans, 0);
	bench_free();
	uplink = (struct port_policy){ .trunk = true };
	guest[1].policy.nr_trunk_vlans = 0; /* all of them */
	init();
	assert_true(NIC->vlan_filter);
	assert_int_equal(NIC->nr_vlans, 4094);
	memset(NIC->vlan_pools, 0, sizeof(NIC->vlan_pools));
	NIC->nr_vlans = 0;
	NIC->vlans_max = 63; /* more than the NIC knows */
	uplink_filter_set_vlans(&filter);
	assert_false(NIC->vlan_filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, bench_teardown)
		TEST(test_addresses),
		TEST(test_changed_address),
		TEST(test_promiscuous_only_if_needed),
		TEST(test_multicast),
		TEST(test_driver_without_filters),
		TEST(test_list_being_written),
		TEST(test_vlans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
