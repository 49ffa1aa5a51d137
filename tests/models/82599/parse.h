/* What the 82599 recognises in a frame: DS 7.1.2.8, 7.1.10 to 7.1.12. Nothing here trusts a length
 * that stands in the frame. */
#ifndef SLUICE_MODELS_M82599_PARSE_H
#define SLUICE_MODELS_M82599_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#define ETHERTYPE_IPV4	  0x0800
#define ETHERTYPE_VLAN	  0x8100
#define ETHERTYPE_IPV6	  0x86dd
#define ETHERTYPE_CONTROL 0x8808
#define ETHERTYPE_1588	  0x88f7

#define TCP_FIN 0x01
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10
#define TCP_URG 0x20

enum parse_l4 { L4_NONE, L4_UDP, L4_TCP, L4_SCTP }; /* as FDIRCMD counts them, DS 8.2.3.21.22 */

struct parse {
	uint16_t ethertype; /* behind the tags */
	bool vlan;	    /* a tag of VLNCTRL.VET */
	bool outer_vlan;    /* and one of EXVET before it */
	uint16_t vlan_tci;
	uint16_t vlan_at; /* offset of the tag */
	uint16_t l3;	  /* offset behind the Ethernet header */
	uint16_t l4;	  /* 0: no IP header that could be followed to its end */
	uint16_t payload; /* offset behind the TCP, UDP or SCTP header */
	uint16_t end;	  /* where the IP packet ends, or the frame */
	uint8_t ip;	  /* 4, 6; 0: neither */
	bool ip_extended; /* IPv4 options, IPv6 extension headers */
	bool fragment, first_fragment;
	uint8_t protocol;
	enum parse_l4 l4_type;	   /* only with a complete header in an unfragmented packet */
	uint16_t src, dst;	   /* offsets of the addresses */
	uint16_t ex_src, ex_dst;   /* those of RSS's "Ex" functions: DS 7.1.2.8.1 */
	uint8_t first_fragment_l4; /* protocol of a first fragment, for the fragment checksum */
};

/* vet, outer_vet: EtherTypes of the tags; outer_vet 0: single VLAN mode. */
void parse_frame(
	struct parse *r, const uint8_t *data, uint32_t len_bytes, uint16_t vet, uint16_t outer_vet);

static inline uint16_t load_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint32_t load_le32(const uint8_t *p)
{
	return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}

static inline uint64_t load_le64(const uint8_t *p)
{
	return (uint64_t)load_le32(p + 4) << 32 | load_le32(p);
}

static inline void store_be16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void store_be32(uint8_t *p, uint32_t v)
{
	store_be16(p, (uint16_t)(v >> 16));
	store_be16(p + 2, (uint16_t)v);
}

static inline void store_le32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* ---- parse_sum.c ---- */

/* Adds len bytes as 16-bit words in network order; fold with sum_fold(). */
uint64_t sum_words(const uint8_t *p, uint32_t len_bytes, uint64_t sum);
uint16_t sum_fold(uint64_t sum);
/* Pseudo header of TCP and UDP: addresses as the packet has them, protocol, length. */
uint64_t sum_pseudo(const struct parse *r, const uint8_t *data, uint32_t l4_len_bytes);
uint32_t crc32_ethernet(const uint8_t *p, uint32_t len_bytes);
/* SCTP's CRC32c over p with the 4 bytes at `field` as zero. */
uint32_t crc32c_sctp(const uint8_t *p, uint32_t len_bytes, uint32_t field);

#endif
