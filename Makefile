# SPDX-License-Identifier: Apache-2.0
# One makefile, out of tree (build/), quiet unless V=1. `make help` lists what can be made.

PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
BUILD   ?= build
VERSION := 0.1.0
GIT     := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
DATE    := $(shell git log -1 --format=%cs 2>/dev/null)
JOBS    ?= $(shell nproc 2>/dev/null || echo 2)

WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wvla -Werror
OPT    ?= -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off
HARDEN ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS ?= -g
BASE_FLAGS = -std=c17 -D_GNU_SOURCE -I. -I$(BUILD) -pthread $(WARN) $(OPT) $(HARDEN) $(SAN) $(CFLAGS)
LINK_FLAGS = -pthread -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)
LIBS   := -lopenblas -lsqlite3 -lyaml -ljansson -lcsv -lxxhash -lmd -lm

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) '$(2)')
# Recipes that start make again use every core, unless the caller chose a number.
PARALLEL = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(JOBS))

# The vector kernels are one source compiled once per instruction set; vec.c picks at run time.
ISAS       := baseline avx2 avx512
ISA_baseline :=
ISA_avx2   := -mavx2 -mfma
ISA_avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mprefer-vector-width=512

# And 8-bit products, whose set beyond AVX2 asks for VNNI.
I8_ISAS    := baseline avx2 vnni
ISA_vnni   := $(ISA_avx512) -mavx512vnni

# So are the loops that measure a core and, for the sets that have fused multiply-add, the matrix product; both in
# single precision only.
GEMM_ISAS  := $(if $(filter x86_64%,$(shell $(CC) -dumpmachine)),avx2 avx512)
SINGLE     := engine/math/gemm.c engine/math/machine.c

