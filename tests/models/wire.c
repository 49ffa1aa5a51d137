/* An Ethernet wire: frames under way in the order of their arrival, and who sees a signal. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include "pcap.h"

#define CUT_BYTES 40 /* what damage_length leaves of a frame */

struct wire_frame {
	struct wire_frame *next;
	uint64_t at_ps;
	unsigned from;
	uint32_t len_bytes;
	bool fcs_ok;
	uint8_t data[];
};

static void update_signal(struct wire *w, unsigned end)
{
	bool present = w->plugged && w->end[!end].transmitter_on;

	if (present == w->end[end].signal_seen)
		return;
	w->end[end].signal_seen = present;
	if (w->end[end].ops)
		w->end[end].ops->signal(w->end[end].ctx, present);
}

static struct wire_frame *take_first(struct wire *w)
{
	struct wire_frame *f = w->first;

	w->first = f->next;
	if (!w->first)
		w->last = &w->first;
	return f;
}

static void lose_all(struct wire *w)
{
	while (w->first) {
		struct wire_frame *f = take_first(w);

		w->end[f->from].nr_lost++;
		free(f);
	}
	clock_cancel(w->clock, &w->arrival);
}

/* The injected faults of this frame, if it is to have one. */
static void damage(struct wire *w, struct wire_frame *f)
{
	if (w->damage_fcs) {
		w->damage_fcs--;
		f->fcs_ok = false;
		f->data[f->len_bytes / 2] ^= 0x10;
	} else if (w->damage_length) {
		w->damage_length--;
		if (f->len_bytes > CUT_BYTES)
			f->len_bytes = CUT_BYTES;
	}
}

static void arrive(void *ctx)
{
	struct wire *w = ctx;
	struct wire_frame *f = take_first(w);
	unsigned to = !f->from;

	/* first: the receiver may send, or pull the plug */
	if (w->first)
		clock_schedule(w->clock, &w->arrival, w->first->at_ps);
	if (w->end[to].ops) {
		damage(w, f);
		w->end[to].ops->receive(w->end[to].ctx, f->data, f->len_bytes, f->fcs_ok);
	} else {
		w->end[f->from].nr_lost++;
	}
	free(f);
}

void wire_init(struct wire *w, struct clock *clock)
{
	*w = (struct wire){ .clock = clock, .latency_ps = WIRE_LATENCY_PS, .plugged = true };
	w->last = &w->first;
	w->arrival.fn = arrive;
	w->arrival.ctx = w;
}

void wire_destroy(struct wire *w)
{
	lose_all(w);
}

void wire_attach(struct wire *w, unsigned end, const struct wire_end_ops *ops, void *ctx)
{
	w->end[end].ops = ops;
	w->end[end].ctx = ctx;
	w->end[end].signal_seen = w->plugged && w->end[!end].transmitter_on;
	if (ops)
		ops->signal(ctx, w->end[end].signal_seen);
}

void wire_set_transmitter(struct wire *w, unsigned end, bool on)
{
	w->end[end].transmitter_on = on;
	update_signal(w, !end);
}

void wire_set_plugged(struct wire *w, bool plugged)
{
	w->plugged = plugged;
	if (!plugged)
		lose_all(w);
	update_signal(w, 0);
	update_signal(w, 1);
}

static void put_under_way(
	struct wire *w, unsigned end, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	struct wire_frame *f = malloc(sizeof(*f) + len_bytes);
	uint64_t at_ps = clock_now(w->clock) + w->latency_ps;

	if (!f) {
		w->end[end].nr_lost++;
		return;
	}
	/* a shorter latency from now on: nobody overtakes */
	if (at_ps < w->newest_ps)
		at_ps = w->newest_ps;
	w->newest_ps = at_ps;
	*f = (struct wire_frame){
		.at_ps = at_ps, .from = end, .len_bytes = len_bytes, .fcs_ok = fcs_ok
	};
	memcpy(f->data, data, len_bytes);
	*w->last = f;
	w->last = &f->next;
	if (w->first == f)
		clock_schedule(w->clock, &w->arrival, at_ps);
}

void wire_send(struct wire *w, unsigned end, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	w->end[end].nr_frames++;
	w->end[end].nr_bytes += len_bytes;
	if (!w->plugged || !w->end[end].transmitter_on || !len_bytes ||
		len_bytes > WIRE_FRAME_MAX) {
		w->end[end].nr_lost++;
		return;
	}
	if (w->end[end].pcap)
		pcap_file_frame(w->end[end].pcap, clock_now(w->clock), data, len_bytes);
	put_under_way(w, end, data, len_bytes, fcs_ok);
}
