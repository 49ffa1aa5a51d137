/* Reception from the MAC to the packet buffer: lengths, FCS, layer 2 filters, checksums. DS 7.1.1,
 * 7.1.11, 7.1.13; 8.2.3.22. */
#include <string.h>

#include "data.h"

#define FRAME_MIN	 60 /* without FCS */
#define LENGTH_FIELD_MAX 1500
#define STATUS_UDPCS	 (1u << 4)
#define STATUS_L4CS	 (1u << 5)
#define STATUS_IPCS	 (1u << 6)
#define STATUS_PIF	 (1u << 7)
#define STATUS_VEXT	 (1u << 9)
#define STATUS_UDPV	 (1u << 10)
#define STATUS_TS	 (1u << 16)
#define STATUS_LB	 (1u << 18)
#define ERROR_RXE	 (1u << 29)
#define ERROR_L4E	 (1u << 30)
#define ERROR_IPE	 (1u << 31)
#define PTYPE_IPV4	 (1u << 4)
#define PTYPE_IPV4E	 (1u << 5)
#define PTYPE_IPV6	 (1u << 6)
#define PTYPE_IPV6E	 (1u << 7)
#define PTYPE_TCP	 (1u << 8)
#define PTYPE_UDP	 (1u << 9)
#define PTYPE_SCTP	 (1u << 10)
#define PROTO_UDP	 17
#define UDP_CHECKSUM	 6
#define SCTP_CHECKSUM	 8

static uint16_t outer_vet(const struct port *p)
{
	if (!(reg_get(p, REG_CTRL_EXT) & CTRL_EXT_EXTENDED_VLAN))
		return 0;
	return (uint16_t)(reg_get(p, REG_EXVET) >> 16);
}

static bool is_tagged(const struct port *p, const uint8_t *data)
{
	return load_be16(data + 12) == (reg_get(p, REG_VLNCTRL) & VLNCTRL_VET);
}

/* Undersize, oversize, and a length field that does not fit. */
static bool length_is_good(const struct port *p, const uint8_t *data, uint32_t len)
{
	uint32_t hlreg0 = reg_get(p, REG_HLREG0), max = 1518, field;

	if (len < FRAME_MIN)
		return false;
	if (hlreg0 & HLREG0_JUMBOEN)
		max = reg_get(p, REG_MAXFRS) >> MAXFRS_MFS_SHIFT;
	if (outer_vet(p) && load_be16(data + 12) == outer_vet(p))
		max += 8;
	else if (is_tagged(p, data))
		max += 4;
	if (len + WIRE_FCS_BYTES > max)
		return false;
	field = load_be16(data + 12);
	if (!(hlreg0 & HLREG0_RXLNGTHERREN) || field > LENGTH_FIELD_MAX)
		return true;
	return field + 14 == len || (field + 14 < len && len == FRAME_MIN);
}

/* IPCS and L4CS say that a sum was checked, the errors that it was wrong: DS 7.1.11. */
static uint32_t check_l4(const struct port *p, const uint8_t *data, const struct parse *r)
{
	uint32_t len = r->end - r->l4, status = STATUS_L4CS;
	bool good;

	if (r->l4_type == L4_NONE || (r->ip == 6 && reg_get(p, REG_RFCTL) & RFCTL_IPV6_XSUM))
		return 0;
	if (r->l4_type == L4_SCTP)
		return crc32c_sctp(data + r->l4, len, SCTP_CHECKSUM) ==
				       load_le32(data + r->l4 + SCTP_CHECKSUM)
			       ? status
			       : status | ERROR_L4E;
	if (r->l4_type == L4_UDP) {
		if (r->ip == 4 && !load_be16(data + r->l4 + UDP_CHECKSUM))
			return 0;
		status |= STATUS_UDPCS;
	}
	good = sum_fold(sum_words(data + r->l4, len, sum_pseudo(r, data, len))) == 0xffff;
	return good ? status : status | ERROR_L4E;
}

static uint32_t check_sums(const struct port *p, const uint8_t *data, const struct parse *r)
{
	uint32_t status = 0;

	if (r->ip == 6 && reg_get(p, REG_RFCTL) & RFCTL_IPV6_DIS)
		return 0;
	if (r->ip == 4) {
		status = STATUS_IPCS;
		if (sum_fold(sum_words(data + r->l3, r->l4 - r->l3, 0)) != 0xffff)
			status |= ERROR_IPE;
	}
	return r->ip ? status | check_l4(p, data, r) : 0;
}

/* The payload of an IPv4 fragment, for software to add up: DS 7.1.12. */
static void fragment_sum(const struct port *p, const uint8_t *data, struct rx_packet *k)
{
	const struct parse *r = &k->parse;
	uint32_t rxcsum = reg_get(p, REG_RXCSUM);

	if (rxcsum & RXCSUM_PCSD || r->ip != 4)
		return;
	k->hash = load_be16(data + r->l3 + 4);
	if (!(rxcsum & RXCSUM_IPPCSE) || !r->fragment)
		return;
	k->fragment_sum = sum_fold(sum_words(data + r->l4, r->end - r->l4, 0));
	k->hash |= (uint32_t)k->fragment_sum << 16;
	if (r->first_fragment && r->protocol == PROTO_UDP && r->end >= r->l4 + 8 &&
		load_be16(data + r->l4 + UDP_CHECKSUM))
		k->status |= STATUS_UDPV;
}

