/* A run's options as text, and its result as JSON. */
#ifndef SLUICE_SIM_OPTIONS_H
#define SLUICE_SIM_OPTIONS_H

#include "sim.h"

/* "key=value". 0, or -1. */
int option_set(struct sim_config *c, const char *text);

void result_print(const struct sim_config *c, const struct sim_result *r);

#endif
