/* Interrupts of a PCI function: MSI, MSI-X with its table and pending bits, INTx. PCI Local Bus
 * 3.0, 6.8 and 6.2.2 to 6.2.4. */
#include "pci_regs.h"

enum pci_irq_mode pci_dev_irq_mode(const struct pci_dev *d)
{
	if (d->model->nr_msix && pci_dev_cfg_get16(d, MSIX_CONTROL) & MSIX_ENABLE)
		return PCI_IRQ_MSIX;
	if (d->model->has_msi && pci_dev_cfg_get16(d, MSI_CONTROL) & MSI_ENABLE)
		return PCI_IRQ_MSI;
	return PCI_IRQ_INTX;
}

static bool is_lost(struct pci_dev *d)
{
	if (!d->lose_interrupts)
		return false;
	d->lose_interrupts--;
	d->nr_lost_interrupts++;
	return true;
}

static void send(struct pci_dev *d, uint64_t address, uint32_t data)
{
	if (is_lost(d))
		return;
	d->nr_messages++;
	d->host->message(d->host_ctx, address, data);
}

static bool msix_may_send(const struct pci_dev *d, unsigned vector)
{
	uint32_t control = pci_dev_cfg_get16(d, MSIX_CONTROL);

	return control & MSIX_ENABLE && !(control & MSIX_FUNCTION_MASK) && pci_dev_may_send(d) &&
	       !(d->msix[vector].control & MSIX_VECTOR_MASKED);
}

void pci_dev_msix(struct pci_dev *d, unsigned vector)
{
	if (vector >= d->model->nr_msix || pci_dev_irq_mode(d) != PCI_IRQ_MSIX)
		return;
	if (msix_may_send(d, vector))
		send(d, d->msix[vector].address, d->msix[vector].data);
	else
		d->msix_pending |= UINT64_C(1) << vector;
}

/* PCI 3.0, 6.8.2.9: a message that was held back goes when the vector is unmasked. */
static void send_pending(struct pci_dev *d)
{
	for (unsigned v = 0; v < d->model->nr_msix && d->msix_pending; v++) {
		if (!(d->msix_pending >> v & 1) || !msix_may_send(d, v))
			continue;
		d->msix_pending &= ~(UINT64_C(1) << v);
		send(d, d->msix[v].address, d->msix[v].data);
	}
}

static bool msi_may_send(const struct pci_dev *d)
{
	return pci_dev_may_send(d) && !(pci_dev_cfg_get(d, MSI_MASK) & 1);
}

static void send_msi(struct pci_dev *d)
{
	uint64_t address = pci_dev_cfg_get(d, MSI_ADDRESS) |
			   (uint64_t)pci_dev_cfg_get(d, MSI_ADDRESS + 4) << 32;

	send(d, address, pci_dev_cfg_get16(d, MSI_DATA));
}

static void set_msi_pending(struct pci_dev *d, bool pending)
{
	d->msi_pending = pending;
	if (d->model->has_msi)
		pci_dev_cfg_set(d, MSI_PENDING, pending);
}

void pci_dev_msi(struct pci_dev *d)
{
	if (pci_dev_irq_mode(d) != PCI_IRQ_MSI)
		return;
	if (msi_may_send(d))
		send_msi(d);
	else
		set_msi_pending(d, true);
}

/* The line shows what the model wants unless INTx is disabled, the function uses messages or is not
 * in D0. It needs no bus mastering here: conventional PCI's line does not, and hosts without
 * messages may rely on it. */
static void update_line(struct pci_dev *d)
{
	bool wanted = pci_dev_cfg_get16(d, CFG_STATUS) & STATUS_INTERRUPT;
	bool level = wanted && pci_dev_irq_mode(d) == PCI_IRQ_INTX &&
		     !(pci_dev_cfg_get16(d, CFG_COMMAND) & COMMAND_INTX_DISABLE) &&
		     (pci_dev_cfg_get16(d, PM_PMCSR) & PMCSR_STATE) == PMCSR_STATE_D0;

	if (!level)
		d->intx_lost = false;
	else if (!d->intx_level && !d->intx_lost)
		d->intx_lost = is_lost(d);
	level = level && !d->intx_lost;
	if (level == d->intx_level)
		return;
	d->intx_level = level;
	d->host->intx(d->host_ctx, level);
}

