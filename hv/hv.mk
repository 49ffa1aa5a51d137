# The hypervisor: every .c and .S below hv/ and drivers/ into one ELF.
HV_CC     ?= gcc
HV_CFLAGS := -std=c11 -O2 -g -ffreestanding -fno-pic -mcmodel=kernel -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fno-omit-frame-pointer \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
	-Wall -Wextra -Werror -Wconversion -Wshadow -Wundef -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wno-sign-conversion -Ihv -I. -I$(O)/gen -MMD -MP
HV_SRC := $(sort $(wildcard hv/*.c hv/*/*.c hv/*/*.S drivers/*/*.c))
HV_OBJ := $(patsubst %,$(O)/%.o,$(HV_SRC))

HV_LINK = $(HV_CC) -nostdlib -static -no-pie -Wl,-T,linker.ld -Wl,--build-id=none \
	-Wl,-z,max-page-size=4096 -Wl,--fatal-warnings

## make all        the hypervisor's ELF, build/sluice.elf
# Linked twice: the functions of the first image, in order, become the table that names them in dumps
# (hv/cpu/symbols.c). It lies behind the text, so that the second link moves no function.
$(O)/sluice.elf: $(O)/sluice.symbols.o
	$(HV_LINK) -o $@ $(HV_OBJ) $<

$(O)/sluice.symbols.o: $(HV_OBJ) linker.ld
	$(HV_LINK) -o $(O)/sluice.pass1.elf $(HV_OBJ)
	nm -n $(O)/sluice.pass1.elf | awk 'BEGIN { print ".section .symbols, \"a\"" } \
		$$2 ~ /^[tT]$$/ && $$3 !~ /^(image_start|text_end)$$/ \
		{ printf ".long 0x%s\n.asciz \"%s\"\n", substr($$1, 9), $$3 } \
		END { print ".section .note.GNU-stack, \"\"" }' > $(O)/sluice.symbols.s
	$(HV_CC) -c -o $@ $(O)/sluice.symbols.s

$(O)/hv/%.c.o: hv/%.c
	@mkdir -p $(@D)
	$(HV_CC) $(HV_CFLAGS) -c -o $@ $<

$(O)/drivers/%.c.o: drivers/%.c
	@mkdir -p $(@D)
	$(HV_CC) $(HV_CFLAGS) -c -o $@ $<

$(O)/hv/%.S.o: hv/%.S
	@mkdir -p $(@D)
	$(HV_CC) $(HV_CFLAGS) -D__ASSEMBLY__ -c -o $@ $<

# The guests' DSDT as a C array.
$(O)/gen/dsdt_aml.h: hv/vm/dsdt.asl
	@mkdir -p $(@D)
	iasl -vs -p $(@D)/dsdt $< >$(@D)/dsdt.log || { cat $(@D)/dsdt.log; exit 1; }
	{ echo 'static const unsigned char dsdt_aml[] = {'; \
	  od -An -v -tx1 $(@D)/dsdt.aml | sed 's/ \(..\)/ 0x\1,/g'; echo '};'; } >$@.tmp
	mv $@.tmp $@

$(O)/hv/vm/guest_acpi.c.o $(O)/unit/vm/guest_acpi_test: $(O)/gen/dsdt_aml.h

-include $(HV_OBJ:.o=.d)

.PHONY: objects
objects: $(HV_OBJ)
