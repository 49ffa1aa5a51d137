/* What the device is told about headers: the transmit context descriptor and the bits of data
 * descriptors. DS 7.2.3.2.3, 7.2.3.2.4, 7.2.4 (TSO), 7.2.5 (checksums). */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"

#define IPV4_HEADER_MIN 20u
#define IPV6_HEADER	40u
#define TCP_HEADER_MIN	20u
#define TCP_HEADER_MAX	60u
#define UDP_HEADER	8u
#define FRAME_MAX	15000u /* a segment on the wire; DS 7.2.1.2: 15.5 KiB */

static bool headers_make_sense(const struct nic_tx_packet *p)
{
	uint32_t l4_len = p->l4_len,
		 l3_min = p->flags & NIC_TX_IPV4 ? IPV4_HEADER_MIN : IPV6_HEADER;

	if (p->l2_len < 14 || p->l2_len > IXGBE_TXC_MACLEN_MAX || p->l3_len < l3_min ||
		p->l3_len > IXGBE_TXC_IPLEN_MAX)
		return false;
	if (!(p->flags & NIC_TX_TSO))
		l4_len = p->flags & NIC_TX_TCP	     ? TCP_HEADER_MIN
			 : p->flags & NIC_TX_L4_CSUM ? UDP_HEADER
						     : 0;
	return (uint32_t)p->l2_len + p->l3_len + l4_len <= p->len_bytes;
}

static bool segmentation_makes_sense(const struct nic_tx_packet *p)
{
	uint32_t headers = (uint32_t)p->l2_len + p->l3_len + p->l4_len;

	return p->flags & NIC_TX_TCP && p->l4_len >= TCP_HEADER_MIN &&
	       p->l4_len <= TCP_HEADER_MAX && p->l4_len % 4 == 0 && p->mss >= NIC_TX_MSS_MIN &&
	       p->len_bytes > headers && headers + p->mss <= FRAME_MAX;
}

static void add_segmentation(
	const struct nic_tx_packet *p, struct ixgbe_tx_context *c, uint64_t *bits)
{
	uint64_t payload = p->len_bytes - ((uint32_t)p->l2_len + p->l3_len + p->l4_len);

	c->hi |= (uint64_t)p->l4_len << IXGBE_TXC_L4LEN_SHIFT | (uint64_t)p->mss
									<< IXGBE_TXC_MSS_SHIFT;
	/* PAYLEN is the TCP payload then */
	*bits &= (BIT64(IXGBE_TXD_PAYLEN_SHIFT) - 1);
	*bits |= IXGBE_TXD_TSE | IXGBE_TXD_TXSM | payload << IXGBE_TXD_PAYLEN_SHIFT;
	if (p->flags & NIC_TX_IPV4)
		*bits |= IXGBE_TXD_IXSM;
}

int ixgbe_tx_offload(const struct nic_tx_packet *p, struct ixgbe_tx_context *c, uint64_t *bits)
{
	bool by_header = p->flags & (NIC_TX_L4_CSUM | NIC_TX_L3_CSUM | NIC_TX_TSO);

	c->lo = 0;
	c->hi = IXGBE_TXC_TYPE;
	*bits |= IXGBE_TXD_CC;
	if (p->flags & NIC_TX_VLAN) {
		c->lo |= (uint64_t)p->vlan_tci << IXGBE_TXC_VLAN_SHIFT;
		*bits |= IXGBE_TXD_VLE;
	}
	if (!by_header) {
		c->lo |= UINT64_C(14) << IXGBE_TXC_MACLEN_SHIFT;
		return 0;
	}
	if (!headers_make_sense(p))
		return -EINVAL;
	c->lo |= (uint64_t)p->l2_len << IXGBE_TXC_MACLEN_SHIFT | p->l3_len;
	if (p->flags & NIC_TX_IPV4)
		c->hi |= IXGBE_TXC_IPV4;
	if (p->flags & NIC_TX_TCP)
		c->hi |= IXGBE_TXC_TCP;
	if (p->flags & NIC_TX_L4_CSUM)
		*bits |= IXGBE_TXD_TXSM;
	if (p->flags & NIC_TX_L3_CSUM && p->flags & NIC_TX_IPV4)
		*bits |= IXGBE_TXD_IXSM;
	if (p->flags & NIC_TX_TSO) {
		if (!segmentation_makes_sense(p))
			return -EINVAL;
		add_segmentation(p, c, bits);
	}
	return 0;
}
