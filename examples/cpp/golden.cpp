// Plays a golden scenario through the C++ interface and prints the transcript: see ../golden/README.md.
//
//   golden SCENARIO

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "peer_manager.hpp"

namespace {

using namespace peermanager;

using Words = std::vector<std::string>;

constexpr std::array kTypes = {"INBOUND", "OUTBOUND", "PREFERRED"};
constexpr std::array kBackoffs = {"HARD_RESET", "RESET", "INCREASE"};
constexpr std::array kDurabilities = {"COMMIT", "SYNC", "DEFERRED"};
constexpr std::array kFilters = {"INBOUND_ONLY", "OUTBOUND_ONLY", "PREFERRED_ONLY", "ANY_OUTBOUND", "ANY"};

Words split(const std::string& text, char separator) {
  Words words;
  std::size_t begin = 0;
  for (std::size_t end; (end = text.find(separator, begin)) != std::string::npos; begin = end + 1)
    words.push_back(text.substr(begin, end - begin));
  words.push_back(text.substr(begin));
  return words;
}

// The enumerator of a name; the names are in the order of the numbers.
template <class Enum, std::size_t n>
Enum named(const std::array<const char*, n>& names, const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) throw std::runtime_error("no such name: " + name);
  return static_cast<Enum>(found - names.begin());
}

std::uint32_t number(const std::string& word) { return static_cast<std::uint32_t>(std::stoul(word)); }

sys_seconds time(const std::string& word) { return sys_seconds(std::chrono::seconds(std::stoll(word))); }

Address address(const std::string& word) { return Address::parse(word, 11625); }

std::vector<Address> addresses(Words::const_iterator begin, Words::const_iterator end) {
  std::vector<Address> result;
  std::transform(begin, end, std::back_inserter(result), address);
  return result;
}

// Of address, next attempt, failures and type.
Record record(const std::string* words) {
  return {address(words[0]), time(words[1]), number(words[2]), named<PeerType>(kTypes, words[3])};
}

// Of filter, use next attempt and most failures.
Query query(const std::string* words) {
  Query result;
  result.type_filter = named<TypeFilter>(kFilters, words[0]);
  result.use_next_attempt = words[1] == "1";
  result.max_num_failures = words[2] == "-" ? std::nullopt : std::optional(number(words[2]));
  return result;
}

std::string text(const Record& record) {
  return record.address.to_string() + ' ' + std::to_string(record.next_attempt.time_since_epoch().count()) + ' ' +
         std::to_string(record.num_failures) + ' ' + kTypes.at(static_cast<std::size_t>(record.type));
}

void print(const std::string& line) { std::cout << "  " << line << '\n'; }

void print(const std::vector<Address>& answer) {
  for (const Address& one : answer) print(one.to_string());
}

class Player {
public:
  explicit Player(std::string file) : file_(std::move(file)) {}

  // Carries out one line and prints what it answers.
  void play(const std::string& line) {
    std::cout << "> " << line << '\n';
    const Words words = split(line, ' ');
    try {
      operate(words.front(), Words(words.begin() + 1, words.end()));
    } catch (const Error& error) {
      print("error " + std::string(status_name(error.status())) + ": " + error.what());
    }
  }

private:
  void operate(const std::string& operation, const Words& words) {
    using Operation = void (Player::*)(const Words&);
    static const std::map<std::string, Operation> operations = {
        {"clock", &Player::clock},
        {"address", &Player::print_address},
        {"open", &Player::open},
        {"close", &Player::close},
        {"flush", &Player::flush},
        {"ensure_exists", &Player::ensure_exists},
        {"ensure_exists_many", &Player::ensure_exists_many},
        {"load", &Player::load},
        {"store", &Player::store},
        {"store_many", &Player::store_many},
        {"update_type", &Player::update_type},
        {"update_backoff", &Player::update_backoff},
        {"update", &Player::update},
        {"remove", &Player::remove},
        {"remove_peers_with_many_failures", &Player::remove_peers_with_many_failures},
        {"clear_all", &Player::clear_all},
        {"load_random_peers", &Player::load_random_peers},
        {"get_peers_to_send", &Player::get_peers_to_send},
        {"peer_count", &Player::peer_count},
        {"get_all_peers", &Player::get_all_peers},
        {"get_stats", &Player::get_stats},
    };
    const auto found = operations.find(operation);
    if (found == operations.end()) throw std::runtime_error("no such operation: " + operation);
    (this->*found->second)(words);
  }

  void clock(const Words& words) { now_ = time(words.at(0)); }

