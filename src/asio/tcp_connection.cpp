#include "asio/tcp_connection.hpp"

#include <tuple>

#include <boost/asio/error.hpp>
#include <fmt/core.h>

#ifdef __linux__
#include <netinet/tcp.h>
#endif

namespace keel {

void TcpConnection::close() {
  if (std::exchange(closed_, true)) return;
  clear_deadline();
  boost::system::error_code ignored;
  std::ignore = socket_.close(ignored);
}

void TcpConnection::set_socket_options() {
  using boost::asio::ip::tcp;
  boost::system::error_code ignored;  // each is a help, none a must
  std::ignore = socket_.set_option(tcp::no_delay(true), ignored);
  std::ignore = socket_.set_option(tcp::socket::keep_alive(true), ignored);
#ifdef TCP_USER_TIMEOUT
  using UserTimeout = boost::asio::detail::socket_option::integer<IPPROTO_TCP, TCP_USER_TIMEOUT>;
  const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(hub_.options().unacknowledged_timeout);
  std::ignore = socket_.set_option(UserTimeout(static_cast<int>(time.count())), ignored);
#endif
}

void TcpConnection::set_deadline() {
  AsioExecutor& executor = hub_.executor();
  const Duration time = hub_.options().handshake_timeout;
  deadline_ = executor.at(executor.now() + time, [weak = weak_from_this(), time] {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    const auto seconds = std::chrono::duration<double>(time).count();
    self->lost(fmt::format("no complete handshake within {} s", seconds));
  });
}

void TcpConnection::clear_deadline() { hub_.executor().cancel(std::exchange(deadline_, TimerId{})); }

void TcpConnection::refuse(const Error& error) {
  write_greeting(wire::encode(wire::Welcome{error.code, error.message}), [this] {
    boost::system::error_code ignored;
    std::ignore = socket_.shutdown(Socket::shutdown_send, ignored);
    end();
  });
}

std::string TcpConnection::in_words(const boost::system::error_code& error) {
  if (error == boost::asio::error::eof) return "the other side closed the connection";
  return error.message();
}

}  // namespace keel
