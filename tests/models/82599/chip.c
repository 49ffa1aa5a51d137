/* The chip as a whole: its two ports, and what tests ask of it. */
#include "control.h"

#include <stdlib.h>
#include <string.h>

#define CFG_SERIAL_LOW	0x144 /* device serial number. DS 9.4.2 */
#define CFG_SERIAL_HIGH 0x148

static void init_model(struct m82599 *chip, unsigned n, const struct m82599_config *config)
{
	struct pci_model *model = &chip->shared->model[n];

	*model = registers_model;
	if (config->device_id)
		model->device = config->device_id;
	if (config->no_msix)
		model->nr_msix = 0;
	model->interrupt_pin = (uint8_t)(1 + n);
}

/* DS 9.4.2: the MAC address with FFFF in its middle. */
static void set_serial_number(struct port *p, const uint8_t mac[6])
{
	uint32_t low =
		(uint32_t)mac[5] | (uint32_t)mac[4] << 8 | (uint32_t)mac[3] << 16 | 0xffu << 24;
	uint32_t high =
		0xffu | (uint32_t)mac[2] << 8 | (uint32_t)mac[1] << 16 | (uint32_t)mac[0] << 24;

	pci_dev_cfg_define(&p->dev, CFG_SERIAL_LOW, low, 0);
	pci_dev_cfg_define(&p->dev, CFG_SERIAL_HIGH, high, 0);
}

static bool alloc_port(struct m82599 *chip, unsigned n, struct clock *clock)
{
	struct port *p = &chip->port[n];

	p->chip = chip;
	p->index = n;
	p->clock = clock;
	p->control = calloc(1, sizeof(*p->control));
	if (!p->control)
		return false;
	reset_init(p);
	link_init(p);
	irq_init(p);
	i2c_init(p);
	if (data_create(p) == 0)
		return true;
	free(p->control);
	p->control = NULL;
	return false;
}

static void free_port(struct port *p)
{
	if (!p->control)
		return;
	reset_destroy(p);
	irq_destroy(p);
	data_destroy(p);
	free(p->control);
}

static bool init_shared(struct m82599 *chip, const struct m82599_config *config)
{
	chip->shared = calloc(1, sizeof(*chip->shared));
	if (!chip->shared)
		return false;
	memcpy(chip->shared->mac, config->mac, sizeof(chip->shared->mac));
	chip->shared->bad_checksum = config->bad_eeprom_checksum;
	chip->shared->eeprom_owner = EEPROM_NO_OWNER;
	eeprom_build(chip->shared);
	return true;
}

struct m82599 *m82599_create(const struct m82599_config *config, struct clock *clock,
	const struct pci_host *host, void *const host_ctx[M82599_PORTS], struct record *record,
	uint16_t first_id)
{
	struct m82599 *chip = calloc(1, sizeof(*chip));

	if (!chip)
		return NULL;
	if (!init_shared(chip, config))
		goto fail;
	for (unsigned n = 0; n < M82599_PORTS; n++) {
		if (!alloc_port(chip, n, clock))
			goto fail;
	}
	for (unsigned n = 0; n < M82599_PORTS; n++) {
		struct port *p = &chip->port[n];

		init_model(chip, n, config);
		pci_dev_init(&p->dev, &chip->shared->model[n], p, host, host_ctx[n], clock, true);
		set_serial_number(p, config->mac);
		p->dev.record = record;
		p->dev.id = (uint16_t)(first_id + n);
	}
	return chip;
fail:
	m82599_destroy(chip);
	return NULL;
}

void m82599_destroy(struct m82599 *chip)
{
	if (!chip)
		return;
	for (unsigned n = 0; n < M82599_PORTS; n++) {
		if (chip->port[n].control)
			link_destroy(&chip->port[n]);
	}
	for (unsigned n = 0; n < M82599_PORTS; n++)
		free_port(&chip->port[n]);
	free(chip->shared);
	free(chip);
}

struct pci_dev *m82599_function(struct m82599 *chip, unsigned port)
{
	return &chip->port[port].dev;
}

void m82599_connect(struct m82599 *chip, unsigned port, struct wire *wire, unsigned end)
{
	link_connect(&chip->port[port], wire, end);
}

void m82599_counts(const struct m82599 *chip, unsigned port, struct m82599_counts *counts)
{
	*counts = chip->port[port].counts;
}

void m82599_print_counts(const struct m82599 *chip, unsigned port, FILE *out)
{
	const struct m82599_counts *c = &chip->port[port].counts;
	const struct {
		const char *name;
		uint64_t v;
	} lines[] = {
		{ "rx_frames", c->rx_frames },
		{ "rx_bytes", c->rx_bytes },
		{ "rx_delivered", c->rx_delivered },
		{ "rx_delivered_bytes", c->rx_delivered_bytes },
		{ "rx_filtered", c->rx_filtered },
		{ "rx_no_descriptor", c->rx_no_descriptor },
		{ "rx_fcs_errors", c->rx_fcs_errors },
		{ "rx_length_errors", c->rx_length_errors },
		{ "rx_csum_errors", c->rx_csum_errors },
		{ "rx_pause", c->rx_pause },
		{ "tx_pause", c->tx_pause },
		{ "tx_frames", c->tx_frames },
		{ "tx_bytes", c->tx_bytes },
		{ "tx_tso", c->tx_tso },
		{ "rx_rsc", c->rx_rsc },
		{ "dma_errors", c->dma_errors },
		{ "interrupts", c->interrupts },
		{ "unknown_reads", c->unknown_reads },
		{ "unknown_writes", c->unknown_writes },
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		fprintf(out, "%s %llu\n", lines[i].name, (unsigned long long)lines[i].v);
}
