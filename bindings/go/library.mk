# How Go is linked with the library of this tree: for the Makefile of the binding and for that of the examples, which
# have set BUILD. The target `library` has cargo build the library and describes it for pkg-config in $(OUT)/lib; $(ENV)
# makes Go look there.
#
# LIB_DIR=directory takes libpeer_manager.so and libpeer_manager.a from there; otherwise cargo builds them.

CARGO ?= cargo
GO ?= go

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../..)
OUT := $(abspath $(BUILD))
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' $(ROOT)/Cargo.toml | head -n 1)

ifdef LIB_DIR
LIBRARY_DIR := $(abspath $(LIB_DIR))
else
LIBRARY_DIR := $(abspath $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(ROOT)/target))/release
endif

ifeq ($(shell uname -s),Darwin)
SHARED := libpeer_manager.dylib
SONAME := libpeer_manager.0.dylib
else
SHARED := libpeer_manager.so
SONAME := libpeer_manager.so.0
endif

# Go does not look whether the library or its header has changed, so their checksum is made a part of the flags, which Go
# looks at.
SUM = $(firstword $(shell cat $(LIBRARY_DIR)/libpeer_manager.a $(ROOT)/include/peer_manager.h | cksum))
ENV = PKG_CONFIG_PATH='$(OUT)/lib' CGO_ENABLED=1 CGO_CFLAGS='-O2 -g -Wall -DPEER_MANAGER_SUM=$(SUM)' \
  CGO_LDFLAGS='-Wl,-rpath,$(OUT)/lib'
STATIC = -tags peermanager_static

# Pinned, so that a new release finds nothing new in what has not changed.
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0

.PHONY: library check staticcheck cgocheck clean

library:
ifndef LIB_DIR
	@'$(ROOT)/packaging/for-release' $(CARGO) build --release --no-default-features --features bundled,ffi --manifest-path '$(ROOT)/Cargo.toml'
endif
	@mkdir -p '$(OUT)/lib'
	@ln -sf '$(LIBRARY_DIR)/$(SHARED)' '$(OUT)/lib/$(SHARED)'
	@ln -sf '$(LIBRARY_DIR)/$(SHARED)' '$(OUT)/lib/$(SONAME)'
	@ln -sf '$(LIBRARY_DIR)/libpeer_manager.a' '$(OUT)/lib/libpeer_manager.a'
	@printf '%s\n' \
	  'Name: peer_manager' \
	  'Description: The table of peers that a peer-to-peer node keeps' \
	  'Version: $(VERSION)' \
	  'Cflags: -I$(ROOT)/include' \
	  'Libs: -L$(OUT)/lib -lpeer_manager' \
	  'Libs.private: -lpthread -ldl -lm' > '$(OUT)/lib/peer_manager.pc'

# Formatting, vet, staticcheck, and the tests with the race detector and the shared library, then with the static one, but where a
# module says that it has no C of its own.
STATIC_TOO ?= yes
check: library
	@echo '  gofmt' && files="$$(gofmt -l .)" && if [ -n "$$files" ]; then echo "not formatted: $$files"; exit 1; fi
	@echo '  vet' && $(ENV) $(GO) vet ./... && $(ENV) $(GO) vet $(STATIC) ./...
	@$(MAKE) --no-print-directory staticcheck
	@echo '  test, shared' && $(ENV) GODEBUG=cgocheck=1 $(GO) test -count=1 -race ./...
	@if [ -n '$(STATIC_TOO)' ]; then echo '  test, static' && $(ENV) $(GO) test -count=1 $(STATIC) ./...; fi

# Go downloads staticcheck, and the release of Go that it needs, unless they are in its cache. What fails before it runs is a
# reason to leave it out, by name; what it finds is not.
staticcheck: library
	@mkdir -p '$(OUT)/bin'
	@if GOBIN='$(OUT)/bin' $(GO) install $(STATICCHECK) > '$(OUT)/staticcheck.txt' 2>&1; then \
	  echo '  staticcheck' && $(ENV) '$(OUT)/bin/staticcheck' ./... && $(ENV) '$(OUT)/bin/staticcheck' $(STATIC) ./...; \
	else \
	  echo "skipped in part: $(STATICCHECK): cannot be had: $$(tail -n 1 '$(OUT)/staticcheck.txt')"; \
	fi

cgocheck: library
	@$(ENV) GOEXPERIMENT=cgocheck2 $(GO) test -count=1 ./...

clean:
	rm -rf '$(OUT)'
