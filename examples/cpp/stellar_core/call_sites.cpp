// Each way in which stellar-core calls the classes: what it passes, and what it makes of the answer. What must be
// written differently there says "changed".

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "testing.h"
#include "xdr.h"

namespace stellar {

class PeerManager;      // as OverlayManager.h
class PeerBareAddress;  // declares them
enum class PeerType;

}  // namespace stellar

namespace {

using namespace stellar;
using stellar::testing::INBOUND;
using stellar::testing::IPv6;
using stellar::testing::knows;
using stellar::testing::OUTBOUND;
using stellar::testing::PeerAddress;

// The parts of an Application that matter here.
struct Config {
  static constexpr std::size_t REALLY_DEAD_NUM_FAILURES_CUTOFF = 120;
  bool ALLOW_PRIVATE_ADDRESSES_FOR_TESTING = false;
  bool ALLOW_LOCALHOST_FOR_TESTING = false;
  unsigned short PEER_PORT = 11625;
  std::string PEER_DATABASE;  // a setting to be added: a file of its own
};

struct Clock {
  std::chrono::system_clock::time_point now{std::chrono::seconds(check::kNow)};
  std::chrono::system_clock::time_point system_now() const { return now; }
};

class Application {
public:
  Config& getConfig() { return mConfig; }
  Clock& getClock() { return mClock; }

private:
  Config mConfig;
  Clock mClock;
};

// changed: PeerManager(app) of stellar-core becomes PeerManager(peerOptions(app), …).
peermanager::Options peerOptions(Application& app) {
  peermanager::Options options;
  options.db_path = app.getConfig().PEER_DATABASE;
  options.on_corrupt = peermanager::OnCorrupt::Quarantine;
  options.clock = [&app] { return std::chrono::time_point_cast<std::chrono::seconds>(app.getClock().system_now()); };
  return options;
}

// changed: toXdr names the type of XDR. This function in its place leaves Peer::sendPeers as it is.
PeerAddress toXdr(PeerBareAddress const& address) { return stellar::toXdr<PeerAddress>(address); }

// A connection, as far as the table of peers is concerned.
struct Connection {
  PeerBareAddress address;
  bool dialled;
};

// A node with stellar-core's calls and none of its sockets. Each function names where the calls are.
class Overlay {
public:
  // OverlayManagerImpl's constructor
  explicit Overlay(Application& app)
      : app_(app), table_(peerOptions(app), app.getConfig().ALLOW_PRIVATE_ADDRESSES_FOR_TESTING) {
    for (PeerType const type : {PeerType::INBOUND, PeerType::OUTBOUND, PeerType::PREFERRED})
      sources_.emplace(type, std::make_unique<RandomPeerSource>(table_, RandomPeerSource::nextAttemptCutoff(type)));
  }

  PeerManager& table() { return table_; }

  // changed: Database::initialize calls PeerManager::maybeDropAndCreateNew(session), which there is not: the table
  // makes its file when it is opened, and forgets its peers by this.
  void newDatabase() { table_.dropAll(); }

  // OverlayManagerImpl::resolvePeers and storePeerList: how many lines of the configuration are of no use
  int configure(std::vector<std::string> const& lines, PeerType type) {
    int useless = 0;
    for (std::string const& line : lines) try {
        table_.update(PeerBareAddress::resolve(line, app_), type, false, PeerManager::BackOffUpdate::HARD_RESET);
      } catch (std::runtime_error const&) {
        ++useless;
      }
    return useless;
  }

  // OverlayManagerImpl::purgeDeadPeers
  void purge() { table_.removePeersWithManyFailures(Config::REALLY_DEAD_NUM_FAILURES_CUTOFF); }

  // OverlayManagerImpl::getPeersToConnectTo
  std::vector<PeerBareAddress> toDial(std::size_t most, PeerType type) {
    return sources_.at(type)->getRandomPeers(most, [&](PeerBareAddress const& candidate) {
      return std::none_of(open_.begin(), open_.end(), [&](auto const& peer) { return peer->address == candidate; });
    });
  }

  // OverlayManagerImpl::connectToImpl, TCPPeer::initiate, which demands the type, and Peer::initialize
  std::shared_ptr<Connection> dial(PeerBareAddress const& address) {
    table_.update(address, PeerManager::BackOffUpdate::INCREASE);
    CHECK(address.getType() == PeerBareAddress::Type::IPv4);
    return open_.emplace_back(std::make_shared<Connection>(Connection{address, true}));
  }

  // TCPPeer::accept: the port is not known before HELLO
  std::shared_ptr<Connection> accept(std::string const& ip) {
    return open_.emplace_back(std::make_shared<Connection>(Connection{PeerBareAddress{ip, 0}, false}));
  }

