# Sluice. `make help` lists the targets.
BUILD ?= build
O     := $(BUILD)
.DEFAULT_GOAL := all
include hv/hv.mk
include boot/boot.mk
include tests/tests.mk
-include guest-stub/guest-stub.mk
-include tests/support/run.mk

.PHONY: all clean help
all: $(O)/sluice.elf

clean:
	rm -rf $(O)

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)
