/* Ethernet frames that the test guests exchange: ethertype 0x88b5 (IEEE 802, local experimental).
 *
 * A probe carries a sequence number, its length and a checksum over a payload that depends on both.
 * Multi-byte fields of a probe are little-endian, those of the Internet protocols big-endian. */
#ifndef STUB_FRAME_H
#define STUB_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define ETHERNET_HEADER_BYTES 14
#define ETHERNET_MIN_BYTES    60
#define ETHERTYPE_IPV4	      0x0800
#define ETHERTYPE_ARP	      0x0806
#define ETHERTYPE_PROBE	      0x88b5

#define PROBE_DATA  0x30425250u /* "PRB0" */
#define PROBE_HELLO 0x4f4c4548u /* "HELO": answered, not counted */
#define PROBE_NOISE 0x53494f4eu /* "NOIS": likewise */
#define PROBE_QUIT  0x54495551u /* "QUIT": the echo guest ends */

struct probe {
	uint32_t kind, seq, len_bytes, checksum; /* len_bytes: of the whole frame */
};

#define PROBE_MIN_BYTES (ETHERNET_HEADER_BYTES + sizeof(struct probe))

uint16_t get_be16(const uint8_t *p);
void put_be16(uint8_t *p, uint16_t v);
uint16_t frame_ethertype(const uint8_t *frame);
void frame_header(uint8_t *frame, const uint8_t dst[6], const uint8_t src[6], uint16_t ethertype);

/* len_bytes at least PROBE_MIN_BYTES; the Ethernet header is written, too. */
void probe_make(uint8_t *frame, const uint8_t dst[6], const uint8_t src[6], uint32_t kind,
	uint32_t seq, uint32_t len_bytes);
/* The kind, or 0 if it is no probe or too short. *seq is set. */
uint32_t probe_kind(const uint8_t *frame, uint32_t len_bytes, uint32_t *seq);
/* Length, checksum and payload are as probe_make() made them. */
bool probe_intact(const uint8_t *frame, uint32_t len_bytes);

#endif
