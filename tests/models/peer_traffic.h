/* The generator's frames: UDP over IPv4, and in the payload what the sink needs to check them. All
 * fields big-endian; the smallest frame holds just these. */
#ifndef SLUICE_MODELS_PEER_TRAFFIC_H
#define SLUICE_MODELS_PEER_TRAFFIC_H

#include "peer_impl.h"

#define TRAFFIC_MAGIC	  0x51ce
#define TRAFFIC_OFF_MAGIC 0  /* 2 */
#define TRAFFIC_OFF_SIZE  2  /* 2: the frame's length without FCS */
#define TRAFFIC_OFF_FLOW  4  /* 2 */
#define TRAFFIC_OFF_SEQ	  6  /* 4: the flow's own count */
#define TRAFFIC_OFF_TIME  10 /* 8: when it was sent, in ps */
#define TRAFFIC_BYTES	  18 /* the pattern follows */

/* What a sink knows of a flow: the next sequence number, and which of those before have come. */
#define TRAFFIC_WINDOW 1024
struct traffic_flow {
	uint32_t next;
	uint64_t seen[TRAFFIC_WINDOW / 64]; /* bit n % TRAFFIC_WINDOW for number n */
};

static inline uint8_t traffic_pattern(uint32_t flow, uint32_t seq, uint32_t i)
{
	return (uint8_t)(flow * 31 + seq + i * 7);
}

/* Checks a frame that the generator may have made. flows: PEER_FLOWS_MAX of them. */
void traffic_check(
	struct peer *p, struct traffic_flow *flows, const uint8_t *data, uint32_t len_bytes);

#endif
