/* What the fake NIC makes of a packet: gathers it, completes checksums, cuts segments. It shares no
 * code with the tree, and aborts where the headers are not as nic.h wants them. */
#include "fake_nic.h"

#include <stdlib.h>
#include <string.h>

#include "mem/direct_map.h"
#include "packets.h"

static void require(bool ok)
{
	if (!ok)
		abort();
}

static uint16_t inverted(uint32_t sum)
{
	return (uint16_t)~sum;
}

static void checksum_ipv4(uint8_t *ip, unsigned l3_len)
{
	set16(ip + 10, 0);
	set16(ip + 10, inverted(ref_sum(0, ip, l3_len)));
}

/* The field holds the pseudo header's sum. */
static void checksum_l4(uint8_t *l4, unsigned len_bytes, bool tcp)
{
	uint8_t *field = l4 + (tcp ? 16 : 6);
	uint16_t sum = inverted(ref_sum(0, l4, len_bytes));

	set16(field, !tcp && sum == 0 ? 0xffff : sum);
}

/* One segment of n payload bytes: headers are in out. */
static void fix_segment(
	const struct nic_tx_packet *p, uint8_t *out, uint32_t at, uint32_t n, bool last)
{
	uint8_t *ip = out + p->l2_len, *tcp = ip + p->l3_len;
	uint32_t l4_len = p->l4_len + n;

	if (p->flags & NIC_TX_IPV4) {
		set16(ip + 2, p->l3_len + l4_len);
		set16(ip + 4, (be16(ip + 4) + at / p->mss) & 0xffff);
		checksum_ipv4(ip, p->l3_len);
	} else {
		set16(ip + 4, p->l3_len - 40 + l4_len);
	}
	set32(tcp + 4, be32(tcp + 4) + at);
	if (at)
		tcp[13] &= 0x7f; /* CWR: the first one only */
	if (!last)
		tcp[13] &= 0xf6; /* FIN, PSH: the last one only */
	set16(tcp + 16, ref_sum(be16(tcp + 16) + l4_len, NULL, 0));
	checksum_l4(tcp, l4_len, true);
}

static void require_blank(const struct nic_tx_packet *p, const uint8_t *all)
{
	const uint8_t *ip = all + p->l2_len, *tcp = ip + p->l3_len;
	bool ipv4 = p->flags & NIC_TX_IPV4;

	require(be16(all + p->l2_len - 2) == (ipv4 ? 0x0800 : 0x86dd));
	require(be16(ip + (ipv4 ? 2 : 4)) == 0);
	require(!ipv4 || (be16(ip + 10) == 0 && p->flags & NIC_TX_L3_CSUM));
	require(ipv4 ? ip[0] == 0x40 + p->l3_len / 4 && ip[9] == 6 : ip[0] / 16 == 6);
	require(tcp[12] / 16 * 4 == p->l4_len);
	require(be16(tcp + 16) == ref_pseudo(ip, 6, 0));
}

static void cut(struct fake_nic *n, unsigned queue, const struct nic_tx_packet *p, uint8_t *all)
{
	uint32_t headers = (uint32_t)p->l2_len + p->l3_len + p->l4_len;
	uint32_t payload = p->len_bytes - headers;
	uint8_t *out = malloc(headers + p->mss);

	require_blank(p, all);
	n->nr_tso++;
	for (uint32_t at = 0; at < payload; at += p->mss) {
		uint32_t len = MIN(payload - at, p->mss);

		memcpy(out, all, headers);
		memcpy(out + headers, all + headers + at, len);
		fix_segment(p, out, at, len, at + len == payload);
		fake_nic_keep(n, queue, out, headers + len);
	}
	free(out);
}

void fake_nic_send(struct fake_nic *n, unsigned queue, const struct nic_tx_packet *p)
{
	uint8_t *all = malloc(p->len_bytes);
	uint32_t at = 0, l4 = (uint32_t)p->l2_len + p->l3_len;

	for (unsigned i = 0; i < p->nr_segments; i++) {
		memcpy(all + at, HVA(p->segment[i].hpa), p->segment[i].len_bytes);
		at += p->segment[i].len_bytes;
	}
	require(!(p->flags & NIC_TX_VLAN)); /* tags are in the segments */
	require(n->nic.capabilities & NIC_CAP_TSO || !(p->flags & NIC_TX_TSO));
	require(n->nic.capabilities & NIC_CAP_TX_CSUM || p->flags & NIC_TX_TSO ||
		!(p->flags & NIC_TX_L4_CSUM));
	if (p->flags & NIC_TX_TSO) {
		cut(n, queue, p, all);
	} else {
		if (p->flags & NIC_TX_L4_CSUM)
			checksum_l4(all + l4, p->len_bytes - l4, p->flags & NIC_TX_TCP);
		fake_nic_keep(n, queue, all, p->len_bytes);
	}
	free(all);
}
