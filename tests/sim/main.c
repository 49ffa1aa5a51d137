/* One run of the simulation, from the command line: key=value..., as the report's script gives
 * them. Prints a line of JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "sim.h"

int main(int argc, char **argv)
{
	static struct sim_result r;
	struct sim_config c;

	sim_defaults(&c);
	for (int i = 1; i < argc; i++) {
		if (option_set(&c, argv[i])) {
			fprintf(stderr, "sim: %s: no such option, or a bad value\n", argv[i]);
			return 2;
		}
	}
	if (!c.machine || !c.nr_cores) {
		fprintf(stderr, "usage: sim machine=NAME cores=N io=N hogs=N [option=value...]\n");
		return 2;
	}
	sim_run(&c, &r);
	result_print(&c, &r);
	return 0;
}
