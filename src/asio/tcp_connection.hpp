#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "asio/tcp_hub.hpp"
#include "keel/wire/handshake.hpp"

namespace keel {

// One socket, and what both directions need of it: greetings, a deadline for them, an end. Handlers that wait in the
// loop share the connection; after `close` none of them does anything, and the hub may be gone.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  using Socket = boost::asio::ip::tcp::socket;

  virtual ~TcpConnection() = default;
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  void close();
  [[nodiscard]] bool closed() const { return closed_; }

 protected:
  TcpConnection(TcpHub& hub, Socket socket) : hub_(hub), socket_(std::move(socket)) {}

  // The other side, the system or the deadline ended it: says so and ends.
  virtual void lost(const std::string& why) = 0;
  // What came for a greeting is none of ours.
  virtual void unreadable(const Error& error) = 0;
  // Closes, and lets the owner know.
  virtual void end() = 0;

  // What small messages and silent deaths of machines need.
  void set_socket_options();
  void set_deadline();
  void clear_deadline();

  // A handler for the socket: not called once closed; its errors go to `lost`.
  template <class Then>
  auto handler(Then then) {
    return [self = shared_from_this(), then = std::move(then)](const boost::system::error_code& error,
                                                               const auto&... results) mutable {
      if (self->closed_) return;
      if (error) return self->lost(in_words(error));
      then(results...);
    };
  }

  // Greetings are read to their last byte and no further: messages may follow.
  template <class Then>
  void read_greeting(Then then) {
    heard_.resize(wire::handshake_prefix_bytes);
    boost::asio::async_read(socket_, boost::asio::buffer(heard_),
                            handler([this, then = std::move(then)](std::size_t) mutable {
                              const auto size = wire::handshake_size(heard_);
                              if (!size) return unreadable(size.error());
                              read_rest_of_greeting(*size, std::move(then));
                            }));
  }

  template <class Then>
  void write_greeting(std::vector<std::byte> bytes, Then then) {
    spoken_ = std::move(bytes);
    boost::asio::async_write(socket_, boost::asio::buffer(spoken_),
                             handler([then = std::move(then)](std::size_t) mutable { then(); }));
  }

  // Tells the other side why, and ends.
  void refuse(const Error& error);

  [[nodiscard]] static std::string in_words(const boost::system::error_code& error);

  TcpHub& hub_;
  Socket socket_;

 private:
  template <class Then>
  void read_rest_of_greeting(std::size_t size, Then then) {
    heard_.resize(size);
    boost::asio::async_read(socket_, boost::asio::buffer(heard_) + wire::handshake_prefix_bytes,
                            handler([this, then = std::move(then)](std::size_t) mutable { then(ByteView(heard_)); }));
  }

  std::vector<std::byte> heard_;   // the greeting being read
  std::vector<std::byte> spoken_;  // the one being written
  TimerId deadline_{};
  bool closed_ = false;
};

}  // namespace keel
