# Figures, not tests: what the packet path costs, in the emulator and on the host.
HOST_BENCH   := $(O)/bench/virtio_net_bench
STEER_BENCH  := $(O)/bench/steer_bench
DRIVER_BENCH := $(O)/bench/ixgbe_bench
# as the hypervisor is built: without vector registers, at fixed addresses
BENCH_CFLAGS := -O2 -fno-pie -no-pie -fno-strict-aliasing -fno-tree-vectorize \
	$(filter-out -O1 -fsanitize=% -fno-sanitize-recover=%,$(HOST_CFLAGS))
VALGRIND     := $(shell command -v valgrind)

BENCH_BUILD = @mkdir -p $(@D) && \
	$(HOST_CC) $(BENCH_CFLAGS) -o $@ $(filter %.c,$^)

$(O)/bench/%: tests/bench/%.c $$(call sources_of,tests/bench/$$*.c) tests/support/fake_log.c
	$(BENCH_BUILD)
	$(HOST_DEPS)

$(O)/bench/%: tests/unit/ixgbe/%.c $$(call sources_of,tests/unit/ixgbe/$$*.c) tests/support/fake_log.c
	$(BENCH_BUILD) -lcmocka
	$(HOST_DEPS)

-include $(addsuffix .d,$(HOST_BENCH) $(STEER_BENCH) $(DRIVER_BENCH))

.PHONY: bench bench-files bench-host bench-decision bench-driver
## make bench      measures in Bochs with one CPU what traffic and boot cost, beside the targets;
##                 CASE=boot|offload|no-offload|wire|native-wire: only those; with valgrind, also bench-host
##                 CASE=steer: guests over the wire beside CPU hogs, by each policy of steering
bench: deps
	@$(SUB_MAKE) -s bench-files
	@tests/bench/run --build $(O) --cache $(CACHE) --jobs $(JOBS) \
		$(if $(VALGRIND),--host $(HOST_BENCH)) $(CASE)

bench-files: bochs rig $(MACHINE) $(ALL_GUESTS) $(O)/guest-stub/hog.elf $(NATIVE_FILES) $(if $(VALGRIND),$(HOST_BENCH))

NEED_VALGRIND = @[ -n "$(VALGRIND)" ] || { echo "$@: valgrind is not installed" >&2; exit 1; }

## make bench-host instructions per frame of the packet path on the host; needs valgrind
bench-host: $(HOST_BENCH)
	$(NEED_VALGRIND)
	@tests/bench/host.py $(HOST_BENCH)

## make bench-decision instructions of a steering decision, row by row of its table; needs valgrind
bench-decision: $(STEER_BENCH)
	$(NEED_VALGRIND)
	@tests/bench/decision.py $(STEER_BENCH)

## make bench-driver instructions per packet of the 82599's driver; needs valgrind
bench-driver: $(DRIVER_BENCH)
	$(NEED_VALGRIND)
	@tests/bench/driver.py $(DRIVER_BENCH)
