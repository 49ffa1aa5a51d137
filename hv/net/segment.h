/* Writing a frame into a destination's buffers, with the offloads done in software that the
 * destination did not negotiate: completing a partial checksum (virtio 1.2, 5.1.6.2), cutting a
 * TCP segment (VNET_HDR_GSO_TCPV4/6) into frames of MSS size (RFC 9293; RFC 791, 8200).
 *
 * Source and destination are guests' memory and may change at any time. Headers come from the
 * frame's head, or, where longer, are read once into the segmenter and validated there. */
#ifndef SLUICE_NET_SEGMENT_H
#define SLUICE_NET_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/bits.h"
#include "net/checksum.h"
#include "net/frame.h"

/* The destination: buffers, filled from the first on. */
struct sink_buffer {
	uint8_t *hva;
	uint32_t len_bytes;
};

struct sink {
	const struct sink_buffer *buffer;
	unsigned nr_buffers;
	unsigned current; /* cursor: buffer, and offset in it */
	uint32_t offset;
};

void sink_init(struct sink *s, const struct sink_buffer *buffer, unsigned nr_buffers);

/* 0, or -ENOSPC: no room for all of it, and part of it may have been written. */
int sink_write(struct sink *s, const void *src, uint32_t len_bytes) __must_check;
int sink_skip(struct sink *s, uint32_t len_bytes) __must_check;

/* The whole frame as planned; complete: finish a partial checksum (plan->offload's NEEDS_CSUM) and
 * clear the flag there. 0 or -ENOSPC. */
int frame_write(
	const struct frame *f, struct frame_plan *plan, bool complete, struct sink *s) __must_check;

/* A place in a frame's bytes as they came: piece 0 is the head, piece i + 1 segment[i]. */
struct frame_cursor {
	unsigned piece;
	uint32_t offset;
};

#define SEGMENT_HEADERS_MAX                                                                        \
	144 /* Ethernet, tag, IPv4 or IPv6 and TCP with all their options: 138 */

struct segmenter {
	const struct frame *f;
	struct frame_cursor at; /* next byte of payload */
	uint32_t payload_left;	/* 0: finished */
	uint32_t seq;
	uint16_t mss;
	uint16_t ip_id;
	uint16_t l3_off, l4_off, headers_len; /* in headers[] */
	uint8_t tcp_flags;		      /* of the whole */
	bool ipv6, complete;
	uint8_t headers[SEGMENT_HEADERS_MAX]; /* of the next frame, tagged as the destination wants
					       */
};

/* f is a TCP GSO frame that went through switch_forward(). complete: write whole checksums; else
 * each segment goes out with VNET_HDR_F_NEEDS_CSUM. 0, or -EINVAL: headers are not those of a TCP
 * segment that can be cut (DROP_MALFORMED). IP fragments and IPv6 extension headers cannot. */
int segment_begin(
	struct segmenter *s, const struct frame *f, bool want_tag, bool complete) __must_check;

/* Length of the next frame in bytes, 0: no more. */
uint32_t segment_next_len(const struct segmenter *s);

/* Writes it, and fills in the offload fields to deliver it with (gso_type NONE). 0, or -ENOSPC: the
 * sink is too small; nothing has advanced, so that another sink may be tried. */
int segment_write(
	struct segmenter *s, struct sink *sink, struct frame_offload *offload) __must_check;

#endif
