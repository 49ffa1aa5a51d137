/* Contexts and channels of all cores; see copy_setup.h. */
#include "net/copy_setup.h"

#include "cpu/percpu.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mem/page_alloc.h"

static struct copy_ctx *ctxs; /* nr_cpus */
static struct ioat_device *devices;
static unsigned nr_devices;

static void *alloc(uint64_t bytes)
{
	return page_alloc((unsigned)(ALIGN_UP(bytes, (uint64_t)PAGE_SIZE) / PAGE_SIZE));
}

static bool give(struct ioat_chan *c, unsigned core)
{
	struct copy_ctx *ctx = &ctxs[core];

	if (ioat_open(c) || copy_ctx_add_channel(ctx, c))
		return false;
	/* Neither has to work: it copies without a target, and is polled. */
	if (ioat_set_target(c, cpus[core]->apic_id) == 0)
		log_debug("ioat channel %u: aims at core %u", c->index, core);
	if (ioat_interrupt_enable(c, cpus[core]->apic_id, copy_interrupt, ctx))
		log_debug("ioat channel %u: without an interrupt", c->index);
	return true;
}

/* One of each function in turn: functions work side by side, channels of one share its engine. */
static unsigned distribute(void)
{
	unsigned nr = 0;

	for (unsigned index = 0; index < IOAT_CHANNELS_MAX; index++) {
		for (unsigned d = 0; d < nr_devices; d++) {
			if (index >= devices[d].nr_channels || nr == nr_cpus * COPY_CHANNELS_MAX)
				continue;
			nr += give(&devices[d].chan[index], nr % nr_cpus);
		}
	}
	return nr;
}

static void start_channels(enum ioat_dca dca)
{
	unsigned max = ioat_count();

	if (!max)
		return;
	devices = alloc(max * sizeof(*devices));
	if (!devices) {
		log_warn("copy: no memory for %u I/OAT functions", max);
		return;
	}
	nr_devices = ioat_probe(devices, max, dca);
	log_info("copy: %u I/OAT channels for %u cores", distribute(), nr_cpus);
}

int copy_start(struct worker *(*worker_of)(unsigned core), bool use_ioat, enum ioat_dca dca)
{
	nr_devices = 0;
	ctxs = alloc(nr_cpus * sizeof(*ctxs));
	if (!ctxs)
		return -ENOMEM;
	for (unsigned i = 0; i < nr_cpus; i++)
		copy_ctx_init(&ctxs[i], worker_of(i));
	if (use_ioat)
		start_channels(dca);
	return 0;
}

void copy_stop(void)
{
	for (unsigned i = 0; i < nr_devices; i++)
		ioat_stop(&devices[i]);
}

struct copy_ctx *copy_of_core(unsigned core)
{
	return &ctxs[core];
}

void copy_stats_sum(struct copy_stats *sum)
{
	for (unsigned i = 0; ctxs && i < nr_cpus; i++)
		copy_stats_add(sum, &ctxs[i]);
}

bool copy_has_dca(void)
{
	for (unsigned i = 0; i < nr_devices; i++) {
		if (devices[i].has_dca)
			return true;
	}
	return false;
}

int copy_dca_tag(unsigned core, uint8_t *tag)
{
	for (unsigned i = 0; i < nr_devices; i++) {
		if (!ioat_dca_tag(&devices[i], cpus[core]->apic_id, tag))
			return 0;
	}
	return -ENOTSUP;
}

/* All engines of a machine have the platform's one map; a request passes the one that the NIC's
 * root port asks. */
int copy_dca_add_requester(pci_bdf bdf)
{
	int r = -ENOTSUP;

	for (unsigned i = 0; i < nr_devices; i++) {
		int err = ioat_dca_add_requester(&devices[i], bdf);

		r = err == -ENOTSUP ? r : err;
	}
	return r;
}

unsigned copy_channels(void)
{
	unsigned nr = 0;

	for (unsigned i = 0; ctxs && i < nr_cpus; i++)
		nr += load_relaxed(&ctxs[i].nr_channels);
	return nr;
}
