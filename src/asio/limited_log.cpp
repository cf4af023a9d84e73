#include "asio/limited_log.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/core.h>

namespace keel {

namespace {

constexpr std::chrono::seconds interval{10};
constexpr std::size_t max_keys = 1024;

}  // namespace

void LimitedLog::say(TcpLogLevel level, const std::string& key, std::string line, Instant now) {
  if (!sink_) return;
  if (said_.size() >= max_keys) said_.clear();
  const auto [found, first] = said_.try_emplace(key);
  Said& said = found->second;
  if (!first && now - said.last < interval) {
    ++said.left_out;
    return;
  }
  if (said.left_out > 0) line += fmt::format(" ({} more like this since the last such line)", said.left_out);
  std::ranges::replace_if(line, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, '?');
  said = {now, 0};
  sink_(level, line);
}

}  // namespace keel
