#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "keel/asio/executor.hpp"
#include "keel/port/transport.hpp"
#include "keel/wire/handshake.hpp"

namespace keel {

class TcpHub;

enum class TcpLogLevel : std::uint8_t { info, warning };

struct TcpOptions {
  wire::Hello self;  // how this node introduces itself; `expects` is filled in

  // Instead of what the configuration says: "host:port", "[::1]:port".
  std::map<NodeId, std::string> addresses = {};

  // The last word on a peer whose cluster, node id and formats are right, on connections of either direction: a node
  // that remembers its peers' incarnations refuses one that has lost its disk. The error's message goes to both logs.
  std::function<Result<void>(const wire::Hello&)> admit = {};

  // A peer has refused this node, and says why, each time that it does; `wrong_incarnation` is for good.
  std::function<void(NodeId peer, const Error& why)> refused_by = {};

  // One line about a connection, at most one of a kind in ten seconds. None of these three calls the transport.
  std::function<void(TcpLogLevel, std::string_view)> log = {};

  // What may wait for one peer, beside as much again that is being written; past either, all that waits is dropped.
  std::size_t max_queued_messages = 1u << 16;
  std::size_t max_queued_bytes = 64u << 20;

  std::size_t max_connections = 256;  // accepted ones at a time, strangers included

  // From dialling, or accepting, until the handshake is done.
  Duration handshake_timeout = std::chrono::seconds(3);
  // Then the peer's machine is taken to be gone (Linux). 0: as long as the system waits by itself.
  Duration unacknowledged_timeout = std::chrono::seconds(10);
  Duration min_backoff = std::chrono::milliseconds(50);  // between dialling a peer and dialling it again,
  Duration max_backoff = std::chrono::seconds(1);        // doubled until a connection lasts
  std::uint64_t seed = 0;                                // of the backoff's jitter
};

// Errors: `invalid`, naming the option, its value and what is allowed.
[[nodiscard]] Result<void> validate(const TcpOptions& options);

struct TcpPeerStats {
  NodeId peer;  // `nobody`: all together that no configuration names
  std::string address;
  bool connected = false;  // our connection to it is up: we can send
  bool heard = false;      // its connection to us is up
  std::size_t queued_messages = 0;
  std::size_t queued_bytes = 0;
  std::uint64_t sent_messages = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t received_messages = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t dropped_messages = 0;  // nowhere to send them, past a bound, or (perhaps) with a broken connection
  std::uint64_t connects = 0;          // how often our connection came up
  std::uint64_t refused = 0;           // handshakes, by either side
  std::uint64_t undecodable = 0;       // connections closed because of bytes that are no message
};

struct TcpStats {
  std::vector<TcpPeerStats> peers;
  std::size_t connections = 0;    // accepted, now
  std::uint64_t refused = 0;      // accepted connections of strangers and strays, those past the bound included
  std::uint64_t undecodable = 0;  // accepted connections whose first words were not Keel's
  std::uint64_t unclaimed = 0;    // messages for a group that nobody attached
};

// Carries messages over TCP. Each node dials each peer that a configuration names and sends on the connection that it
// dialled; it receives on those that it accepted. So a pair of nodes has two connections, each with one writer.
//
// A connection begins with a handshake: the dialler's Hello; the other's Welcome and its own Hello; the dialler's
// Welcome. Either may refuse, and says why. Then length-prefixed messages follow, as wire::encode makes them.
// Everything sent since the last flush leaves in one gathered write. A broken connection is dialled again, with backoff
// and jitter, at once when the peer has dialled us. Bytes that are no message close their connection and do nothing
// else. Silence is not an error here: whether a peer lives is Raft's to judge.
//
// Made, used and destroyed on the executor's thread; not destroyed from inside a receiver's call (`stop` may be).
class TcpTransport final : public Transport {
 public:
  // With options that `validate` refuses it is made, and does nothing: `listen` returns why, nobody is dialled.
  TcpTransport(AsioExecutor& executor, TcpOptions options);
  ~TcpTransport() override;  // stops
  TcpTransport(const TcpTransport&) = delete;
  TcpTransport& operator=(const TcpTransport&) = delete;

  // Accepts connections at "host:port"; port 0 takes any that is free. Errors: `invalid` (not an address; options that
  // do not fit), `io` (port taken, no such interface), in words for the person who chose the address; `exists` (it
  // listens already); `stopping`. Waits for a name's address.
  [[nodiscard]] Result<void> listen(std::string_view address);
  // Where it listens, as numbers: "127.0.0.1:7101". Empty when it does not.
  [[nodiscard]] std::string listening_at() const;

  void attach(GroupId group, TransportReceiver& receiver) override;
  void detach(GroupId group) override;
  void send(PeerMessage message) override;
  void flush() override;
  void members(GroupId group, std::span<const Member> members) override;

  // Closes every socket. After it returns no receiver is called, nor `admit`, `refused_by` and `log`.
  void stop();

  [[nodiscard]] TcpStats stats() const;

 private:
  std::shared_ptr<TcpHub> hub_;
};

}  // namespace keel
