/* Headers of a received frame: Ethernet II and SNAP, one or two VLAN tags, IPv4, IPv6 with its
 * extension headers, TCP, UDP, SCTP. DS 7.1.2.8, 7.1.11. */
#include <string.h>

#include "parse.h"

#define MAC_ADDRESSES	 12
#define IPV4_MIN	 20
#define IPV6_BYTES	 40
#define EXTENSIONS_MAX	 8 /* the chip stops somewhere, too */
#define PROTO_HOPOPTS	 0
#define PROTO_TCP	 6
#define PROTO_UDP	 17
#define PROTO_ROUTING	 43
#define PROTO_FRAGMENT	 44
#define PROTO_AH	 51
#define PROTO_DSTOPTS	 60
#define PROTO_SCTP	 132
#define OPTION_PAD1	 0
#define OPTION_HOME	 201
#define IPV4_FRAG_MASK	 0x3fff /* more fragments, offset */
#define IPV4_FRAG_OFFSET 0x1fff

static uint32_t parse_tags(
	struct parse *r, const uint8_t *data, uint32_t len, uint16_t vet, uint16_t outer_vet)
{
	uint32_t at = MAC_ADDRESSES;

	if (outer_vet && at + 4 <= len && load_be16(data + at) == outer_vet) {
		r->outer_vlan = true;
		at += 4;
	}
	if (at + 4 <= len && load_be16(data + at) == vet) {
		r->vlan = true;
		r->vlan_at = (uint16_t)at;
		r->vlan_tci = load_be16(data + at + 2);
		at += 4;
	}
	return at;
}

/* Returns the offset behind the Ethernet header. */
static uint32_t parse_ethernet(
	struct parse *r, const uint8_t *data, uint32_t len, uint16_t vet, uint16_t outer_vet)
{
	static const uint8_t snap[6] = { 0xaa, 0xaa, 3, 0, 0, 0 };
	uint32_t at = parse_tags(r, data, len, vet, outer_vet);

	if (at + 2 > len)
		return len;
	r->ethertype = load_be16(data + at);
	at += 2;
	if (r->ethertype <= 1500 && at + 8 <= len && !memcmp(data + at, snap, sizeof(snap))) {
		r->ethertype = load_be16(data + at + 6);
		at += 8;
	}
	return at;
}

static void parse_l4(struct parse *r, const uint8_t *data)
{
	uint32_t at = r->l4, left = r->end - at, header;

	if (r->protocol == PROTO_UDP && left >= 8) {
		r->l4_type = L4_UDP;
		r->payload = (uint16_t)(at + 8);
	} else if (r->protocol == PROTO_TCP && left >= 20) {
		header = (uint32_t)(data[at + 12] >> 4) * 4;
		if (header < 20 || header > left)
			return;
		r->l4_type = L4_TCP;
		r->payload = (uint16_t)(at + header);
	} else if (r->protocol == PROTO_SCTP && left >= 12) {
		r->l4_type = L4_SCTP;
		r->payload = (uint16_t)(at + 12);
	}
}

static void parse_ipv4(struct parse *r, const uint8_t *data, uint32_t at, uint32_t len)
{
	uint32_t header, total;
	uint16_t frag;

	if (len - at < IPV4_MIN || data[at] >> 4 != 4)
		return;
	header = (data[at] & 0xfu) * 4;
	total = load_be16(data + at + 2);
	if (header < IPV4_MIN || total < header || total > len - at)
		return;
	r->ip = 4;
	r->l3 = (uint16_t)at;
	r->l4 = r->payload = (uint16_t)(at + header);
	r->end = (uint16_t)(at + total);
	r->ip_extended = header > IPV4_MIN;
	r->protocol = data[at + 9];
	r->src = r->ex_src = (uint16_t)(at + 12);
	r->dst = r->ex_dst = (uint16_t)(at + 16);
	frag = load_be16(data + at + 6);
	r->fragment = (frag & IPV4_FRAG_MASK) != 0;
	r->first_fragment = r->fragment && !(frag & IPV4_FRAG_OFFSET);
	if (r->first_fragment)
		r->first_fragment_l4 = r->protocol;
	if (!r->fragment)
		parse_l4(r, data);
}

/* RFC 6275: the home address option in a destination options header. */
static void find_home_address(struct parse *r, const uint8_t *data, uint32_t at, uint32_t end)
{
	while (at < end) {
		uint32_t bytes = data[at] == OPTION_PAD1 ? 1 : 2;

		if (bytes == 2) {
			if (at + 2 > end)
				return;
			bytes += data[at + 1];
		}
		if (data[at] == OPTION_HOME && bytes == 18 && at + 18 <= end)
			r->ex_src = (uint16_t)(at + 2);
		at += bytes;
	}
}

/* Follows the extension headers; false: they do not end inside the packet. */
static bool parse_extensions(struct parse *r, const uint8_t *data, uint32_t *at, uint8_t *next)
{
	for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
		uint32_t bytes;

		if (*next != PROTO_HOPOPTS && *next != PROTO_ROUTING && *next != PROTO_FRAGMENT &&
			*next != PROTO_DSTOPTS && *next != PROTO_AH)
			return true;
		if (*at + 8 > r->end)
			return false;
		bytes = *next == PROTO_FRAGMENT ? 8
			: *next == PROTO_AH	? (data[*at + 1] + 2u) * 4
						: (data[*at + 1] + 1u) * 8;
		if (*at + bytes > r->end)
			return false;
		r->ip_extended = true;
		if (*next == PROTO_FRAGMENT) {
			r->fragment = true;
			r->first_fragment = !(load_be16(data + *at + 2) & 0xfff8);
		} else if (*next == PROTO_DSTOPTS) {
			find_home_address(r, data, *at + 2, *at + bytes);
		} else if (*next == PROTO_ROUTING && data[*at + 2] == 2 && bytes >= 24 &&
			   data[*at + 3] == 1) {
			r->ex_dst = (uint16_t)(*at + 8);
		}
		*next = data[*at];
		*at += bytes;
		if (r->fragment)
			return true;
	}
	return false;
}

static void parse_ipv6(struct parse *r, const uint8_t *data, uint32_t at, uint32_t len)
{
	uint32_t end, header = at + IPV6_BYTES;
	uint8_t next;

	if (len - at < IPV6_BYTES || data[at] >> 4 != 6)
		return;
	end = header + load_be16(data + at + 4);
	if (end > len)
		return;
	r->ip = 6;
	r->l3 = (uint16_t)at;
	r->end = (uint16_t)end;
	r->src = r->ex_src = (uint16_t)(at + 8);
	r->dst = r->ex_dst = (uint16_t)(at + 24);
	next = data[at + 6];
	if (!parse_extensions(r, data, &header, &next))
		return;
	r->protocol = next;
	r->l4 = r->payload = (uint16_t)header;
	if (!r->fragment)
		parse_l4(r, data);
}

void parse_frame(
	struct parse *r, const uint8_t *data, uint32_t len_bytes, uint16_t vet, uint16_t outer_vet)
{
	uint32_t at;

	memset(r, 0, sizeof(*r));
	if (len_bytes > UINT16_MAX)
		len_bytes = UINT16_MAX;
	r->end = (uint16_t)len_bytes;
	at = parse_ethernet(r, data, len_bytes, vet, outer_vet);
	r->l3 = (uint16_t)at;
	if (at < len_bytes && r->ethertype == ETHERTYPE_IPV4)
		parse_ipv4(r, data, at, len_bytes);
	else if (at < len_bytes && r->ethertype == ETHERTYPE_IPV6)
		parse_ipv6(r, data, at, len_bytes);
}
