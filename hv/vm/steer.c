/* Policy, backend and caches; see steer.h. */
#include "vm/steer.h"

#include "cpu/percpu.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "mem/page_alloc.h"
#include "net/copy_setup.h"
#include "sched/sched.h"
#include "vm/steer_probe.h"

struct steer vm_steer;

static const char *const policy_name[STEER_POLICIES] = {
	[STEER_STATIC] = "static",
	[STEER_RSS] = "rss",
	[STEER_FOLLOW] = "follow",
	[STEER_FULL] = "full",
};
static const char *const backend_name[STEER_BACKENDS] = {
	[STEER_BACKEND_NONE] = "none",
	[STEER_BACKEND_DDIO] = "ddio",
	[STEER_BACKEND_DCA] = "dca",
};

const char *vm_steer_policy_name(void)
{
	return policy_name[vm_steer.policy];
}

const char *vm_steer_backend_name(void)
{
	return backend_name[vm_steer.backend];
}

enum ioat_dca vm_steer_dca(const struct conf *c)
{
	switch ((enum conf_steer)c->steer_backend) {
	case CONF_STEER_DCA:
		return IOAT_DCA_FORCE;
	case CONF_STEER_AUTO:
		return IOAT_DCA_PROBE;
	case CONF_STEER_NONE:
	case CONF_STEER_DDIO:
	default:
		return IOAT_DCA_OFF;
	}
}

static enum steer_backend choose(const struct conf *c)
{
	bool has_tags = copy_has_dca(); /* they come from an I/OAT function's map */

	switch ((enum conf_steer)c->steer_backend) {
	case CONF_STEER_NONE:
		return STEER_BACKEND_NONE;
	case CONF_STEER_DDIO:
		return STEER_BACKEND_DDIO;
	case CONF_STEER_DCA:
		if (!has_tags)
			log_warn("steer=dca: no I/OAT function has a map of tags, NICs get none");
		return STEER_BACKEND_DCA;
	case CONF_STEER_AUTO:
	default:
		if (has_tags)
			return STEER_BACKEND_DCA;
		return steer_cpu_has_ddio(cpu_features_get()) ? STEER_BACKEND_DDIO
							      : STEER_BACKEND_NONE;
	}
}

/* ---- Caches ---- */

static void read_caches(void)
{
	const struct topology *t = topology_get();

	for (unsigned i = 0; i < nr_cpus; i++) {
		uint32_t llc = steer_llc_id(t, cpus[i]->apic_id);
		uint64_t share = steer_cache_share(t);

		steer_set_cache(&vm_steer, i, share ? share : STEER_SHARE_BYTES, llc);
	}
}

/* Cores from which an engine reaches other cores' caches. */
static void allow_helpers(void)
{
	if (vm_steer.policy != STEER_FULL || vm_steer.backend == STEER_BACKEND_NONE)
		return;
	for (unsigned i = 0; i < nr_cpus; i++) {
		const struct copy_ctx *ctx = copy_of_core(i);

		if (ctx->nr_channels &&
			(vm_steer.backend == STEER_BACKEND_DDIO || copy_can_aim(ctx)))
			sched_may_help(i);
	}
}

int vm_steer_init(const struct conf *c)
{
	uint64_t bytes = ALIGN_UP(nr_cpus * sizeof(struct steer_core), (uint64_t)PAGE_SIZE);
	struct steer_core *cores = page_alloc((unsigned)(bytes / PAGE_SIZE));

	if (!cores)
		return -ENOMEM;
	steer_init(&vm_steer, (enum steer_policy)c->steer_policy, choose(c), cores, nr_cpus);
	read_caches();
	allow_helpers();
	log_info("steering: policy %s, backend %s, %lu KiB of a core's cache",
		vm_steer_policy_name(), vm_steer_backend_name(),
		vm_steer.core[0].share_bytes >> 10);
	return 0;
}

void vm_steer_housekeeping(uint64_t now_us)
{
	steer_housekeeping(&vm_steer, now_us);
}

uint8_t vm_steer_tag(unsigned core)
{
	uint8_t tag;

	if (vm_steer.backend != STEER_BACKEND_DCA || copy_dca_tag(core, &tag))
		return 0;
	return tag;
}
