/* A PCI Express function: access to its configuration space and BARs, resets, power states, DMA.
 * PCI Local Bus 3.0, 6; PCI Express Base 2.1, 7. */
#include "pci_dev.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pci_regs.h"
#include "record.h"

static uint64_t load(const uint8_t *p, unsigned width_bytes)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < width_bytes; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void store(uint8_t *p, uint64_t v, unsigned width_bytes)
{
	for (unsigned i = 0; i < width_bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t ones(unsigned width_bytes)
{
	return width_bytes < 8 ? (UINT64_C(1) << (8 * width_bytes)) - 1 : UINT64_MAX;
}

uint32_t pci_dev_cfg_get(const struct pci_dev *d, unsigned off)
{
	return (uint32_t)load(d->cfg + off, 4);
}

void pci_dev_cfg_set(struct pci_dev *d, unsigned off, uint32_t v)
{
	store(d->cfg + off, v, 4);
}

uint32_t pci_dev_cfg_get16(const struct pci_dev *d, unsigned off)
{
	return (uint32_t)load(d->cfg + off, 2);
}

void pci_dev_cfg_set16(struct pci_dev *d, unsigned off, uint32_t v)
{
	store(d->cfg + off, v, 2);
}

void pci_dev_log(struct pci_dev *d, const char *format, ...)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "%s %u: ", d->model->name, d->id);
	va_list args;

	if (!d->host->log || n < 0 || (size_t)n >= sizeof(text))
		return;
	va_start(args, format);
	vsnprintf(text + n, sizeof(text) - (size_t)n, format, args);
	va_end(args);
	d->host->log(d->host_ctx, text);
}

static bool is_in_d0(const struct pci_dev *d)
{
	return (pci_dev_cfg_get16(d, PM_PMCSR) & PMCSR_STATE) == PMCSR_STATE_D0;
}

bool pci_dev_may_send(const struct pci_dev *d)
{
	return is_in_d0(d) && pci_dev_cfg_get16(d, CFG_COMMAND) & COMMAND_MASTER;
}

/* ---- BARs ---- */

/* Where a BAR answers; 0: nowhere. All ones are software asking for the size. */
static uint64_t bar_base(const struct pci_dev *d, unsigned n)
{
	const struct pci_bar_desc *bar = &d->model->bar[n];
	uint32_t enable = bar->kind == PCI_BAR_IO ? COMMAND_IO : COMMAND_MEMORY;
	uint32_t mask, low, high = 0;

	if (bar->kind == PCI_BAR_NONE || !is_in_d0(d) ||
		!(pci_dev_cfg_get16(d, CFG_COMMAND) & enable))
		return 0;
	mask = ~(bar->size_bytes - 1);
	low = pci_dev_cfg_get(d, CFG_BAR(n)) & mask & ~3u;
	if (bar->kind == PCI_BAR_MEM64)
		high = pci_dev_cfg_get(d, CFG_BAR(n + 1));
	if (low == (mask & ~3u) || high == UINT32_MAX)
		return 0;
	return (uint64_t)high << 32 | low;
}

static void update_decoding(struct pci_dev *d)
{
	for (unsigned n = 0; n < PCI_DEV_BARS; n++) {
		uint64_t base = bar_base(d, n);

		if (base == d->decoded[n])
			continue;
		d->decoded[n] = base;
		if (d->host->decode)
			d->host->decode(d->host_ctx, n, base);
	}
}

static bool bar_answers(const struct pci_dev *d, unsigned bar, uint64_t off, unsigned width_bytes)
{
	if (bar >= PCI_DEV_BARS || !d->decoded[bar])
		return false;
	if (width_bytes != 1 && width_bytes != 2 && width_bytes != 4 && width_bytes != 8)
		return false;
	return off % width_bytes == 0 && off < d->model->bar[bar].size_bytes &&
	       width_bytes <= d->model->bar[bar].size_bytes - off;
}

