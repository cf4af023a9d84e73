#include "keel-bench/resp_load.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>

#include "keel-bench/interrupt.hpp"

namespace bench {

using keel::ErrorCode;
using keel::Result;

void write_digits(char* at, std::uint64_t number) {
  for (std::size_t digit = key_digits; digit-- > 0; number /= 10)
    at[digit] = static_cast<char>('0' + number % 10);
}

namespace {

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

std::unexpected<keel::Error> system_error(const char* what) {
  return keel::fail(ErrorCode::io, std::string(what) + ": " + std::strerror(errno));
}

// A connection that sends its commands, `pipeline` at a time, and counts the answers.
class Connection {
 public:
  explicit Connection(const Load& load) : waiting_(0), pipeline_(load.pipeline) {
    const std::string key = "key:" + std::string(key_digits, '0');
    std::string command = "*3\r\n$3\r\nSET\r\n$" + std::to_string(key.size()) + "\r\n";
    digits_ = command.size() + 4;
    command += key + "\r\n$" + std::to_string(load.value) + "\r\n" + std::string(load.value, 'x') + "\r\n";
    command_ = command.size();
    for (std::size_t i = 0; i < pipeline_; ++i)
      out_ += command;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }

  Result<void> connect(int port) {
    fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    const int on = 1;
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0) {
      return system_error("connect");
    }
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return {};
  }

  // The socket blocks, so that one call sends all: what is sent together is far less than its buffer.
  Result<void> send_batch(Keys& keys) {
    for (std::size_t i = 0; i < pipeline_; ++i)
      write_digits(out_.data() + i * command_ + digits_, keys.next());
    sent_ = now_ns();
    waiting_ = pipeline_;
    const ssize_t n = ::send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (n != static_cast<ssize_t>(out_.size())) return system_error("send");
    return {};
  }

  // How many commands were carried out: their answers are lines that begin with '+', any other is an error.
  Result<std::size_t> receive(LoadResult& result) {
    const ssize_t n = recv(fd_, in_.data() + kept_, in_.size() - kept_, MSG_DONTWAIT);
    if (n == 0) return keel::fail(ErrorCode::io, "the server closed a connection");
    if (n < 0) {
      if (errno == EAGAIN) return std::size_t{0};
      return system_error("recv");
    }
    const char* at = in_.data();
    const char* const end = at + kept_ + n;
    std::size_t answers = 0;
    std::size_t done = 0;
    while (const void* found = std::memchr(at, '\n', static_cast<std::size_t>(end - at))) {
      const char* next = static_cast<const char*>(found) + 1;
      if (*at == '+') {
        ++done;
      } else {
        note_failure(result, std::string(at, next));
      }
      at = next;
      ++answers;
    }
    kept_ = static_cast<std::size_t>(end - at);
    if (answers > waiting_ || kept_ == in_.size()) return keel::fail(ErrorCode::corrupt, "answers to nothing asked");
    std::memmove(in_.data(), at, kept_);
    waiting_ -= answers;
    return done;
  }

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::int64_t sent() const { return sent_; }
  [[nodiscard]] bool idle() const { return waiting_ == 0; }

 private:
  static void note_failure(LoadResult& result, const std::string& line) {
    if (result.failures++ == 0) result.first_failure = line.substr(0, line.find('\r'));
  }

  int fd_ = -1;
  std::string out_;
  std::size_t command_ = 0;  // bytes of one
  std::size_t digits_ = 0;   // where its key's number stands
  std::int64_t sent_ = 0;
  std::size_t waiting_;
  std::size_t pipeline_;
  std::size_t kept_ = 0;
  std::array<char, 4096> in_{};
};

class Run {
 public:
  explicit Run(const Load& load) : load_(load), keys_(load.keys) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    if (epoll_ >= 0) ::close(epoll_);
  }

  Result<void> connect(int port) {
    epoll_ = epoll_create1(EPOLL_CLOEXEC);
    for (std::size_t i = 0; i < load_.clients; ++i) {
      Connection& connection = connections_.emplace_back(load_);
      if (auto connected = connection.connect(port); !connected) return connected;
      epoll_event event{.events = EPOLLIN, .data = {.ptr = &connection}};
      if (epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event) != 0) return system_error("epoll");
    }
    return {};
  }

  Result<LoadResult> run(const Edge& begin, const Edge& end) {
    for (Connection& connection : connections_) {
      if (auto sent = connection.send_batch(keys_); !sent) return std::unexpected(sent.error());
    }
    if (auto warm = serve_until(now_ns() + nanoseconds(load_.warm_up)); !warm) return std::unexpected(warm.error());
    begin();
    counting_ = true;
    const std::int64_t began = now_ns();
    if (auto done = serve_until(began + nanoseconds(load_.seconds)); !done) return std::unexpected(done.error());
    result_.seconds = static_cast<double>(now_ns() - began) * 1e-9;
    end();
    return std::move(result_);
  }

 private:
  static std::int64_t nanoseconds(double seconds) { return static_cast<std::int64_t>(seconds * 1e9); }

  Result<void> serve_until(std::int64_t deadline) {
    std::array<epoll_event, 256> events;
    while (now_ns() < deadline) {
      const int ready = epoll_wait(epoll_, events.data(), events.size(), 10'000);
      if (auto on = go_on(); !on) return on;
      if (ready == 0) return keel::fail(ErrorCode::timed_out, "no answer for 10 s");
      for (int i = 0; i < ready; ++i) {
        auto& connection = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
        if (auto served = serve(connection); !served) return served;
      }
    }
    return {};
  }

  Result<void> serve(Connection& connection) {
    const auto done = connection.receive(result_);
    if (!done) return std::unexpected(done.error());
    if (counting_ && *done > 0) {
      result_.answered += *done;
      result_.latency.add(now_ns() - connection.sent(), *done);
    }
    return connection.idle() ? connection.send_batch(keys_) : Result<void>();
  }

  Load load_;
  Keys keys_;
  int epoll_ = -1;
  std::deque<Connection> connections_;
  bool counting_ = false;
  LoadResult result_;
};

}  // namespace

Result<LoadResult> run_resp_load(int port, const Load& load, const Edge& begin, const Edge& end) {
  Run run(load);
  if (auto connected = run.connect(port); !connected) return std::unexpected(connected.error());
  return run.run(begin, end);
}

}  // namespace bench
