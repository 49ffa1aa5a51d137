# Unit tests and fuzzers, built for the host.
#
# tests/unit/X/foo_test.c tests hv/X/foo.c: its first line names every source it links besides
# itself, one by one or as a part of parts.mk:   // sources: @switch hv/lib/fmt.c
# tests/fuzz/foo_fuzz.c is a libFuzzer target with the same line; its corpus is tests/fuzz/corpus/foo.
HOST_CC      ?= gcc
HOST_CFLAGS  := -std=gnu11 -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -Wall -Wextra -Werror -Itests/support/fake -I$(O)/gen -Ihv -I. -Itests/support
UNIT_SRC  := $(sort $(wildcard tests/unit/*_test.c tests/unit/*/*_test.c))
UNIT_BIN  := $(patsubst tests/unit/%.c,$(O)/unit/%,$(UNIT_SRC))
FUZZ_SRC  := $(sort $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BIN  := $(patsubst tests/fuzz/%.c,$(O)/fuzz/%,$(FUZZ_SRC))
include tests/parts.mk
part_or_file = $(if $(filter @%,$(1)),$(or $(PART_$(1:@%=%)),$(error no part $(1) in tests/parts.mk)),$(wildcard $(1)))
sources_of   = $(sort $(foreach s,$(shell sed -n '1s|^// sources:||p' $(1)),$(call part_or_file,$(s))))

# the headers of all sources: -MMD beside -o keeps the last one's only
HOST_DEPS = @$(HOST_CC) $(HOST_CFLAGS) -MM -MP -MT $@ $(filter %.c,$^) > $@.d

# rm: what does not compile must not be tested as it was before
.SECONDEXPANSION:
$(O)/unit/%: tests/unit/%.c $$(call sources_of,tests/unit/$$*.c) tests/support/fake_log.c
	@mkdir -p $(@D) && rm -f $@
	$(HOST_CC) $(HOST_CFLAGS) -o $@ $(filter %.c,$^) -lcmocka -lm
	$(HOST_DEPS)

$(O)/fuzz/%: tests/fuzz/%.c $$(call sources_of,tests/fuzz/$$*.c) tests/support/fake_log.c
	@mkdir -p $(@D) && rm -f $@
	clang $(HOST_CFLAGS) -fsanitize=fuzzer -o $@ $(filter %.c,$^) -lcmocka

-include $(addsuffix .d,$(UNIT_BIN))

.PHONY: unit fuzz lint
## make unit       unit tests on the host, with ASan and UBSan
unit:
	@$(MAKE) --no-print-directory -s -k $(UNIT_BIN) || true
	@tests/support/run-unit $(UNIT_BIN)

## make tsan       the scheduler's sleep and wake-up on real threads, with ThreadSanitizer
TSAN_SRC := tests/unit/sched/sched_stress_test.c
.PHONY: tsan
tsan:
	@mkdir -p $(O)/tsan
	$(HOST_CC) $(filter-out -fsanitize=% -fno-sanitize-recover=% -MMD -MP,$(HOST_CFLAGS)) \
		-fsanitize=thread -Wno-tsan -o $(O)/tsan/sched_stress_test \
		$(TSAN_SRC) $(call sources_of,$(TSAN_SRC)) tests/support/fake_log.c -lcmocka
	$(O)/tsan/sched_stress_test

## make spin       the scheduler's protocol as a model, explored by spin; and that broken ones fail
.PHONY: spin
spin:
	@tests/support/deps spin
	@tests/spin/run $(O)

## make fuzz       every fuzzer for a while; FUZZ_SECONDS=60 in all
FUZZ_SECONDS ?= 60
fuzz:
	@$(MAKE) --no-print-directory -s -k $(FUZZ_BIN) || true
	@tests/support/run-fuzz $(FUZZ_SECONDS) $(O)/fuzz-found $(FUZZ_BIN)

## make lint       format and the other rules that a program can check
lint:
	@tests/support/lint $(O)
