"""conan create DIRECTORY: packages the library from the source archive. Rust 1.85 or later and bash must be there."""

import os

from conan import ConanFile
from conan.tools.files import rm, rmdir, unzip


class PeerManager(ConanFile):
    name = "peer_manager"
    version = "@VERSION@"
    description = "Table of peers that a peer-to-peer node keeps"
    license = "MIT OR Apache-2.0"
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": False}

    def source(self):
        unzip(self, "@ARCHIVE@", strip_root=True)

    def build(self):
        home = os.path.join(self.build_folder, "cargo-home")
        install = os.path.join(self.build_folder, "packaging", "install")
        destination = os.path.join(self.build_folder, "built")
        self.run(f'CARGO_HOME="{home}" CARGO_NET_OFFLINE=true "{install}" --prefix "{destination}"')

    def package(self):
        self.run(f'cp -R "{self.build_folder}/built/." "{self.package_folder}"')
        libraries = os.path.join(self.package_folder, "lib")
        for pattern in ["*.a"] if self.options.shared else ["*.so*", "*.dylib"]:
            rm(self, pattern, libraries)
        os.rename(
            os.path.join(self.package_folder, "share", "doc", "peer_manager"),
            os.path.join(self.package_folder, "licenses"),
        )
        # Conan writes these itself.
        for directory in ("share", "lib/cmake", "lib/pkgconfig"):
            rmdir(self, os.path.join(self.package_folder, directory))

    def package_info(self):
        self.cpp_info.libs = ["peer_manager"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread", "dl", "m"]
