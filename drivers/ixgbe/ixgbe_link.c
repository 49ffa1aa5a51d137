/* The link: 10 Gbit/s by SFI, its supervision, PAUSE. DS 3.7.4 (MAUI, SFI), 4.6.4 (set-up), 3.7.7
 * (flow control), 8.2.3.22. */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"
#include "lib/log.h"

#define PAUSE_TIME 0xffffu
#define HIGH_KB	   448u /* of 512: what is under way when the peer stops still fits */
#define LOW_KB	   384u

/* SDP3 is the laser's switch, SDP5 the module's rate select, both outputs. */
static void set_laser(const struct ixgbe *ix, bool on)
{
	ixgbe_change(ix, IXGBE_ESDP, on ? IXGBE_ESDP_TX_DISABLE : 0,
		IXGBE_ESDP_SDP3_OUT | IXGBE_ESDP_SDP5_OUT | IXGBE_ESDP_RATE_10G |
			(on ? 0 : IXGBE_ESDP_TX_DISABLE));
	ixgbe_write_flush(ix);
}

/* DS 4.6.4.2: link mode and PMA, then the restart that makes them count. The firmware uses the same
 * registers. */
void ixgbe_link_start(struct ixgbe *ix)
{
	bool locked = !ixgbe_sync_get(ix, IXGBE_SYNC_MAC);

	set_laser(ix, true);
	ixgbe_change(ix, IXGBE_AUTOC2, IXGBE_AUTOC2_PMA, IXGBE_AUTOC2_PMA_SFI);
	ixgbe_change(
		ix, IXGBE_AUTOC, IXGBE_AUTOC_LMS, IXGBE_AUTOC_LMS_SERIAL | IXGBE_AUTOC_AN_RESTART);
	ixgbe_write_flush(ix);
	if (locked)
		ixgbe_sync_put(ix, IXGBE_SYNC_MAC);
	else
		log_warn("%s: the MAC's semaphore is not given back", ix->nic.name);
	ixgbe_flow_control_write(ix);
}

void ixgbe_link_stop(struct ixgbe *ix)
{
	set_laser(ix, false);
}

/* PAUSE both ways or not at all: SFI negotiates nothing. */
void ixgbe_flow_control_write(const struct ixgbe *ix)
{
	bool on = ix->setup.flow_control;
	uint32_t v = PAUSE_TIME << 16 | PAUSE_TIME;

	/* PAUSE frames never reach memory */
	ixgbe_change(
		ix, IXGBE_MFLCN, IXGBE_MFLCN_RFCE, IXGBE_MFLCN_DPF | (on ? IXGBE_MFLCN_RFCE : 0));
	ixgbe_write(ix, IXGBE_FCCFG, on ? IXGBE_FCCFG_TFCE_X : 0);
	for (unsigned i = 0; i < 4; i++)
		ixgbe_write(ix, IXGBE_FCTTV(i), on ? v : 0);
	ixgbe_write(ix, IXGBE_FCRTV, PAUSE_TIME / 2);
	for (unsigned i = 0; i < IXGBE_PACKET_BUFFERS; i++) {
		bool used = on && i == 0;

		ixgbe_write(ix, IXGBE_FCRTL(i), used ? IXGBE_FCRTL_XONE | IXGBE_PB_KB(LOW_KB) : 0);
		ixgbe_write(ix, IXGBE_FCRTH(i), used ? IXGBE_FCRTH_FCEN | IXGBE_PB_KB(HIGH_KB) : 0);
	}
}

int ixgbe_set_flow_control(struct nic *nic, bool on)
{
	struct ixgbe *ix = IXGBE_OF(nic);

	ix->setup.flow_control = on;
	if (nic->state == NIC_RUNNING)
		ixgbe_flow_control_write(ix);
	return 0;
}

static struct nic_link read_link(const struct ixgbe *ix)
{
	static const uint32_t mbps[4] = { 0, 100, 1000, 10000 };
	uint32_t v = ixgbe_read(ix, IXGBE_LINKS);
	struct nic_link link = { .up = v != UINT32_MAX && v & IXGBE_LINKS_UP };

	if (link.up)
		link.mbps = mbps[IXGBE_LINKS_SPEED(v)];
	return link;
}

void ixgbe_link_check(struct ixgbe *ix)
{
	struct nic_link link = read_link(ix);
	struct nic *nic = &ix->nic;

	if (link.up == nic->link.up && link.mbps == nic->link.mbps)
		return;
	nic->link = link;
	nic->stats.link_changes++;
	ix->health.link_down_since_us = link.up ? 0 : ix->health.now_us;
	log_info("%s: link %s, %u Mbit/s", nic->name, link.up ? "up" : "down", link.mbps);
	if (nic->link.up)
		ix->sfp_next_us = 0;
	if (ix->setup.client.link_changed)
		ix->setup.client.link_changed(ix->setup.client.ctx, nic, link);
}
