// One replica as a process of its own: a write-ahead log in a directory, peers over TCP. Each line of its input is a
// number to add; each answer is a line of its output.
//
//   server 1 data1 127.0.0.1:7101 127.0.0.1:7102 127.0.0.1:7103      and likewise 2 and 3
//
// When node 3 has lost its disk, and comes back with an empty one (docs/operating.md says when it may), the others are
// each started once with `--forget 3` before their usual arguments.
#include <unistd.h>

#include <iostream>
#include <random>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>

#include "counter.hpp"
#include "keel/asio/executor.hpp"
#include "keel/asio/tcp_transport.hpp"
#include "keel/node/node.hpp"
#include "keel/storage/admission.hpp"
#include "keel/storage/data_directory.hpp"
#include "keel/storage/posix_disk.hpp"
#include "keel/storage/write_ahead_log.hpp"

namespace asio = boost::asio;
using namespace keel;

class Server {
 public:
  Server(NodeId id, const std::string& data, std::vector<Member> members, NodeId forget)
      : address_(members.at(id.value() - 1).address), genesis_(make_genesis("hello", std::move(members))) {
    std::random_device random;
    disk_ = check(PosixDisk::open(data, executor_));
    const DirectoryIdentity mine{genesis_.cluster_id(), "hello", GroupId(), id, Incarnation(random())};
    const DirectoryIdentity identity = check(open_data_directory(*disk_, mine));  // locks it
    peers_.emplace(check(PeerBook::open(*disk_)));
    const bool first_start = peers_->peers().empty();
    if (peers_->peers().contains(forget)) check(peers_->forget(forget));

    TcpOptions tcp;
    tcp.self = {.cluster = identity.cluster,
                .cluster_name = "hello",
                .node = id,
                .expects = nobody,
                .incarnation = identity.incarnation,
                .member_data = {}};
    for (const Member& member : genesis_.configuration.members)  // where they are now, whatever the log remembers
      tcp.addresses[member.id] = member.address;
    // A voter that comes back without its disk has forgotten its promises, and must not be let in.
    tcp.admit = [this](const wire::Hello& peer) { return admit(node_->raft(), *peers_, peer.node, peer.incarnation); };
    tcp.log = [](TcpLogLevel, std::string_view line) { std::cerr << line << "\n"; };
    transport_.emplace(executor_, tcp);

    const auto start = [&](bool bootstrap) {
      const LogIdentity whose{identity.cluster, GroupId(), id};
      log_.emplace(*disk_, executor_, WriteAheadLogOptions{.salt_seed = random()}, whose);
      const NodeOptions options{.raft = {.id = id, .seed = random()}};
      const Pilot pilot{.transport = *transport_, .log = *log_, .machine = counter_};
      return bootstrap ? Node::bootstrap(genesis_, options, pilot, executor_) : Node::start(options, pilot, executor_);
    };
    auto node = start(false);
    if (!node && node.error().code == ErrorCode::not_found && first_start) node = start(true);
    node_ = check(std::move(node));
  }

  void run() {
    check(transport_->listen(address_));
    read_line();
    loop_.run();
    node_->stop();
  }

 private:
  template <class T>
  static T check(Result<T> result) {
    if (result) return std::move(result).value();
    std::cerr << result.error().message << "\n";
    std::exit(1);
  }
  static void check(const Result<void>& result) {
    if (!result) check(Result<int>(std::unexpected(result.error())));
  }

  void read_line() {
    asio::async_read_until(input_, buffer_, '\n', [this](boost::system::error_code end, std::size_t) {
      if (end) return loop_.stop();
      std::string line;
      std::getline(std::istream(&buffer_), line);
      submit(line);
    });
  }

  // The command is in no log, so it is safe to try again; and soon somebody leads, or there is room.
  static bool passes(ErrorCode code) {
    return code == ErrorCode::no_leader || code == ErrorCode::not_leader || code == ErrorCode::overloaded;
  }

  void submit(const std::string& line) {
    node_->submit(std::as_bytes(std::span(line)), {}, [this, line](Result<Applied> result) {
      if (!result && passes(result.error().code)) {
        executor_.at(executor_.now() + std::chrono::milliseconds(50), [this, line] { submit(line); });
        return;
      }
      std::cout << (result ? result->reply : "error: " + result.error().message) << std::endl;
      read_line();
    });
  }

  asio::io_context loop_;
  AsioExecutor executor_{loop_};
  std::string address_;
  Genesis genesis_;
  Counter counter_;
  std::unique_ptr<PosixDisk> disk_;
  std::optional<PeerBook> peers_;
  std::optional<WriteAheadLog> log_;
  std::optional<TcpTransport> transport_;
  std::unique_ptr<Node> node_;
  asio::posix::stream_descriptor input_{loop_, ::dup(STDIN_FILENO)};
  asio::streambuf buffer_;
};

int main(int argc, char** argv) {
  std::vector<std::string> args(argv + 1, argv + argc);
  NodeId forget = nobody;
  if (args.size() > 1 && args[0] == "--forget") {
    forget = NodeId(std::stoull(args[1]));
    args.erase(args.begin(), args.begin() + 2);
  }
  if (args.size() < 3) {
    std::cerr << "usage: server [--forget ID] ID DIRECTORY ADDRESS...\n";
    return 2;
  }
  std::vector<Member> members;
  for (std::size_t i = 2; i < args.size(); ++i)
    members.push_back({.id = NodeId(i - 1), .address = args[i]});
  Server(NodeId(std::stoull(args[0])), args[1], std::move(members), forget).run();
}