static void packet_type(struct rx_packet *k)
{
	static const uint16_t l4[] = {
		[L4_UDP] = PTYPE_UDP, [L4_TCP] = PTYPE_TCP, [L4_SCTP] = PTYPE_SCTP
	};
	const struct parse *r = &k->parse;

	if (!r->ip)
		return;
	k->type = r->ip == 4 ? PTYPE_IPV4 : PTYPE_IPV6;
	if (r->ip_extended)
		k->type |= r->ip == 4 ? PTYPE_IPV4E : PTYPE_IPV6E;
	k->type |= l4[r->l4_type];
}

static void describe(
	struct port *p, const uint8_t *data, uint32_t len, struct rx_packet *k, bool fcs_ok)
{
	struct parse *r = &k->parse;

	parse_frame(r, data, len, reg_get(p, REG_VLNCTRL) & VLNCTRL_VET, outer_vet(p));
	k->len_bytes = k->wire_bytes = len;
	k->vlan = r->vlan;
	k->vlan_tci = r->vlan_tci;
	k->vlan_at = r->vlan_at;
	k->status = check_sums(p, data, r);
	if (k->status & (ERROR_IPE | ERROR_L4E)) {
		p->counts.rx_csum_errors++;
		stats_add(p, REG_XEC, 1);
	}
	if (!fcs_ok)
		k->status |= ERROR_RXE;
	if (r->outer_vlan)
		k->status |= STATUS_VEXT;
	k->rsc_candidate =
		r->ip == 4 && r->l4_type == L4_TCP && !(reg_get(p, REG_RFCTL) & RFCTL_RSC_DIS);
	packet_type(k);
	fragment_sum(p, data, k);
	if (tsync_receive(p, data, len, r))
		k->status |= STATUS_TS;
}

/* The FCS stays if neither the MAC nor the DMA engine takes it off. */
static bool keeps_fcs(const struct port *p)
{
	return !(reg_get(p, REG_HLREG0) & HLREG0_RXCRCSTRP) &&
	       !(reg_get(p, REG_RDRXCTL) & RDRXCTL_CRCSTRIP);
}

static void rx_accept(struct port *p, const uint8_t *data, struct rx_packet *k, uint64_t pools)
{
	uint8_t copy[WIRE_FRAME_MAX + WIRE_FCS_BYTES];

	if (!rx_select(p, data, pools, k)) {
		p->counts.rx_filtered++;
		return;
	}
	if (!keeps_fcs(p)) {
		rx_fifo_put(p, data, k);
		return;
	}
	memcpy(copy, data, k->len_bytes);
	store_le32(copy + k->len_bytes, crc32_ethernet(data, k->len_bytes));
	if (k->status & ERROR_RXE)
		copy[k->len_bytes] ^= 1;
	k->len_bytes += WIRE_FCS_BYTES;
	rx_fifo_put(p, copy, k);
}

static bool rx_is_on(const struct port *p)
{
	return (reg_get(p, REG_RXCTRL) & RXCTRL_RXEN) &&
	       !(reg_get(p, REG_SECRXCTRL) & SECCTRL_PATH_DIS);
}

/* Counts an errored frame; true: it goes on, because errored frames are to be stored. */
static bool rx_error(struct port *p, uint32_t len, bool fcs_ok)
{
	if (!fcs_ok) {
		p->counts.rx_fcs_errors++;
		stats_rx_fcs_error(p, len);
	} else {
		p->counts.rx_length_errors++;
		stats_rx_length_error(p, len);
	}
	return reg_get(p, REG_FCTRL) & FCTRL_SBP;
}

void rx_frame(struct port *p, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	struct filter_result filter;
	struct rx_packet k = { 0 };
	bool good;

	if (len_bytes < 14 || len_bytes > WIRE_FRAME_MAX) {
		p->counts.rx_length_errors++;
		stats_rx_length_error(p, len_bytes);
		return;
	}
	good = fcs_ok && length_is_good(p, data, len_bytes);
	if (good) {
		p->counts.rx_frames++;
		p->counts.rx_bytes += len_bytes + WIRE_FCS_BYTES;
	}
	if (!rx_is_on(p)) {
		p->counts.rx_filtered++;
		return;
	}
	if (!good && !rx_error(p, len_bytes, fcs_ok))
		return;
	if (good && pause_receive(p, data, len_bytes))
		return;
	filter_frame(p, data, len_bytes, &filter);
	if (good)
		stats_rx_frame(p, data, len_bytes);
	if (!filter.accepted) {
		p->counts.rx_filtered++;
		return;
	}
	describe(p, data, len_bytes, &k, good);
	if (filter.uta_or_mta && !filter.exact && !filter.broadcast)
		k.status |= STATUS_PIF;
	rx_accept(p, data, &k, filter.pools);
}

void rx_local(struct port *p, const uint8_t *data, uint32_t len_bytes, uint64_t pools)
{
	struct rx_packet k = { 0 };

	if (!rx_is_on(p))
		return;
	describe(p, data, len_bytes, &k, true);
	k.status |= STATUS_LB;
	rx_accept(p, data, &k, pools);
}

void data_receive(struct port *p, const uint8_t *data, uint32_t len_bytes, bool fcs_ok)
{
	rx_frame(p, data, len_bytes, fcs_ok);
}
