// sources: tests/unit/ixgbe/ixgbe_rig.c tests/support/model_bench.c tests/models/*.c tests/models/82599/*.c drivers/ixgbe/*.c drivers/pci/msix.c
/* The 82599's driver survives any descriptor write-backs, register contents and faults of its
 * device: a buffer comes back once and with at most the length it has, a packet's cookie once and
 * in order, and in the end all of them are back and the port works.
 *
 * Input: one byte, whether headers are split off; then operations of 10 bytes: what, 9 bytes of
 * argument. */
#include <stdlib.h>

#include "drivers/ixgbe/ixgbe_hw.h"
#include "nic_client.h"
#include "tests/unit/ixgbe/ixgbe_rig.h"

#define OP_BYTES 10
#define OPS_MAX	 200
#define ENTRIES	 CLIENT_COOKIES
#define BUFFERS	 (ENTRIES - 1)
#define PORT	 (&rig.port[0])

static uint64_t buffer, header;
static uint32_t lie; /* what reads of registers are wrong by */
static unsigned lies_left;

static struct ixgbe_rx *rx(void)
{
	return CONTAINER_OF(PORT->nic->rxq[0], struct ixgbe_rx, q);
}

static struct ixgbe_tx *tx(void)
{
	return CONTAINER_OF(PORT->nic->txq[0], struct ixgbe_tx, q);
}

static uint32_t read_filter(uint32_t v)
{
	if (!lies_left)
		return v;
	lies_left--;
	return v ^ lie;
}

/* ---- The caller's side ---- */

/* Packets of which some make no sense, with segments of all lengths. */
static void send(const uint8_t *arg)
{
	struct nic_segment s[NIC_TX_SEGMENTS_MAX + 1];
	struct nic_tx_packet p = { .segment = s,
		.nr_segments = arg[0] % (NIC_TX_SEGMENTS_MAX + 2),
		.flags = arg[1] & 0x3f,
		.l2_len = 14,
		.l3_len = arg[2] & 1 ? 20 : 40,
		.l4_len = 20,
		.mss = (uint16_t)(arg[3] * 8),
		.vlan_tci = arg[4] & 3 };

	p.len_bytes = arg[2] >> 7;
	for (unsigned i = 0; i < p.nr_segments && i < ARRAY_SIZE(s); i++) {
		uint32_t len = arg[5 + i % 4] * (arg[1] & 0x40 ? 97u : 1u);

		s[i] = (struct nic_segment){ buffer, len };
		p.len_bytes += len;
	}
	client_send(&p);
}

/* ---- The device's side ---- */

static void write_back(const uint8_t *arg)
{
	uint64_t v;

	memcpy(&v, arg + 1, sizeof(v));
	switch (arg[0] >> 6) {
	case 0:
		rx()->ring[arg[0] % ENTRIES].hi = v;
		break;
	case 1:
		rx()->ring[arg[0] % ENTRIES].lo = v;
		break;
	case 2: /* from where the driver looks next on, as a device does it: both words */
		for (unsigned i = 0; i < (arg[0] & 7u); i++)
			rx()->ring[(rx()->clean + i) % ENTRIES] = (struct ixgbe_rx_desc){
				.hi = v | IXGBE_RXD_DD,
			};
		break;
	default:
		tx()->ring[arg[0] % ENTRIES].hi = v;
		break;
	}
}

static void set_fault(unsigned n)
{
	static const char *const fault[] = { "stall-tx 0", "run-tx 0", "stall-rx 0", "run-rx 0",
		"abort-reads on", "abort-reads off", "abort-writes on", "abort-writes off",
		"reset-hangs on", "reset-hangs off", "delay-write-back 500", "delay-write-back 0",
		"link-down", "link-up", "lose-interrupts 3", "damage-fcs 2", "damage-length 2" };

	rig_fault(0, fault[n % ARRAY_SIZE(fault)]);
}

static void one(const uint8_t *op)
{
	switch (op[0] % 13) {
	case 0:
		client_give(op[1] % CLIENT_COOKIES);
		break;
	case 1:
		nic_rx_flush(&rx()->q);
		break;
	case 2:
		client_poll();
		break;
	case 3:
		send(op + 1);
		break;
	case 4:
		nic_tx_flush(&tx()->q);
		break;
	case 5:
		client_reap(op[1] % (NIC_BATCH + 1));
		break;
	case 6:
	case 7:
		write_back(op + 1);
		break;
	case 8:
		rig_us(op[1]);
		break;
	case 9:
		(void)PORT->nic->ops->reset(PORT->nic);
		break;
	case 10:
		set_fault(op[1]);
		break;
	case 11: /* housekeeping, every 10 ms */
		rig_ms(op[1] % 32 * 10);
		break;
	default:
		memcpy(&lie, op + 2, sizeof(lie));
		lies_left = op[1];
		break;
	}
}

/* All comes back, and a device that behaves works again. */
static void finish(void)
{
	lies_left = 0;
	for (unsigned i = 1; i <= 13; i += 2)
		set_fault(i);
	PORT->nic->ops->stop(PORT->nic);
	client_end();
	CHECK(!PORT->nic->ops->start(PORT->nic));
	CHECK(client_give(CLIENT_COOKIES) == BUFFERS);
	CHECK(tx()->prepared == tx()->sent + tx()->lost_in_reset);
	PORT->nic->ops->stop(PORT->nic);
	client_take_all_back();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void create(void)
{
	struct nic_setup s = rig_setup();

	s.rx_entries = s.tx_entries = ENTRIES;
	s.rsc = true;
	rig_create(NULL);
	CHECK(!rig_attach(0, &s));
	buffer = rig_alloc(32768, 64);
	header = rig_alloc(NIC_HEADER_BYTES, 64);
	rig.read_filter = read_filter;
}

/* The rig is made once, which takes long: each input ends with the port stopped and empty. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	if (!rig.chip)
		create();
	client_begin(PORT->nic->rxq[0], PORT->nic->txq[0], buffer, header);
	rx()->q.header_bytes = *data & 1 ? NIC_HEADER_BYTES : 0;
	CHECK(!PORT->nic->ops->start(PORT->nic));
	data++;
	size--;
	for (unsigned i = 0; i < OPS_MAX && size >= OP_BYTES;
		i++, data += OP_BYTES, size -= OP_BYTES)
		one(data);
	finish();
	return 0;
}
