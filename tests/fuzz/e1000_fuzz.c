// sources: tests/unit/e1000/e1000_rig.c tests/models/e1000/m82540.c drivers/e1000/e1000.c drivers/e1000/e1000_eeprom.c drivers/e1000/e1000_filter.c drivers/e1000/e1000_health.c drivers/e1000/e1000_init.c drivers/e1000/e1000_recover.c drivers/e1000/e1000_reset.c drivers/e1000/e1000_rx.c drivers/e1000/e1000_stats.c drivers/e1000/e1000_tx.c
/* The 82540EM's driver survives any descriptor write-backs, frames, faults and register contents: a
 * buffer comes back once and with at most the length it has, a packet's cookie once and in order,
 * and in the end all of them are back.
 *
 * Input: operations of 8 bytes: what, 7 bytes of argument. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "drivers/e1000/e1000_hw.h"
#include "nic_client.h"
#include "tests/unit/e1000/e1000_rig.h"

#define OP_BYTES 8
#define OPS_MAX	 400
#define BUFFERS	 63u /* a ring's entries, less one */

static struct e1000_rx *rx(void)
{
	return CONTAINER_OF(rig.nic->rxq[0], struct e1000_rx, q);
}

static struct e1000_tx *tx(void)
{
	return CONTAINER_OF(rig.nic->txq[0], struct e1000_tx, q);
}

static void poll(void)
{
	bool pending = nic_rx_pending(client.rx);

	client_poll();
	CHECK((client.batch.nr_packets != 0) == pending);
}

static void send(const uint8_t *arg)
{
	struct nic_segment s[NIC_TX_SEGMENTS_MAX + 1];
	struct nic_tx_packet p = { .segment = s };

	p.nr_segments = arg[0] % (NIC_TX_SEGMENTS_MAX + 2);
	p.flags = arg[1] & 0x80 ? NIC_TX_VLAN : 0;
	p.len_bytes = arg[2] & 1;
	for (unsigned i = 0; i < p.nr_segments; i++) {
		s[i] = (struct nic_segment){ client.buffer, arg[3 + i % 4] };
		p.len_bytes += s[i].len_bytes;
	}
	client_send(&p);
}

static void receive(const uint8_t *arg)
{
	static uint8_t frame[2048];
	uint32_t len = (arg[0] | (uint32_t)arg[1] << 8) % sizeof(frame);

	memcpy(frame, rig_mac, 6);
	frame[0] = arg[2] & 1 ? 0xff : frame[0];
	m82540_receive(&rig.chip, frame, len);
}

static void set_faults(uint8_t v)
{
	rig.chip.gone = (v & 0x07) == 0x07; /* rarely: nothing else happens meanwhile */
	rig.chip.stuck_reset = v & 0x08;
	rig.chip.lazy_reset = v & 0x10;
	rig.chip.stall_tx = v & 0x20;
	rig.chip.stall_rx = v & 0x40;
	rig.chip.late_write_back = v & 0x80;
	rig.chip.link = v & 1;
	m82540_resume(&rig.chip);
}

static void one(const uint8_t *op)
{
	uint64_t v = 0;

	memcpy(&v, op + 2, 6);
	switch (op[0] % 13) {
	case 0:
		client_give(op[1] % 64);
		break;
	case 1:
		nic_rx_flush(&rx()->q);
		break;
	case 2:
		poll();
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
	case 6: /* the upper bytes are VLAN tags and the like */
		rx()->ring[op[1] & rx()->mask] = (struct e1000_rx_desc){ v, v };
		break;
	case 7:
		tx()->ring[op[1] & tx()->mask] = (struct e1000_tx_desc){ v, v };
		break;
	case 8:
		receive(op + 1);
		break;
	case 9:
		(void)rig.nic->ops->reset(rig.nic);
		break;
	case 10:
		set_faults(op[1]);
		break;
	case 11:
		rig_ms(op[1] % 64 * 10);
		break;
	default:
		rig.chip.reg[v % (M82540_BAR_BYTES / 4)] = (uint32_t)(v >> 16);
		break;
	}
}

/* All comes back, and afterwards the port works. */
static void finish(void)
{
	rig.nic->ops->stop(rig.nic);
	client_end();
	set_faults(1);
	CHECK(!rig.nic->ops->start(rig.nic));
	CHECK(client_give(CLIENT_COOKIES) == BUFFERS);
	nic_rx_flush(&rx()->q);
	CHECK(m82540_receive(&rig.chip, (const uint8_t *)"\xff\xff\xff\xff\xff\xff        ", 14));
	CHECK(nic_rx_poll(&rx()->q, &client.batch) == 1);
	CHECK(tx()->prepared == tx()->sent + tx()->lost_in_reset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nic_setup s = rig_setup();
	uint64_t cookie[CLIENT_COOKIES];

	rig_start(&s);
	rig.nic->ops->stop(rig.nic);
	(void)nic_rx_take_back(&rx()->q, cookie, CLIENT_COOKIES);
	CHECK(!rig.nic->ops->start(rig.nic));
	client_begin(rig.nic->rxq[0], rig.nic->txq[0], (uint64_t)rig_alloc(2048), 0);
	for (unsigned i = 0; i < OPS_MAX && size >= OP_BYTES;
		i++, data += OP_BYTES, size -= OP_BYTES)
		one(data);
	finish();
	rig_destroy();
	return 0;
}
