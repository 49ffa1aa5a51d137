/* Queue addresses, sizes, features and status that no driver would write. Virtio 1.2, 3.1, 4.1.4.3.
 */
#include "hostile.h"

#include "cpu.h"
#include "machine.h"
#include "net/virtio.h"

#define KICKS	    2000
#define RESETS	    50
#define REACT_TICKS 200000

/* Up to DRIVER with no queue set up; VERSION_1 only. */
static bool begin(void)
{
	nic.irq = false;
	if (!vnet_reset(&nic))
		return false;
	vnet_set_status(&nic, VIRTIO_STATUS_ACKNOWLEDGE);
	vnet_set_status(&nic, VIRTIO_STATUS_DRIVER);
	return vnet_negotiate(&nic, VIRTIO_F_VERSION_1);
}

/* With these ring addresses: do all that a driver would do next. */
static void use_addresses(uint64_t desc, uint64_t driver, uint64_t device)
{
	unsigned enabled = 0;

	if (!begin()) {
		flaw("no start");
		return;
	}
	for (unsigned q = VNET_RX; q <= VNET_TX; q++) {
		vnet_queue_setup(&nic, q, 0);
		vnet_queue_address(&nic, q, COMMON_QUEUE_DESC, desc);
		vnet_queue_address(&nic, q, COMMON_QUEUE_DRIVER, driver);
		vnet_queue_address(&nic, q, COMMON_QUEUE_DEVICE, device);
		vnet_queue_enable(&nic, q);
		enabled += vregion_read(&nic.common, COMMON_QUEUE_ENABLE, 2) != 0;
	}
	note("enabled", enabled);
	vnet_set_status(&nic, VIRTIO_STATUS_DRIVER_OK);
	vnet_kick(&nic, VNET_RX);
	vnet_kick(&nic, VNET_TX);
	cpu_idle(REACT_TICKS);
	note_hex("status", vnet_status(&nic));
}

static void run_end(const struct hostile_case *c)
{
	uint64_t end = memory_end_low();

	(void)c;
	use_addresses(end - 16, end - 2, end - 4);
	use_addresses(end - 4096 + 16, end - 512, end - 2048);
	use_addresses(end, end, end);
}

static void run_wrap(const struct hostile_case *c)
{
	(void)c;
	use_addresses(UINT64_C(0xfffffffffffffff0), UINT64_C(0xfffffffffffffffe),
		UINT64_C(0xfffffffffffffffc));
	use_addresses(UINT64_C(0xfffffffffffff000), UINT64_C(0xffffffffffffff00),
		UINT64_C(0xfffffffffffff800));
	use_addresses(BIT64(63), BIT64(52), BIT64(46));
}

static void run_device(const struct hostile_case *c)
{
	(void)c;
	use_addresses(UINT64_C(0xfec00000), UINT64_C(0xfee00000), nic.common.base);
}

static void run_odd(const struct hostile_case *c)
{
	(void)c;
	use_addresses((uint64_t)nic.q[VNET_RX].desc + 1, (uint64_t)nic.q[VNET_RX].avail + 1,
		(uint64_t)nic.q[VNET_RX].used + 1);
}

static void run_overlap(const struct hostile_case *c)
{
	uint64_t at = (uint64_t)nic.q[VNET_RX].desc;

	(void)c;
	use_addresses(at, at, at);
	use_addresses(at, at + 64, at + 128);
}

static void run_zero(const struct hostile_case *c)
{
	(void)c;
	use_addresses(0, 0, 0);
}

static void run_size(const struct hostile_case *c)
{
	static const uint16_t sizes[] = { 0, 1, 3, 255, 257, 0x7fff, 0x8000, 0xffff };
	unsigned enabled = 0;

	(void)c;
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		if (!begin() || !vnet_queue_setup(&nic, VNET_TX, 0)) {
			flaw("no start");
			return;
		}
		vregion_write(&nic.common, COMMON_QUEUE_SIZE, 2, sizes[i]);
		vnet_queue_enable(&nic, VNET_TX);
		enabled += vregion_read(&nic.common, COMMON_QUEUE_ENABLE, 2) != 0;
		vnet_set_status(&nic, VIRTIO_STATUS_DRIVER_OK);
		nic.q[VNET_TX].avail->idx = 5;
		vnet_kick(&nic, VNET_TX);
		cpu_idle(REACT_TICKS);
	}
	note("enabled", enabled);
	note("of", ARRAY_SIZE(sizes));
}

static void run_select(const struct hostile_case *c)
{
	static const uint16_t absent[] = { 3, 4, 100, 0x7fff, 0x8000, 0xffff };

	(void)c;
	if (!begin())
		flaw("no start");
	for (unsigned i = 0; i < ARRAY_SIZE(absent); i++) {
		vregion_write(&nic.common, COMMON_QUEUE_SELECT, 2, absent[i]);
		note("size", vregion_read(&nic.common, COMMON_QUEUE_SIZE, 2));
		for (uint32_t reg = COMMON_QUEUE_SIZE; reg < COMMON_QUEUE_DEVICE + 8; reg += 2)
			vregion_write(&nic.common, reg, 2, 0xffff);
		vregion_write(&nic.common, COMMON_QUEUE_ENABLE, 2, 1);
		vnet_kick(&nic, absent[i]);
	}
}

