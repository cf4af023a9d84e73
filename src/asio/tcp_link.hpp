#pragma once

#include <cstdint>
#include <memory>
#include <random>
#include <string>

#include "keel/asio/tcp_transport.hpp"
#include "keel/wire/codec.hpp"

namespace keel {

class TcpHub;
class TcpOutbound;

// The way to one peer: what waits to be sent to it, and the connection, which is dialled again whenever it has broken.
class TcpLink {
 public:
  TcpLink(TcpHub& hub, NodeId peer);
  ~TcpLink();
  TcpLink(const TcpLink&) = delete;
  TcpLink& operator=(const TcpLink&) = delete;

  [[nodiscard]] NodeId peer() const { return peer_; }
  [[nodiscard]] const std::string& address() const { return address_; }
  [[nodiscard]] std::string name() const;  // "node 2 at 127.0.0.1:7102"

  // Dials there, if that is news.
  void set_address(const std::string& address);
  // Takes the message, or drops it and reports the peer unreachable.
  void send(const PeerMessage& message);
  void flush();
  // The peer is alive: waits no longer to dial it.
  void encourage();

  // From the connection.
  void up();
  void written();
  void refused(std::string line);
  void unreadable(const Error& error);
  void lost(const std::string& why);
  void down();

  [[nodiscard]] TcpPeerStats& counters() { return counters_; }
  [[nodiscard]] TcpPeerStats stats() const;

 private:
  void dial();
  void dial_later();
  void drop_queue();
  void drop_connection();

  TcpHub& hub_;
  NodeId peer_;
  std::string address_;
  std::shared_ptr<TcpOutbound> connection_;  // null: waiting to dial, or no address
  bool up_ = false;
  Instant up_since_{};
  bool writing_ = false;
  wire::Encoded queue_;
  std::size_t queued_messages_ = 0;
  std::size_t writing_messages_ = 0;
  std::size_t writing_bytes_ = 0;
  TimerId dial_timer_{};
  Duration backoff_;
  std::mt19937_64 random_;
  TcpPeerStats counters_;
};

}  // namespace keel
