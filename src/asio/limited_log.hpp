#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "keel/asio/tcp_transport.hpp"
#include "keel/base/time.hpp"

namespace keel {

// Log lines that a hostile or broken peer could cause without end: of each key one in ten seconds, with how many were
// left out before it. Lines may quote what strangers said: control characters become question marks.
class LimitedLog {
 public:
  using Sink = std::function<void(TcpLogLevel, std::string_view)>;

  explicit LimitedLog(Sink sink) : sink_(std::move(sink)) {}

  void say(TcpLogLevel level, const std::string& key, std::string line, Instant now);

 private:
  struct Said {
    Instant last{};
    std::uint64_t left_out = 0;
  };

  Sink sink_;
  std::map<std::string, Said> said_;
};

}  // namespace keel
