// This library compared with Bitcoin Core's addrman, in one process: the calls that both have, with the same addresses.
// `build` compiles it with a source tree of Bitcoin Core, of which nothing is in this repository.
//
//   $(benches/addrman/build CORE) [DIRECTORY]
//
//   DIRECTORY   where both write their files; the directory for temporary files if not given
//
// It prints how many times as fast this library is (below 1 it is slower): CPU time of the process, so that of the
// library's own thread as well; the median of nine rounds, of which every other one begins with this library. Both
// begin each round with new tables. addrman takes and returns binary addresses, this library text.

#include <addrman.h>
#include <arpa/inet.h>
#include <crypto/sha256.h>
#include <hash.h>
#include <kernel/messagestartchars.h>
#include <netaddress.h>
#include <netgroup.h>
#include <peer_manager.h>
#include <protocol.h>
#include <stdlib.h>
#include <streams.h>
#include <util/fs.h>
#include <util/fs_helpers.h>
#include <util/time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr int kRounds = 9;
constexpr std::uint16_t kPort = 8333;

[[noreturn]] void fail(const std::string& what) {
  std::fprintf(stderr, "addrman: %s\n", what.c_str());
  std::exit(EXIT_FAILURE);
}

// An address for each side.
struct Peer {
  CService binary;
  peer_manager_address text;
};

// Random public addresses, the same in each run.
std::vector<Peer> make_peers(std::size_t count, bool is_ipv6) {
  std::mt19937_64 random(count + is_ipv6);
  std::vector<Peer> peers;
  std::set<std::string> seen;
  while (peers.size() < count) {
    Peer peer;
    char host[INET6_ADDRSTRLEN];
    if (is_ipv6) {
      in6_addr address;
      for (std::size_t i = 0; i < sizeof address; i += 8) {
        const std::uint64_t bits = random();
        std::memcpy(address.s6_addr + i, &bits, 8);
      }
      address.s6_addr[0] = 0x2a;  // of the global unicast addresses
      peer.binary = CService(address, kPort);
      inet_ntop(AF_INET6, &address, host, sizeof host);
    } else {
      in_addr address;
      address.s_addr = static_cast<std::uint32_t>(random());
      peer.binary = CService(address, kPort);
      inet_ntop(AF_INET, &address, host, sizeof host);
    }
    if (!peer.binary.IsRoutable() || !seen.insert(host).second) continue;
    peer_manager_error error;
    if (peer_manager_address_parse(host, kPort, &peer.text, &error) != PEER_MANAGER_OK) fail(error.message);
    peers.push_back(peer);
  }
  return peers;
}

const NetGroupManager& no_as_map() {
  static const NetGroupManager groups{NetGroupManager::NoAsmap()};
  return groups;
}

// addrman with what a node does with it.
class Core {
public:
  explicit Core(const std::vector<Peer>& peers) : peers_(peers) {}

  void add_all() {
    // Each address comes from one of 64 sources.
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      CAddress address(peers_[i].binary, NODE_NETWORK);
      address.nTime = Now<NodeSeconds>();
      addrman_.Add({address}, peers_[i % 64].binary);
    }
  }
  void good(std::size_t i) { addrman_.Good(peers_[i].binary); }
  void failed(std::size_t i) { addrman_.Attempt(peers_[i].binary, true); }
  void select_one() {
    if (!addrman_.Select().first.IsValid()) fail("addrman has selected nothing");
  }
  void share(std::size_t size, std::size_t percent) {
    if (addrman_.GetAddr(size, percent, std::nullopt).empty()) fail("addrman has shared nothing");
  }
  // What DumpPeerAddresses does.
  void save(const std::string& directory) {
    const fs::path path = fs::PathFromString(directory + "/peers.dat"),
                   fresh = fs::PathFromString(directory + "/peers.new");
    AutoFile file{fsbridge::fopen(fresh, "wb")};
    HashedSourceWriter writer{file};
    writer << MessageStartChars{0xf9, 0xbe, 0xb4, 0xd9} << addrman_;
    file << writer.GetHash();
    if (!file.Commit() || file.fclose() != 0 || !RenameOver(fresh, path))
      fail("cannot write " + fs::PathToString(path));
  }

