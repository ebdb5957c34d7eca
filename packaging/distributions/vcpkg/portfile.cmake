# cargo, Rust 1.85 or later, and bash must be there: vcpkg has no port of them.
vcpkg_extract_source_archive(SOURCE_PATH ARCHIVE "@ARCHIVE@")

# One build, in the release profile, serves both configurations.
set(VCPKG_BUILD_TYPE release)
set(ENV{CARGO_HOME} "${CURRENT_BUILDTREES_DIR}/cargo-home")
set(ENV{CARGO_NET_OFFLINE} true)
vcpkg_execute_required_process(
  COMMAND "${SOURCE_PATH}/packaging/install" --prefix "${CURRENT_PACKAGES_DIR}"
  WORKING_DIRECTORY "${SOURCE_PATH}"
  LOGNAME "build-${TARGET_TRIPLET}"
)
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
  file(GLOB unwanted "${CURRENT_PACKAGES_DIR}/lib/libpeer_manager.so*" "${CURRENT_PACKAGES_DIR}/lib/libpeer_manager*.dylib")
else()
  set(unwanted "${CURRENT_PACKAGES_DIR}/lib/libpeer_manager.a")
endif()
if(unwanted)
  file(REMOVE ${unwanted})
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/share/doc")

# All paths in the files for CMake and pkg-config are relative to where those are.
set(VCPKG_POLICY_SKIP_MISPLACED_CMAKE_FILES_CHECK enabled)
set(VCPKG_POLICY_SKIP_LIB_CMAKE_MERGE_CHECK enabled)
vcpkg_fixup_pkgconfig()
vcpkg_install_copyright(
  FILE_LIST
    "${SOURCE_PATH}/LICENSE-MIT"
    "${SOURCE_PATH}/LICENSE-APACHE"
    "${SOURCE_PATH}/packaging/third-party/NOTICES.txt"
)
