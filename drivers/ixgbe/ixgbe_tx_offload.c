/* What the device is told about headers: the transmit context descriptor and the bits of data
 * descriptors. DS 7.2.3.2.3, 7.2.3.2.4, 7.2.4 (TSO), 7.2.5 (checksums). */
#include "drivers/ixgbe/ixgbe_hw.h"

#include "lib/errno.h"

#define MAC_HEADER	14u
#define IPV4_HEADER_MIN 20u
#define IPV6_HEADER	40u
#define TCP_HEADER_MIN	20u
#define TCP_HEADER_MAX	60u
#define UDP_HEADER	8u
#define FRAME_MAX	15000u /* a segment on the wire; DS 7.2.1.2: 15.5 KiB */

static bool headers_make_sense(const struct nic_tx_packet *p)
{
	uint32_t l3_min = p->flags & NIC_TX_IPV4 ? IPV4_HEADER_MIN : IPV6_HEADER;

	return p->l2_len >= MAC_HEADER && p->l2_len <= IXGBE_TXC_MACLEN_MAX &&
	       p->l3_len >= l3_min && p->l3_len <= IXGBE_TXC_IPLEN_MAX;
}

static int add_segmentation(const struct nic_tx_packet *p, struct ixgbe_tx_offload *o)
{
	uint32_t headers = (uint32_t)p->l2_len + p->l3_len + p->l4_len;

	if (!(p->flags & NIC_TX_TCP) || p->l4_len < TCP_HEADER_MIN || p->l4_len > TCP_HEADER_MAX ||
		p->l4_len % 4 || p->mss < NIC_TX_MSS_MIN || headers + p->mss > FRAME_MAX)
		return -EINVAL;
	o->context_hi |= (uint64_t)p->l4_len << IXGBE_TXC_L4LEN_SHIFT |
			 (uint64_t)p->mss << IXGBE_TXC_MSS_SHIFT;
	o->bits |= IXGBE_TXD_TSE | IXGBE_TXD_TXSM;
	if (p->flags & NIC_TX_IPV4)
		o->bits |= IXGBE_TXD_IXSM;
	o->headers = headers; /* PAYLEN is the TCP payload */
	o->min_bytes = headers + 1;
	o->max_bytes = NIC_TX_BYTES_MAX;
	return 0;
}

static void remember(const struct nic_tx_packet *p, struct ixgbe_tx_offload *o)
{
	o->key = ixgbe_tx_key(p);
	o->l2_l4_len = ixgbe_tx_l2_l4_len(p);
}

int ixgbe_tx_offload(const struct nic_tx_packet *p, uint32_t max_bytes, struct ixgbe_tx_offload *o)
{
	*o = (struct ixgbe_tx_offload){
		.context_hi = IXGBE_TXC_TYPE,
		.bits = IXGBE_TXD_DATA | IXGBE_TXD_IFCS | IXGBE_TXD_CC,
		.min_bytes = NIC_TX_BYTES_MIN,
		.max_bytes = max_bytes,
	};
	if (p->flags & NIC_TX_VLAN) {
		o->context_lo |= (uint64_t)p->vlan_tci << IXGBE_TXC_VLAN_SHIFT;
		o->bits |= IXGBE_TXD_VLE;
	}
	if (!(p->flags & (NIC_TX_L4_CSUM | NIC_TX_L3_CSUM | NIC_TX_TSO))) {
		o->context_lo |= (uint64_t)MAC_HEADER << IXGBE_TXC_MACLEN_SHIFT;
		remember(p, o);
		return 0;
	}
	if (!headers_make_sense(p))
		return -EINVAL;
	o->context_lo |= (uint64_t)p->l2_len << IXGBE_TXC_MACLEN_SHIFT | p->l3_len;
	o->min_bytes = (uint32_t)p->l2_len + p->l3_len;
	if (p->flags & NIC_TX_IPV4)
		o->context_hi |= IXGBE_TXC_IPV4;
	if (p->flags & NIC_TX_TCP)
		o->context_hi |= IXGBE_TXC_TCP;
	if (p->flags & NIC_TX_L4_CSUM) {
		o->bits |= IXGBE_TXD_TXSM;
		o->min_bytes += p->flags & NIC_TX_TCP ? TCP_HEADER_MIN : UDP_HEADER;
	}
	if (p->flags & NIC_TX_L3_CSUM && p->flags & NIC_TX_IPV4)
		o->bits |= IXGBE_TXD_IXSM;
	if (p->flags & NIC_TX_TSO && add_segmentation(p, o))
		return -EINVAL;
	remember(p, o);
	return 0;
}
