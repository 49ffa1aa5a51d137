/* The I/OAT model as a PCI function: what it is, power-on, counts. DS 8.4, 8.5.1 to 8.5.10. */
#include "engine.h"

#include <inttypes.h>
#include <stdlib.h>

#define DEFAULT_DEVICE		 0x6f50
#define DEFAULT_BYTES_PER_US	 5000
#define DEFAULT_START_LATENCY_PS (200 * CLOCK_PS_PER_NS)
#define TAG_MAP_UNPROGRAMMED	 UINT64_C(0x8080808080)

/* The first range that has the ID decides; the last one has them all. */
static const struct kind {
	uint16_t first, last;
	uint8_t version;
	bool reset_clears_msix; /* as Linux's and FreeBSD's drivers know of them */
	uint32_t dmacap;
	uint32_t msix_table, msix_pba;
} kinds[] = {
	{ 0x6f50, 0x6f53, 0x33, true, 0, 0x1000, 0x1800 },
	{ 0x0c50, 0x0c53, 0x33, true, 0, 0x1000, 0x1800 },
	{ 0x0b00, 0x0b00, 0x34, false, IOAT_DMACAP_DPS, 0x2000, 0x3000 },
	{ 0x3429, 0x3433, 0x30, false, 0, 0x2000, 0x3000 },
	{ 0x0000, 0xffff, 0x32, false, 0, 0x2000, 0x3000 },
};

static const struct kind *kind_of(uint16_t device)
{
	const struct kind *k = kinds;

	while (device < k->first || device > k->last)
		k++;
	return k;
}

static void power_on(void *model)
{
	struct ioat_model *m = model;

	clock_cancel(m->clock, &m->event);
	m->busy = NULL;
	m->free_ps = 0;
	m->last = m->chancnt - 1;
	m->genctrl = m->intrctrl = m->attnstatus = m->intrdelay = m->chwpreflmt = 0;
	m->csi_cap_enable = m->pcie_cap_enable = 0;
	m->tag_map_lo = (uint32_t)m->config.apicid_tag_map;
	m->tag_map_hi = (uint32_t)(m->config.apicid_tag_map >> 32);
	for (unsigned i = 0; i < IOAT_GREQID_COUNT; i++)
		m->greqid[i] = i == IOAT_GREQID_COUNT - 1 ? IOAT_GREQID_LAST : 0;
	for (unsigned i = 0; i < m->chancnt; i++)
		chan_power_on(&m->chan[i]);
	irq_update_line(m);
}

static void config_changed(void *model)
{
	irq_update_line(model);
}

static void set_up_function(struct ioat_model *m, const struct kind *k)
{
	m->pci = (struct pci_model){
		.name = "ioat",
		.vendor = 0x8086,
		.device = m->config.device_id,
		.subvendor = 0x8086,
		.class_code = 0x088000,
		.revision = 2,
		.interrupt_pin = 1,
		.bar[0] = { PCI_BAR_MEM64, IOAT_MODEL_BAR_SIZE, false },
		.nr_msix = m->chancnt,
		.msix_table = k->msix_table,
		.msix_pba = k->msix_pba,
		.has_msi = true, /* Linux can be told to use it */
		.read = registers_read,
		.write = registers_write,
		.reset = power_on,
		.config_changed = config_changed,
	};
}

static void set_up_engine(struct ioat_model *m, const struct kind *k)
{
	m->chancnt = m->config.channels;
	m->xfercap = IOAT_XFERCAP_1MB;
	m->cbver = m->config.version ? m->config.version : k->version;
	m->dmacap = IOAT_DMACAP_PAGE_BREAK | IOAT_DMACAP_FILL | IOAT_DMACAP_APIC32 | k->dmacap;
	if (m->config.has_dca) {
		m->dmacap |= IOAT_DMACAP_DCA;
		m->dcaoffset = IOAT_DCA_BASE;
	}
	m->reset_clears_msix = k->reset_clears_msix;
	m->event.fn = copy_event;
	m->event.ctx = m;
	for (unsigned i = 0; i < m->chancnt; i++)
		chan_init(m, i);
}

