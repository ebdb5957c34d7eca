// A node in miniature, in C++: it hears of addresses, dials, backs off, answers those that ask, closes its database and
// opens it again. The clock and the network are simulated and the seed is fixed: no host is contacted, and each run
// with the same library prints the same. ../c has a longer day. With --help it prints what else it can do.

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include "lists.hpp"
#include "peer_manager.hpp"

namespace {

using namespace peermanager;
using namespace std::chrono_literals;

constexpr std::size_t kPlaces = 8;  // connections that the node wants
constexpr std::size_t kShared = 8;  // addresses that a peer is sent at a time
constexpr int kTurns = 30;          // in an hour: a feeler is tried every two minutes

constexpr char kUsage[] =
    "usage: node [--import FILE] [--export FILE] [LIST]\n"
    "       node [--import FILE] [--export FILE] [--database DATABASE]\n"
    "\n"
    "The first lives a simulated day of 8 hours, with the addresses of LIST if there is one. The second lives no day.\n"
    "  --import FILE        adds the addresses of a file; before the day, if there is one\n"
    "  --export FILE        writes the addresses of all peers to a file; after the day\n"
    "  --database DATABASE  where the peers are kept; a day has a database of its own\n"
    "  --help, -h           prints this\n";

constexpr char kLegend[] =
    "\n"
    "known, due        peers in the table; those of them that may be dialled now\n"
    "answered, failed  how the dials of the hour went\n"
    "heard, shared     addresses that peers sent and that were new; addresses sent to peers\n"
    "connected         of 8 places for connections, those that are taken\n"
    "\n"
    " hour    known      due   answered   failed    heard   shared   connected";

[[noreturn]] void wrong(const std::string& what) { throw std::runtime_error("this is not right: " + what); }

// The made-up network: a third of all addresses never answers, a private one neither.
bool answers(const Address& peer) {
  unsigned sum = peer.port();
  for (const char c : peer.host()) sum = sum * 31 + static_cast<unsigned char>(c);
  return sum % 3 != 0 && !peer.is_private();
}

class Node {
public:
  explicit Node(const std::string& database) {
    Options options;
    options.db_path = database;
    options.rng_seed = 42;  // a real node leaves seed and clock alone
    options.clock = [this] { return now_; };
    peers_ = Manager::open(options);
  }

  // The clock looks at this very object.
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // With the peers of a list, or with two of its own.
  void begin(const std::optional<std::string>& list) {
    if (list) {
      const Imported done = import_peers(peers_, *list, 2, std::cerr);
      std::printf("%zu addresses read, %zu new; %zu lines skipped\n", done.read, done.added, done.bad);
      return;
    }
    peers_.ensure_exists(Address::parse("core-live-a.stellar.org:11625"));
    peers_.ensure_exists(Address::parse("[2001:db8::1]", 11625));
    peers_.update_type(Address::parse("core-live-a.stellar.org:11625"), PeerType::Preferred, true);
  }

  void live_one_hour(int hour) {
    answered_ = failed_ = heard_ = shared_ = 0;
    if (hour % 2 == 1) hang_up_one(random_());  // so that a patient attacker does not keep its places
    for (int turn = 0; turn < kTurns; ++turn, now_ += 2min) {
      if (turn % 8 == 7) hang_up_one(0);  // somebody always leaves
      peers_.set_online(connected_.size() >= 2);
      for (const Address& peer : peers_.next_to_dial(Purpose::Connect, connected_, kPlaces - connected_.size()))
        if (dial(peer)) connected_.push_back(peer);
      for (const Address& peer : peers_.next_to_dial(Purpose::Feeler, connected_, 1)) dial(peer);
      if (turn % 8 == 0) hear_gossip(hour * 4 + turn / 8);
      if (turn % 8 == 0) answer_all();
    }
    const Stats stats = peers_.get_stats();
    std::printf("%02d:00 %8llu %8llu %10d %8d %8d %8d   %zu of %zu\n", hour,
                static_cast<unsigned long long>(stats.peers), static_cast<unsigned long long>(stats.ready), answered_,
                failed_, heard_, shared_, connected_.size(), kPlaces);
    all_shared_ += shared_;
  }

  // What the hours show, in words.
  void remark() const {
    const Stats stats = peers_.get_stats();
    std::printf(
        "\nBack-off at work: at the end %llu of %llu peers wait, after n failures in a row for up to 10 * 2^n "
        "seconds.\n"
        "%d addresses were shared: none private, none the asker's own.\n",
        static_cast<unsigned long long>(stats.peers - stats.ready), static_cast<unsigned long long>(stats.peers),
        all_shared_);
  }

  Manager& peers() { return peers_; }

private:
  bool dial(const Address& peer) {
    const bool answered = answers(peer);
    if (answered)
      peers_.update(peer, PeerType::Outbound, false, Backoff::Reset);
    else
      peers_.update_backoff(peer, Backoff::Increase);
    ++(answered ? answered_ : failed_);
    return answered;
  }

  void hang_up_one(std::size_t number) {
    if (connected_.size() <= 2) return;
    connected_.erase(connected_.begin() + static_cast<std::ptrdiff_t>(number % connected_.size()));
  }

  void hear_gossip(int turn) {
    std::vector<Address> heard;
    for (int i = 0; i < 5; ++i) heard.emplace_back("203.0.113." + std::to_string((turn * 3 + i) % 100 + 1), 11625);
    heard.emplace_back("192.168.1." + std::to_string(turn % 20 + 1), 11625);  // nodes do gossip about those
    heard_ += static_cast<int>(peers_.ensure_exists_many(heard));
  }