private:
  const std::vector<Peer>& peers_;
  AddrMan addrman_{no_as_map(), /*deterministic=*/false, /*consistency_check_ratio=*/0};
};

// This library with the same.
class Ours {
public:
  Ours(const std::vector<Peer>& peers, bool is_bounded, const std::string& path = "") : peers_(peers), answer_(2500) {
    peer_manager_options options = PEER_MANAGER_OPTIONS_INIT;
    if (is_bounded) {
      options.max_peers = 100000;
      options.max_peers_per_netgroup = 64;
      query_.max_per_netgroup = 1;
    }
    if (!path.empty()) options.db_path = path.c_str();
    // Nothing is written before it is asked for.
    options.durability = PEER_MANAGER_DURABILITY_DEFERRED;
    options.flush_interval_ms = 3600000;
    check(peer_manager_open(&options, &manager_, &error_));
    query_.type_filter = PEER_MANAGER_FILTER_ANY;
  }
  ~Ours() { peer_manager_free(manager_); }
  Ours(const Ours&) = delete;
  Ours& operator=(const Ours&) = delete;

  void add_all() {
    for (const Peer& peer : peers_) check(peer_manager_ensure_exists(manager_, &peer.text, &error_));
  }
  void good(std::size_t i) {
    check(peer_manager_update(manager_, &peers_[i].text, PEER_MANAGER_TYPE_OUTBOUND, 0, PEER_MANAGER_BACKOFF_RESET,
                              &error_));
  }
  void failed(std::size_t i) {
    check(peer_manager_update_backoff(manager_, &peers_[i].text, PEER_MANAGER_BACKOFF_INCREASE, &error_));
  }
  void select_one() {
    check(peer_manager_load_random_peers(manager_, &query_, 1, answer_.data(), &count_, &error_));
    if (count_ != 1) fail("this library has selected nothing");
  }
  void share(std::size_t size, std::size_t percent) {
    if (percent != 0) size = std::min(size, peers_.size() * percent / 100);
    check(peer_manager_get_peers_to_send(manager_, &query_, nullptr, size, answer_.data(), &count_, &error_));
    if (count_ == 0) fail("this library has shared nothing");
  }
  void flush() { check(peer_manager_flush(manager_, &error_)); }

private:
  void check(peer_manager_status status) {
    if (status != PEER_MANAGER_OK) fail(error_.message);
  }

  const std::vector<Peer>& peers_;
  peer_manager* manager_ = nullptr;
  peer_manager_query query_ = PEER_MANAGER_QUERY_INIT;
  std::vector<peer_manager_address> answer_;
  std::size_t count_ = 0;
  peer_manager_error error_;
};

double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

using Call = std::function<void()>;

double seconds_of(const Call& call) {
  const double before = cpu_seconds();
  call();
  return cpu_seconds() - before;
}

// The rows of the table, in its order.
const char* const kRows[] = {
    "select one (a fifth of the IPv4 peers tried, none of the IPv6)",
    "… here with both bounds and by netgroup",
    "share 50",
    "share 23 %, at most 2,500",
    "report a failed attempt",
    "add all, each (addrman keeps two thirds to all of them)",
    "report a good one",
    "write all to disk once (fsynced)",
};

using Ratios = std::vector<std::vector<double>>;  // of each row, of each round

