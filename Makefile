# A thin front of CMake. `make` builds build/native/drey; `make help` lists the rest.
BOARD ?= native
# Cross-built boards whose unit tests run under qemu; pi-4 and pi-5 are generic-arm64 with other numbers.
TESTED_BOARDS := generic-arm64 generic-armv7 pi-zero
O := build/$(BOARD)

# $(call configure,DIR,BOARD,FLAGS): a CMake tree, made once; CMake itself notices later changes.
define configure
@test -f $(1)/build.ninja || cmake -G Ninja -B $(1) -S . -DBOARD=$(2) \
  $(if $(wildcard boards/$(2)/toolchain.cmake),-DCMAKE_TOOLCHAIN_FILE=$(CURDIR)/boards/$(2)/toolchain.cmake) \
  $(if $(shell command -v ccache),-DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache) \
  $(3) >/dev/null
endef
# $(call later,TARGET,SCRIPT,WHAT IT NEEDS): runs SCRIPT, or says what is missing.
define later
@if [ -x $(2) ]; then exec $(2); else echo "make $(1): not there yet: it needs $(2) ($(3))" >&2; exit 2; fi
endef

.PHONY: all program deps demo test test-asan test-tsan ci-full sim fuzz planted bench size budget browser \
  boards deb tarball format tidy clean help

all: program

# The stripped program, and the same with its symbols beside it.
program:
	$(if $(wildcard boards/$(BOARD)/toolchain.cmake),@platform/cmake/sysroot.sh $(BOARD))
	$(call configure,$(O)/obj,$(BOARD))
	@cmake --build $(O)/obj --target drey
	@cp $(O)/obj/drey $(O)/drey.debug
	@strip=$$(sed -n 's/^CMAKE_STRIP:[A-Z]*=//p' $(O)/obj/CMakeCache.txt) && \
	  $$strip -s -R .comment -o $(O)/drey $(O)/drey.debug
	@ls -l $(O)/drey | awk '{print "$(O)/drey", $$5, "bytes"}'

deps:
	@platform/cmake/deps.sh

test: deps
	@test/run unit:native unit:sim process fuzz:replay

test-asan: deps
	@test/run sanitize:address,undefined

test-tsan: deps
	@test/run sanitize:thread

boards: deps
	@test/run $(foreach board,$(TESTED_BOARDS),unit:$(board) board:$(board)) board:pi-4 board:pi-5

ci-full: deps
	@test/run unit:native unit:sim process fuzz:replay sanitize:address,undefined sanitize:thread \
	  $(foreach board,$(TESTED_BOARDS),unit:$(board) board:$(board)) board:pi-4 board:pi-5 \
	  fuzz:long full

demo: deps
	@$(MAKE) -s program
	@test/demo/demo.sh $(O)/drey

browser: program
	@test/browser/run $(O)/drey

sim: deps
	$(call later,sim,test/sim/run,the simulator's long runs)

fuzz: deps
	@test/run fuzz:long

planted: deps
	@test/planted/run

bench: program
	$(call later,bench,test/bench/run,the measurements)

size: program
	@test/house/size.sh $(O)

budget: deps
	@test/house/budget.sh

# One program that needs no library, with its manual page, completions and units.
tarball: program
	@cmake --build $(O)/obj --target drey-static
	@platform/package/tarball.sh $(BOARD)

deb: program
	@BOARD=$(BOARD) platform/package/deb.sh

format:
	@git ls-files '*.cc' '*.h' | xargs clang-format -i

tidy: deps
	$(call configure,build/tidy,native,-DCMAKE_EXPORT_COMPILE_COMMANDS=ON)
	@git ls-files 'src/*.cc' 'platform/*.cc' | xargs -P "$$(nproc)" -n 4 clang-tidy -p build/tidy --quiet

clean:
	rm -rf build

help:
	@echo 'make [BOARD=native]     the program, stripped, at build/BOARD/drey (boards: $(notdir $(wildcard boards/*)))'
	@echo 'make deps               install what building and testing need, through apt'
	@echo 'make demo               a small mesh on this machine'
	@echo 'make test               unit, house, process and fuzz-corpus tests (8 minutes on two cores at most)'
	@echo 'make test-asan test-tsan  unit tests under ASan+UBSan, under TSan'
	@echo 'make ci-full            all of the above, the cross boards and the long tests'
	@echo 'make boards             every cross-built board, its unit tests under qemu'
	@echo 'make sim fuzz bench     the simulator, libFuzzer, measurements'
	@echo 'make browser             the page in headless Chromium: files, invitation, widths, colours, axe-core; pictures to SHOTS=DIR'
	@echo 'make planted            plants bugs one at a time and names the test that catches each (25 minutes at most)'
	@echo 'make size budget        what the program weighs; what each board spends in RAM'
	@echo 'make deb tarball        a Debian package; a static program in a tarball (and for the container image)'
	@echo 'make format tidy clean  clang-format, clang-tidy, remove build/'