  void answer_all() {
    for (const Address& asker : connected_) {
      for (const Address& peer : peers_.get_peers_to_send(asker, kShared)) {
        if (peer == asker) wrong("a peer is sent its own address");
        if (peer.is_private()) wrong("a private address is shared");
        ++shared_;
      }
    }
  }

  sys_seconds now_{std::chrono::seconds(1767225600)};  // 1 January 2026
  std::vector<Address> connected_;
  std::minstd_rand random_;                                 // a real node has a better one
  int answered_ = 0, failed_ = 0, heard_ = 0, shared_ = 0;  // in this hour
  int all_shared_ = 0;
  Manager peers_;  // the last: it goes before the clock that it reads
};

// What the caller wants.
struct Arguments {
  std::optional<std::string> list, database, import_from, export_to;
  bool help = false;

  bool is_day() const { return list || (!database && !import_from && !export_to); }
};

void before_the_day(Manager& peers, const Arguments& wanted) {
  if (wanted.import_from) import_peers(peers, *wanted.import_from, 0, std::cerr);
}

void after_the_day(const Manager& peers, const Arguments& wanted) {
  if (wanted.export_to) export_peers(peers, *wanted.export_to);
}

Snapshot live(const std::string& database, const Arguments& wanted) {
  Node node(database);
  node.begin(wanted.list);
  before_the_day(node.peers(), wanted);
  std::puts(kLegend);
  for (int hour = 0; hour < 8; ++hour) node.live_one_hour(hour);
  node.remark();
  // A day is too short for really_dead, with which a real node removes peers.
  std::printf("Then %zu peers were removed that had failed 5 times or more in a row.\n",
              node.peers().remove_peers_with_many_failures(5));
  after_the_day(node.peers(), wanted);
  return node.peers().get_all_peers();
}

void come_back(const std::string& database, const Snapshot& before) {
  Node node(database);
  for (const Record& record : before) {
    if (node.peers().load(record.address) != record) wrong(record.address.to_string() + " came back changed");
  }
  if (node.peers().peer_count() != before.size()) wrong("there are more peers than before");
  std::printf("Closed and opened again: all %zu peers came back as they were.\n", before.size());
}

void report(const Snapshot& peers) {
  std::vector<Record> best(peers.begin(), peers.end());
  std::sort(best.begin(), best.end(), [](const Record& a, const Record& b) {
    return a.type != b.type ? a.type > b.type : a.address < b.address;
  });
  best.resize(std::min<std::size_t>(best.size(), 5));
  std::puts("\nThe best peers, preferred ones first:");
  for (const Record& peer : best)
    std::printf("  %-32s %u failures\n", peer.address.to_string().c_str(), peer.num_failures);
  if (best.size() < 5 || best[0].type != PeerType::Preferred) wrong("there should be more and better peers");
}

void live_a_day(const Arguments& wanted) {
  std::printf("A node in miniature: clock and network are simulated, so no packet is sent\n%.*s\n",
              static_cast<int>(build_info().size()), build_info().data());
  std::string directory = (std::filesystem::temp_directory_path() / "peer_manager-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "cannot make a temporary directory");
  // Goes away with everything in it, whatever happens.
  struct Cleaner {
    const std::string& path;
    ~Cleaner() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  } const cleaner{directory};
  const std::string database = directory + "/peers.db";
  const Snapshot peers = live(database, wanted);
  come_back(database, peers);
  report(peers);
  std::puts(
      "\nNext: examples/cpp/README.md has a program of one page; docs/getting-started.md builds a node step by step.");
}

void live_no_day(const Arguments& wanted) {
  Options options;
  options.db_path = wanted.database;
  Manager peers = Manager::open(options);
  before_the_day(peers, wanted);
  after_the_day(peers, wanted);
}

// Nothing when they make no sense; what is wrong is on standard error then.
std::optional<Arguments> parse(int argc, char** argv) {
  static const option options[] = {{"import", required_argument, nullptr, 'i'},
                                   {"export", required_argument, nullptr, 'e'},
                                   {"database", required_argument, nullptr, 'd'},
                                   {"help", no_argument, nullptr, 'h'},
                                   {nullptr, 0, nullptr, 0}};
  Arguments wanted;
  for (int found; (found = getopt_long(argc, argv, "h", options, nullptr)) != -1;) {
    switch (found) {
      case 'i':
        wanted.import_from = optarg;
        break;
      case 'e':
        wanted.export_to = optarg;
        break;
      case 'd':
        wanted.database = optarg;
        break;
      case 'h':
        wanted.help = true;
        return wanted;
      default:
        return std::nullopt;  // getopt_long has said what is wrong
    }
  }
  if (optind < argc) wanted.list = argv[optind++];
  const char* reason = nullptr;
  if (optind < argc)
    reason = "there is more than one list";
  else if (wanted.database && wanted.list)
    reason = "a day has a database of its own";
  else if (wanted.database && !wanted.import_from && !wanted.export_to)
    reason = "there is nothing to do with the database";
  if (reason == nullptr) return wanted;
  std::fprintf(stderr, "node: %s\n", reason);
  return std::nullopt;
}

}  // namespace

int main(int argc, char** argv) {
  const std::optional<Arguments> wanted = parse(argc, argv);
  if (!wanted) {
    std::fputs(kUsage, stderr);
    return 2;
  }
  if (wanted->help) {
    std::fputs(kUsage, stdout);
    return EXIT_SUCCESS;
  }
  try {
    if (wanted->is_day())
      live_a_day(*wanted);
    else
      live_no_day(*wanted);
  } catch (const std::exception& error) {
    std::fflush(stdout);
    std::fprintf(stderr, "node: %s\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