  void print_address(const Words& words) {
    std::string rest;
    for (const std::string& word : words) rest += (rest.empty() ? "" : " ") + word;
    const Address parsed = Address::parse(rest);
    print(parsed.to_string() + (parsed.is_private() ? " private" : " public"));
  }

  void open(const Words& words) {
    Options options;
    if (words.at(0) == "file") {
      options.db_path = file_;
      options.durability = named<Durability>(kDurabilities, words.at(1));
    }
    options.rng_seed = std::stoull(words.back());
    options.clock = [this] { return now_; };
    peers_ = Manager::open(options);
  }

  void close(const Words&) { peers_.close(); }
  void flush(const Words&) { peers_.flush(); }
  void ensure_exists(const Words& words) { peers_.ensure_exists(address(words.at(0))); }

  void ensure_exists_many(const Words& words) {
    print("inserted " + std::to_string(peers_.ensure_exists_many(addresses(words.begin(), words.end()))));
  }

  void load(const Words& words) { print(text(peers_.load(address(words.at(0))))); }
  void store(const Words& words) { peers_.store(record(&words.at(0))); }

  void store_many(const Words& words) {
    std::vector<Record> records;
    for (const std::string& word : words) records.push_back(record(split(word, ',').data()));
    peers_.store_many(records);
  }

  void update_type(const Words& words) {
    peers_.update_type(address(words.at(0)), named<PeerType>(kTypes, words.at(1)), words.at(2) == "1");
  }

  void update_backoff(const Words& words) {
    peers_.update_backoff(address(words.at(0)), named<Backoff>(kBackoffs, words.at(1)));
  }

  void update(const Words& words) {
    peers_.update(address(words.at(0)), named<PeerType>(kTypes, words.at(1)), words.at(2) == "1",
                  named<Backoff>(kBackoffs, words.at(3)));
  }

  void remove(const Words& words) { peers_.remove(address(words.at(0))); }

  void remove_peers_with_many_failures(const Words& words) {
    print("removed " + std::to_string(peers_.remove_peers_with_many_failures(number(words.at(0)))));
  }

  void clear_all(const Words&) { peers_.clear_all(); }

  void load_random_peers(const Words& words) {
    Query eligible = query(&words.at(0));
    eligible.exclude = addresses(words.begin() + 4, words.end());
    print(peers_.load_random_peers(eligible, number(words.at(3))));
  }

  void get_peers_to_send(const Words& words) {
    std::optional<Query> eligible;
    if (words.at(0) != "-") eligible = query(split(words[0], ',').data());
    const Address asker = words.at(1) == "-" ? Address() : address(words[1]);
    print(peers_.get_peers_to_send(asker, number(words.at(2)), eligible));
  }

  void peer_count(const Words&) { print(std::to_string(peers_.peer_count())); }

  void get_all_peers(const Words&) {
    const Snapshot snapshot = peers_.get_all_peers();
    std::vector<std::string> lines;
    std::transform(snapshot.begin(), snapshot.end(), std::back_inserter(lines), text);
    std::sort(lines.begin(), lines.end());
    for (const std::string& line : lines) print(line);
  }

  void get_stats(const Words&) {
    const Stats stats = peers_.get_stats();
    const auto count = [](const char* name, std::uint64_t value) { print(name + (' ' + std::to_string(value))); };
    count("durability", static_cast<std::uint64_t>(stats.durability));
    count("peers", stats.peers);
    count("inbound", stats.inbound);
    count("outbound", stats.outbound);
    count("preferred", stats.preferred);
    count("ready", stats.ready);
    count("netgroups", stats.netgroups);
    count("pending_writes", stats.pending_writes);
    count("failed_writes", stats.failed_writes);
    count("skipped_rows", stats.skipped_rows);
    count("refused_peers", stats.refused_peers);
  }

  std::string file_;
  sys_seconds now_{};
  Manager peers_;
};

void play_all(const char* scenario, const std::filesystem::path& directory) {
  std::ifstream lines(scenario);
  if (!lines) throw std::runtime_error(std::string("cannot open ") + scenario);
  Player player((directory / "golden.db").string());
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty() && line[0] != '#') player.play(line);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: golden SCENARIO\n", stderr);
    return 2;
  }
  std::string directory = (std::filesystem::temp_directory_path() / "peer_manager-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    std::perror("golden: cannot make a temporary directory");
    return EXIT_FAILURE;
  }
  int code = EXIT_SUCCESS;
  try {
    play_all(argv[1], directory);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "golden: %s\n", error.what());
    code = EXIT_FAILURE;
  }
  std::error_code ignored;
  std::filesystem::remove_all(directory, ignored);
  return std::cout.flush() ? code : EXIT_FAILURE;
}
