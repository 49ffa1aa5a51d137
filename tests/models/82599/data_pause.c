/* Link flow control of IEEE 802.3 annex 31B: pause frames that are obeyed and sent. DS 3.7.7;
 * 8.2.3.3. */
#include <string.h>

#include "data.h"

#define OPCODE_PAUSE	  0x0001
#define PAUSE_TIME	  16 /* offset in the frame */
#define PAUSE_FRAME_BYTES 60

static const uint8_t multicast[6] = { 0x01, 0x80, 0xc2, 0, 0, 1 };

static void obey(struct port *p, uint16_t quanta)
{
	struct data *d = p->data;

	d->paused_until = clock_now(p->clock) + quanta * PAUSE_QUANTUM_PS;
	if (quanta)
		clock_schedule(p->clock, &d->pause_end, d->paused_until);
	else
		tx_run(p);
}

static bool is_ours(const struct port *p, const uint8_t *data)
{
	uint32_t low = reg_get(p, REG_RAL(0)), high = reg_get(p, REG_RAH(0));

	return !memcmp(data, multicast, sizeof(multicast)) ||
	       (load_le32(data) == low && (data[4] | data[5] << 8) == (int)(high & 0xffff));
}

bool pause_receive(struct port *p, const uint8_t *data, uint32_t len_bytes)
{
	uint32_t mflcn = reg_get(p, REG_MFLCN);
	uint16_t opcode, quanta;

	if (len_bytes < PAUSE_TIME + 2 || load_be16(data + 12) != ETHERTYPE_CONTROL)
		return false;
	opcode = load_be16(data + 14);
	if (opcode != OPCODE_PAUSE || !is_ours(p, data))
		return !(mflcn & MFLCN_PMCF);
	quanta = load_be16(data + PAUSE_TIME);
	if (mflcn & MFLCN_RFCE) {
		p->counts.rx_pause++;
		stats_pause(p, false, quanta == 0);
		obey(p, quanta);
	}
	return mflcn & MFLCN_DPF || !(mflcn & MFLCN_PMCF);
}

static void want(struct port *p, uint16_t quanta)
{
	p->data->pause_wanted = quanta;
	tx_run(p);
}

/* While XOFF holds it is repeated before it runs out: FCRTV. */
static void send_xoff(struct port *p)
{
	uint32_t time = reg_get(p, REG_FCTTV(0)) & 0xffff, refresh = reg_get(p, REG_FCRTV) & 0xffff;

	want(p, (uint16_t)time);
	if (refresh && refresh < time)
		clock_schedule(p->clock, &p->data->pause_refresh,
			clock_now(p->clock) + (time - refresh) * PAUSE_QUANTUM_PS);
}

void pause_check(struct port *p, unsigned tc)
{
	struct rx_fifo *f = &p->data->fifo[tc];
	uint32_t high = reg_get(p, REG_FCRTH(tc)), low = reg_get(p, REG_FCRTL(tc));

	if (!(reg_get(p, REG_FCCFG) & FCCFG_TFCE_LINK))
		return;
	if (!f->xoff_sent && high & FCRTH_FCEN && f->used > (high & FC_THRESHOLD)) {
		f->xoff_sent = true;
		send_xoff(p);
	} else if (f->xoff_sent && f->used < (low & FC_THRESHOLD)) {
		f->xoff_sent = false;
		clock_cancel(p->clock, &p->data->pause_refresh);
		if (low & FCRTL_XONE)
			want(p, 0);
	}
}

void pause_refresh(void *ctx)
{
	struct port *p = ctx;

	for (unsigned tc = 0; tc < RX_PACKET_BUFFERS; tc++)
		if (p->data->fifo[tc].xoff_sent && reg_get(p, REG_FCCFG) & FCCFG_TFCE_LINK) {
			send_xoff(p);
			return;
		}
}

uint32_t pause_frame(const struct port *p, uint8_t frame[60], uint16_t quanta)
{
	memset(frame, 0, PAUSE_FRAME_BYTES);
	memcpy(frame, multicast, sizeof(multicast));
	store_le32(frame + 6, reg_get(p, REG_RAL(0)));
	frame[10] = (uint8_t)reg_get(p, REG_RAH(0));
	frame[11] = (uint8_t)(reg_get(p, REG_RAH(0)) >> 8);
	store_be16(frame + 12, ETHERTYPE_CONTROL);
	store_be16(frame + 14, OPCODE_PAUSE);
	store_be16(frame + PAUSE_TIME, quanta);
	return PAUSE_FRAME_BYTES;
}