void pci_dev_intx(struct pci_dev *d, bool asserted)
{
	uint32_t status = pci_dev_cfg_get16(d, CFG_STATUS) & ~STATUS_INTERRUPT;

	if (!d->model->interrupt_pin)
		return;
	pci_dev_cfg_set16(d, CFG_STATUS, status | (asserted ? STATUS_INTERRUPT : 0));
	update_line(d);
}

void pci_dev_irq_update(struct pci_dev *d)
{
	enum pci_irq_mode mode = pci_dev_irq_mode(d);

	if (mode != PCI_IRQ_MSIX)
		d->msix_pending = 0;
	if (mode != PCI_IRQ_MSI)
		set_msi_pending(d, false);
	send_pending(d);
	if (d->msi_pending && msi_may_send(d)) {
		set_msi_pending(d, false);
		send_msi(d);
	}
	update_line(d);
}

void pci_dev_irq_reset(struct pci_dev *d)
{
	for (unsigned v = 0; v < PCI_DEV_MSIX_MAX; v++) {
		d->msix[v].address = 0;
		d->msix[v].data = 0;
		d->msix[v].control = MSIX_VECTOR_MASKED;
	}
	pci_dev_irq_update(d);
}

static bool in_table(const struct pci_dev *d, uint64_t off)
{
	return off >= d->model->msix_table &&
	       off - d->model->msix_table < (uint64_t)d->model->nr_msix * MSIX_ENTRY_BYTES;
}

bool pci_dev_msix_owns(const struct pci_dev *d, unsigned bar, uint64_t off)
{
	if (!d->model->nr_msix || bar != d->model->msix_bar)
		return false;
	return in_table(d, off) ||
	       (off >= d->model->msix_pba &&
		       off - d->model->msix_pba < (d->model->nr_msix + 63) / 64 * 8);
}

static uint32_t read_dword(const struct pci_dev *d, uint64_t off)
{
	unsigned vector;

	if (!in_table(d, off))
		return (uint32_t)(d->msix_pending >> (8 * (off - d->model->msix_pba)));
	off -= d->model->msix_table;
	vector = (unsigned)(off / MSIX_ENTRY_BYTES);
	switch (off % MSIX_ENTRY_BYTES) {
	case 0:
		return (uint32_t)d->msix[vector].address;
	case 4:
		return (uint32_t)(d->msix[vector].address >> 32);
	case 8:
		return d->msix[vector].data;
	default:
		return d->msix[vector].control;
	}
}

uint64_t pci_dev_msix_read(const struct pci_dev *d, uint64_t off, unsigned width_bytes)
{
	uint64_t aligned = off & ~UINT64_C(3);
	uint64_t v = read_dword(d, aligned);

	if (width_bytes == 8)
		return v | (uint64_t)read_dword(d, aligned + 4) << 32;
	v >>= 8 * (off - aligned);
	return v & UINT64_MAX >> (64 - 8 * width_bytes);
}

/* Whether the mask bit changed. */
static bool write_dword(struct pci_dev *d, uint64_t off, uint32_t v)
{
	unsigned vector = (unsigned)(off / MSIX_ENTRY_BYTES);
	uint32_t old = d->msix[vector].control;

	switch (off % MSIX_ENTRY_BYTES) {
	case 0:
		d->msix[vector].address &= UINT64_C(0xffffffff) << 32;
		d->msix[vector].address |= v & ~3u;
		break;
	case 4:
		d->msix[vector].address &= UINT32_MAX;
		d->msix[vector].address |= (uint64_t)v << 32;
		break;
	case 8:
		d->msix[vector].data = v;
		break;
	default:
		d->msix[vector].control = v & MSIX_VECTOR_MASKED;
	}
	return d->msix[vector].control != old;
}

/* PCI 3.0, 6.8.2: only whole dwords and qwords are defined; software shall not write the PBA. */
void pci_dev_msix_write(struct pci_dev *d, uint64_t off, uint64_t v, unsigned width_bytes)
{
	bool changed;

	if (!in_table(d, off) || width_bytes < 4)
		return;
	off -= d->model->msix_table;
	changed = write_dword(d, off, (uint32_t)v);
	if (width_bytes == 8)
		changed |= write_dword(d, off + 4, (uint32_t)(v >> 32));
	if (!changed)
		return;
	pci_dev_irq_update(d);
	if (d->model->config_changed)
		d->model->config_changed(d->ctx);
}
