/* Sums over frames: the Internet checksum (RFC 1071), Ethernet's CRC-32 (IEEE 802.3, 3.2.9) and
 * SCTP's CRC-32c (RFC 9260, appendix A). */
#include <string.h>

#include "parse.h"

#define CRC32_POLYNOMIAL  0xedb88320u
#define CRC32C_POLYNOMIAL 0x82f63b78u
#define SLICES		  8

uint64_t sum_words(const uint8_t *p, uint32_t len_bytes, uint64_t sum)
{
	/* in the machine's own byte order, which the ones' complement sum does not mind, turned
	 * back at the end (RFC 1071, 2 (B)) */
	uint64_t own = 0, pair;
	uint32_t word;
	uint16_t last;

	for (; len_bytes >= 8; p += 8, len_bytes -= 8) {
		memcpy(&pair, p, 8);
		own += (uint32_t)pair + (pair >> 32);
	}
	if (len_bytes >= 4) {
		memcpy(&word, p, 4);
		own += word;
		p += 4;
		len_bytes -= 4;
	}
	if (len_bytes >= 2) {
		memcpy(&last, p, 2);
		own += last;
		p += 2;
		len_bytes -= 2;
	}
	if (len_bytes) {
		uint8_t padded[2] = { *p, 0 };

		memcpy(&last, padded, 2);
		own += last;
	}
	while (own >> 16)
		own = (own & 0xffff) + (own >> 16);
	last = (uint16_t)own;
	return sum + load_be16((const uint8_t *)&last);
}

uint16_t sum_fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t sum_pseudo(const struct parse *r, const uint8_t *data, uint32_t l4_len_bytes)
{
	uint32_t address = r->ip == 4 ? 4 : 16;
	uint64_t sum = sum_words(data + r->ex_src, address, r->protocol);

	sum = sum_words(data + r->ex_dst, address, sum);
	return sum + (l4_len_bytes >> 16) + (l4_len_bytes & 0xffff);
}

/* Tables for eight bytes a step: t[k][b] is the remainder of byte b followed by k zero bytes. */
struct crc {
	bool ready;
	uint32_t t[SLICES][256];
};

static void crc_prepare(struct crc *c, uint32_t polynomial)
{
	for (uint32_t b = 0; b < 256; b++) {
		uint32_t v = b;

		for (unsigned bit = 0; bit < 8; bit++)
			v = v >> 1 ^ (v & 1 ? polynomial : 0);
		c->t[0][b] = v;
	}
	for (uint32_t b = 0; b < 256; b++)
		for (unsigned k = 1; k < SLICES; k++)
			c->t[k][b] = c->t[k - 1][b] >> 8 ^ c->t[0][c->t[k - 1][b] & 0xff];
	c->ready = true;
}

static uint32_t crc_add(const struct crc *c, uint32_t crc, const uint8_t *p, uint32_t len)
{
	for (; len >= 8; p += 8, len -= 8) {
		crc ^= load_le32(p);
		crc = c->t[7][crc & 0xff] ^ c->t[6][crc >> 8 & 0xff] ^ c->t[5][crc >> 16 & 0xff] ^
		      c->t[4][crc >> 24] ^ c->t[3][p[4]] ^ c->t[2][p[5]] ^ c->t[1][p[6]] ^
		      c->t[0][p[7]];
	}
	while (len--)
		crc = crc >> 8 ^ c->t[0][(crc ^ *p++) & 0xff];
	return crc;
}

uint32_t crc32_ethernet(const uint8_t *p, uint32_t len_bytes)
{
	static struct crc c;

	if (!c.ready)
		crc_prepare(&c, CRC32_POLYNOMIAL);
	return ~crc_add(&c, ~0u, p, len_bytes);
}

uint32_t crc32c_sctp(const uint8_t *p, uint32_t len_bytes, uint32_t field)
{
	static const uint8_t zero[4];
	static struct crc c;
	uint32_t crc;

	if (!c.ready)
		crc_prepare(&c, CRC32C_POLYNOMIAL);
	crc = crc_add(&c, ~0u, p, field);
	crc = crc_add(&c, crc, zero, sizeof(zero));
	return ~crc_add(&c, crc, p + field + 4, len_bytes - field - 4);
}
