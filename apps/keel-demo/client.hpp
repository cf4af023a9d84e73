#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "keel/base/error.hpp"

namespace demo {

// What a server answered. Errors are answers too.
struct Answer {
  enum class Kind { text, number, null, error, list } kind = Kind::null;
  std::string text;
  std::vector<Answer> items;
};

// A small blocking client of the Redis protocol, every call with a deadline. One thread at a time.
class Client {
 public:
  Client() = default;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  keel::Result<void> connect(int port, std::chrono::milliseconds patience);
  [[nodiscard]] bool connected() const { return fd_ >= 0; }
  void close();

  // `timed_out` and `io` close the connection: whether the command took effect is then unknown.
  keel::Result<Answer> call(const std::vector<std::string>& command, std::chrono::milliseconds patience);
  // Many at once: sends all, then reads an answer for each.
  keel::Result<std::vector<Answer>> call_all(const std::vector<std::vector<std::string>>& commands,
                                             std::chrono::milliseconds patience);

 private:
  using Deadline = std::chrono::steady_clock::time_point;
  keel::Result<void> wait(short events, Deadline deadline);
  keel::Result<void> send_all(const std::string& bytes, Deadline deadline);
  keel::Result<std::string> line(Deadline deadline);
  keel::Result<void> fill(Deadline deadline);
  keel::Result<Answer> answer(Deadline deadline);

  int fd_ = -1;
  std::string received_;
  std::size_t taken_ = 0;
};

}  // namespace demo
