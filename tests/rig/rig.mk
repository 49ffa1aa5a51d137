# The rig: device models in the stock emulator, as a plugin of it. Needs nothing of the emulator's
# source. check-abi: is the emulator the one that the plugin is made for?
RIG_CFLAGS := -std=gnu11 -O2 -g -fPIC -fvisibility=hidden -fno-strict-aliasing \
	-Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -I. -MMD -MP
rig_objects = $(patsubst %.c,$(O)/rig/obj/%.o,$(sort $(wildcard $(1))))
RIG_OBJ := $(filter-out %/bochs_fix.o %/rigctl.o,$(call rig_objects,tests/rig/*.c \
	tests/rig/selftest/*.c tests/models/*.c))
RIG_82599_OBJ := $(call rig_objects,tests/models/82599/*.c)
RIG_IOAT_OBJ  := $(call rig_objects,tests/models/ioat/*.c)
RIG_MODELS    := $(O)/rig/obj/82599.o $(O)/rig/obj/ioat.o

.PHONY: rig
## make rig        the plugin that puts the simulated devices into the emulator, and its test program
rig: bochs $(O)/rig/libbx_sluice.so $(O)/rig/rigctl $(O)/rig/probe.efi
	@tests/rig/check-abi $(CACHE)/bochs $(O)/rig/libbx_sluice.so

system-files: rig

$(O)/rig/obj/%.o: %.c
	@mkdir -p $(@D)
	$(HOST_CC) $(RIG_CFLAGS) -c -o $@ $<

# a model's names other than those of its interface are its own: both have a registers_read()
$(O)/rig/obj/82599.o: $(RIG_82599_OBJ)
$(O)/rig/obj/ioat.o: $(RIG_IOAT_OBJ)
$(RIG_MODELS):
	ld -r -o $@.new $^
	objcopy --wildcard -G 'm82599_*' -G 'ioat_model_*' $@.new $@

# what it leaves undefined is the emulator's
$(O)/rig/libbx_sluice.so: $(RIG_OBJ) $(RIG_MODELS)
	$(HOST_CC) -shared -Wl,-Bsymbolic -o $@.new $^
	@mv -f $@.new $@

$(O)/rig/rigctl: tests/rig/rigctl.c
	@mkdir -p $(@D)
	$(HOST_CC) -O2 -Wall -Wextra -Werror -static -o $@ $<

-include $(patsubst %.o,%.d,$(RIG_OBJ) $(RIG_82599_OBJ) $(RIG_IOAT_OBJ))

# The rig's own test program, built as the loader is: see boot/boot.mk.
PROBE_OBJ := $(patsubst %,$(O)/rig/efi/%.o,$(sort $(wildcard tests/rig/probe/*.[cS])) \
	hv/lib/fmt.c hv/lib/string.c)

$(O)/rig/efi/%.o: %
	@mkdir -p $(@D)
	$(HV_CC) $(BOOT_CFLAGS) -c -o $@ $<

$(O)/rig/probe.so: $(PROBE_OBJ)
	ld -nostdlib -znocombreloc -shared -Bsymbolic -T /usr/lib/elf_x86_64_efi.lds \
		--no-undefined --no-warn-rwx-segments -o $@ /usr/lib/crt0-efi-x86_64.o \
		$(PROBE_OBJ) -L/usr/lib -lgnuefi

$(O)/rig/probe.efi: $(O)/rig/probe.so
	objcopy $(addprefix -j ,$(BOOT_SECTIONS)) --target=efi-app-x86_64 $< $@

-include $(PROBE_OBJ:.o=.d)