uint64_t pci_dev_bar_read(struct pci_dev *d, unsigned bar, uint64_t off, unsigned width_bytes)
{
	if (!bar_answers(d, bar, off, width_bytes))
		return ones(width_bytes);
	if (pci_dev_msix_owns(d, bar, off))
		return pci_dev_msix_read(d, off, width_bytes);
	return d->model->read(d->ctx, bar, off, width_bytes) & ones(width_bytes);
}

void pci_dev_bar_write(
	struct pci_dev *d, unsigned bar, uint64_t off, uint64_t v, unsigned width_bytes)
{
	if (!bar_answers(d, bar, off, width_bytes))
		return;
	v &= ones(width_bytes);
	if (pci_dev_msix_owns(d, bar, off))
		pci_dev_msix_write(d, off, v, width_bytes);
	else
		d->model->write(d->ctx, bar, off, v, width_bytes);
}

/* ---- Resets ---- */

/* What a function-level reset and the way out of D3hot leave alone: sticky bits and what belongs to
 * the link. PCI Express 2.1, 6.6.2 and 7.4 */
static const struct {
	uint16_t off;
	uint32_t mask;
} kept[] = {
	{ PM_PMCSR, PMCSR_PME_ENABLE | PMCSR_PME_STATUS },
	{ EXP_DEVCTL, DEVCTL_MPS },
	{ EXP_LNKCTL, LNKCTL_WRITABLE },
	{ EXP_LNKCTL2, LNKCTL2_WRITABLE },
	{ AER_UNCORRECTABLE, UINT32_MAX },
	{ AER_UNCORRECTABLE_MASK, UINT32_MAX },
	{ AER_UNCORRECTABLE_SEVERITY, UINT32_MAX },
	{ AER_CORRECTABLE, UINT32_MAX },
	{ AER_CORRECTABLE_MASK, UINT32_MAX },
	{ AER_CONTROL, UINT32_MAX },
};
#define NR_KEPT (sizeof(kept) / sizeof(kept[0]))

static void start_anew(struct pci_dev *d)
{
	pci_dev_irq_reset(d);
	update_decoding(d);
	if (d->model->reset)
		d->model->reset(d->ctx);
}

void pci_dev_reset(struct pci_dev *d)
{
	memcpy(d->cfg, d->cfg_reset, sizeof(d->cfg));
	start_anew(d);
}

static void reset_function(struct pci_dev *d)
{
	uint32_t old[NR_KEPT];

	for (unsigned i = 0; i < NR_KEPT; i++)
		old[i] = pci_dev_cfg_get(d, kept[i].off) & kept[i].mask;
	memcpy(d->cfg, d->cfg_reset, sizeof(d->cfg));
	for (unsigned i = 0; i < NR_KEPT; i++) {
		uint32_t rest = pci_dev_cfg_get(d, kept[i].off) & ~kept[i].mask;

		pci_dev_cfg_set(d, kept[i].off, rest | old[i]);
	}
	start_anew(d);
}

void pci_dev_init(struct pci_dev *d, const struct pci_model *model, void *ctx,
	const struct pci_host *host, void *host_ctx, struct clock *clock, bool multifunction)
{
	memset(d, 0, sizeof(*d));
	d->model = model;
	d->ctx = ctx;
	d->host = host;
	d->host_ctx = host_ctx;
	d->clock = clock;
	pci_dev_cfg_build(d, multifunction);
	pci_dev_reset(d);
}

/* ---- Configuration space ---- */

static bool cfg_access_is_right(unsigned off, unsigned width_bytes)
{
	return (width_bytes == 1 || width_bytes == 2 || width_bytes == 4) &&
	       off % width_bytes == 0 && off < PCI_DEV_CFG_SIZE;
}

uint32_t pci_dev_cfg_read(struct pci_dev *d, unsigned off, unsigned width_bytes)
{
	if (!cfg_access_is_right(off, width_bytes))
		return (uint32_t)ones(width_bytes);
	return (uint32_t)load(d->cfg + off, width_bytes);
}

/* What config_changed() tells the model about. */
struct state {
	uint32_t command, msi, msi_mask, msix, power;
};

