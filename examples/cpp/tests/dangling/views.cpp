// Views of temporaries, one a case: clang warns of each but case 0. tests/documents.sh compiles them.

#include <peer_manager.hpp>

using namespace peermanager;

#if CASE == 0
std::size_t sound(const Manager& peers) {
  std::size_t count = Address::parse("1.2.3.4:5").host().size();
  for (const Address& peer : *peers.try_next_to_dial(Purpose::Connect, {}, 8)) count += peer.port();
  for (const Record& record : peers.get_all_peers()) count += record.num_failures;
  const Record& record = *peers.try_load(Address::parse("1.2.3.4:5"));
  return count + record.address.host().size();
}
#elif CASE == 1
std::string_view host() { return Address::parse("1.2.3.4:5").host(); }
#elif CASE == 2
std::size_t length() {
  const std::string_view host = Address::parse("1.2.3.4:5").host();
  return host.size();
}
#elif CASE == 3
std::size_t count(const Manager& peers) {
  const Span<const Address> drawn = peers.next_to_dial(Purpose::Connect, {}, 8);
  return drawn.size();
}
#elif CASE == 4
std::uint32_t failures(const Manager& peers) {
  const Snapshot::Iterator first = peers.get_all_peers().begin();
  return first->num_failures;
}
#elif CASE == 5
char first() {
  const char* message = Address::try_parse("?").error().message();
  return message[0];
}
#elif CASE == 6
std::uint32_t failures(const Manager& peers) {
  const Record* record = peers.try_load(Address::parse("1.2.3.4:5")).operator->();
  return record->num_failures;
}
#endif
