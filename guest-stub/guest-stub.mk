# Bare-metal test guests: guest-stub/NAME/*.c on top of guest-stub/lib, as PVH ELF64 images
# build/guest-stub/NAME.elf. guest-stub/linux, the Linux guest's rootfs, has rules of its own.
STUB_NAMES  := smoke echo generator hog hostile
STUB_CFLAGS := -std=c11 -O2 -g -m64 -ffreestanding -fno-pic -mno-red-zone -mgeneral-regs-only \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fcf-protection=none \
	-fno-strict-aliasing -fno-tree-loop-distribute-patterns \
	-Wall -Wextra -Werror -Wconversion -Wshadow -Wundef -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wno-sign-conversion -Iguest-stub/lib -Ihv -MMD -MP
STUB_ELF    := $(patsubst %,$(O)/guest-stub/%.elf,$(STUB_NAMES))

stub_objects = $(patsubst %,$(O)/%.o,$(sort $(wildcard guest-stub/$(1)/*.c guest-stub/$(1)/*.S)))
STUB_LIB_OBJ := $(call stub_objects,lib)
STUB_OBJ     := $(STUB_LIB_OBJ) $(foreach n,$(STUB_NAMES),$(call stub_objects,$(n)))

$(O)/guest-stub/%.c.o: guest-stub/%.c
	@mkdir -p $(@D)
	$(HV_CC) $(STUB_CFLAGS) -c -o $@ $<

$(O)/guest-stub/%.S.o: guest-stub/%.S
	@mkdir -p $(@D)
	$(HV_CC) $(STUB_CFLAGS) -c -o $@ $<

define stub_rule
$(O)/guest-stub/$(1).elf: $(STUB_LIB_OBJ) $(call stub_objects,$(1)) guest-stub/lib/stub.ld
	$(HV_CC) -nostdlib -static -no-pie -Wl,-T,guest-stub/lib/stub.ld -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,-z,noexecstack -Wl,--fatal-warnings \
		-o $$@ $$(filter %.o,$$^)
endef
$(foreach n,$(STUB_NAMES),$(eval $(call stub_rule,$(n))))

-include $(STUB_OBJ:.o=.d)
-include $(wildcard guest-stub/linux/*.mk)

.PHONY: stubs
## make stubs      the bare-metal test guests, build/guest-stub/*.elf
stubs: $(STUB_ELF)