static struct state get_state(const struct pci_dev *d)
{
	return (struct state){
		.command = pci_dev_cfg_get16(d, CFG_COMMAND),
		.msi = pci_dev_cfg_get16(d, MSI_CONTROL),
		.msi_mask = pci_dev_cfg_get(d, MSI_MASK),
		.msix = pci_dev_cfg_get16(d, MSIX_CONTROL),
		.power = pci_dev_cfg_get16(d, PM_PMCSR) & PMCSR_STATE,
	};
}

static void store_masked(struct pci_dev *d, unsigned off, uint32_t v, unsigned width_bytes)
{
	for (unsigned i = off; i < off + width_bytes; i++, v >>= 8) {
		uint8_t keeps = d->cfg_writable[i];

		d->cfg[i] = (uint8_t)((d->cfg[i] & ~keeps) | (v & keeps));
		d->cfg[i] &= (uint8_t) ~(v & d->cfg_w1c[i]);
	}
}

/* Whether this write of v sets this bit of the byte at `at`. */
static bool sets(unsigned at, unsigned bit, unsigned off, uint32_t v, unsigned width_bytes)
{
	return at >= off && at < off + width_bytes && v >> (8 * (at - off) + bit) & 1;
}

void pci_dev_cfg_write(struct pci_dev *d, unsigned off, uint32_t v, unsigned width_bytes)
{
	struct state old = get_state(d), new;

	if (!cfg_access_is_right(off, width_bytes))
		return;
	store_masked(d, off, v, width_bytes);
	new = get_state(d);
	if (new.power != PMCSR_STATE_D0 &&new.power != PMCSR_STATE_D3HOT) {
		/* PCI PM 1.2, 3.2.4: a state that there is not; the write does nothing */
		d->cfg[PM_PMCSR] = (uint8_t)((d->cfg[PM_PMCSR] & ~PMCSR_STATE) | old.power);
		new.power = old.power;
	}
	if (sets(EXP_DEVCTL + 1, 7, off, v, width_bytes) ||
		(old.power == PMCSR_STATE_D3HOT && new.power == PMCSR_STATE_D0)) {
		reset_function(d);
		return;
	}
	update_decoding(d);
	if (!memcmp(&old, &new, sizeof(old)))
		return;
	pci_dev_irq_update(d);
	if (d->model->config_changed)
		d->model->config_changed(d->ctx);
}

/* ---- DMA ---- */

static bool is_in_bus_space(uint64_t addr, uint32_t len_bytes)
{
	return len_bytes - 1 <= UINT64_MAX - addr;
}

static bool dma_done(struct pci_dev *d, bool answered, uint64_t *count)
{
	uint32_t status = pci_dev_cfg_get16(d, CFG_STATUS);

	if (answered) {
		++*count;
		return true;
	}
	d->nr_aborts++;
	pci_dev_cfg_set16(d, CFG_STATUS, status | STATUS_MASTER_ABORT);
	return false;
}

bool pci_dev_dma_read(struct pci_dev *d, uint64_t addr, void *buf, uint32_t len_bytes)
{
	if (!pci_dev_may_send(d))
		return false;
	if (!len_bytes)
		return true;
	return dma_done(d,
		!d->abort_reads && is_in_bus_space(addr, len_bytes) &&
			d->host->dma_read(d->host_ctx, addr, buf, len_bytes),
		&d->nr_dma_reads);
}

static void note(struct pci_dev *d, uint64_t addr, uint32_t len_bytes, const struct dma_hint *hint)
{
	struct record_entry e = {
		.at_ps = clock_now(d->clock),
		.addr = addr,
		.len_bytes = len_bytes,
		.device = d->id,
		.hint = *hint,
	};

	if (d->record)
		record_add(d->record, &e);
}

bool pci_dev_dma_write(struct pci_dev *d, uint64_t addr, const void *buf, uint32_t len_bytes,
	const struct dma_hint *hint)
{
	if (!pci_dev_may_send(d))
		return false;
	if (!len_bytes)
		return true;
	if (!dma_done(d,
		    !d->abort_writes && is_in_bus_space(addr, len_bytes) &&
			    d->host->dma_write(d->host_ctx, addr, buf, len_bytes),
		    &d->nr_dma_writes))
		return false;
	note(d, addr, len_bytes, hint);
	return true;
}
