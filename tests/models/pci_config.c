/* Configuration space as it is after reset. The order and values of the capabilities are those of
 * the 82599 (DS 9.3), which stock drivers know by absolute offsets. */
#include "pci_regs.h"

static void define8(struct pci_dev *d, unsigned off, uint32_t value, uint32_t writable)
{
	d->cfg_reset[off] = (uint8_t)value;
	d->cfg_writable[off] = (uint8_t)writable;
}

static void define16(
	struct pci_dev *d, unsigned off, uint32_t value, uint32_t writable, uint32_t w1c)
{
	for (unsigned i = 0; i < 2; i++) {
		define8(d, off + i, value >> (8 * i), writable >> (8 * i));
		d->cfg_w1c[off + i] = (uint8_t)(w1c >> (8 * i));
	}
}

void pci_dev_cfg_define_w1c(
	struct pci_dev *d, unsigned off, uint32_t value, uint32_t writable, uint32_t w1c)
{
	if (off % 4 || off >= PCI_DEV_CFG_SIZE)
		return;
	define16(d, off, value, writable, w1c);
	define16(d, off + 2, value >> 16, writable >> 16, w1c >> 16);
	pci_dev_cfg_set(d, off, value);
}

void pci_dev_cfg_define(struct pci_dev *d, unsigned off, uint32_t value, uint32_t writable)
{
	pci_dev_cfg_define_w1c(d, off, value, writable, 0);
}

/* PCI 3.0, 6.2.5.1: the size is read from the bits that do not keep ones. */
static void build_bar(struct pci_dev *d, unsigned n)
{
	const struct pci_bar_desc *bar = &d->model->bar[n];
	uint32_t type = bar->prefetchable ? BAR_PREFETCHABLE : 0;

	if (bar->kind == PCI_BAR_NONE)
		return;
	if (bar->kind == PCI_BAR_IO)
		type = BAR_IO;
	if (bar->kind == PCI_BAR_MEM64) {
		type |= BAR_MEM64;
		pci_dev_cfg_define(d, CFG_BAR(n + 1), 0, UINT32_MAX);
	}
	pci_dev_cfg_define(d, CFG_BAR(n), type, ~(bar->size_bytes - 1));
}

static void build_header(struct pci_dev *d, bool multifunction)
{
	const struct pci_model *m = d->model;

	define16(d, CFG_VENDOR_ID, m->vendor, 0, 0);
	define16(d, CFG_DEVICE_ID, m->device, 0, 0);
	define16(d, CFG_COMMAND, 0,
		COMMAND_IO | COMMAND_MEMORY | COMMAND_MASTER | COMMAND_PARITY | COMMAND_SERR |
			COMMAND_INTX_DISABLE,
		0);
	define16(d, CFG_STATUS, STATUS_CAPABILITIES, 0, STATUS_RW1C);
	pci_dev_cfg_define(d, CFG_REVISION, m->class_code << 8 | m->revision, 0);
	define8(d, CFG_CACHE_LINE, 0, 0xff);
	define8(d, CFG_HEADER_TYPE, multifunction ? HEADER_MULTIFUNCTION : 0, 0);
	for (unsigned n = 0; n < PCI_DEV_BARS; n++)
		build_bar(d, n);
	define16(d, CFG_SUBSYSTEM, m->subvendor, 0, 0);
	define16(d, CFG_SUBSYSTEM + 2, m->subdevice, 0, 0);
	define8(d, CFG_CAPABILITIES, CAP_PM, 0);
	define8(d, CFG_INTERRUPT_LINE, 0, 0xff);
	define8(d, CFG_INTERRUPT_PIN, m->interrupt_pin, 0);
}

/* No_Soft_Reset (PMCSR bit 3) is 0: going from D3hot to D0 resets the function. DS 9.3.3.4 */
static void build_pm(struct pci_dev *d, unsigned next)
{
	define16(d, CAP_PM, CAP_ID_PM | next << 8, 0, 0);
	/* version 3, device-specific initialisation, PME from D0 and D3hot */
	define16(d, PM_PMC, 3u | 1u << 5 | 1u << 11 | 1u << 14, 0, 0);
	define16(d, PM_PMCSR, 0, PMCSR_STATE | PMCSR_PME_ENABLE, PMCSR_PME_STATUS);
}

