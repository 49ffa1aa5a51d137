/* An Ethernet wire between two ends, in emulated time: each end is a port of a NIC model, a peer
 * (peer.h) or the host. IEEE 802.3 clause 4 (frames), 46 (10 Gbit/s).
 *
 * The sender paces itself: it calls wire_send() when the last bit leaves. The wire adds its latency
 * and hands the frame over. Frames go without their FCS; whether it was right is a flag. An end
 * sees the link while the cable is plugged in and the other end's transmitter is on. */
#ifndef SLUICE_MODELS_WIRE_H
#define SLUICE_MODELS_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"

struct pcap;

#define WIRE_FRAME_MIN	    60	  /* without FCS */
#define WIRE_FRAME_MAX	    16128 /* without FCS */
#define WIRE_FCS_BYTES	    4
#define WIRE_OVERHEAD_BYTES 20	/* preamble and start delimiter 8, smallest gap 12 */
#define WIRE_PS_PER_BYTE    800 /* 10 Gbit/s */
#define WIRE_LATENCY_PS	    UINT64_C(50000)

/* How long a frame occupies a 10 Gbit/s wire, with FCS, preamble and gap; short ones as padded. */
static inline uint64_t wire_time_ps(uint32_t len_bytes)
{
	return ((uint64_t)(len_bytes < WIRE_FRAME_MIN ? WIRE_FRAME_MIN : len_bytes) +
		       WIRE_FCS_BYTES + WIRE_OVERHEAD_BYTES) *
	       WIRE_PS_PER_BYTE;
}

struct wire_end_ops {
	/* The last bit has arrived. The data is the wire's and valid during the call. */
	void (*receive)(void *ctx, const uint8_t *data, uint32_t len_bytes, bool fcs_ok);
	/* There is a signal now, or there is none any more. */
	void (*signal)(void *ctx, bool present);
};

struct wire_frame;

struct wire {
	struct clock *clock;
	uint64_t latency_ps;
	bool plugged;
	struct {
		const struct wire_end_ops *ops; /* NULL: nothing is there */
		void *ctx;
		bool transmitter_on, signal_seen;
		struct pcap *pcap; /* of what this end sends; may be NULL */
		/* all that this end sent, and what of it never arrived */
		uint64_t nr_frames, nr_bytes, nr_lost;
	} end[2];
	/* fault injection: so many of the next frames, in either direction, arrive damaged or cut
	 * to less than 64 bytes with FCS */
	uint32_t damage_fcs, damage_length;
	struct wire_frame *first, **last; /* under way, in the order of arrival */
	uint64_t newest_ps;		  /* arrival of the last of them */
	struct clock_event arrival;
};

void wire_init(struct wire *w, struct clock *clock);
void wire_destroy(struct wire *w);
/* end: 0 or 1. Tells the end at once whether there is a signal. */
void wire_attach(struct wire *w, unsigned end, const struct wire_end_ops *ops, void *ctx);
void wire_set_transmitter(struct wire *w, unsigned end, bool on);
void wire_set_plugged(struct wire *w, bool plugged);
/* Empty or longer than WIRE_FRAME_MAX, transmitter off, no cable, nobody there: lost, and counted.
 */
void wire_send(struct wire *w, unsigned end, const uint8_t *data, uint32_t len_bytes, bool fcs_ok);

#endif
