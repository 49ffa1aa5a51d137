# The UEFI loader: a GNU-EFI application, linked with the start-up and relocation code of gnu-efi
# and nothing else of it. The pure parts of hv/ that it shares are compiled again for it.
BOOT_CFLAGS := -std=c11 -O2 -g -ffreestanding -fpic -fshort-wchar -fvisibility=hidden \
	-mno-red-zone -mgeneral-regs-only -maccumulate-outgoing-args -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing \
	-Wall -Wextra -Werror -Wconversion -Wshadow -Wundef -Wstrict-prototypes \
	-Wmissing-prototypes -Wvla -Wno-sign-conversion -Ihv -I. \
	-isystem /usr/include/efi -isystem /usr/include/efi/x86_64 -MMD -MP
BOOT_SRC := $(sort $(wildcard boot/*.c boot/*.S)) hv/lib/fmt.c hv/lib/string.c \
	$(wildcard hv/vm/conf*.c)
BOOT_OBJ := $(patsubst %,$(O)/efi/%.o,$(BOOT_SRC))
BOOT_SECTIONS := .text .sdata .data .dynamic .rodata .dynsym .rel .rela .reloc

$(O)/efi/%.c.o: %.c
	@mkdir -p $(@D)
	$(HV_CC) $(BOOT_CFLAGS) -c -o $@ $<

$(O)/efi/%.S.o: %.S
	@mkdir -p $(@D)
	$(HV_CC) $(BOOT_CFLAGS) -c -o $@ $<

$(O)/efi/boot.so: $(BOOT_OBJ)
	ld -nostdlib -znocombreloc -shared -Bsymbolic -T /usr/lib/elf_x86_64_efi.lds \
		--no-undefined --no-warn-rwx-segments -o $@ /usr/lib/crt0-efi-x86_64.o \
		$(BOOT_OBJ) -L/usr/lib -lgnuefi

$(O)/BOOTX64.EFI: $(O)/efi/boot.so
	objcopy $(addprefix -j ,$(BOOT_SECTIONS)) --target=efi-app-x86_64 $< $@

-include $(BOOT_OBJ:.o=.d)
