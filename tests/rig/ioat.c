/* ioat [slot=N] [channels=N] [rate=MB/s] [latency=NS] [batch=US] [device=HEX] [version=HEX] [dca]
 * [tag-map=HEX]: one DMA engine. */
#include "rig.h"

#include "../models/ioat/ioat_model.h"

#define SLOT_MAX 31

static int fault(void *model, unsigned index, const char *command, const char **why)
{
	(void)index;
	return ioat_model_fault(model, command, why);
}

static void print_counts(void *model, unsigned index, FILE *out)
{
	(void)index;
	ioat_model_print_counts(model, out);
}

static void destroy(void *model)
{
	ioat_model_destroy(model);
}

static int parse(struct rig *r, const struct words *w, uint64_t *slot, struct ioat_model_config *c)
{
	uint64_t channels = 8, rate = 0, latency_ns = 0, batch_us = 0, device = 0, version = 0;
	const struct option options[] = {
		{ "slot", OPTION_NUMBER, slot, 1, SLOT_MAX },
		{ "channels", OPTION_NUMBER, &channels, IOAT_MODEL_CHANNELS_MIN,
			IOAT_MODEL_CHANNELS_MAX },
		/* a megabyte a second is a byte a microsecond */
		{ "rate", OPTION_NUMBER, &rate, 1, 1000000 },
		{ "latency", OPTION_NUMBER, &latency_ns, 0, 1000000000 },
		{ "batch", OPTION_NUMBER, &batch_us, 0, 1000000 },
		{ "device", OPTION_HEX, &device, 1, UINT16_MAX },
		{ "version", OPTION_HEX, &version, 1, UINT8_MAX },
		{ "dca", OPTION_FLAG, &c->has_dca, 0, 0 },
		{ "tag-map", OPTION_HEX, &c->apicid_tag_map, 0, UINT64_MAX },
	};

	if (words_options(w, 1, options, sizeof(options) / sizeof(options[0]), r->reason))
		return -1;
	c->channels = (unsigned)channels;
	c->copy_bytes_per_us = rate;
	c->start_latency_ps = latency_ns * CLOCK_PS_PER_NS;
	c->batch_ps = batch_us * CLOCK_PS_PER_US;
	c->device_id = (uint16_t)device;
	c->version = (uint8_t)version;
	return 0;
}

int ioat_line(struct rig *r, const struct words *w)
{
	struct ioat_model_config c = { 0 };
	uint16_t id = (uint16_t)r->nr_functions;
	struct rig_function *f;
	struct ioat_model *m;
	char name[RIG_NAME_MAX];
	uint64_t slot = 0;

	if (parse(r, w, &slot, &c))
		return -1;
	snprintf(name, sizeof(name), "ioat%u", r->nr_engines);
	f = rig_add_function(r, name);
	if (!f)
		return -1;
	m = ioat_model_create(&c, &r->clock, &bus_host, f->bus, &r->record, id);
	if (!m)
		return rig_fail(r, "no memory");
	if (rig_add_model(r, m, destroy))
		return -1;
	r->nr_engines++;
	f->pci = ioat_model_function(m);
	f->model = m;
	f->fault = fault;
	f->print_counts = print_counts;
	if (bus_attach(f->bus, f->pci, (unsigned)slot, 0) < 0)
		return rig_fail(r, "slot %u is not free", (unsigned)slot);
	return 0;
}
