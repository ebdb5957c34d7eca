// The operations that change peers, and those about whom the node refuses and what it knows of itself.

#include "player.hpp"

namespace golden {

namespace {

using namespace peermanager;

Lines counted(const char* what, std::size_t count) { return {what + (' ' + std::to_string(count))}; }

Lines ensure_exists(Manager& peers, Words& words) {
  peers.ensure_exists(words.address());
  return {};
}

Lines ensure_exists_many(Manager& peers, Words& words) {
  return counted("inserted", peers.ensure_exists_many(words.addresses()));
}

Lines store(Manager& peers, Words& words) {
  peers.store(words.record());
  return {};
}

Lines store_many(Manager& peers, Words& words) {
  std::vector<Record> records;
  while (!words.empty()) {
    Words parts(words.next(), ',');
    records.push_back(parts.record());
    if (!parts.empty()) throw Wrong("a record has four parts");
  }
  peers.store_many(records);
  return {};
}

Lines update_type(Manager& peers, Words& words) {
  const Address address = words.address();
  const auto observed = words.named<PeerType>(kTypes);
  peers.update_type(address, observed, words.truth());
  return {};
}

Lines update_backoff(Manager& peers, Words& words) {
  const Address address = words.address();
  peers.update_backoff(address, words.named<Backoff>(kBackoffs));
  return {};
}

Lines update(Manager& peers, Words& words) {
  const Address address = words.address();
  const auto observed = words.named<PeerType>(kTypes);
  const bool preferred_known = words.truth();
  peers.update(address, observed, preferred_known, words.named<Backoff>(kBackoffs));
  return {};
}

Lines remove(Manager& peers, Words& words) {
  peers.remove(words.address());
  return {};
}

Lines remove_host(Manager& peers, Words& words) { return counted("removed", peers.remove_host(words.next())); }

Lines set_data(Manager& peers, Words& words) {
  const Address address = words.address();
  peers.set_data(address, words.hex());
  return {};
}

Lines remove_peers_with_many_failures(Manager& peers, Words& words) {
  return counted("removed", peers.remove_peers_with_many_failures(words.number<std::uint32_t>()));
}

Lines remove_peers_not_heard_since(Manager& peers, Words& words) {
  return counted("removed", peers.remove_peers_not_heard_since(words.time()));
}

Lines limit_next_attempt(Manager& peers, Words& words) {
  return counted("changed", peers.limit_next_attempt(words.time()));
}

Lines clear_all(Manager& peers, Words&) {
  peers.clear_all();
  return {};
}

Lines flush(Manager& peers, Words&) {
  peers.flush();
  return {};
}

Lines set_own_addresses(Manager& peers, Words& words) {
  peers.set_own_addresses(words.addresses());
  return {};
}

Lines set_online(Manager& peers, Words& words) {
  peers.set_online(words.truth());
  return {};
}

Lines ban(Manager& peers, Words& words) {
  const std::string subject = words.next();
  return counted("removed", peers.ban(subject, words.time()));
}

Lines unban(Manager& peers, Words& words) {
  peers.unban(words.next());
  return {};
}

Lines is_banned(Manager& peers, Words& words) { return {peers.is_banned(words.address()) ? "true" : "false"}; }

Lines get_bans(Manager& peers, Words&) {
  Lines lines;
  for (const Ban& ban : peers.bans())
    lines.push_back(ban.subject + ' ' + std::to_string(ban.until.time_since_epoch().count()));
  std::sort(lines.begin(), lines.end());
  return lines;
}

}  // namespace

const std::map<std::string, Operation>& changes() {
  static const std::map<std::string, Operation> operations = {
      {"ensure_exists", ensure_exists},
      {"ensure_exists_many", ensure_exists_many},
      {"store", store},
      {"store_many", store_many},
      {"update_type", update_type},
      {"update_backoff", update_backoff},
      {"update", update},
      {"remove", remove},
      {"remove_host", remove_host},
      {"set_data", set_data},
      {"remove_peers_with_many_failures", remove_peers_with_many_failures},
      {"remove_peers_not_heard_since", remove_peers_not_heard_since},
      {"limit_next_attempt", limit_next_attempt},
      {"clear_all", clear_all},
      {"flush", flush},
  };
  return operations;
}

const std::map<std::string, Operation>& policies() {
  static const std::map<std::string, Operation> operations = {
      {"set_own_addresses", set_own_addresses},
      {"set_online", set_online},
      {"ban", ban},
      {"unban", unban},
      {"is_banned", is_banned},
      {"get_bans", get_bans},
  };
  return operations;
}

}  // namespace golden
