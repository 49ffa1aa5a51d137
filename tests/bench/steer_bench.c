// sources: hv/net/steer.c
/* What a steering decision costs: steer_decide() so many times for one row of its table. For
 * callgrind: decision.py.
 *
 *     steer_bench NUMBER POLICY BACKEND STATE WAIT_US FROM_CORE ENGINE
 *
 * The vCPU is on core 2 of 4; POLICY, BACKEND and STATE as numbers. Prints the last verdict. */
#include <stdio.h>
#include <stdlib.h>

#include "net/steer.h"

#define CORES 4

int main(int argc, char **argv)
{
	static struct steer_core cores[CORES];
	struct steer_verdict v = { 0 };
	unsigned arg[7];
	uint64_t hint;
	struct steer s;

	if (argc != 8)
		return 2;
	for (unsigned i = 0; i < 7; i++)
		arg[i] = (unsigned)strtoul(argv[i + 1], NULL, 10);
	steer_init(&s, arg[1], arg[2], cores, CORES);
	hint = hint_pack(arg[3], 2, arg[4]);
	for (unsigned i = 0; i < arg[0]; i++)
		v = steer_decide(&s, hint, 1, arg[5], arg[6]);
	printf("%s core %u\n", (const char *const[]){ "copy", "engine", "move", "hold" }[v.action],
		v.core);
	return 0;
}