struct ioat_model *ioat_model_create(const struct ioat_model_config *config, struct clock *clock,
	const struct pci_host *host, void *host_ctx, struct record *record, uint16_t id)
{
	unsigned channels = config->channels ? config->channels : IOAT_MODEL_CHANNELS_MIN;
	struct ioat_model *m;
	const struct kind *k;

	if (channels < IOAT_MODEL_CHANNELS_MIN || channels > IOAT_MODEL_CHANNELS_MAX)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (!m)
		return NULL;
	m->clock = clock;
	m->config = *config;
	m->config.channels = channels;
	if (!m->config.device_id)
		m->config.device_id = DEFAULT_DEVICE;
	if (!m->config.copy_bytes_per_us)
		m->config.copy_bytes_per_us = DEFAULT_BYTES_PER_US;
	if (!m->config.start_latency_ps)
		m->config.start_latency_ps = DEFAULT_START_LATENCY_PS;
	if (!m->config.apicid_tag_map)
		m->config.apicid_tag_map = TAG_MAP_UNPROGRAMMED;
	k = kind_of(m->config.device_id);
	set_up_engine(m, k);
	set_up_function(m, k);
	pci_dev_init(&m->dev, &m->pci, m, host, host_ctx, clock, false);
	pci_dev_cfg_define_w1c(&m->dev, IOAT_CFG_CHANERR_INT, 0, 0, IOAT_CHANERR_BITS);
	pci_dev_cfg_define(&m->dev, IOAT_CFG_CHANERRMSK_INT, 0, IOAT_CHANERR_BITS);
	m->dev.record = record;
	m->dev.id = id;
	return m;
}

void ioat_model_destroy(struct ioat_model *m)
{
	if (!m)
		return;
	clock_cancel(m->clock, &m->event);
	for (unsigned i = 0; i < m->chancnt; i++) {
		clock_cancel(m->clock, &m->chan[i].irq_event);
		clock_cancel(m->clock, &m->chan[i].reset_event);
	}
	free(m);
}

struct pci_dev *ioat_model_function(struct ioat_model *m)
{
	return &m->dev;
}

void ioat_model_counts(const struct ioat_model *m, struct ioat_model_counts *counts)
{
	*counts = m->counts;
}

void ioat_model_print_counts(const struct ioat_model *m, FILE *out)
{
	const struct ioat_model_counts *c = &m->counts;
	const struct {
		const char *name;
		uint64_t value;
	} lines[] = {
		{ "doorbells", c->doorbells },
		{ "copies", c->copies },
		{ "fills", c->fills },
		{ "nulls", c->nulls },
		{ "bytes", c->bytes },
		{ "completion_writes", c->completion_writes },
		{ "interrupts", c->interrupts },
		{ "halts", c->halts },
		{ "suspends", c->suspends },
		{ "aborts", c->aborts },
		{ "resets", c->resets },
		{ "ignored_writes", c->ignored_writes },
		{ "unknown_reads", c->unknown_reads },
		{ "unknown_writes", c->unknown_writes },
	};

	for (unsigned i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(out, "%s %" PRIu64 "\n", lines[i].name, lines[i].value);
	for (unsigned i = 0; i < 32; i++)
		if (c->errors[i])
			fprintf(out, "error_%u %" PRIu64 "\n", i, c->errors[i]);
	for (unsigned i = 0; i < m->chancnt; i++) {
		if (c->channel[i].descriptors)
			fprintf(out, "channel_%u_descriptors %" PRIu64 "\n", i,
				c->channel[i].descriptors);
		if (c->channel[i].bytes)
			fprintf(out, "channel_%u_bytes %" PRIu64 "\n", i, c->channel[i].bytes);
		if (c->channel[i].halts)
			fprintf(out, "channel_%u_halts %" PRIu64 "\n", i, c->channel[i].halts);
	}
}
