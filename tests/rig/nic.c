/* 82599 [slot=N] [mac=02:..] [device=HEX] [bad-eeprom] [no-msix]: both functions of one controller.
 */
#include "rig.h"

#include "../models/82599/m82599.h"

#define SLOT_MAX 31

struct nic_settings {
	uint64_t slot, device;
	struct m82599_config config;
};

static int fault(void *model, unsigned index, const char *command, const char **why)
{
	return m82599_fault(model, index, command, why);
}

static void print_counts(void *model, unsigned index, FILE *out)
{
	m82599_print_counts(model, index, out);
}

static void destroy(void *model)
{
	m82599_destroy(model);
}

static int parse(struct rig *r, const struct words *w, struct nic_settings *s)
{
	const struct option options[] = {
		{ "slot", OPTION_NUMBER, &s->slot, 1, SLOT_MAX },
		{ "mac", OPTION_MAC, s->config.mac, 0, 0 },
		{ "device", OPTION_HEX, &s->device, 1, UINT16_MAX },
		{ "bad-eeprom", OPTION_FLAG, &s->config.bad_eeprom_checksum, 0, 0 },
		{ "no-msix", OPTION_FLAG, &s->config.no_msix, 0, 0 },
		{ "no-msix", OPTION_FLAG, &s->config.no_msix, 0, 0 },
	};
	const uint8_t mac[6] = { 0x02, 0, 0, 0, (uint8_t)r->nr_nics, 0x10 };

	*s = (struct nic_settings){ 0 };
	for (unsigned i = 0; i < sizeof(mac); i++)
		s->config.mac[i] = mac[i];
	if (words_options(w, 1, options, sizeof(options) / sizeof(options[0]), r->reason))
		return -1;
	s->config.device_id = (uint16_t)s->device;
	return 0;
}

static int add_port(struct rig *r, struct m82599 *chip, unsigned index)
{
	if (r->nr_ports == RIG_PORTS_MAX)
		return rig_fail(r, "more than %d ports", RIG_PORTS_MAX);
	r->port[r->nr_ports++] = (struct rig_port){ chip, index, -1, 0 };
	return 0;
}

/* 0, or the reason is set. */
static int attach(
	struct rig *r, struct rig_function *f[M82599_PORTS], struct m82599 *chip, unsigned slot)
{
	for (unsigned i = 0; i < M82599_PORTS; i++) {
		int got;

		f[i]->pci = m82599_function(chip, i);
		f[i]->model = chip;
		f[i]->index = i;
		f[i]->fault = fault;
		f[i]->print_counts = print_counts;
		got = bus_attach(f[i]->bus, f[i]->pci, slot, i);
		if (got < 0)
			return rig_fail(r, "slot %u is not free", slot);
		/* function 1 is where function 0 is */
		slot = (unsigned)got;
		if (add_port(r, chip, i))
			return -1;
	}
	return 0;
}

int nic_line(struct rig *r, const struct words *w)
{
	struct rig_function *f[M82599_PORTS];
	void *host_ctx[M82599_PORTS];
	uint16_t first_id = (uint16_t)r->nr_functions;
	struct nic_settings s;
	struct m82599 *chip;
	char name[RIG_NAME_MAX];

	if (parse(r, w, &s))
		return -1;
	for (unsigned i = 0; i < M82599_PORTS; i++) {
		snprintf(name, sizeof(name), "nic%u.%u", r->nr_nics % 10, i);
		f[i] = rig_add_function(r, name);
		if (!f[i])
			return -1;
		host_ctx[i] = f[i]->bus;
	}
	r->nr_nics++;
	chip = m82599_create(&s.config, &r->clock, &bus_host, host_ctx, &r->record, first_id);
	if (!chip)
		return rig_fail(r, "no memory");
	if (rig_add_model(r, chip, destroy))
		return -1;
	return attach(r, f, chip, (unsigned)s.slot);
}
