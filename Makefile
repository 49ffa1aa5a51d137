# Sluice. `make help` lists the targets.
BUILD ?= build
CACHE ?= build/cache
O     := $(BUILD)
.DEFAULT_GOAL := all
include hv/hv.mk
include boot/boot.mk
include tests/tests.mk
include guest-stub/guest-stub.mk
include tests/rig/rig.mk
include tests/support/run.mk
include tests/bench/bench.mk
include tests/sim/sim.mk

.PHONY: all clean distclean help
all: $(O)/sluice.elf

## make clean      removes what was built, but keeps what was downloaded; distclean: that too
clean:
	@[ ! -d $(O) ] || find $(O) -mindepth 1 -maxdepth 1 ! -name cache -exec rm -rf {} +

distclean:
	rm -rf $(O)

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)