/* Queues that change while they are in use. */
static void run_change(const struct hostile_case *c)
{
	(void)c;
	if (!vnet_start(&nic, 0, false)) {
		flaw("no start");
		return;
	}
	for (unsigned i = 0; i < 40; i++) {
		unsigned q = i & 1;

		vnet_kick(&nic, q);
		vnet_queue_address(&nic, q, COMMON_QUEUE_DESC + (i % 3) * 8, junk());
		vregion_write(&nic.common, COMMON_QUEUE_SIZE, 2, junk());
		vnet_queue_enable(&nic, q);
		vregion_write(&nic.common, COMMON_QUEUE_ENABLE, 2, 0);
		vnet_kick(&nic, q);
	}
	cpu_idle(REACT_TICKS);
	note_hex("status", vnet_status(&nic));
}

static void run_too_early(const struct hostile_case *c)
{
	(void)c;
	vnet_reset(&nic);
	vnet_kick(&nic, VNET_TX);
	vnet_queue_setup(&nic, VNET_TX, 0);
	vnet_queue_enable(&nic, VNET_TX);
	nic.q[VNET_TX].avail->idx = 1;
	vnet_kick(&nic, VNET_TX);
	vnet_set_status(&nic, VIRTIO_STATUS_DRIVER_OK);
	vnet_kick(&nic, VNET_TX);
	cpu_idle(REACT_TICKS);
	note_hex("status", vnet_status(&nic));
}

static void run_features(const struct hostile_case *c)
{
	uint64_t offered = vnet_offered(&nic);
	unsigned accepted = 0;

	(void)c;
	for (unsigned bit = 0; bit < 64; bit++) {
		if (offered & BIT64(bit))
			continue;
		vnet_reset(&nic);
		vnet_set_status(&nic, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
		/* a device may refuse (2.2.2) or, as QEMU does, ignore the bit */
		accepted += vnet_negotiate(&nic, VIRTIO_F_VERSION_1 | BIT64(bit));
	}
	note("accepted", accepted);
	vnet_reset(&nic);
	vnet_set_status(&nic, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	note("all-ones", vnet_negotiate(&nic, UINT64_MAX));
	vnet_reset(&nic);
	vnet_set_status(&nic, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
	note("legacy", vnet_negotiate(&nic, 0));
	vnet_set_status(&nic, VIRTIO_STATUS_DRIVER_OK);
	vnet_kick(&nic, VNET_TX);
	vnet_start(&nic, 0, false);
	note("changed-later", vnet_negotiate(&nic, UINT64_MAX)); /* after DRIVER_OK */
	vnet_kick(&nic, VNET_TX);
	note_hex("status", vnet_status(&nic));
}

static void run_status(const struct hostile_case *c)
{
	(void)c;
	for (unsigned v = 0; v < 256; v++) {
		vregion_write(&nic.common, COMMON_DEVICE_STATUS, 1, v * 7);
		vnet_kick(&nic, VNET_TX);
	}
	note_hex("status", vnet_status(&nic));
}

static void run_kicks(const struct hostile_case *c)
{
	(void)c;
	if (!vnet_start(&nic, 0, false))
		flaw("no start");
	for (unsigned i = 0; i < KICKS; i++) {
		vnet_kick(&nic, i & 1);
		vregion_write(&nic.notify[nic.nr_notify - 1], 0, 2, i);
	}
	note("kicks", 2 * KICKS);
}

/* Resets with frames under way. */
static void run_resets(const struct hostile_case *c)
{
	unsigned done = 0;

	(void)c;
	for (unsigned i = 0; i < RESETS; i++) {
		if (!vnet_start(&nic, 0, false))
			break;
		for (unsigned k = 0; k < 8 && vnet_tx_buffer(&nic); k++)
			vnet_tx(&nic, 600);
		vnet_publish(&nic, VNET_TX);
		done += vnet_reset(&nic);
	}
	note("resets", done);
	if (done != RESETS)
		flaw("a reset did not end");
}

#define NIC_CASE(n, f)                                                                             \
	{                                                                                          \
		n, f, NEEDS_NIC, 0, NULL, 0                                                        \
	}

const struct hostile_case queue_cases[] = {
	NIC_CASE("queue-end", run_end),
	NIC_CASE("queue-wrap", run_wrap),
	NIC_CASE("queue-device", run_device),
	NIC_CASE("queue-odd", run_odd),
	NIC_CASE("queue-overlap", run_overlap),
	NIC_CASE("queue-zero", run_zero),
	NIC_CASE("queue-size", run_size),
	NIC_CASE("queue-select", run_select),
	NIC_CASE("queue-change", run_change),
	NIC_CASE("too-early", run_too_early),
	NIC_CASE("features", run_features),
	NIC_CASE("status", run_status),
	NIC_CASE("kicks", run_kicks),
	NIC_CASE("resets", run_resets),
	{ NULL, NULL, 0, 0, NULL, 0 },
};
