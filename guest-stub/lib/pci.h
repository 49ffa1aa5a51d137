/* PCI configuration space by CF8/CFC (mechanism 1) of bus 0. */
#ifndef STUB_PCI_H
#define STUB_PCI_H

#include <stdbool.h>
#include <stdint.h>

#define PCI_ADDRESS_PORT 0xcf8
#define PCI_DATA_PORT	 0xcfc

#define PCI_ID		 0x00
#define PCI_COMMAND	 0x04
#define PCI_STATUS	 0x06
#define PCI_BAR(n)	 (0x10 + 4 * (n))
#define PCI_CAPABILITIES 0x34
#define PCI_BARS	 6

#define PCI_CAP_VENDOR 0x09
#define PCI_CAP_MSIX   0x11

/* dev: slot << 3 | function. size_bytes 1, 2 or 4, naturally aligned. */
uint32_t pci_read(uint8_t dev, uint8_t off, unsigned size_bytes);
void pci_write(uint8_t dev, uint8_t off, unsigned size_bytes, uint32_t v);
/* The index-th function with this vendor << 0 | device << 16. False: none. */
bool pci_find(uint32_t id, unsigned index, uint8_t *dev);
/* Next capability of this kind after `after` (0: from the list's start), or 0. */
uint8_t pci_capability(uint8_t dev, uint8_t kind, uint8_t after);

struct pci_bar {
	bool io;
	uint64_t base, len_bytes; /* len_bytes 0: not implemented */
};

/* Assigns an address if nobody did. Memory is mapped. */
struct pci_bar pci_bar(uint8_t dev, unsigned n);
void pci_enable(uint8_t dev); /* decoding and bus mastering */

#endif