  // Peer::recvHello, updatePeerRecordAfterEcho and updatePeerRecordAfterAuthentication
  void hello(Connection& peer, unsigned short port) {
    peer.address = PeerBareAddress{peer.address.getIP(), port};
    if (port == 0) return;
    table_.update(peer.address, peer.dialled ? PeerType::OUTBOUND : PeerType::INBOUND, /* preferredTypeKnown */ true);
    if (peer.dialled) table_.update(peer.address, PeerManager::BackOffUpdate::RESET);
  }

  // OverlayManagerImpl::removePeer, also for a connection without HELLO
  void hangUp(std::shared_ptr<Connection> const& peer) {
    open_.erase(std::remove(open_.begin(), open_.end(), peer), open_.end());
    table_.removePeersWithManyFailures(Config::REALLY_DEAD_NUM_FAILURES_CUTOFF, &peer->address);
  }

  // Peer::sendPeers, whose number is a uint32
  std::vector<PeerAddress> tell(Connection const& peer, std::uint32_t most = 50) {
    std::vector<PeerAddress> message;
    for (auto const& address : table_.getPeersToSend(most, peer.address)) message.push_back(toXdr(address));
    return message;
  }

  // Peer::recvPeers
  void hear(Connection const& from, std::vector<PeerAddress> const& message) {
    Config const& config = app_.getConfig();
    PeerBareAddress const self{from.address.getIP(), config.PEER_PORT};
    for (PeerAddress const& told : message) {
      if (told.ip.type() == IPv6 || told.port == 0 || told.port > 65535) continue;
      PeerBareAddress const address{told};
      bool const isUseless = address == self || (address.isPrivate() && !config.ALLOW_PRIVATE_ADDRESSES_FOR_TESTING) ||
                             (address.isLocalhost() && !config.ALLOW_LOCALHOST_FOR_TESTING);
      if (!isUseless) table_.ensureExists(address);
    }
  }

private:
  Application& app_;
  PeerManager table_;
  std::map<PeerType, std::unique_ptr<RandomPeerSource>> sources_;
  std::vector<std::shared_ptr<Connection>> open_;
};

PeerAddress onWire(std::array<std::uint8_t, 4> const& ip, std::uint32_t port) {
  PeerAddress result;
  result.ip.type(stellar::testing::IPv4);
  result.ip.ipv4() = ip;
  result.port = port;
  return result;
}

struct Node {
  check::Directory directory;
  Application app;
  std::unique_ptr<Overlay> overlay;

