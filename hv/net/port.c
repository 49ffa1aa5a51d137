/* Ports: names of the drop counters, in the order of enum drop_reason. */
#include "net/port.h"

const char *const drop_reason_name[DROP_REASONS] = {
	[DROP_RUNT] = "runt",
	[DROP_OVERSIZE] = "oversize",
	[DROP_MALFORMED] = "malformed",
	[DROP_SPOOFED] = "spoofed",
	[DROP_BAD_SOURCE] = "bad_source",
	[DROP_VLAN] = "vlan",
	[DROP_NO_PORT] = "no_port",
	[DROP_ISOLATED] = "isolated",
	[DROP_RATE] = "rate",
	[DROP_STORM] = "storm",
	[DROP_QUEUE_FULL] = "queue_full",
	[DROP_NO_BUFFER] = "no_buffer",
	[DROP_BUFFER_SIZE] = "buffer_size",
	[DROP_LINK_DOWN] = "link_down",
	[DROP_MIRROR_PORT] = "mirror_port",
};

void port_counters_add(struct port_counters *sum, const struct port_counters *c)
{
	uint64_t *dst = (uint64_t *)sum;
	const uint64_t *src = (const uint64_t *)c;

	for (unsigned i = 0; i < PORT_COUNTER_WORDS; i++)
		dst[i] += load_relaxed(&src[i]);
}
