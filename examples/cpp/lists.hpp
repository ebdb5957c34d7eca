// Lists of addresses, one a line: how they come in and go out. All languages' examples read and write the same.

#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>

#include "peer_manager.hpp"

// What came of a list.
struct Imported {
  std::size_t read = 0;  // addresses; `bad` lines were none
  std::size_t added = 0;
  std::size_t bad = 0;
};

// Adds the addresses of a text file; the first of them become preferred peers. A line that is no address is reported
// and skipped.
Imported import_peers(peermanager::Manager& peers, const std::string& path, std::size_t preferred,
                      std::ostream& report);

// Writes the addresses of all peers, sorted. It writes a file next to the one that is wanted, which then takes its place
// at once: whatever happens meanwhile, no reader finds half a list.
void export_peers(const peermanager::Manager& peers, const std::string& path);