SOURCES := $(filter-out %_kernels.c harness/cli/main.c,$(wildcard engine/*/*.c harness/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(ISAS:%=$(BUILD)/engine/math/vec_kernels_%.o) \
           $(I8_ISAS:%=$(BUILD)/engine/math/i8_kernels_%.o) \
           $(GEMM_ISAS:%=$(BUILD)/engine/math/gemm_kernels_%.o) $(ISAS:%=$(BUILD)/engine/math/machine_kernels_%.o) \
           $(BUILD)/harness/report/templates.o \
           $(BUILD)/harness/store/schema_text.o $(BUILD)/harness/cli/models_text.o $(BUILD)/harness/cli/hardware_text.o
ENGINE_DOUBLE := $(patsubst %.c,$(BUILD)/double/%.o,$(filter-out $(SINGLE),$(filter engine/%,$(SOURCES)))) \
                 $(ISAS:%=$(BUILD)/double/engine/math/vec_kernels_%.o) \
                 $(I8_ISAS:%=$(BUILD)/double/engine/math/i8_kernels_%.o)
TEST_SOURCES := $(wildcard tests/engine/test_*.c tests/harness/test_*.c)
TESTS := $(TEST_SOURCES:%.c=$(BUILD)/%)
DOUBLE_TEST_SOURCES := $(wildcard tests/double/test_*.c)
DOUBLE_TESTS := $(DOUBLE_TEST_SOURCES:%.c=$(BUILD)/%)
FUZZ_SOURCES := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_TESTS := $(FUZZ_SOURCES:%.c=$(BUILD)/%)
FUZZERS := $(FUZZ_SOURCES:tests/fuzz/%.c=$(BUILD)/fuzzers/%)
FUZZ_SECONDS ?= 60

PROBE := $(BUILD)/tests/peers/probe
FOREIGN := $(BUILD)/tests/cli/foreign

.PHONY: all demo check asan tsan valgrind torture mutate fuzz fuzzers scale peers peers-bench corpora corpora-more lint fmt install uninstall dist clean \
        help test-programs FORCE
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/isoflop ## build the program: build/isoflop

demo: ## build, run a small sweep, write results/demo.html (about a minute)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all
	$(Q)scripts/demo.sh

$(BUILD)/libisoflop.a: $(OBJECTS)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(OBJECTS)

$(BUILD)/libengine-double.a: $(ENGINE_DOUBLE)
	$(call say,AR,$@)
	$(Q)rm -f $@ && $(AR) rcs $@ $(ENGINE_DOUBLE)

$(BUILD)/isoflop: $(BUILD)/harness/cli/main.o $(BUILD)/libisoflop.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(BUILD)/%.o: %.c
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_FLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/double/%.o: %.c
	$(call say,CC64,$<)
	$(Q)mkdir -p $(@D) && $(CC) $(BASE_FLAGS) -DENGINE_DOUBLE -MMD -MP -c -o $@ $<

define isa_rules
$(BUILD)/engine/math/$(1)_kernels_$(2).o: engine/math/$(1)_kernels.c
	$$(call say,CC,$$< [$(2)])
	$(Q)mkdir -p $$(@D) && $(CC) $$(BASE_FLAGS) $$(ISA_$(2)) -Wno-psabi -DVEC_ISA=$(2) -MMD -MP -c -o $$@ $$<
$(BUILD)/double/engine/math/$(1)_kernels_$(2).o: engine/math/$(1)_kernels.c
	$$(call say,CC64,$$< [$(2)])
	$(Q)mkdir -p $$(@D) && $(CC) $$(BASE_FLAGS) $$(ISA_$(2)) -DENGINE_DOUBLE -Wno-psabi -DVEC_ISA=$(2) -MMD -MP -c -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call isa_rules,vec,$(isa))))
$(foreach isa,$(I8_ISAS),$(eval $(call isa_rules,i8,$(isa))))

# Optimised under the sanitizers too: less would keep a tile's sums in memory, tens of times slower.
define single_rules
$(BUILD)/engine/math/$(1)_kernels_$(2).o: engine/math/$(1)_kernels.c
	$$(call say,CC,$$< [$(2)])
	$(Q)mkdir -p $$(@D) && $(CC) $$(BASE_FLAGS) -O3 $$(ISA_$(2)) -DVEC_ISA=$(2) -MMD -MP -c -o $$@ $$<
endef
$(foreach isa,$(GEMM_ISAS),$(eval $(call single_rules,gemm,$(isa))))
$(foreach isa,$(ISAS),$(eval $(call single_rules,machine,$(isa))))

$(BUILD)/tests/double/%: $(BUILD)/double/tests/double/%.o $(BUILD)/libengine-double.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LINK_FLAGS) -o $@ $^ -lcmocka $(LIBS)

# A fuzz target with its corpus is a test for any compiler; with clang's fuzzer it looks for more.
$(FUZZ_TESTS): $(BUILD)/tests/fuzz/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/tests/fuzz/replay.o $(BUILD)/libisoflop.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LINK_FLAGS) -o $@ $^ $(LIBS)

$(FUZZERS): $(BUILD)/fuzzers/%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/fuzz.o $(BUILD)/libisoflop.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LINK_FLAGS) -fsanitize=fuzzer -o $@ $^ $(LIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libisoflop.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LINK_FLAGS) -o $@ $^ -lcmocka $(LIBS)

# Master copies that people read and the program carries as text: C source from any file, as `const char NAME[]`.
define text_rule
$(BUILD)/$(1).c: $(2) Makefile
	$$(call say,GEN,$$@)
	$(Q)mkdir -p $$(@D) && { printf 'extern const char $(notdir $(1))[];\nconst char $(notdir $(1))[] =\n'; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$$$$/\\n"/' $$<; printf ';\n'; } > $$@

$(BUILD)/$(1).o: $(BUILD)/$(1).c
	$(Q)$$(CC) $$(BASE_FLAGS) -Wno-overlength-strings -c -o $$@ $$<
endef
$(eval $(call text_rule,harness/store/schema_text,results/schema.sql))
$(eval $(call text_rule,harness/cli/models_text,experiments/models.csv))
$(eval $(call text_rule,harness/cli/hardware_text,experiments/hardware.csv))

# The charts' templates and the report's style travel inside the program too, one struct per file of plots/.
$(BUILD)/harness/report/templates.c: $(sort $(wildcard plots/*.gp)) plots/report.css Makefile
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && { printf '#include "harness/report/templates.h"\nconst struct template templates[] = {\n'; \
	  for f in $(filter plots/%,$^); do printf '    {"%s",\n' $$(basename $$f .gp); \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/     "/' -e 's/$$/\\n"/' $$f; printf '    },\n'; done; \
	  printf '    {0, 0}};\n'; } > $@

$(BUILD)/harness/report/templates.o: $(BUILD)/harness/report/templates.c
	$(Q)$(CC) $(BASE_FLAGS) -Wno-overlength-strings -c -o $@ $<

# What the program knows of its own making. Rewritten only when it changes, so that nothing is compiled in vain.
$(BUILD)/build_text.h: FORCE
	$(Q)mkdir -p $(@D) && { printf '#define BUILD_VERSION "%s"\n#define BUILD_GIT "%s"\n#define BUILD_DATE "%s"\n' \
	  '$(VERSION)' '$(GIT)' '$(DATE)'; printf '#define BUILD_FLAGS "%s"\n' '$(strip $(OPT) $(HARDEN) $(SAN) $(CFLAGS))'; } > $@.new
	$(Q)if cmp -s $@ $@.new; then rm $@.new; else mv $@.new $@; fi

$(BUILD)/harness/cli/buildinfo.o: $(BUILD)/build_text.h

# Libraries are looked for once per build folder, and installed where that is possible.
$(BUILD)/deps-%.stamp: scripts/deps.sh
	$(Q)scripts/deps.sh $*
	$(Q)mkdir -p $(@D) && touch $@

$(OBJECTS) $(ENGINE_DOUBLE) $(BUILD)/harness/cli/main.o: | $(BUILD)/deps-build.stamp
$(TEST_SOURCES:%.c=$(BUILD)/%.o) $(FUZZ_SOURCES:%.c=$(BUILD)/%.o) $(PROBE).o $(FOREIGN).o $(DOUBLE_TEST_SOURCES:%.c=$(BUILD)/double/%.o): \
  | $(BUILD)/deps-check.stamp

# ---- tests ----

test-programs: $(TESTS) $(DOUBLE_TESTS) $(FUZZ_TESTS) $(PROBE) $(FOREIGN)
	@:

fuzzers: $(FUZZERS)
	@:

ARCHITECTURE := $(wildcard tests/arch/check_*.sh)
FAULTS       := $(filter-out %/lib.sh %/mutate.sh,$(wildcard tests/faults/*.sh))
TRANSCRIPTS  := $(wildcard tests/cli/*.sh) $(FAULTS)
PARITY       := tests/peers/check_parity.sh
# The same sources once more in build/asan; warnings were looked at in the normal build.
SANITIZED = BUILD=$(BUILD)/asan OPT='-O1 -fno-math-errno -fno-trapping-math -ffp-contract=off' WARN= HARDEN=-fPIE \
            SAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'

UNDER_SANITIZERS = $(patsubst $(BUILD)/%,$(BUILD)/asan/%,$(TESTS) $(DOUBLE_TESTS) $(FUZZ_TESTS))

check: $(BUILD)/deps-check.stamp ## run every test; the last line counts them
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all test-programs
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(SANITIZED) test-programs
	$(Q)CC='$(CC)' ISOFLOP=$(BUILD)/isoflop PROBE=$(PROBE) FOREIGN=$(FOREIGN) tests/run.sh $(PARITY) $(ARCHITECTURE) $(TESTS) \
	  $(DOUBLE_TESTS) $(FUZZ_TESTS) $(UNDER_SANITIZERS) $(TRANSCRIPTS)

asan: $(BUILD)/deps-check.stamp ## run the unit tests under the address and undefined-behaviour sanitizers
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(SANITIZED) test-programs
	$(Q)tests/run.sh $(UNDER_SANITIZERS)

# Threads are made where models are trained. Without randomised addresses, which GCC 12's runtime cannot bear.
THREADED = $(BUILD)/tsan/tests/engine/test_train
WATCHED  = BUILD=$(BUILD)/tsan OPT='-O1 -fno-math-errno -fno-trapping-math -ffp-contract=off' WARN= HARDEN=-fPIE \
           SAN='-fsanitize=thread -fno-omit-frame-pointer'

tsan: $(BUILD)/deps-check.stamp ## run the tests that use threads under the thread sanitizer
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(WATCHED) $(THREADED)
	$(Q)OPENBLAS_NUM_THREADS=1 TSAN_OPTIONS=halt_on_error=1 setarch -R tests/run.sh $(THREADED)

valgrind: ## run the commands under valgrind: what a command loses is a defect (some minutes)
	$(Q)command -v valgrind >/dev/null || { echo 'valgrind: not installed (Debian: apt-get install valgrind)' >&2; exit 2; }
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all
	$(Q)ISOFLOP=$(BUILD)/isoflop TEST_TIMEOUT=7200 tests/run.sh tests/leaks/valgrind.sh

# clang's own runtime, and the library once more with its eyes in it; what is found lies in build/fuzz/found.
FUZZING = BUILD=$(BUILD)/fuzz CC=clang OPT='-O1' WARN= HARDEN=-fPIE \
          SAN='-fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=all -fno-omit-frame-pointer'

torture: ## every fault of tests/faults in full, and 10,000 simulated sweeps (an hour)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all $(BUILD)/tests/harness/test_simulator
	$(Q)ISOFLOP_TORTURE=1 TEST_TIMEOUT=14400 ISOFLOP_SIMULATIONS=10000 ISOFLOP=$(BUILD)/isoflop tests/run.sh \
	  $(BUILD)/tests/harness/test_simulator $(FAULTS)

mutate: ## take each protection against a fault out and see its test fail (half an hour)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all test-programs
	$(Q)BUILD=$(BUILD) tests/faults/mutate.sh

fuzz: ## look for inputs that break the readers, FUZZ_SECONDS each; needs clang
	$(Q)command -v clang >/dev/null || { echo 'fuzz: needs clang (Debian: apt-get install clang)' >&2; exit 2; }
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(FUZZING) fuzzers
	$(Q)tests/fuzz/fuzz.sh $(FUZZ_SECONDS) $(FUZZERS:$(BUILD)/%=$(BUILD)/fuzz/%)

scale: ## time the program on a store of a million trials (some minutes, 4 GiB in TMPDIR)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) all $(BUILD)/tests/scale/runners
	$(Q)ISOFLOP=$(BUILD)/isoflop RUNNERS=$(BUILD)/tests/scale/runners tests/scale/scale.sh

# ---- the same model in PyTorch ----

peers: $(BUILD)/deps-peers.stamp ## compare the engine's numbers with PyTorch's, installing it where that is possible
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(PROBE)
	$(Q)PROBE=$(PROBE) tests/run.sh $(PARITY)

peers-bench: $(BUILD)/deps-peers.stamp ## train and decode against PyTorch, side by side (some minutes)
	$(Q)$(MAKE) --no-print-directory $(PARALLEL) $(PROBE)
	$(Q)scripts/torch_python.sh tests/peers/bench_train.py $(PROBE)

# ---- data ----

corpora: ## fetch the real texts, checked by hash, into a cache outside the repository
	$(Q)scripts/corpora.sh

corpora-more: ## fetch German, code and the large English text too, 60 MB; needs Debian or Ubuntu, and npm
	$(Q)scripts/corpora_more.sh

# ---- the source ----

C_FILES = $(shell git ls-files '*.c' '*.h')

lint: $(BUILD)/build_text.h ## clang-tidy, cppcheck and shellcheck, where installed
	$(Q)scripts/lint.sh $(C_FILES)

fmt: ## format every C file with clang-format
	$(Q)command -v clang-format >/dev/null || { echo 'fmt: needs clang-format (Debian: apt-get install clang-format)' >&2; exit 2; }
	$(Q)clang-format -i $(C_FILES)

# ---- installing ----

BIN_DIR         = $(DESTDIR)$(PREFIX)/bin
MAN_DIR         = $(DESTDIR)$(PREFIX)/share/man/man1
COMPLETION_DIR  = $(DESTDIR)$(PREFIX)/share/bash-completion/completions
EXPERIMENTS_DIR = $(DESTDIR)$(PREFIX)/share/isoflop/experiments

install: all ## install program, man page, completions, experiments; PREFIX and DESTDIR say where
	$(Q)mkdir -p $(BIN_DIR) $(MAN_DIR) $(COMPLETION_DIR) $(EXPERIMENTS_DIR)
	$(Q)install -m 755 $(BUILD)/isoflop $(BIN_DIR)/isoflop
	$(Q)$(BUILD)/isoflop __man > $(MAN_DIR)/isoflop.1
	$(Q)$(BUILD)/isoflop __completions bash > $(COMPLETION_DIR)/isoflop
	$(Q)for file in $(wildcard experiments/*.yaml experiments/*.csv experiments/README.md); do \
	  install -m 644 $$file $(EXPERIMENTS_DIR)/ || exit 1; done

uninstall: ## remove what install put there
	$(Q)rm -f $(BIN_DIR)/isoflop $(MAN_DIR)/isoflop.1 $(COMPLETION_DIR)/isoflop
	$(Q)rm -rf $(DESTDIR)$(PREFIX)/share/isoflop

dist: ## the committed source as dist/isoflop-VERSION.tar.gz
	$(Q)mkdir -p dist && git archive --prefix=isoflop-$(VERSION)/ -o dist/isoflop-$(VERSION).tar.gz HEAD
	$(call say,DIST,dist/isoflop-$(VERSION).tar.gz)

clean: ## remove everything that was built
	$(Q)rm -rf $(BUILD) dist

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F '|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

-include $(shell find $(BUILD) -name '*.d' $(if $(filter %/asan %/fuzz %/tsan,$(BUILD)),,-not -path '$(BUILD)/asan/*' -not -path '$(BUILD)/tsan/*' -not -path '$(BUILD)/fuzz/*') 2>/dev/null)
