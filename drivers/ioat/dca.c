/* Direct cache access: what the I/OAT function tells about the platform, and the tags of cores. DS
 * 8.5.10, 8.5.25 to 8.5.33; CPUID: SDM vol. 2A, leaves 1 and 9. */
#include "drivers/ioat/internal.h"

#include "cpu/hw.h"
#include "drivers/ioat/ioat_mmio.h"
#include "lib/errno.h"

#define CPUID_1_ECX_DCA	 BIT32(18)
#define CPUID_9_EAX_DCA	 BIT32(0) /* the firmware has switched it on */
#define UNPROGRAMMED	 0x80
#define UNPROGRAMMED_LEN 5
#define REQUESTERS_MAX	 32

static bool cpu_has_dca(void)
{
	return cpuid(0, 0).eax >= 9 && cpuid(1, 0).ecx & CPUID_1_ECX_DCA &&
	       cpuid(9, 0).eax & CPUID_9_EAX_DCA;
}

/* A map that starts with five bytes of 0x80 was never written by the firmware, and its tags name
 * nothing. */
static bool read_tag_map(struct ioat_device *dev)
{
	uint64_t dca = dev->regs + dev->dca_offset;
	uint64_t map = (uint64_t)ioat_read32(dca, IOAT_DCA_APICID_TAG_MAP_HI) << 32 |
		       ioat_read32(dca, IOAT_DCA_APICID_TAG_MAP_LO);
	bool programmed = false;

	for (unsigned i = 0; i < IOAT_TAG_MAP_BYTES; i++) {
		dev->tag_map[i] = (uint8_t)(map >> (8 * i));
		programmed |= i < UNPROGRAMMED_LEN && dev->tag_map[i] != UNPROGRAMMED;
	}
	return programmed;
}

static void set_bits16(uint64_t base, uint32_t off, uint32_t bits)
{
	ioat_write16(base, off, (uint16_t)(ioat_read16(base, off) | bits));
}

/* 3.4 has none: there the cache allocates by itself (DDIO). */
void ioat_dca_init(struct ioat_device *dev, enum ioat_dca wish)
{
	if (wish == IOAT_DCA_OFF || (wish == IOAT_DCA_PROBE && !cpu_has_dca()))
		return;
	if (dev->version >= IOAT_CBVER_3_4 ||
		!(ioat_read32(dev->regs, IOAT_DMACAP) & IOAT_DMACAP_DCA))
		return;
	dev->dca_offset = ioat_read16(dev->regs, IOAT_DCAOFFSET);
	if (!dev->dca_offset ||
		dev->dca_offset + IOAT_DCA_APICID_TAG_MAP_HI + 4u > dev->regs_bytes ||
		!read_tag_map(dev))
		return;
	set_bits16(
		dev->regs + dev->dca_offset, IOAT_DCA_CSI_CONTROL, IOAT_DCA_CSI_CONTROL_PREFETCH);
	set_bits16(dev->regs + dev->dca_offset, IOAT_DCA_PCIE_CONTROL, IOAT_DCA_PCIE_CONTROL_MEMWR);
	dev->has_dca = true;
}

static bool tag_bit(uint8_t map, uint32_t apic_id)
{
	bool bit = apic_id >> (map & IOAT_TAG_MAP_INDEX) & 1;

	if (map & IOAT_TAG_MAP_BIT)
		return bit;
	if (map & IOAT_TAG_MAP_BIT_INVERTED)
		return !bit;
	return map & IOAT_TAG_MAP_LITERAL;
}

int ioat_dca_tag(const struct ioat_device *dev, uint32_t apic_id, uint8_t *tag)
{
	uint8_t v = 0;

	if (!dev->has_dca)
		return -ENOTSUP;
	for (unsigned i = 0; i < IOAT_TAG_MAP_BYTES; i++)
		v |= (uint8_t)(tag_bit(dev->tag_map[i], apic_id) << i);
	if (!v) /* means no tag */
		return -ENOTSUP;
	*tag = v;
	return 0;
}

/* The place of an entry that reads so (0: a free one). Bounded by the device, which marks the last
 * one, by its BAR, and by us. */
static int find_requester(const struct ioat_device *dev, uint32_t wanted, uint64_t *at)
{
	uint32_t offset = ioat_read16(dev->regs + dev->dca_offset, IOAT_DCA_REQID_OFFSET);
	uint64_t table = dev->regs + offset;

	if (!offset || offset + IOAT_GREQID(REQUESTERS_MAX) > dev->regs_bytes)
		return -ENOSPC;
	for (unsigned i = 0; i < REQUESTERS_MAX; i++) {
		uint32_t v = ioat_read32(table, IOAT_GREQID(i));

		*at = table + IOAT_GREQID(i);
		if ((v & ~IOAT_GREQID_LAST) == wanted)
			return 0;
		if (v & IOAT_GREQID_LAST)
			break;
	}
	return -ENOSPC;
}

int ioat_dca_add_requester(struct ioat_device *dev, pci_bdf bdf)
{
	uint64_t at;

	if (!dev->has_dca)
		return -ENOTSUP;
	if (!find_requester(dev, bdf | IOAT_GREQID_VALID, &at))
		return 0;
	if (find_requester(dev, 0, &at))
		return -ENOSPC;
	ioat_write32(at, 0, bdf | IOAT_GREQID_VALID);
	return 0;
}

void ioat_dca_remove_requester(struct ioat_device *dev, pci_bdf bdf)
{
	uint64_t at;

	if (dev->has_dca && !find_requester(dev, bdf | IOAT_GREQID_VALID, &at))
		ioat_write32(at, 0, 0);
}
