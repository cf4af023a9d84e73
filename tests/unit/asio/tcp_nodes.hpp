#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include "asio_loop.hpp"
#include "keel/asio/tcp_transport.hpp"
#include "keel/wire/codec.hpp"
#include "transport_messages.hpp"

// Nodes on TCP, and a socket in the test's own hand that plays a peer.

namespace keel::test {

inline wire::Hello hello_of(NodeId node) {
  return {.cluster = conformance_cluster,
          .cluster_name = "conformance",
          .node = node,
          .expects = {},
          .incarnation = Incarnation(100 + node.value()),
          .member_data = {}};
}

// A transport with its receiver and what it logged.
struct TcpNode {
  explicit TcpNode(AsioExecutor& executor, TcpOptions options)
      : transport(executor, with_log(std::move(options))), receiver(never_inside) {
    transport.attach(first_group, receiver);
  }

  [[nodiscard]] bool logged(std::string_view text) const {
    return std::ranges::any_of(lines, [&](const std::string& line) { return line.find(text) != line.npos; });
  }
  [[nodiscard]] TcpPeerStats peer(NodeId id) const {
    for (const TcpPeerStats& each : transport.stats().peers) {
      if (each.peer == id) return each;
    }
    ADD_FAILURE() << "no statistics of node " << id.value();
    return {};
  }
  void knows(NodeId id, const std::string& address) {
    const std::vector<Member> members{{.id = id, .address = address}};
    transport.members(first_group, members);
  }
  void send(PeerMessage message) {
    transport.send(std::move(message));
    transport.flush();
  }

  bool never_inside = false;
  std::vector<std::string> lines;
  TcpTransport transport;
  RecordingReceiver receiver;

 private:
  TcpOptions with_log(TcpOptions options) {
    options.log = [this](TcpLogLevel, std::string_view line) { lines.emplace_back(line); };
    return options;
  }
};

// A peer played by the test: whatever bytes it likes, at whatever time.
class Stranger {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  explicit Stranger(Socket socket) : state_(std::make_shared<State>(std::move(socket))) { read(state_); }
  Stranger(boost::asio::io_context& context, const std::string& address) : Stranger(connected(context, address)) {}

  void send(ByteView bytes) { boost::asio::write(state_->socket, boost::asio::buffer(bytes.data(), bytes.size())); }
  void send(std::string_view text) { send(std::as_bytes(std::span(text))); }
  void shut_down_sending() { state_->socket.shutdown(Socket::shutdown_send); }
  void close() { state_->socket.close(); }

  // All that came, and whether the other side has closed.
  [[nodiscard]] ByteView received() const { return state_->received; }
  [[nodiscard]] bool ended() const { return state_->ended; }

  // The greetings that came, one after the other.
  [[nodiscard]] std::vector<ByteView> greetings() const {
    std::vector<ByteView> found;
    ByteView rest = received();
    while (rest.size() >= wire::handshake_prefix_bytes) {
      const auto size = wire::handshake_size(rest);
      if (!size || rest.size() < *size) break;
      found.push_back(rest.first(*size));
      rest = rest.subspan(*size);
    }
    return found;
  }

 private:
  struct State {
    explicit State(Socket s) : socket(std::move(s)) {}
    Socket socket;
    std::array<std::byte, 4096> buffer{};
    std::vector<std::byte> received;
    bool ended = false;
  };

  static Socket connected(boost::asio::io_context& context, const std::string& address) {
    const auto colon = address.rfind(':');
    Socket socket(context);
    socket.connect({boost::asio::ip::make_address(address.substr(0, colon)),
                    static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)))});
    return socket;
  }

  static void read(const std::shared_ptr<State>& state) {
    state->socket.async_read_some(
        boost::asio::buffer(state->buffer), [state](const boost::system::error_code& error, std::size_t count) {
          const auto start = state->buffer.begin();
          state->received.insert(state->received.end(), start, start + static_cast<std::ptrdiff_t>(count));
          state->ended = static_cast<bool>(error);
          if (!error) read(state);
        });
  }

  std::shared_ptr<State> state_;
};

// Listens, for a node to dial; remembers who came.
class StrangersPort {
 public:
  explicit StrangersPort(boost::asio::io_context& context)
      : acceptor_(context, {boost::asio::ip::make_address("127.0.0.1"), 0}) {
    accept();
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }
  std::vector<Stranger> callers;

 private:
  void accept() {
    acceptor_.async_accept([this](const boost::system::error_code& error, Stranger::Socket socket) {
      if (error) return;
      callers.emplace_back(std::move(socket));
      accept();
    });
  }
  boost::asio::ip::tcp::acceptor acceptor_;
};

class TcpTest : public testing::Test {
 protected:
  static constexpr NodeId one{1}, two{2};

  static TcpOptions options(NodeId node) {
    TcpOptions options{.self = hello_of(node)};
    options.min_backoff = std::chrono::milliseconds(1);
    options.max_backoff = std::chrono::milliseconds(10);
    return options;
  }
  // Up and listening.
  std::unique_ptr<TcpNode> node(TcpOptions options, const std::string& address = "127.0.0.1:0") {
    auto node = std::make_unique<TcpNode>(executor_, std::move(options));
    const auto listening = node->transport.listen(address);
    EXPECT_TRUE(listening) << listening.error().message;
    return node;
  }
  std::unique_ptr<TcpNode> node(NodeId id) { return node(options(id)); }

  bool run_until(const std::function<bool()>& condition) { return test::run_until(context_, condition); }
  // Sends, every few milliseconds, until it arrives.
  bool deliver(TcpNode& from, TcpNode& to, const PeerMessage& message) {
    TimerId timer{};
    std::function<void()> again = [&] {
      from.send(message);
      timer = executor_.at(executor_.now() + std::chrono::milliseconds(5), again);
    };
    again();
    const bool arrived = run_until([&] { return to.receiver.has(message); });
    executor_.cancel(timer);
    return arrived;
  }
  // A stranger whose handshake as `as` the node accepts.
  Stranger admitted(TcpNode& node, NodeId as) {
    Stranger stranger(context_, node.transport.listening_at());
    stranger.send(wire::encode(hello_of(as)));
    stranger.send(wire::encode(wire::Welcome{}));
    EXPECT_TRUE(run_until([&] { return stranger.greetings().size() == 2; }));
    return stranger;
  }

  boost::asio::io_context context_;
  AsioExecutor executor_{context_};
};

}  // namespace keel::test
