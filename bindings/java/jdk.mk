# What the Makefiles of the binding and of the examples share: the JDK, and the library of this tree, of which the target
# `library` puts a stripped copy into $(OUT)/native, where the binding looks for it inside of its jar. They have set BUILD.
#
# LIB_DIR=directory takes libpeer_manager.so from there; otherwise cargo builds it.

CARGO ?= cargo
STRIP ?= strip

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))../..)
BINDING := $(ROOT)/bindings/java
OUT := $(abspath $(BUILD))

JDK := $(shell '$(BINDING)/find-jdk')
ifeq ($(JDK),)
$(error Java 22 or later is needed; name the home of a JDK in JAVA_HOME)
endif
JAVA := $(JDK)/bin/java
JAVAC := $(JDK)/bin/javac

ifdef LIB_DIR
LIBRARY_DIR := $(abspath $(LIB_DIR))
else
LIBRARY_DIR := $(abspath $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),$(ROOT)/target))/release
endif

PROCESSOR := $(shell uname -m | sed 's/^arm64$$/aarch64/')
ifeq ($(shell uname -s),Darwin)
FILE := libpeer_manager.dylib
PLATFORM := macos-$(PROCESSOR)
STRIPPING := -x
else
FILE := libpeer_manager.so
PLATFORM := linux-$(PROCESSOR)
STRIPPING := --strip-unneeded
endif

# As the system names it in the jar.
NATIVE := $(OUT)/native/peermanager/native/$(PLATFORM)

.PHONY: library classes clean

library:
ifndef LIB_DIR
	@'$(ROOT)/packaging/for-release' $(CARGO) build --release --no-default-features --features bundled,ffi --manifest-path '$(ROOT)/Cargo.toml'
endif
	@mkdir -p '$(NATIVE)'
	@$(STRIP) $(STRIPPING) -o '$(NATIVE)/$(FILE)' '$(LIBRARY_DIR)/$(FILE)'

# The classes of the binding, compiled without Maven.
classes:
	@rm -rf '$(OUT)/binding'
	@$(JAVAC) --release 22 -Xlint:all -Werror -d '$(OUT)/binding' \
	  $$(find '$(BINDING)/src/main/java' -name '*.java')

clean:
	rm -rf '$(OUT)'
