#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "asio/tcp_connection.hpp"
#include "keel/wire/codec.hpp"

namespace keel {

class TcpLink;

// A connection that was dialled: from looking up the address to the last byte written. We send on it and hear nothing
// but its end.
class TcpOutbound final : public TcpConnection {
 public:
  // Tells `link` of every change until it is closed.
  TcpOutbound(TcpHub& hub, TcpLink& link);

  void dial();
  // Writes all of `out`, gathered, and leaves in it an empty one to be filled meanwhile. One write at a time.
  void write(wire::Encoded& out);

 private:
  using Resolved = boost::asio::ip::tcp::resolver::results_type;

  void lost(const std::string& why) override;
  void unreadable(const Error& error) override;
  void end() override;
  void connect(const Resolved& endpoints);
  void greet();
  void on_welcome(ByteView bytes);
  void on_hello(ByteView bytes);
  void up();
  void watch();
  void write_more();
  void wrote(std::size_t bytes);

  TcpLink& link_;
  boost::asio::ip::tcp::resolver resolver_;
  std::byte unexpected_{};  // read into, so that the connection's end is seen

  wire::Encoded writing_;
  std::size_t piece_ = 0;   // the first of writing_ that has not left whole,
  std::size_t offset_ = 0;  // and how much of it has
  std::vector<boost::asio::const_buffer> window_;
};

}  // namespace keel
