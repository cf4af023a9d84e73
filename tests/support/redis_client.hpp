#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keel::test {

// One RESP2 reply.
struct RedisReply {
  char type = '\0';  // + - : $ *, or _ for a null
  std::string text;  // of a status, an error or a bulk string
  std::int64_t integer = 0;
  std::vector<RedisReply> items;

  [[nodiscard]] bool is_error() const { return type == '-'; }
  // The first word of an error, which tells its class.
  [[nodiscard]] std::string_view word() const { return std::string_view(text).substr(0, text.find(' ')); }
};

// A Redis client of a few lines: blocking, each call with a deadline. After a call that got no reply the connection is
// closed: what its command did is not known.
class RedisClient {
 public:
  using Clock = std::chrono::steady_clock;

  explicit RedisClient(std::uint16_t port, std::chrono::milliseconds patience = std::chrono::seconds(10))
      : port_(port), patience_(patience) {}
  ~RedisClient() { close(); }
  RedisClient(const RedisClient&) = delete;
  RedisClient& operator=(const RedisClient&) = delete;

  bool connect() {
    close();
    deadline_ = Clock::now() + patience_;
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
    int error = errno;
    socklen_t size = sizeof error;
    if (error == EINPROGRESS && ready(POLLOUT)) ::getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error == 0) return true;
    close();
    return false;
  }
  [[nodiscard]] bool connected() const { return socket_ >= 0; }
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    input_.clear();
  }

  // Connects if need be. Nothing when no whole reply came in time.
  std::optional<RedisReply> call(const std::vector<std::string>& command) {
    if (!send({command})) return std::nullopt;
    return receive();
  }
  // Several at once.
  bool send(const std::vector<std::vector<std::string>>& commands) {
    std::string bytes;
    for (const auto& command : commands) {
      bytes += "*" + std::to_string(command.size()) + "\r\n";
      for (const std::string& word : command)
        bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    }
    return send_bytes(bytes);
  }
  bool send_bytes(std::string_view bytes) {
    if (!connected() && !connect()) return false;
    deadline_ = Clock::now() + patience_;
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno != EAGAIN || !ready(POLLOUT)) {
        close();
        return false;
      }
    }
    return true;
  }
  std::optional<RedisReply> receive() {
    deadline_ = Clock::now() + patience_;
    auto reply = read_reply();
    if (!reply) close();
    return reply;
  }

 private:
  bool ready(short what) {
    pollfd wanted{.fd = socket_, .events = what, .revents = 0};
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    return left > 0 && ::poll(&wanted, 1, static_cast<int>(left)) == 1;
  }
  bool read_more() {
    std::array<char, 16384> bytes{};
    while (socket_ >= 0) {
      const ssize_t size = ::recv(socket_, bytes.data(), bytes.size(), 0);
      if (size > 0) {
        input_.append(bytes.data(), static_cast<std::size_t>(size));
        return true;
      }
      if (size == 0 || errno != EAGAIN || !ready(POLLIN)) return false;
    }
    return false;
  }
  std::optional<std::string> take(std::size_t size) {
    while (input_.size() < size) {
      if (!read_more()) return std::nullopt;
    }
    std::string bytes = input_.substr(0, size);
    input_.erase(0, size);
    return bytes;
  }
  std::optional<std::string> take_line() {
    std::size_t end = 0;
    while ((end = input_.find("\r\n")) == std::string::npos) {
      if (!read_more()) return std::nullopt;
    }
    auto line = take(end + 2);
    line->resize(end);
    return line;
  }
  std::optional<RedisReply> read_reply() {
    const auto line = take_line();
    if (!line || line->empty()) return std::nullopt;
    RedisReply reply;
    reply.type = line->front();
    const std::string_view rest = std::string_view(*line).substr(1);
    if (reply.type == '+' || reply.type == '-') {
      reply.text = rest;
      return reply;
    }
    std::from_chars(rest.data(), rest.data() + rest.size(), reply.integer);
    if (reply.type == ':') return reply;
    if (reply.integer < 0) {
      reply.type = '_';
      return reply;
    }
    if (reply.type == '$') {
      auto bytes = take(static_cast<std::size_t>(reply.integer) + 2);
      if (!bytes) return std::nullopt;
      bytes->resize(bytes->size() - 2);
      reply.text = std::move(*bytes);
      return reply;
    }
    for (std::int64_t i = 0; i < reply.integer; ++i) {
      auto item = read_reply();
      if (!item) return std::nullopt;
      reply.items.push_back(std::move(*item));
    }
    return reply;
  }

  std::uint16_t port_;
  std::chrono::milliseconds patience_;
  int socket_ = -1;
  Clock::time_point deadline_;
  std::string input_;
};

}  // namespace keel::test
