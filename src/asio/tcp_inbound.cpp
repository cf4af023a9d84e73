#include "asio/tcp_inbound.hpp"

#include <fmt/core.h>

#include "asio/tcp_address.hpp"

namespace keel {

TcpInbound::TcpInbound(TcpHub& hub, Socket socket)
    : TcpConnection(hub, std::move(socket)), reader_(hub.options().self.cluster) {
  boost::system::error_code error;
  const auto endpoint = socket_.remote_endpoint(error);
  address_ = error ? "an unknown address" : to_address(endpoint);
  host_ = error ? address_ : endpoint.address().to_string();
}

void TcpInbound::start() {
  set_socket_options();
  set_deadline();
  read_greeting([this](ByteView bytes) { on_hello(bytes); });
}

void TcpInbound::on_hello(ByteView bytes) {
  const auto hello = wire::decode_hello(bytes);
  if (!hello) return unreadable(hello.error());
  if (const auto fits = hub_.check(*hello, nobody); !fits) {
    hub_.log(TcpLogLevel::warning, fmt::format("refused {}", host_),
             fmt::format("refused a connection of node {} from {}: {}", hello->node.value(), address_,
                         fits.error().message));
    hub_.turned_away(false);
    return refuse(fits.error());
  }
  auto answer = wire::encode(wire::Welcome{});
  const auto ours = wire::encode(hub_.hello_to(hello->node));
  answer.insert(answer.end(), ours.begin(), ours.end());
  write_greeting(std::move(answer), [this, peer = hello->node] {
    read_greeting([this, peer](ByteView welcome) { on_welcome(peer, welcome); });
  });
}

void TcpInbound::on_welcome(NodeId peer, ByteView bytes) {
  const auto welcome = wire::decode_welcome(bytes);
  if (!welcome) return unreadable(welcome.error());
  if (!welcome->reason.empty()) {
    hub_.log(
        TcpLogLevel::warning, fmt::format("refuses {}", host_),
        fmt::format("node {}, which dialled from {}, refuses this node: {}", peer.value(), address_, welcome->reason));
    hub_.turned_away(false);
    if (const auto& tell = hub_.options().refused_by) tell(peer, {welcome->refusal, welcome->reason});
    return end();
  }
  clear_deadline();
  peer_ = peer;
  hub_.heard(*this, peer);
  read();
}

void TcpInbound::read() {
  const auto room = reader_.room();
  socket_.async_read_some(boost::asio::buffer(room.data(), room.size()),
                          handler([this](std::size_t count) { on_bytes(count); }));
}

// Everything that has arrived is handed on before more is read: the node feeds all of it, then pumps once.
void TcpInbound::on_bytes(std::size_t count) {
  reader_.filled(count);
  hub_.counters(peer_).received_bytes += count;
  for (;;) {
    auto next = reader_.next();
    if (!next) return senseless(next.error());
    if (!*next) break;
    PeerMessage& message = **next;
    if (message.from != peer_ || message.to != hub_.options().self.node) {
      return senseless({ErrorCode::wrong_node, fmt::format("a message from node {} to node {} on this connection",
                                                           message.from.value(), message.to.value())});
    }
    ++hub_.counters(peer_).received_messages;
    hub_.deliver(std::move(message));
    if (closed()) return;
  }
  read();
}

void TcpInbound::senseless(const Error& error) {
  hub_.log(TcpLogLevel::warning, fmt::format("senseless {}", peer_.value()),
           fmt::format("closed the connection of {}: it sent what makes no sense: {}", who(), error.message));
  ++hub_.counters(peer_).undecodable;
  end();
}

void TcpInbound::unreadable(const Error& error) {
  hub_.log(TcpLogLevel::warning, fmt::format("unreadable {}", host_),
           fmt::format("refused a connection from {}: {}", address_, error.message));
  hub_.turned_away(true);
  // One that speaks another version of ours can read why; anybody else could not.
  if (error.code == ErrorCode::wrong_version) return refuse(error);
  end();
}

void TcpInbound::lost(const std::string& why) {
  const auto level = peer_ == nobody ? TcpLogLevel::warning : TcpLogLevel::info;
  hub_.log(level, fmt::format("lost {} {}", peer_.value(), peer_ == nobody ? host_ : ""),
           fmt::format("the connection of {} has ended: {}", who(), why));
  end();
}

void TcpInbound::end() {
  const auto self = shared_from_this();  // the hub lets go of us
  close();
  hub_.gone(*this);
}

std::string TcpInbound::who() const {
  if (peer_ == nobody) return fmt::format("an unknown node from {}", address_);
  return fmt::format("node {} from {}", peer_.value(), address_);
}

}  // namespace keel
