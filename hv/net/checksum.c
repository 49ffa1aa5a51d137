/* The Internet checksum (RFC 1071): byte order does not matter to a one's complement sum, and an
 * odd piece only swaps the bytes of what follows. */
#include "net/checksum.h"

#define IP_PROTO_TCP 6

/* Eight bytes at a time, with end-around carry: 2^64 - 1 is a multiple of 2^16 - 1. */
static uint64_t add_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

void checksum_add(struct checksum *c, const void *bytes, uint32_t len_bytes)
{
	const uint8_t *p = bytes;
	uint64_t sum = c->sum;

	if (c->at_odd && len_bytes) {
		sum = add_carry(sum, (uint64_t)*p++ << 8);
		len_bytes--;
		c->at_odd = 0;
	}
	for (; len_bytes >= 8; len_bytes -= 8, p += 8) {
		uint64_t word;

		__builtin_memcpy(&word, p, sizeof(word));
		sum = add_carry(sum, word);
	}
	for (; len_bytes >= 2; len_bytes -= 2, p += 2)
		sum = add_carry(sum, (uint64_t)p[1] << 8 | p[0]);
	if (len_bytes) {
		sum = add_carry(sum, *p);
		c->at_odd = 1;
	}
	c->sum = sum;
}

void checksum_join(struct checksum *c, const struct checksum *following)
{
	c->sum = add_carry(c->sum, following->sum);
	c->at_odd = following->at_odd;
}

uint16_t checksum_fold(const struct checksum *c)
{
	uint64_t sum = c->sum;

	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 32) + (sum & 0xffffffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	sum = (sum >> 16) + (sum & 0xffff);
	return (uint16_t)~sum;
}

void checksum_put_tcp_pseudo(const uint8_t *addresses, uint8_t *field, uint32_t tcp_bytes)
{
	uint8_t tail[4] = { 0, IP_PROTO_TCP, (uint8_t)(tcp_bytes >> 8), (uint8_t)tcp_bytes };
	struct checksum c = { 0 };
	uint16_t sum;

	checksum_add(&c, addresses, 8);
	checksum_add(&c, tail, sizeof(tail));
	sum = (uint16_t)~checksum_fold(&c);
	__builtin_memcpy(field, &sum, sizeof(sum));
}
