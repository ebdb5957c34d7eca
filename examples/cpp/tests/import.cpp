// Peers that come from another file.

#include <fstream>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;

TEST(new_peers_are_imported_from_another_file) {
  const check::Directory directory;
  const std::string path = directory.file("peers.db");
  const Record unknown{address("example.org"), at(7), 3, PeerType::Preferred};
  Manager theirs = Manager::open(path);
  theirs.store(unknown);
  theirs.store({address("1.2.3.4"), at(8), 9, PeerType::Inbound});
  Manager peers = check::quiet_manager();
  peers.ensure_exists(address("1.2.3.4"));
  CHECK(peers.import_from(path) == 1 && peers.import_from(path) == 0);
  CHECK(peers.load(unknown.address) == unknown && peers.load(address("1.2.3.4")).num_failures == 0);
  CHECK(theirs.peer_count() == 2);
}

TEST(an_import_fails_as_a_whole) {
  const check::Directory directory;
  const std::string garbage = directory.file("garbage.db");
  std::ofstream(garbage) << std::string(5000, 'x');
  Manager peers = check::quiet_manager();
  FAILS(Status::Corrupt, "garbage.db", peers.try_import_from(garbage));
  THROWS(Status::Database, "none.db", peers.import_from(directory.file("none.db")));
  FAILS(Status::InvalidArgument, "path", peers.try_import_from(""));
  FAILS(Status::InvalidArgument, "NUL", peers.try_import_from(std::string_view("a\0b", 3)));
  FAILS(Status::InvalidArgument, "pm", Manager().try_import_from(garbage));
  CHECK(peers.peer_count() == 0);
}

}  // namespace
