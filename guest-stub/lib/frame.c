#include "frame.h"

#include "lib/string.h"

uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

void put_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

uint16_t frame_ethertype(const uint8_t *frame)
{
	return get_be16(frame + 12);
}

void frame_header(uint8_t *frame, const uint8_t dst[6], const uint8_t src[6], uint16_t ethertype)
{
	memcpy(frame, dst, 6);
	memcpy(frame + 6, src, 6);
	put_be16(frame + 12, ethertype);
}

/* Words, the last one padded with zeros; position-dependent. */
static uint32_t checksum(const uint8_t *p, uint32_t len_bytes, uint32_t seed)
{
	uint32_t sum = seed, word;

	for (; len_bytes >= 4; len_bytes -= 4, p += 4) {
		memcpy(&word, p, 4);
		sum = (sum << 1 | sum >> 31) + word;
	}
	word = 0;
	memcpy(&word, p, len_bytes);
	return (sum << 1 | sum >> 31) + word;
}

void probe_make(uint8_t *frame, const uint8_t dst[6], const uint8_t src[6], uint32_t kind,
	uint32_t seq, uint32_t len_bytes)
{
	uint8_t *payload = frame + PROBE_MIN_BYTES;
	uint32_t payload_bytes = len_bytes - (uint32_t)PROBE_MIN_BYTES;
	struct probe p = { kind, seq, len_bytes, 0 };
	uint32_t word = seq * 2654435761u; /* consecutive payloads share no byte */

	frame_header(frame, dst, src, ETHERTYPE_PROBE);
	for (uint32_t i = 0; i < payload_bytes; i += 4, word += 0x01010101u)
		memcpy(payload + i, &word, payload_bytes - i < 4 ? payload_bytes - i : 4);
	p.checksum = checksum(payload, payload_bytes, seq ^ len_bytes);
	memcpy(frame + ETHERNET_HEADER_BYTES, &p, sizeof(p));
}

static bool probe_read(const uint8_t *frame, uint32_t len_bytes, struct probe *p)
{
	if (len_bytes < PROBE_MIN_BYTES || frame_ethertype(frame) != ETHERTYPE_PROBE)
		return false;
	memcpy(p, frame + ETHERNET_HEADER_BYTES, sizeof(*p));
	return true;
}

uint32_t probe_kind(const uint8_t *frame, uint32_t len_bytes, uint32_t *seq)
{
	struct probe p;

	if (!probe_read(frame, len_bytes, &p))
		return 0;
	*seq = p.seq;
	return p.kind;
}

bool probe_intact(const uint8_t *frame, uint32_t len_bytes)
{
	struct probe p;

	/* a NIC or switch may have padded a short frame */
	if (!probe_read(frame, len_bytes, &p) || p.len_bytes < PROBE_MIN_BYTES ||
		(p.len_bytes != len_bytes &&
			(p.len_bytes > len_bytes || len_bytes > ETHERNET_MIN_BYTES)))
		return false;
	return p.checksum == checksum(frame + PROBE_MIN_BYTES,
				     p.len_bytes - (uint32_t)PROBE_MIN_BYTES, p.seq ^ p.len_bytes);
}
