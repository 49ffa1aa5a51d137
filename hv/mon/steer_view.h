/* Steering's counters and trace, for the prompt and for the statistics. */
#ifndef SLUICE_MON_STEER_VIEW_H
#define SLUICE_MON_STEER_VIEW_H

#include "mon/json.h"
#include "mon/mon.h"

struct steer_view {
	const struct mon_ops *ops;
	void *ctx;
	const struct mon_system *sys;
};

/* "steer": {...}: all guests together, then each. */
void steer_view_json(const struct steer_view *v, struct json *j);
/* A table, a line for each guest. */
void steer_view_print(const struct steer_view *v, const struct mon_sink *out);
/* A line for each packet: guest, address in the machine's memory, bytes that lie together from
 * there on, bytes of the packet, who wrote them (there: steer_placement.hva), the core that was
 * chosen and the one that took it, when it was published and taken in microseconds, and what that
 * makes of it: on_target or the name of a reason. Then their number. */
void steer_view_trace(const struct steer_view *v, const struct mon_sink *out);

#endif
