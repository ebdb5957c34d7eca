// Bytes that go with a peer, and the removal of a host.

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "check.hpp"

namespace {

using namespace peermanager;
using check::address;
using check::at;
using check::kNow;

using Bytes = std::vector<std::uint8_t>;

Bytes every_byte() {
  Bytes bytes(data_capacity);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  return bytes;
}

TEST(data_goes_with_its_peer) {
  Manager peers = check::quiet_manager();
  const Address peer = address("8.8.8.8");
  const Address other = address("9.9.9.9");
  peers.ensure_exists_many(std::array{peer, other});
  CHECK(peers.data(peer).empty());
  for (const Bytes& data : {Bytes{0}, Bytes{1, 0, 2}, every_byte(), Bytes(254, 255), Bytes{}, Bytes{7}, Bytes{}}) {
    peers.set_data(peer, data);
    CHECK(peers.data(peer) == data && *peers.try_data(peer) == data && peers.data(other).empty());
  }
  const std::array<std::uint8_t, 3> array = {1, 2, 3};
  const std::uint8_t c_array[] = {4, 5};
  peers.set_data(peer, array);
  CHECK(peers.data(peer) == Bytes{1, 2, 3});
  peers.set_data(peer, c_array);
  peers.update(peer, PeerType::Outbound, false, Backoff::Increase);
  CHECK(peers.data(peer) == Bytes{4, 5});
  peers.remove(peer);
  peers.ensure_exists(peer);
  CHECK(peers.data(peer).empty());
}

TEST(data_survives_a_restart_and_is_imported) {
  const check::Directory directory;
  const Address peer = address("8.8.8.8");
  for (const Durability durability : {Durability::Commit, Durability::Sync, Durability::Deferred}) {
    Options options;
    options.db_path = directory.file(("peers" + std::to_string(static_cast<int>(durability))).c_str());
    options.durability = durability;
    Manager peers = Manager::open(options);
    peers.ensure_exists(peer);
    peers.set_data(peer, every_byte());
    peers.close();
    CHECK(Manager::open(options).data(peer) == every_byte());
    Manager importing = check::quiet_manager();
    CHECK(importing.import_from(*options.db_path) == 1 && importing.data(peer) == every_byte());
  }
}

TEST(a_snapshot_has_the_data) {
  Manager peers = check::quiet_manager();
  for (std::uint16_t port = 1; port <= 70; ++port) {
    peers.ensure_exists(Address("8.8.8.8", port));
    if (port % 2 == 0) peers.set_data(Address("8.8.8.8", port), Bytes(port, 7));
  }
  const Snapshot snapshot = peers.get_all_peers();
  peers.clear_all();  // it is one point in time
  CHECK(snapshot.size() == 70);
  for (std::size_t i = 0; i < snapshot.size(); ++i) {
    const std::uint16_t port = snapshot[i].address.port();
    CHECK(snapshot.data(i) == Bytes(port % 2 == 0 ? port : 0, 7) && *snapshot.try_data(i) == snapshot.data(i));
  }
  for (const std::size_t index : {std::size_t{70}, std::numeric_limits<std::size_t>::max()})
    FAILS(Status::InvalidArgument, "index", snapshot.try_data(index));
  THROWS(Status::InvalidArgument, "index", snapshot.data(70));
  FAILS(Status::InvalidArgument, "snapshot", Snapshot().try_data(0));
}

TEST(bad_data_is_refused_and_nothing_is_done) {
  Manager peers = check::quiet_manager();
  const Address peer = address("8.8.8.8");
  const Address unknown = address("9.9.9.9");
  peers.ensure_exists(peer);
  peers.set_data(peer, Bytes{1});
  FAILS(Status::InvalidArgument, "255", peers.try_set_data(peer, Bytes(256)));
  THROWS(Status::InvalidArgument, "255", peers.set_data(peer, Bytes(1000000)));
  FAILS(Status::InvalidArgument, "data", peers.try_set_data(peer, Span<const std::uint8_t>(nullptr, 1)));
  FAILS(Status::NotFound, "9.9.9.9", peers.try_set_data(unknown, Bytes{1}));
  FAILS(Status::NotFound, "9.9.9.9", peers.try_set_data(unknown, {}));
  FAILS(Status::InvalidAddress, "", peers.try_set_data(Address(), Bytes{1}));
  FAILS(Status::NotFound, "9.9.9.9", peers.try_data(unknown));
  THROWS(Status::NotFound, "9.9.9.9", peers.data(unknown));
  FAILS(Status::InvalidAddress, "", peers.try_data(Address()));
  CHECK(peers.data(peer) == Bytes{1} && peers.peer_count() == 1);
  peers.close();
  FAILS(Status::InvalidArgument, "pm", peers.try_set_data(peer, Bytes{1}));
  FAILS(Status::InvalidArgument, "pm", peers.try_data(peer));
}

TEST(a_host_is_removed_on_all_its_ports) {
  Manager peers = check::quiet_manager();
  for (const char* text : {"8.8.8.8:1", "8.8.8.8:2", "8.8.8.9:1", "[2001:db8::1]:1", "[2001:db8::1]:65535",
                           "example.org:1", "a.example.org:1"}) {
    peers.ensure_exists(address(text));
  }
  peers.store({address("8.8.8.8:3"), at(kNow), 0, PeerType::Preferred});
  CHECK(peers.remove_host("::ffff:8.8.8.8") == 3 && peers.remove_host("8.8.8.8") == 0);
  CHECK(*peers.try_remove_host("2001:DB8:0::1") == 2 && peers.remove_host("Example.ORG.") == 1);
  CHECK(peers.remove_host("none.example") == 0 && peers.peer_count() == 2);
  for (const std::string& host :
       {std::string(), std::string("8.8.8"), std::string("8.8.8.9:1"), std::string("8.8.8.0/24"),
        std::string("[2001:db8::1]"), std::string(511, 'a'), std::string(512, 'a'), std::string(100000, 'a')}) {
    FAILS(Status::InvalidAddress, "", peers.try_remove_host(host));
  }
  FAILS(Status::InvalidArgument, "host contains a NUL byte", peers.try_remove_host(std::string_view("8.8.8.9\0", 8)));
  FAILS(Status::InvalidArgument, "UTF-8", peers.try_remove_host("caf\xE9.example"));
  THROWS(Status::InvalidAddress, "8.8.8", peers.remove_host("8.8.8"));
  CHECK(peers.peer_count() == 2);
  peers.close();
  FAILS(Status::InvalidArgument, "pm", peers.try_remove_host("8.8.8.9"));
}

}  // namespace
