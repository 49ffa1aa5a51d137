# Stock Debian Linux, run natively by the emulator against the simulated devices: the system cases
# linux-*. Its kernel needs no hypervisor and no loader: see rom.S and mkdisk.
NATIVE      := $(CACHE)/native-1# the number is that of get-native's result
NATIVE_SRC  := tests/native
NATIVE_OUT  := $(O)/native
NATIVE_FILES = $(NATIVE_OUT)/disk.img $(NATIVE_OUT)/rom.bin
NATIVE_SH   := $(wildcard $(NATIVE_SRC)/*.sh)

# get-native itself knows whether there is anything to do
$(NATIVE)/dmatest.ko: FORCE
	@$(NATIVE_SRC)/get-native $(NATIVE)

$(NATIVE_OUT)/pingall: $(NATIVE_SRC)/pingall.c
	@mkdir -p $(@D)
	$(HOST_CC) -O2 -Wall -Wextra -Werror -o $@ $<

$(NATIVE_OUT)/rom.bin: $(NATIVE_SRC)/rom.S
	@mkdir -p $(@D)
	$(HOST_CC) -c -o $@.o $<
	ld -m elf_x86_64 -Ttext=0 --oformat binary -o $@ $@.o

$(NATIVE_OUT)/initrd: $(NATIVE)/dmatest.ko $(NATIVE_OUT)/pingall $(O)/rig/rigctl $(NATIVE_SRC)/init \
		$(NATIVE_SH) $(GUEST_MK)/mkinitrd
	$(GUEST_MK)/mkinitrd --root $(NATIVE)/root --init $(NATIVE_SRC)/init -o $@ \
		--module ixgbe --module ioatdma --module pktgen --module 8021q --add modules/dmatest.ko=$(NATIVE)/dmatest.ko \
		--add bin/pingall=$(NATIVE_OUT)/pingall --add bin/rigctl=$(O)/rig/rigctl \
		$(foreach s,$(NATIVE_SH),--add native/$(notdir $(s))=$(s))

$(NATIVE_OUT)/disk.img: $(NATIVE_OUT)/initrd $(NATIVE_SRC)/mkdisk
	$(NATIVE_SRC)/mkdisk --kernel $(NATIVE)/vmlinuz --initrd $< --disk $@

.PHONY: native
## make native     stock Linux for the system cases linux-*: build/native
native: $(NATIVE_FILES)
