#pragma once

#include <optional>
#include <string>

#include "asio/message_reader.hpp"
#include "asio/tcp_connection.hpp"

namespace keel {

// A connection that was accepted: we receive on it.
class TcpInbound final : public TcpConnection {
 public:
  TcpInbound(TcpHub& hub, Socket socket);

  void start();
  // Who it is, once the handshake is done; nobody before.
  [[nodiscard]] NodeId peer() const { return peer_; }

 private:
  void lost(const std::string& why) override;
  void unreadable(const Error& error) override;
  void end() override;
  void on_hello(ByteView bytes);
  void on_welcome(NodeId peer, ByteView bytes);
  void read();
  void on_bytes(std::size_t count);
  void senseless(const Error& error);
  [[nodiscard]] std::string who() const;

  std::string address_;  // of the other end, as numbers
  std::string host_;     // the same without its port, which changes: strangers are told apart by it
  NodeId peer_{};
  MessageReader reader_;
};

}  // namespace keel