static void build_msi(struct pci_dev *d, unsigned next)
{
	define16(d, CAP_MSI, CAP_ID_MSI | next << 8, 0, 0);
	define16(d, MSI_CONTROL, MSI_64BIT | MSI_PER_VECTOR_MASK, MSI_ENABLE, 0);
	pci_dev_cfg_define(d, MSI_ADDRESS, 0, ~3u);
	pci_dev_cfg_define(d, MSI_ADDRESS + 4, 0, UINT32_MAX);
	define16(d, MSI_DATA, 0, 0xffff, 0);
	pci_dev_cfg_define(d, MSI_MASK, 0, 1);
}

static void build_msix(struct pci_dev *d, unsigned next)
{
	const struct pci_model *m = d->model;

	define16(d, CAP_MSIX, CAP_ID_MSIX | next << 8, 0, 0);
	define16(d, MSIX_CONTROL, m->nr_msix - 1, MSIX_FUNCTION_MASK | MSIX_ENABLE, 0);
	pci_dev_cfg_define(d, MSIX_TABLE, m->msix_table | m->msix_bar, 0);
	pci_dev_cfg_define(d, MSIX_PBA, m->msix_pba | m->msix_bar, 0);
}

static void build_express(struct pci_dev *d)
{
	define16(d, CAP_EXP, CAP_ID_EXP, 0, 0);
	define16(d, EXP_CAPABILITIES, 2, 0, 0); /* version 2, an endpoint */
	pci_dev_cfg_define(d, EXP_DEVCAP,
		DEVCAP_MPS_512 | DEVCAP_L0S_512NS | DEVCAP_L1_64US | DEVCAP_ROLE_BASED_ERRORS |
			DEVCAP_FLR,
		0);
	define16(d, EXP_DEVCTL, DEVCTL_RESET, DEVCTL_WRITABLE, 0);
	define16(d, EXP_DEVSTA, 0, 0, DEVSTA_RW1C);
	pci_dev_cfg_define(d, EXP_LNKCAP,
		LNK_5GT | LNK_X8 | LNKCAP_ASPM_L0S | LNKCAP_L0S_1US | LNKCAP_L1_8US, 0);
	define16(d, EXP_LNKCTL, 0, LNKCTL_WRITABLE, 0);
	define16(d, EXP_LNKSTA, LNK_5GT | LNK_X8 | LNKSTA_SLOT_CLOCK, 0, 0);
	pci_dev_cfg_define(d, EXP_DEVCAP2, DEVCAP2_TIMEOUT_ABCD | DEVCAP2_TIMEOUT_DISABLE, 0);
	define16(d, EXP_DEVCTL2, 0, DEVCTL2_WRITABLE, 0);
	define16(d, EXP_LNKCTL2, LNK_5GT, LNKCTL2_WRITABLE, 0);
}

static void build_extended(struct pci_dev *d)
{
	pci_dev_cfg_define(d, CAP_AER, EXT_CAP(CAP_ID_AER, 1u, CAP_SERIAL), 0);
	pci_dev_cfg_define_w1c(d, AER_UNCORRECTABLE, 0, 0, AER_UNCORRECTABLE_BITS);
	pci_dev_cfg_define(d, AER_UNCORRECTABLE_MASK, 0, AER_UNCORRECTABLE_BITS);
	pci_dev_cfg_define(
		d, AER_UNCORRECTABLE_SEVERITY, AER_SEVERITY_RESET, AER_UNCORRECTABLE_BITS);
	pci_dev_cfg_define_w1c(d, AER_CORRECTABLE, 0, 0, AER_CORRECTABLE_BITS);
	pci_dev_cfg_define(d, AER_CORRECTABLE_MASK, AER_ADVISORY_NON_FATAL, AER_CORRECTABLE_BITS);
	pci_dev_cfg_define(d, AER_CONTROL, AER_ECRC_CAPABLE, AER_ECRC_ENABLE);
	pci_dev_cfg_define(d, CAP_SERIAL, EXT_CAP(CAP_ID_SERIAL, 1u, 0), 0);
}

void pci_dev_cfg_build(struct pci_dev *d, bool multifunction)
{
	const struct pci_model *m = d->model;
	unsigned after_msi = m->nr_msix ? CAP_MSIX : CAP_EXP;

	build_header(d, multifunction);
	build_pm(d, m->has_msi ? CAP_MSI : after_msi);
	if (m->has_msi)
		build_msi(d, after_msi);
	if (m->nr_msix)
		build_msix(d, CAP_EXP);
	build_express(d);
	build_extended(d);
}
