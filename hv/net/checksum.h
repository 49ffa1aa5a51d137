/* The Internet checksum (RFC 1071), over pieces of any length. */
#ifndef SLUICE_NET_CHECKSUM_H
#define SLUICE_NET_CHECKSUM_H

#include <stdint.h>

#include "lib/bits.h"

/* Sum so far, in memory byte order; at_odd says that the next byte is the second one of a word. */
struct checksum {
	uint64_t sum;
	uint32_t at_odd;
};

void checksum_add(struct checksum *c, const void *bytes, uint32_t len_bytes);

/* Adds the sum of bytes that follow at an even offset. */
void checksum_join(struct checksum *c, const struct checksum *following);

/* One's complement of the sum, in memory byte order: store it as it is (memcpy). */
uint16_t checksum_fold(const struct checksum *c);

/* What a TCP checksum field holds that is to be completed: the sum, not inverted, of the pseudo
 * header with both IPv4 addresses. tcp_bytes: header and payload. */
void checksum_put_tcp_pseudo(const uint8_t *addresses, uint8_t *field, uint32_t tcp_bytes);

#endif
