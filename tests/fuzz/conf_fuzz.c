// sources: hv/vm/conf.c hv/vm/conf_sluice.c hv/vm/conf_value.c hv/vm/conf_nic.c hv/vm/conf_port.c hv/vm/conf_uplink.c hv/vm/conf_mirror.c hv/lib/fmt.c
/* sluice.conf from arbitrary bytes: what is accepted is within its limits, what is not has an error
 * that lies in the text. */
#include <stdlib.h>
#include <string.h>

#include "vm/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond))                                                                       \
			abort();                                                                   \
	} while (0)

static struct conf conf;
static struct conf_error error;

static void check_nic(const struct conf_nic *n)
{
	REQUIRE(n->switch_index < conf.nr_switches);
	REQUIRE(strcmp(conf.sw[n->switch_index].name, n->switch_name) == 0);
	REQUIRE(n->port.vlan >= 1 && n->port.vlan <= 4094 && n->port.mtu >= 68);
	REQUIRE(n->port.nr_trunk_vlans <= CONF_TRUNK_VLANS);
	REQUIRE(!(n->mac[0] & 1));
	REQUIRE(n->queue_pairs >= 1 && n->queue_pairs <= CONF_VCPUS_MAX);
}

static void check_guest(const struct conf_guest *g)
{
	REQUIRE(g->name[0] && memchr(g->name, 0, sizeof(g->name)));
	REQUIRE(g->kernel[0] && memchr(g->kernel, 0, sizeof(g->kernel)));
	REQUIRE(memchr(g->initrd, 0, sizeof(g->initrd)));
	REQUIRE(memchr(g->cmdline, 0, sizeof(g->cmdline)));
	REQUIRE(g->vcpus >= 1 && g->vcpus <= CONF_VCPUS_MAX);
	REQUIRE(g->memory_bytes > 0 && g->memory_bytes % MIB(2) == 0);
	REQUIRE(g->weight >= 1 && g->weight <= 65535 && !core_set_is_empty(&g->cores));
	REQUIRE(g->nr_nics <= CONF_NICS_MAX);
	for (unsigned i = 0; i < g->nr_nics; i++)
		check_nic(&g->nic[i]);
}

/* Whether the error's place is in the text, or one character behind a line's end. */
static void check_error(const uint8_t *data, size_t size)
{
	unsigned line = 1;
	size_t at = 0, start;

	for (; at < size && line < error.line; at++)
		line += data[at] == '\n';
	REQUIRE(error.line == line && error.column >= 1);
	for (start = at; at < size && data[at] != '\n'; at++)
		;
	REQUIRE(error.column <= at - start + 1);
	REQUIRE(error.text[0] && memchr(error.text, 0, sizeof(error.text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (conf_parse((const char *)data, size, &conf, &error)) {
		check_error(data, size);
		return 0;
	}
	REQUIRE(conf.nr_switches <= CONF_SWITCHES_MAX && conf.nr_guests <= CONF_GUESTS_MAX);
	for (unsigned i = 0; i < conf.nr_guests; i++)
		check_guest(&conf.guest[i]);
	return 0;
}