  Node() { restart(); }
  void restart() {
    app.getConfig().PEER_DATABASE = directory.file("peers.db");
    overlay.reset();
    overlay = std::make_unique<Overlay>(app);
  }
  PeerManager& table() { return overlay->table(); }
  std::map<PeerBareAddress, int> types() {
    std::map<PeerBareAddress, int> result;
    for (auto const& [address, record] : table().loadAllPeers()) result.emplace(address, record.mType);
    return result;
  }
};

TEST(call_sites_a_connection_that_was_accepted_has_no_port_before_hello) {
  Node node;
  node.table().store(PeerBareAddress("9.9.9.9", 1), {{}, 120, INBOUND}, false);
  node.table().store(PeerBareAddress("9.9.9.9", 2), {{}, 119, INBOUND}, false);
  node.table().store(PeerBareAddress("9.9.9.8", 1), {{}, 120, INBOUND}, false);
  auto const peer = node.overlay->accept("9.9.9.9");
  CHECK(node.overlay->tell(*peer).empty());
  node.overlay->hangUp(peer);
  CHECK(!knows(node.table(), PeerBareAddress("9.9.9.9", 1)) && knows(node.table(), PeerBareAddress("9.9.9.9", 2)));
  CHECK(knows(node.table(), PeerBareAddress("9.9.9.8", 1)));
  node.overlay->hangUp(std::make_shared<Connection>());  // the empty address
  CHECK(node.types().size() == 2);

  auto const greeted = node.overlay->accept("9.9.9.7");
  node.overlay->hello(*greeted, 11625);
  CHECK(node.table().load(PeerBareAddress("9.9.9.7", 11625)).first.mType == INBOUND);
  auto const liar = node.overlay->accept("9.9.9.6");
  node.overlay->hello(*liar, 0);
  node.overlay->hangUp(liar);
  CHECK(node.types().size() == 3);
}

TEST(call_sites_a_node_hears_dials_tells_and_restarts) {
  Node node;
  CHECK(node.overlay->configure({"9.9.9.1:11625", "9.9.9.2", "not an address"}, PeerType::OUTBOUND) == 1);
  PeerBareAddress const good("9.9.9.1", 11625);
  PeerBareAddress const bad("9.9.9.2", 11625);
  CHECK(node.overlay->toDial(8, PeerType::OUTBOUND).size() == 2);

  auto const first = node.overlay->dial(good);
  CHECK(node.table().load(good).first.mNumFailures == 1);
  node.overlay->hello(*first, 11625);
  CHECK(node.table().load(good).first.mNumFailures == 0 && node.types().at(good) == OUTBOUND);
  node.overlay->hangUp(node.overlay->dial(bad));
  CHECK(node.table().load(bad).first.mNumFailures == 1);

  PeerAddress other = onWire({9, 9, 9, 9}, 1);
  other.ip.type(IPv6);
  node.overlay->hear(*first, {onWire({9, 9, 9, 3}, 3), onWire({9, 9, 9, 4}, 0), onWire({9, 9, 9, 5}, 65536), other,
                              onWire({10, 0, 0, 1}, 1), onWire({9, 9, 9, 1}, 11625), onWire({127, 0, 0, 1}, 1)});
  PeerBareAddress const heard("9.9.9.3", 3);
  CHECK(node.types() == std::map<PeerBareAddress, int>{{good, OUTBOUND}, {bad, OUTBOUND}, {heard, INBOUND}});
  auto const told = node.overlay->tell(*first);
  CHECK(told.size() == 2 && told[0].ip.ipv4()[3] == 2 && told[1].ip.ipv4()[3] == 3 && told[1].port == 3);
  CHECK(node.overlay->toDial(0, PeerType::INBOUND).empty());
  CHECK(node.overlay->toDial(8, PeerType::INBOUND) == std::vector{heard});
  auto const connection = node.overlay->dial(heard);
  node.app.getClock().now += std::chrono::hours(1);
  CHECK(node.overlay->toDial(8, PeerType::INBOUND).empty());
  node.overlay->hangUp(connection);
  CHECK(node.overlay->toDial(8, PeerType::INBOUND) == std::vector{heard});

  auto const before = node.types();
  node.restart();
  CHECK(node.types() == before);
  for (int n = 0; n < 119; ++n) node.table().update(bad, PeerManager::BackOffUpdate::INCREASE);
  node.overlay->purge();
  CHECK(node.types() == std::map<PeerBareAddress, int>{{good, OUTBOUND}, {heard, INBOUND}});
  node.overlay->newDatabase();
  CHECK(node.types().empty());
}

TEST(call_sites_a_network_of_tests_has_private_addresses) {
  Node node;
  node.app.getConfig().ALLOW_PRIVATE_ADDRESSES_FOR_TESTING = true;
  node.app.getConfig().ALLOW_LOCALHOST_FOR_TESTING = true;
  node.restart();
  auto const peer = node.overlay->accept("9.9.9.9");
  node.overlay->hear(*peer, {onWire({10, 0, 0, 1}, 1), onWire({127, 0, 0, 1}, 2)});
  CHECK(node.overlay->tell(*peer).size() == 2);
  node.app.getConfig().ALLOW_PRIVATE_ADDRESSES_FOR_TESTING = false;
  node.restart();
  auto const told = node.overlay->tell(*peer);
  CHECK(told.size() == 1 && told[0].ip.ipv4()[0] == 127);
}

// changed: stellar-core logs what its database fails with, and goes on.
TEST(call_sites_a_database_that_fails_is_thrown) {
  Node node;
  PeerBareAddress const peer("9.9.9.9", 1);
  node.table().ensureExists(peer);
  CHECK(std::filesystem::remove(node.directory.file("peers.db")));
  THROWS(peermanager::Status::Database, "", node.table().update(peer, PeerManager::BackOffUpdate::INCREASE));
  THROWS(peermanager::Status::Database, "",
         node.overlay->hear(*node.overlay->accept("9.9.9.7"), {onWire({9, 9, 9, 8}, 1)}));
  CHECK(node.table().load(peer).first.mNumFailures == 0 && node.types().size() == 1);
}

// changed: the peers of a node that has run before come from its file, once.
TEST(call_sites_peers_of_another_file_are_taken_over) {
  Node before;
  before.table().store(PeerBareAddress("9.9.9.9", 1), {{}, 7, OUTBOUND}, false);
  Node node;
  CHECK(node.table().manager().import_from(before.directory.file("peers.db")) == 1);
  CHECK(node.table().loadAllPeers() == before.table().loadAllPeers());
}

}  // namespace
