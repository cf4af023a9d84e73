#include "keel/asio/tcp_transport.hpp"

#include <utility>

#include "asio/tcp_hub.hpp"

namespace keel {

TcpTransport::TcpTransport(AsioExecutor& executor, TcpOptions options)
    : hub_(std::make_shared<TcpHub>(executor, std::move(options))) {}

TcpTransport::~TcpTransport() { stop(); }

Result<void> TcpTransport::listen(std::string_view address) { return hub_->listen(address); }
std::string TcpTransport::listening_at() const { return hub_->listening_at(); }
void TcpTransport::attach(GroupId group, TransportReceiver& receiver) { hub_->attach(group, receiver); }
void TcpTransport::detach(GroupId group) { hub_->detach(group); }
void TcpTransport::send(PeerMessage message) { hub_->send(message); }
void TcpTransport::flush() { hub_->flush(); }
void TcpTransport::members(GroupId group, std::span<const Member> members) { hub_->members(group, members); }
void TcpTransport::stop() { hub_->stop(); }
TcpStats TcpTransport::stats() const { return hub_->stats(); }

}  // namespace keel
