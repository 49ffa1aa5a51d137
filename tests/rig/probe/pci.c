/* Configuration mechanism 1. PCI Local Bus 3.0, 3.2.2.3.2. */
#include "probe.h"

#define CONFIG_ADDRESS 0xcf8
#define CONFIG_DATA    0xcfc
#define ENABLE	       (1u << 31)
#define BAR(n)	       (0x10 + 4 * (n))
#define BAR_IS_64      4
#define CAPABILITIES   0x34

uint32_t pci_read(unsigned slot, unsigned off)
{
	outl(CONFIG_ADDRESS, ENABLE | slot << 11 | off);
	return inl(CONFIG_DATA);
}

void pci_write(unsigned slot, unsigned off, uint32_t v)
{
	outl(CONFIG_ADDRESS, ENABLE | slot << 11 | off);
	outl(CONFIG_DATA, v);
}

uint64_t pci_bar(unsigned slot, unsigned bar)
{
	uint32_t low = pci_read(slot, BAR(bar));
	uint64_t high = low & BAR_IS_64 ? pci_read(slot, BAR(bar + 1)) : 0;

	return high << 32 | (low & ~0xfu);
}

unsigned pci_capability(unsigned slot, uint8_t id)
{
	unsigned off = pci_read(slot, CAPABILITIES) & 0xfc;

	for (unsigned i = 0; off && i < 48; i++) {
		uint32_t v = pci_read(slot, off);

		if ((v & 0xff) == id)
			return off;
		off = v >> 8 & 0xfc;
	}
	return 0;
}
