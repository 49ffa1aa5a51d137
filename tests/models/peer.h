/* Peers inside the models: what a NIC's port can be connected to in emulated time. Each sits on an
 * end of a wire, paces itself at 10 Gbit/s, honours PAUSE frames (IEEE 802.3 annex 31B) and sends
 * only while it sees a signal.
 *
 *   echo mac=M [ip=A]
 *	Returns every frame that is addressed to it or to everybody, with its own address as the
 *	source. With ip=: answers ARP for A, ICMP echo requests and UDP (addresses and ports
 *	swapped), fragments too; also behind one VLAN tag.
 *   generator dst=M [src=M] [pps=N | mbit=N] [size=N | mix=N:WEIGHT,...] [count=N] [flows=N]
 *	     [ip_src=A] [ip_dst=A] [start_us=N]
 *	Sends UDP over IPv4 with a sequence number, time and size in the payload, the flows in
 *	turn; flow n has source address ip_src + n and source port 1024 + n. Sizes are those of
 *	whole frames with FCS, 64 by default; mbit counts the same bytes. Without a rate: as fast
 *	as the wire allows; without a count: for ever. Checks what comes back as a sink does.
 *   sink
 *	Checks the generator's frames, whoever forwarded them.
 *
 * M is 02:00:00:00:00:01, A is 10.0.0.1, N is decimal. */
#ifndef SLUICE_MODELS_PEER_H
#define SLUICE_MODELS_PEER_H

#include <stdint.h>
#include <stdio.h>

#include "clock.h"
#include "wire.h"

#define PEER_FLOWS_MAX	 1024
#define PEER_ECHO_FRAMES 256 /* so many may wait to be returned */

struct peer;

/* Bytes include the FCS. */
struct peer_counts {
	uint64_t tx_frames, tx_bytes;
	uint64_t rx_frames, rx_bytes; /* good frames */
	uint64_t rx_errors;	      /* wrong FCS, or shorter than 64 bytes */
	uint64_t rx_pause;	      /* of rx_frames */
	uint64_t ignored;	      /* echo: not for it */
	uint64_t dropped;	      /* echo: too many waited, or the link went */
	/* generator, sink */
	uint64_t rx_foreign;	/* not the generator's */
	uint64_t rx_checked;	/* the generator's and right */
	uint64_t rx_corrupted;	/* the generator's, but size, pattern or a checksum is wrong */
	uint64_t rx_lost;	/* gaps in the sequence numbers; corrupted ones leave one too */
	uint64_t rx_reordered;	/* of rx_checked: came after a later one */
	uint64_t rx_duplicated; /* of rx_checked */
	uint64_t rx_too_late;	/* of rx_checked: too old to say which of these */
	uint64_t latency_min_ps, latency_max_ps, latency_sum_ps; /* of rx_checked */
};

/* 0; -EINVAL: the specification is wrong, and why says in what; -ENOMEM. The peer takes the end and
 * turns its transmitter on. */
int peer_create(struct peer **p, const char *spec, struct clock *clock, struct wire *wire,
	unsigned end, const char **why);
/* Leaves the wire. p may be NULL. */
void peer_destroy(struct peer *p);

void peer_counts(const struct peer *p, struct peer_counts *counts);
/* As "name value" lines. */
void peer_print_counts(const struct peer *p, FILE *out);

#endif
