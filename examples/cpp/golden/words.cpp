#include "words.hpp"

#include <iterator>
#include <utility>

namespace golden {

namespace {

// The port of an address that has none.
constexpr std::uint16_t kDefaultPort = 11625;

// Sets a number of 32 or 64 bits.
template <class Number>
auto set(Number& field) {
  return [&field](Words& words) { field = words.number<Number>(); };
}

auto set_truth(bool& field) {
  return [&field](Words& words) { field = words.truth(); };
}

auto set_seconds(std::chrono::seconds& field) {
  return [&field](Words& words) { field = std::chrono::seconds(words.number<std::uint32_t>()); };
}

auto set_time(std::optional<pm::sys_seconds>& field) {
  return [&field](Words& words) { field = words.time(); };
}

}  // namespace

Words::Words(const std::string& text, char separator) : separator_(separator) {
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + 1)
    words_.push_back(text.substr(begin, end - begin));
  if (!text.empty()) words_.push_back(text.substr(begin));
}

std::string Words::next() {
  if (empty()) throw Wrong("a word is missing");
  return words_[next_++];
}

std::string Words::rest() {
  std::string text;
  while (!empty()) text += (text.empty() ? "" : std::string(1, separator_)) + next();
  return text;
}

bool Words::nothing() {
  const bool is_nothing = !empty() && words_[next_] == "-";
  if (is_nothing) ++next_;
  return is_nothing;
}

bool Words::truth() {
  const std::string word = next();
  if (word != "0" && word != "1") throw Wrong("neither 0 nor 1: " + word);
  return word == "1";
}

pm::sys_seconds Words::time() { return pm::sys_seconds(std::chrono::seconds(number<std::int64_t>())); }

std::vector<std::uint8_t> Words::hex() {
  std::vector<std::uint8_t> bytes;
  if (nothing()) return bytes;
  const std::string word = next();
  if (word.size() % 2 != 0) throw Wrong("half a byte: " + word);
  for (std::size_t i = 0; i < word.size(); i += 2) {
    std::uint8_t byte = 0;
    const char* const end = word.data() + i + 2;
    if (std::from_chars(word.data() + i, end, byte, 16).ptr != end) throw Wrong("no such byte: " + word);
    bytes.push_back(byte);
  }
  return bytes;
}

pm::Address Words::address() { return pm::Address::parse(next(), kDefaultPort); }

std::vector<pm::Address> Words::addresses() {
  std::vector<pm::Address> addresses;
  while (!empty()) addresses.push_back(address());
  return addresses;
}

pm::Record Words::record() {
  // In the order of the words: that is what braces promise.
  return {address(), time(), number<std::uint32_t>(), named<pm::PeerType>(kTypes)};
}

pm::Query Words::query() {
  pm::Query query;
  query.type_filter = named<pm::TypeFilter>(kFilters);
  query.use_next_attempt = truth();
  query.max_num_failures = std::nullopt;
  if (!nothing()) query.max_num_failures = number<std::uint32_t>();
  return query;
}

void Words::query_fields(pm::Query& query) {
  fields({
      {"seniority", set(query.seniority)},
      {"apart", set_truth(query.apart)},
      {"networks", [&](Words& words) { query.networks = static_cast<pm::Networks>(words.number<std::uint32_t>()); }},
      {"max_per_netgroup", set(query.max_per_netgroup)},
      {"share_key", set(query.share_key)},
      {"heard_since", set_time(query.heard_since)},
      {"reached_since", set_time(query.reached_since)},
  });
}

pm::Options Words::options(const std::string& file) {
  pm::Options options;
  const std::string where = next();
  if (where == "file") {
    options.db_path = file;
    options.durability = named<pm::Durability>(kDurabilities);
  } else if (where != "memory") {
    throw Wrong("open memory, or open file");
  }
  options.rng_seed = number<std::uint64_t>();
  fields({
      {"max_peers", set(options.max_peers)},
      {"max_peers_per_netgroup", set(options.max_peers_per_netgroup)},
      {"share_cache_seconds", set_seconds(options.share_cache)},
      {"share_max_percent", set(options.share_max_percent)},
      {"reach", [&](Words& words) { options.reach = static_cast<pm::Reach>(words.number<std::uint32_t>()); }},
      {"name_groups", set_truth(options.name_groups)},
      {"keep_history", set_truth(options.keep_history)},
      {"backoff_seconds", set_seconds(options.backoff)},
      {"max_backoff_exponent", set(options.max_backoff_exponent)},
  });
  return options;
}

void Words::fields(const std::map<std::string, Setter>& setters) {
  std::vector<std::string> others;
  while (!empty()) {
    const std::string word = next();
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) {
      others.push_back(word);
      continue;
    }
    const auto setter = setters.find(word.substr(0, equals));
    if (setter == setters.end()) throw Wrong("no such field: " + word);
    Words value(word.substr(equals + 1), ' ');
    setter->second(value);
    if (!value.empty()) throw Wrong("too much: " + word);
  }
  words_ = std::move(others);
  next_ = 0;
}

}  // namespace golden
