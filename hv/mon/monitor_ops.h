/* struct mon_ops over the real machine: guests, scheduler, switches. */
#ifndef SLUICE_MON_MONITOR_OPS_H
#define SLUICE_MON_MONITOR_OPS_H

#include <stdbool.h>

#include "mon/mon.h"

/* Its functions take no context. */
extern const struct mon_ops monitor_ops;

/* The `poweroff` command was given; whoever called monitor_poll() has to follow it. */
bool monitor_poweroff_wanted(void);

#endif
