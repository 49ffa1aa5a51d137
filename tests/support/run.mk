# Packages, the emulator, disk images, and everything that boots one.
#
# Settings of `make run`: see the help. CACHE may be shared by several checkouts.
EMU     ?=
CPUS    ?= 2
MEM     ?= 1024
MODEL   ?= corei7_skylake_x
IPS     ?= 100000000
KERNEL  ?= $(GUEST)/vmlinuz
INITRD  ?= $(if $(filter $(GUEST)/vmlinuz,$(KERNEL)),$(O)/guest/initrd)
CMDLINE ?=
EXTRA   ?=
CONF    ?=
UPLINK  ?=
PEER    ?=
CASE    ?=
JOBS    ?= 2
LIMIT   ?= 600

# QEMU only where it is of use to `make run`; the tests need it in any case
KVM_VMX  := $(shell grep -qw vmx /proc/cpuinfo && grep -q '[Y1]' \
	/sys/module/kvm_intel/parameters/nested 2>/dev/null && echo yes)
DEPS      = gcc libc6-dev binutils gnu-efi acpica-tools mtools ovmf python3 \
	debian-archive-keyring $(if $(filter qemu,$(EMU))$(KVM_VMX),qemu-system-x86) \
	$(if $(filter host,$(PEER)),iproute2 iperf3)
TEST_DEPS = $(DEPS) libcmocka-dev clang libclang-rt-dev clang-format cppcheck qemu-system-x86 \
	iproute2 iperf3 spin

include tests/native/native.mk

MACHINE    = $(O)/BOOTX64.EFI $(O)/sluice.elf
ALL_GUESTS = $(GUEST)/vmlinuz $(O)/guest/initrd
SUB_MAKE   = $(MAKE) --no-print-directory

.PHONY: deps test-deps bochs image run run-files system soak system-files test

## make deps       installs by apt what `make run` needs and is missing
deps:
	@tests/support/deps $(DEPS)

## make test-deps  the same for `make test`
test-deps:
	@tests/support/deps $(TEST_DEPS)

bochs:
	@tests/support/get-bochs $(CACHE)/bochs
	@new=$(CACHE)/bochs/fix.$$$$ && \
	$(HOST_CC) -O2 -Wall -Wextra -Werror -fPIC -shared -o $$new tests/rig/bochs_fix.c && \
	mv -f $$new $(CACHE)/bochs/fix.so

## make image      build/sluice.img, a disk image for a USB stick; CONF=, KERNEL=, INITRD=, CMDLINE=
image: deps
	@$(SUB_MAKE) -s $(O)/sluice.img

$(O)/sluice.img: $(MACHINE) $(KERNEL) $(INITRD) FORCE
	@tests/support/run-guests --image-only $(RUN_FLAGS) --dir $(O)/image
	@mv $(O)/image/sluice.img $@
	@echo "$@: write it to a USB stick, for example: dd if=$@ of=/dev/sdX bs=4M"

RUN_FLAGS = --loader $(O)/BOOTX64.EFI --hv $(O)/sluice.elf --cache $(CACHE) --build $(O) \
	--kernel '$(KERNEL)' --initrd '$(INITRD)' --cmdline '$(CMDLINE)' --extra '$(EXTRA)' \
	--conf '$(CONF)' --emu '$(EMU)' --uplink '$(UPLINK)' --peer '$(PEER)' \
	--cpus $(CPUS) --mem $(MEM) --model $(MODEL) --ips $(IPS) \
	--timeout $(LIMIT) $(if $(INTERACTIVE),--interactive) $(if $(V),--verbose)

## make run        boots two Linux guests that run iperf3 to each other over a wire, and sums up
##                 EMU=qemu|bochs CPUS=2 MEM=1024 MODEL=corei7_skylake_x IPS=100000000 LIMIT=600
##                 UPLINK=82599|none: over two NICs and a cable, the default in Bochs; one switch
##                 PEER=host: one guest, over the NIC to an iperf3 server of this machine; as root
##                 INTERACTIVE=1: the console; V=1: all of its lines
##                 KERNEL=path INITRD=path CMDLINE=... CONF=path: your own guests
##                 EXTRA=...: added to the guests' command lines
run: deps
	@$(SUB_MAKE) -s run-files
	@tests/support/run-guests $(RUN_FLAGS) --dir $(O)/run

run-files: bochs $(if $(filter none,$(UPLINK)),,rig) $(MACHINE) $(KERNEL) $(INITRD)

## make system     boots the system cases, two at a time; CASE=name: only that one, or its family
system:
	@$(SUB_MAKE) -s system-files
	@tests/system/run --build $(O) --cache $(CACHE) --jobs $(JOBS) $(CASE)

## make soak       of them, only 30 minutes of emulated time over the wire, with all counts added up
soak:
	@$(SUB_MAKE) system CASE=soak

system-files: bochs rig $(MACHINE) $(ALL_GUESTS) $(STUB_ELF) $(NATIVE_FILES)

## make test       lint, unit, spin, fuzz and system, and one line that sums up
test: test-deps
	@tests/support/run-tests '$(MAKE)' $(O) lint unit spin fuzz system
