#include "asio/tcp_outbound.hpp"

#include <algorithm>

#include <boost/asio/connect.hpp>
#include <boost/asio/ip/address.hpp>
#include <fmt/core.h>

#include "asio/tcp_address.hpp"
#include "asio/tcp_link.hpp"

namespace keel {

namespace {

constexpr std::size_t max_gathered = 64;  // pieces in one system call: as many as Asio passes on

}  // namespace

TcpOutbound::TcpOutbound(TcpHub& hub, TcpLink& link)
    : TcpConnection(hub, Socket(hub.executor().context())), link_(link), resolver_(hub.executor().context()) {}

void TcpOutbound::dial() {
  set_deadline();
  const auto address = split_address(link_.address());
  if (!address) return lost(address.error().message);
  boost::system::error_code not_a_number;
  const auto number = boost::asio::ip::make_address(address->host, not_a_number);
  if (!not_a_number) {
    const auto port = static_cast<std::uint16_t>(std::stoul(address->port));
    return connect(Resolved::create({number, port}, address->host, address->port));
  }
  resolver_.async_resolve(address->host, address->port, handler([this](const Resolved& found) { connect(found); }));
}

void TcpOutbound::connect(const Resolved& endpoints) {
  boost::asio::async_connect(socket_, endpoints, handler([this](const auto&) { greet(); }));
}

void TcpOutbound::greet() {
  set_socket_options();
  write_greeting(wire::encode(hub_.hello_to(link_.peer())),
                 [this] { read_greeting([this](ByteView bytes) { on_welcome(bytes); }); });
}

void TcpOutbound::on_welcome(ByteView bytes) {
  const auto welcome = wire::decode_welcome(bytes);
  if (!welcome) return unreadable(welcome.error());
  if (!welcome->reason.empty()) {
    link_.refused(fmt::format("{} refuses this node: {}", link_.name(), welcome->reason));
    if (const auto& tell = hub_.options().refused_by) tell(link_.peer(), {welcome->refusal, welcome->reason});
    return end();
  }
  read_greeting([this](ByteView hello) { on_hello(hello); });
}

void TcpOutbound::on_hello(ByteView bytes) {
  const auto hello = wire::decode_hello(bytes);
  if (!hello) return unreadable(hello.error());
  if (const auto fits = hub_.check(*hello, link_.peer()); !fits) {
    link_.refused(fmt::format("refused {}: {}", link_.name(), fits.error().message));
    return refuse(fits.error());
  }
  write_greeting(wire::encode(wire::Welcome{}), [this] { up(); });
}

void TcpOutbound::up() {
  clear_deadline();
  watch();
  link_.up();
}

// Nothing comes on this connection after the handshake, but its end does.
void TcpOutbound::watch() {
  socket_.async_read_some(boost::asio::buffer(&unexpected_, 1), handler([this](std::size_t) {
                            unreadable({ErrorCode::corrupt, "bytes on a connection that only this side writes to"});
                          }));
}

void TcpOutbound::write(wire::Encoded& out) {
  writing_.clear();
  writing_.swap(out);
  piece_ = 0;
  offset_ = 0;
  write_more();
}

void TcpOutbound::write_more() {
  const auto& pieces = writing_.pieces();
  const std::size_t count = std::min(pieces.size() - piece_, max_gathered);
  window_.clear();
  for (const ByteView piece : std::span(pieces).subspan(piece_, count))
    window_.emplace_back(piece.data(), piece.size());
  window_.front() += offset_;
  socket_.async_write_some(std::span<const boost::asio::const_buffer>(window_),
                           handler([this](std::size_t bytes) { wrote(bytes); }));
}

void TcpOutbound::wrote(std::size_t bytes) {
  const auto& pieces = writing_.pieces();
  for (offset_ += bytes; piece_ < pieces.size() && offset_ >= pieces[piece_].size(); ++piece_) {
    offset_ -= pieces[piece_].size();
  }
  if (piece_ < pieces.size()) return write_more();
  link_.written();
}

void TcpOutbound::unreadable(const Error& error) {
  link_.unreadable(error);
  end();
}

void TcpOutbound::lost(const std::string& why) {
  link_.lost(why);
  end();
}

void TcpOutbound::end() {
  const auto self = shared_from_this();  // the link lets go of us
  resolver_.cancel();
  close();
  link_.down();
}

}  // namespace keel
