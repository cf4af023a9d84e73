#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <spdlog/common.h>

#include "keel/base/error.hpp"

namespace keel {

// What a log line is about. Each subject has a logger with a level of its own.
enum class LogSubject : std::uint8_t { election, replication, membership, snapshot, log, transport, client };
inline constexpr std::size_t log_subjects = 7;

[[nodiscard]] std::string_view to_string(LogSubject subject);

class LogLevels {
 public:
  LogLevels() { levels_.fill(spdlog::level::warn); }

  // A list like "info,election=debug,transport=off": a level alone is for all subjects; later ones win.
  // Error: `invalid`, with what is allowed.
  static Result<LogLevels> parse(std::string_view list);
  [[nodiscard]] std::string text() const;
  [[nodiscard]] spdlog::level::level_enum of(LogSubject subject) const {
    return levels_[static_cast<std::size_t>(subject)];
  }

 private:
  std::array<spdlog::level::level_enum, log_subjects> levels_{};
};

}  // namespace keel
