// The operations that look at peers and choose among them.

#include "player.hpp"

namespace golden {

namespace {

using namespace peermanager;

std::string text(sys_seconds time) { return std::to_string(time.time_since_epoch().count()); }

std::string text(std::optional<sys_seconds> time) { return time ? text(*time) : "0"; }

std::string text(const Record& record) {
  return record.address.to_string() + ' ' + text(record.next_attempt) + ' ' + std::to_string(record.num_failures) +
         ' ' + kTypes.at(static_cast<std::size_t>(record.type));
}

std::string text(const History& history) {
  return text(history.first_heard) + ' ' + text(history.last_heard) + ' ' + text(history.first_reached) + ' ' +
         text(history.last_reached) + ' ' + text(history.last_attempt);
}

std::string text(const std::vector<std::uint8_t>& data) {
  constexpr char digits[] = "0123456789abcdef";
  std::string hex;
  for (const std::uint8_t byte : data) hex += {digits[byte >> 4], digits[byte & 15]};
  return hex.empty() ? "-" : hex;
}

Lines lines(const std::vector<Address>& addresses) {
  Lines lines;
  for (const Address& address : addresses) lines.push_back(address.to_string());
  return lines;
}

Lines load(Manager& peers, Words& words) { return {text(peers.load(words.address()))}; }

Lines load_history(Manager& peers, Words& words) { return {text(peers.load_history(words.address()))}; }

Lines get_data(Manager& peers, Words& words) { return {text(peers.data(words.address()))}; }

Lines load_random_peers(Manager& peers, Words& words) {
  Query query = words.query();
  const auto size = words.number<std::uint32_t>();
  words.query_fields(query);
  query.exclude = words.addresses();
  return lines(peers.load_random_peers(query, size));
}

Lines get_peers_to_send(Manager& peers, Words& words) {
  std::optional<Query> query;
  if (!words.nothing()) {
    Words parts(words.next(), ',');
    query = parts.query();
    parts.query_fields(*query);
    if (!parts.empty()) throw Wrong("a filter has three parts");
  }
  const Address asker = words.nothing() ? Address() : words.address();
  return lines(peers.get_peers_to_send(asker, words.number<std::uint32_t>(), query));
}

Lines next_to_dial(Manager& peers, Words& words) {
  const auto purpose = words.named<Purpose>(kPurposes);
  const auto size = words.number<std::uint32_t>();
  return lines(peers.next_to_dial(purpose, words.addresses(), size));
}

Lines next_due(Manager& peers, Words&) {
  if (const std::optional<sys_seconds> due = peers.next_due()) return {text(*due)};
  // That none waits is no error in C++; what the others print is what C says.
  std::int64_t due = 0;
  peer_manager_error error;
  if (peer_manager_next_due(peers.c_get(), &due, &error) != PEER_MANAGER_OK) Failure(error).raise();
  return {std::to_string(due)};
}

Lines same_netgroup(Manager& peers, Words& words) {
  const Address first = words.address();
  return {peers.netgroup(first) == peers.netgroup(words.address()) ? "true" : "false"};
}

Lines peer_count(Manager& peers, Words&) { return {std::to_string(peers.peer_count())}; }

Lines get_all_peers(Manager& peers, Words&) {
  Lines lines;
  for (const Record& record : peers.get_all_peers()) lines.push_back(text(record));
  std::sort(lines.begin(), lines.end());
  return lines;
}

Lines get_all_histories(Manager& peers, Words&) {
  const Snapshot snapshot = peers.get_all_peers();
  Lines lines;
  for (std::size_t i = 0; i < snapshot.size(); ++i)
    lines.push_back(snapshot[i].address.to_string() + ' ' + text(snapshot.history(i)));
  std::sort(lines.begin(), lines.end());
  return lines;
}

Lines get_all_data(Manager& peers, Words&) {
  const Snapshot snapshot = peers.get_all_peers();
  Lines lines;
  for (std::size_t i = 0; i < snapshot.size(); ++i) {
    const std::vector<std::uint8_t> data = snapshot.data(i);
    if (!data.empty()) lines.push_back(snapshot[i].address.to_string() + ' ' + text(data));
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

// The counts by the names that they have in C, in that order. get_stats prints those of the first version, the others
// are asked for by name.
constexpr std::size_t kStatsOfTheFirstVersion = 11;

std::vector<std::pair<std::string, std::uint64_t>> counts(const Stats& stats) {
  return {{"durability", static_cast<std::uint64_t>(stats.durability)},
          {"peers", stats.peers},
          {"inbound", stats.inbound},
          {"outbound", stats.outbound},
          {"preferred", stats.preferred},
          {"ready", stats.ready},
          {"netgroups", stats.netgroups},
          {"pending_writes", stats.pending_writes},
          {"failed_writes", stats.failed_writes},
          {"skipped_rows", stats.skipped_rows},
          {"refused_peers", stats.refused_peers},
          {"bans", stats.bans},
          {"log_bytes", stats.log_bytes},
          {"forgiven_failures", stats.forgiven_failures},
          {"rejected_rows", stats.rejected_rows}};
}

Lines get_stats(Manager& peers, Words&) {
  Lines lines;
  for (const auto& [name, value] : counts(peers.get_stats())) {
    if (lines.size() == kStatsOfTheFirstVersion) break;
    lines.push_back(name + ' ' + std::to_string(value));
  }
  return lines;
}

Lines stat(Manager& peers, Words& words) {
  const std::string wanted = words.next();
  for (const auto& [name, value] : counts(peers.get_stats()))
    if (name == wanted) return {std::to_string(value)};
  throw Wrong("no such stat: " + wanted);
}

}  // namespace

const std::map<std::string, Operation>& answers() {
  static const std::map<std::string, Operation> operations = {
      {"load", load},
      {"load_history", load_history},
      {"get_data", get_data},
      {"load_random_peers", load_random_peers},
      {"get_peers_to_send", get_peers_to_send},
      {"next_to_dial", next_to_dial},
      {"next_due", next_due},
      {"same_netgroup", same_netgroup},
      {"peer_count", peer_count},
      {"get_all_peers", get_all_peers},
      {"get_all_histories", get_all_histories},
      {"get_all_data", get_all_data},
      {"get_stats", get_stats},
      {"stat", stat},
  };
  return operations;
}

}  // namespace golden
