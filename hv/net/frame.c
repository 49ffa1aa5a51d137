/* Frames: offload fields checked once, and the plan for one destination. See frame.h.
 * Virtio 1.2, 5.1.6.2 (what a driver may ask for); IEEE 802.1Q-2018, 9.6 (tag). */
#include "net/frame.h"

#include "lib/errno.h"

#define MACS_BYTES   (2 * ETH_ALEN)
#define VLAN_ID_MASK 0x0fff
/* The least that Linux sends (TCP_MIN_SND_MSS less 40 bytes of options); bounds how many frames one
 * segment can be cut into. */
#define GSO_SIZE_MIN 8

static int check_gso(const struct frame *f)
{
	unsigned type = f->offload.gso_type & ~(unsigned)VNET_HDR_GSO_ECN;

	if (type != VNET_HDR_GSO_TCPV4 && type != VNET_HDR_GSO_TCPV6)
		return -EINVAL;
	if (!(f->offload.flags & VNET_HDR_F_NEEDS_CSUM) || f->offload.gso_size < GSO_SIZE_MIN)
		return -EINVAL;
	return 0;
}

int frame_check_offload(const struct frame *f)
{
	const struct frame_offload *o = &f->offload;
	uint32_t l3_off = ETH_HEADER_BYTES + (f->tagged ? ETH_VLAN_BYTES : 0);

	if (o->gso_type != VNET_HDR_GSO_NONE && check_gso(f))
		return -EINVAL;
	if (!(o->flags & VNET_HDR_F_NEEDS_CSUM))
		return 0;
	if (o->csum_start < l3_off || (uint32_t)o->csum_start + o->csum_offset + 2 > f->len_bytes)
		return -EINVAL;
	return 0;
}

static void add_piece(struct frame_plan *plan, const uint8_t *bytes, uint32_t len_bytes)
{
	if (!len_bytes)
		return;
	plan->piece[plan->nr_pieces++] = (struct frame_segment){ bytes, len_bytes };
	plan->len_bytes += len_bytes;
}

static uint16_t shifted(uint32_t offset, int by, uint32_t max)
{
	if (by < 0 && offset < ETH_HEADER_BYTES + ETH_VLAN_BYTES)
		return 0; /* a header length that is only a hint */
	return (uint16_t)MIN(offset + (uint32_t)by, max);
}

static bool tag_fits(const struct frame *f, bool want_tag)
{
	unsigned id = ((unsigned)f->head[14] << 8 | f->head[15]) & VLAN_ID_MASK;

	if (f->tagged != want_tag)
		return false;
	return !want_tag || id == f->vlan; /* a priority tag gets its VLAN */
}

/* 802.1Q tag: ETH_TYPE_VLAN, then priority as it came and the VLAN. */
static void make_tag(const struct frame *f, uint8_t *tag)
{
	uint8_t priority = f->tagged ? f->head[14] & 0xf0 : 0;

	tag[0] = ETH_TYPE_VLAN >> 8;
	tag[1] = ETH_TYPE_VLAN & 0xff;
	tag[2] = (uint8_t)(priority | f->vlan >> 8);
	tag[3] = (uint8_t)f->vlan;
}

void frame_plan(const struct frame *f, bool want_tag, struct frame_plan *plan)
{
	uint32_t rest = MACS_BYTES + (f->tagged ? ETH_VLAN_BYTES : 0);
	int by = ETH_VLAN_BYTES * ((int)want_tag - (int)f->tagged);

	plan->nr_pieces = 0;
	plan->len_bytes = f->len_bytes - f->head_len;
	plan->offload = f->offload;
	if (tag_fits(f, want_tag)) {
		add_piece(plan, f->head, f->head_len);
		return;
	}
	add_piece(plan, f->head, MACS_BYTES);
	if (want_tag) {
		make_tag(f, plan->tag);
		add_piece(plan, plan->tag, ETH_VLAN_BYTES);
	}
	add_piece(plan, f->head + rest, f->head_len - rest);
	plan->offload.header_len = shifted(f->offload.header_len, by, plan->len_bytes);
	plan->offload.csum_start = shifted(f->offload.csum_start, by, UINT16_MAX);
}
