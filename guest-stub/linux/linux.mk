# The Linux guest: Debian's kernel, and an initramfs of Debian's programs. See get-guest, mkinitrd.
GUEST    := $(CACHE)/guest-1# the number is that of get-guest's result
GUEST_MK := guest-stub/linux

# get-guest itself knows whether there is anything to do
$(GUEST)/stamp: FORCE
	@$(GUEST_MK)/get-guest $(GUEST)
$(GUEST)/vmlinuz: $(GUEST)/stamp

$(O)/guest/mark: $(GUEST_MK)/mark.c
	@mkdir -p $(@D)
	$(HOST_CC) -O2 -Wall -Wextra -Werror -o $@ $<

$(O)/guest/initrd: $(GUEST)/stamp $(O)/guest/mark $(GUEST_MK)/init $(GUEST_MK)/mkinitrd
	$(GUEST_MK)/mkinitrd --root $(GUEST)/root --init $(GUEST_MK)/init --add bin/mark=$(O)/guest/mark \
		--module virtio_pci --module virtio_net -o $@

FORCE:
.PHONY: FORCE
