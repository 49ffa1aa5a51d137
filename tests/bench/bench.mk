# Figures, not tests: what the packet path costs, in the emulator and on the host.
HOST_BENCH     := $(O)/bench/virtio_net_bench
HOST_BENCH_SRC := tests/bench/virtio_net_bench.c
BENCH_CFLAGS   := -O2 $(filter-out -O1 -fsanitize=% -fno-sanitize-recover=%,$(HOST_CFLAGS))
VALGRIND       := $(shell command -v valgrind)

$(HOST_BENCH): $(HOST_BENCH_SRC) $(call sources_of,$(HOST_BENCH_SRC)) tests/support/fake_log.c
	@mkdir -p $(@D)
	$(HOST_CC) $(BENCH_CFLAGS) -MT $@ -MF $@.d -o $@ $(filter %.c,$^)

STEER_BENCH     := $(O)/bench/steer_bench
STEER_BENCH_SRC := tests/bench/steer_bench.c

$(STEER_BENCH): $(STEER_BENCH_SRC) $(call sources_of,$(STEER_BENCH_SRC))
	@mkdir -p $(@D)
	$(HOST_CC) $(BENCH_CFLAGS) -MT $@ -MF $@.d -o $@ $(filter %.c,$^)

-include $(HOST_BENCH).d $(STEER_BENCH).d

.PHONY: bench bench-files bench-host bench-decision
## make bench      measures in Bochs with one CPU what traffic and boot cost, beside the targets;
##                 CASE=boot|offload|no-offload|wire|native-wire: only those; with valgrind, also bench-host
bench: deps
	@$(SUB_MAKE) -s bench-files
	@tests/bench/run --build $(O) --cache $(CACHE) --jobs $(JOBS) \
		$(if $(VALGRIND),--host $(HOST_BENCH)) $(CASE)

bench-files: bochs rig $(MACHINE) $(ALL_GUESTS) $(NATIVE_FILES) $(if $(VALGRIND),$(HOST_BENCH))

## make bench-host instructions per frame of the packet path on the host; needs valgrind
bench-host: $(HOST_BENCH)
	@[ -n "$(VALGRIND)" ] || { echo "bench-host: valgrind is not installed" >&2; exit 1; }
	@tests/bench/host.py $(HOST_BENCH)

## make bench-decision instructions of a steering decision, row by row of its table; needs valgrind
bench-decision: $(STEER_BENCH)
	@[ -n "$(VALGRIND)" ] || { echo "bench-decision: valgrind is not installed" >&2; exit 1; }
	@tests/bench/decision.py $(STEER_BENCH)
