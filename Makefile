# SPDX-License-Identifier: Apache-2.0
# One makefile, out of tree (build/), quiet unless V=1. `make help` lists what can be made.

PREFIX  ?= /usr/local
DESTDIR ?=
CC      ?= cc
BUILD   ?= build
VERSION := 0.1.0
GIT     := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wmissing-prototypes -Wvla -Werror
OPT    ?= -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off
HARDEN ?= -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
CFLAGS ?= -g
BASE_FLAGS = -std=c17 -D_GNU_SOURCE -I. -I$(BUILD) -pthread $(WARN) $(OPT) $(HARDEN) $(SAN) $(CFLAGS)
LINK_FLAGS = -pthread -pie -Wl,-z,relro,-z,now $(SAN) $(LDFLAGS)
LIBS   := -lopenblas -lsqlite3 -lyaml -ljansson -lcsv -lxxhash -lmd -lm

Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' $(1) $(2))

# The vector kernels are one source compiled once per instruction set; vec.c picks at run time.
ISAS       := baseline avx2 avx512
ISA_baseline :=
ISA_avx2   := -mavx2 -mfma
ISA_avx512 := -mavx512f -mavx512bw -mavx512vl -mavx512dq -mavx2 -mfma -mprefer-vector-width=512

SOURCES := $(filter-out engine/math/vec_kernels.c harness/cli/main.c,$(wildcard engine/*/*.c harness/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o) $(ISAS:%=$(BUILD)/engine/math/vec_kernels_%.o) \
           $(BUILD)/harness/report/templates.o \
           $(if $(wildcard results/schema.sql),$(BUILD)/harness/store/schema_text.o)
ENGINE_DOUBLE := $(patsubst %.c,$(BUILD)/double/%.o,$(filter engine/%,$(SOURCES))) \
                 $(ISAS:%=$(BUILD)/double/engine/math/vec_kernels_%.o)
TEST_SOURCES := $(wildcard tests/engine/test_*.c tests/harness/test_*.c)
TESTS := $(TEST_SOURCES:%.c=$(BUILD)/%)
DOUBLE_TEST_SOURCES := $(wildcard tests/double/test_*.c)
DOUBLE_TESTS := $(DOUBLE_TEST_SOURCES:%.c=$(BUILD)/%)

.PHONY: all demo check asan corpora lint fmt install uninstall dist clean help deps test-programs
.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/isoflop ## build the program: build/isoflop

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
$(BUILD)/engine/math/vec_kernels_$(1).o: engine/math/vec_kernels.c
	$$(call say,CC,$$< [$(1)])
	$(Q)mkdir -p $$(@D) && $(CC) $$(BASE_FLAGS) $$(ISA_$(1)) -DVEC_ISA=$(1) -MMD -MP -c -o $$@ $$<
$(BUILD)/double/engine/math/vec_kernels_$(1).o: engine/math/vec_kernels.c
	$$(call say,CC64,$$< [$(1)])
	$(Q)mkdir -p $$(@D) && $(CC) $$(BASE_FLAGS) $$(ISA_$(1)) -DENGINE_DOUBLE -DVEC_ISA=$(1) -MMD -MP -c -o $$@ $$<
endef
$(foreach isa,$(ISAS),$(eval $(call isa_rules,$(isa))))

$(BUILD)/tests/double/%: $(BUILD)/double/tests/double/%.o $(BUILD)/libengine-double.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LINK_FLAGS) -o $@ $^ -lcmocka $(LIBS)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(BUILD)/libisoflop.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D) && $(CC) $(LINK_FLAGS) -o $@ $^ -lcmocka $(LIBS)

# The schema's master copy is the commented SQL file; the program carries it as text.
$(BUILD)/harness/store/schema_text.c: results/schema.sql
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && { printf 'extern const char schema_text[];\nconst char schema_text[] =\n'; \
	  sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$$/\\n"/' $<; printf ';\n'; } > $@

$(BUILD)/harness/store/schema_text.o: $(BUILD)/harness/store/schema_text.c
	$(Q)$(CC) $(BASE_FLAGS) -Wno-overlength-strings -c -o $@ $<

# The charts' templates and the report's style travel inside the program too, one struct per file of plots/.
$(BUILD)/harness/report/templates.c: $(sort $(wildcard plots/*.gp)) plots/report.css Makefile
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D) && { printf '#include "harness/report/templates.h"\nconst struct template templates[] = {\n'; \
	  for f in $(filter plots/%,$^); do printf '    {"%s",\n' $$(basename $$f .gp); \
	    sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/     "/' -e 's/$$/\\n"/' $$f; printf '    },\n'; done; \
	  printf '    {0, 0}};\n'; } > $@

$(BUILD)/harness/report/templates.o: $(BUILD)/harness/report/templates.c
	$(Q)$(CC) $(BASE_FLAGS) -Wno-overlength-strings -c -o $@ $<

test-programs: $(TESTS) $(DOUBLE_TESTS)

clean: ## remove everything that was built
	$(Q)rm -rf $(BUILD) dist

help: ## list what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