void run_round(const std::vector<Peer>& peers, bool is_ipv6, bool is_ours_first, const std::string& directory,
               Ratios& ratios) {
  const std::string path = directory + "/peers.db";
  auto core = std::make_unique<Core>(peers);
  auto ours = std::make_unique<Ours>(peers, false);
  auto bounded = std::make_unique<Ours>(peers, true);
  std::size_t row = 0;
  const auto compare = [&](const Call& of_core, const Call& of_ours) {
    const double early = is_ours_first ? seconds_of(of_ours) : 0;
    const double of_theirs = seconds_of(of_core);
    ratios[row++].push_back(of_theirs / (is_ours_first ? early : seconds_of(of_ours)));
  };
  const auto many = [](int times, auto call) {
    return [times, call] {
      for (int i = 0; i < times; ++i) call();
    };
  };

  const double added_by_core = seconds_of([&] { core->add_all(); });
  const double added_by_us = seconds_of([&] { ours->add_all(); });
  bounded->add_all();
  const std::size_t tried = is_ipv6 ? 0 : peers.size() / 5;
  for (std::size_t i = 0; i < tried; ++i) {
    core->good(i);
    ours->good(i);
    bounded->good(i);
  }
  compare(many(20000, [&] { core->select_one(); }), many(20000, [&] { ours->select_one(); }));
  compare(many(20000, [&] { core->select_one(); }), many(20000, [&] { bounded->select_one(); }));
  compare(many(2000, [&] { core->share(50, 0); }), many(2000, [&] { ours->share(50, 0); }));
  compare(many(200, [&] { core->share(2500, 23); }), many(200, [&] { ours->share(2500, 23); }));
  // Those that are not tried; each fails once, so all are eligible before.
  const auto each = [&](auto call) {
    return [&peers, tried, call] {
      for (std::size_t i = tried; i < peers.size(); ++i) call(i);
    };
  };
  compare(each([&](std::size_t i) { core->failed(i); }), each([&](std::size_t i) { ours->failed(i); }));
  ratios[row++].push_back(added_by_core / added_by_us);
  compare(each([&](std::size_t i) { core->good(i); }), each([&](std::size_t i) { ours->good(i); }));

  std::filesystem::remove(path);
  auto stored = std::make_unique<Ours>(peers, false, path);
  stored->add_all();
  compare([&] { core->save(directory); }, [&] { stored->flush(); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2) {
    std::fputs("usage: addrman [DIRECTORY]\n", stderr);
    return 2;
  }
  std::string directory =
      (argc > 1 ? std::string(argv[1]) : std::filesystem::temp_directory_path().string()) + "/addrman-XXXXXX";
  if (mkdtemp(directory.data()) == nullptr) fail("cannot make a directory " + directory);
  const std::string sha256 = SHA256AutoDetect();
  struct Setting {
    const char* name;
    std::size_t peers;
    bool is_ipv6;
  };
  const Setting settings[] = {
      {"16,384 IPv6", 16384, true}, {"1,000 IPv4", 1000, false}, {"10,000", 10000, false}, {"61,000", 61000, false}};
  std::vector<Ratios> all;
  for (const Setting& setting : settings) {
    const std::vector<Peer> peers = make_peers(setting.peers, setting.is_ipv6);
    Ratios ratios(std::size(kRows));
    for (int round = 0; round < kRounds; ++round) run_round(peers, setting.is_ipv6, round % 2 == 1, directory, ratios);
    all.push_back(ratios);
  }
  std::filesystem::remove_all(directory);

  std::printf("%s; addrman's SHA-256: %s\n\n|", peer_manager_build_info(), sha256.c_str());
  for (const Setting& setting : settings) std::printf(" | %s", setting.name);
  std::printf(" |\n|---|---:|---:|---:|---:|\n");
  for (std::size_t row = 0; row < std::size(kRows); ++row) {
    std::printf("| %s", kRows[row]);
    for (Ratios& ratios : all) {
      std::vector<double>& of_row = ratios[row];
      std::nth_element(of_row.begin(), of_row.begin() + kRounds / 2, of_row.end());
      std::printf(" | %.2f", of_row[kRounds / 2]);
    }
    std::printf(" |\n");
  }
  return 0;
}
