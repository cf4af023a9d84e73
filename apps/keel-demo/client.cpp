#include "keel-demo/client.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace demo {

using keel::ErrorCode;
using keel::Result;

namespace {

std::unexpected<keel::Error> system_error(const char* what) {
  return keel::fail(ErrorCode::io, std::string(what) + ": " + std::strerror(errno));
}

void encode(const std::vector<std::string>& command, std::string& out) {
  out += "*" + std::to_string(command.size()) + "\r\n";
  for (const std::string& word : command)
    out += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
}

}  // namespace

void Client::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  received_.clear();
  taken_ = 0;
}

Result<void> Client::connect(int port, std::chrono::milliseconds patience) {
  close();
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0) return system_error("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0) return {};
  if (errno != EINPROGRESS) {
    close();
    return system_error("connect");
  }
  if (auto ready = wait(POLLOUT, std::chrono::steady_clock::now() + patience); !ready) return ready;
  int failure = 0;
  socklen_t size = sizeof(failure);
  getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failure, &size);
  if (failure == 0) return {};
  close();
  errno = failure;
  return system_error("connect");
}

Result<void> Client::wait(short events, Deadline deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd wait{fd_, events, 0};
  if (left > 0 && poll(&wait, 1, static_cast<int>(left)) > 0) return {};
  close();
  return keel::fail(ErrorCode::timed_out, "no answer in time");
}

Result<void> Client::send_all(const std::string& bytes, Deadline deadline) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t n = ::send(fd_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      if (auto ready = wait(POLLOUT, deadline); !ready) return ready;
    } else {
      close();
      return system_error("send");
    }
  }
  return {};
}

Result<void> Client::fill(Deadline deadline) {
  if (auto ready = wait(POLLIN, deadline); !ready) return ready;
  char bytes[65536];
  const ssize_t n = recv(fd_, bytes, sizeof(bytes), 0);
  if (n > 0) {
    received_.append(bytes, static_cast<std::size_t>(n));
    return {};
  }
  if (n < 0 && errno == EAGAIN) return {};
  close();
  return keel::fail(ErrorCode::io, "the connection ended");
}

Result<std::string> Client::line(Deadline deadline) {
  for (;;) {
    const std::size_t end = received_.find("\r\n", taken_);
    if (end != std::string::npos) {
      std::string found = received_.substr(taken_, end - taken_);
      taken_ = end + 2;
      return found;
    }
    if (auto filled = fill(deadline); !filled) return std::unexpected(filled.error());
  }
}

Result<Answer> Client::answer(Deadline deadline) {
  auto head = line(deadline);
  if (!head) return std::unexpected(head.error());
  if (head->empty()) return keel::fail(ErrorCode::corrupt, "an empty line where an answer should be");
  const std::string rest = head->substr(1);
  switch (head->front()) {
    case '+': return Answer{Answer::Kind::text, rest, {}};
    case '-': return Answer{Answer::Kind::error, rest, {}};
    case ':': return Answer{Answer::Kind::number, rest, {}};
    case '_': return Answer{};
    case '$': {
      const long size = std::stol(rest);
      if (size < 0) return Answer{};
      const auto bytes = static_cast<std::size_t>(size);
      while (received_.size() - taken_ < bytes + 2) {
        if (auto filled = fill(deadline); !filled) return std::unexpected(filled.error());
      }
      Answer text{Answer::Kind::text, received_.substr(taken_, bytes), {}};
      taken_ += bytes + 2;
      return text;
    }
    case '*': {
      Answer list{Answer::Kind::list, {}, {}};
      for (long left = std::stol(rest); left > 0; --left) {
        auto item = answer(deadline);
        if (!item) return item;
        list.items.push_back(std::move(*item));
      }
      return list;
    }
    default: return keel::fail(ErrorCode::corrupt, "an answer that begins with " + head->substr(0, 1));
  }
}

Result<std::vector<Answer>> Client::call_all(const std::vector<std::vector<std::string>>& commands,
                                             std::chrono::milliseconds patience) {
  if (!connected()) return keel::fail(ErrorCode::io, "not connected");
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::string bytes;
  for (const auto& command : commands)
    encode(command, bytes);
  if (auto sent = send_all(bytes, deadline); !sent) return std::unexpected(sent.error());
  std::vector<Answer> answers;
  while (answers.size() < commands.size()) {
    auto next = answer(deadline);
    if (!next) return std::unexpected(next.error());
    answers.push_back(std::move(*next));
  }
  received_.erase(0, taken_);
  taken_ = 0;
  return answers;
}

Result<Answer> Client::call(const std::vector<std::string>& command, std::chrono::milliseconds patience) {
  auto answers = call_all({command}, patience);
  if (!answers) return std::unexpected(answers.error());
  return std::move(answers->front());
}

}  // namespace demo
