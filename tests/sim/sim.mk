# The simulation (tests/sim): the hypervisor's scheduler, steering and switch on simulated machines.
SIM_SRC    := $(wildcard tests/sim/*.c)
SIM_HV_SRC := $(sort $(PART_sched) $(PART_switch) hv/net/steer.c hv/net/copy_estimate.c \
	tests/support/fake_log.c)
SIM_CFLAGS := -std=gnu11 -O2 -g -Wall -Wextra -Werror -Itests/support/fake -Ihv -I. -Itests/support \
	-Itests/sim -MMD -MP
SIM_OBJ    := $(patsubst %.c,$(O)/sim/obj/%.o,$(SIM_SRC) $(SIM_HV_SRC))

$(O)/sim/obj/%.o: %.c
	@mkdir -p $(@D)
	$(HOST_CC) $(SIM_CFLAGS) -c -o $@ $<

$(O)/sim/sim: $(SIM_OBJ)
	$(HOST_CC) -o $@ $^ -lm

-include $(SIM_OBJ:.o=.d)

.PHONY: sim
## make sim        simulates steering policies on three Xeons: tables and pictures in build/sim
##                 WORKLOAD=over-2x: only that; JOBS=2 at a time
sim: $(O)/sim/sim
	@tests/support/deps python3 gnuplot-nox
	@tests/sim/report.py --program $(O)/sim/sim --out $(O)/sim --jobs $(JOBS) \
		$(addprefix --workload ,$(WORKLOAD))

.PHONY: sim-docs
## make sim-docs   the last `make sim` of everything, into docs/results.md and its pictures
sim-docs:
	@tests/sim/docs.py --results $(O)/sim/results.json --page docs/results.md
