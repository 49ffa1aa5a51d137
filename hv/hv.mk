# The hypervisor: every .c and .S below hv/ and drivers/ into one ELF.
HV_CC     ?= gcc
HV_CFLAGS := -std=c11 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
	-Wall -Wextra -Werror -Wconversion -Wshadow -Wundef -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wno-sign-conversion -Ihv -I. -MMD -MP
HV_SRC := $(sort $(wildcard hv/*.c hv/*/*.c hv/*/*.S drivers/*/*.c))
HV_OBJ := $(patsubst %,$(O)/%.o,$(HV_SRC))

## make all        the hypervisor's ELF, build/sluice.elf
$(O)/sluice.elf: $(HV_OBJ) linker.ld
	$(HV_CC) -nostdlib -static -no-pie -Wl,-T,linker.ld -Wl,--build-id=none \
		-Wl,-z,max-page-size=4096 -Wl,--fatal-warnings -o $@ $(HV_OBJ)

$(O)/hv/%.c.o: hv/%.c
	@mkdir -p $(@D)
	$(HV_CC) $(HV_CFLAGS) -c -o $@ $<

$(O)/drivers/%.c.o: drivers/%.c
	@mkdir -p $(@D)
	$(HV_CC) $(HV_CFLAGS) -c -o $@ $<

$(O)/hv/%.S.o: hv/%.S
	@mkdir -p $(@D)
	$(HV_CC) $(HV_CFLAGS) -D__ASSEMBLY__ -c -o $@ $<

-include $(HV_OBJ:.o=.d)

.PHONY: objects
objects: $(HV_OBJ)
