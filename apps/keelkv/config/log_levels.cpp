#include "keelkv/config/log_levels.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace keel {

namespace {

constexpr std::array<std::string_view, log_subjects> subject_names = {
    "election", "replication", "membership", "snapshot", "log", "transport", "client"};

struct LevelName {
  std::string_view name;
  spdlog::level::level_enum level;
};
constexpr LevelName level_names[] = {
    {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug}, {"info", spdlog::level::info},
    {"warn", spdlog::level::warn},   {"error", spdlog::level::err},   {"off", spdlog::level::off},
};

Result<spdlog::level::level_enum> parse_level(std::string_view name) {
  const auto* const found = std::ranges::find(level_names, name, &LevelName::name);
  if (found == std::end(level_names)) {
    return fail(ErrorCode::invalid, fmt::format("'{}' is no level: trace, debug, info, warn, error, off", name));
  }
  return found->level;
}

}  // namespace

std::string_view to_string(LogSubject subject) { return subject_names[static_cast<std::size_t>(subject)]; }

Result<LogLevels> LogLevels::parse(std::string_view list) {
  LogLevels levels;
  while (!list.empty()) {
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(item.size() + 1, list.size()));
    const std::size_t equals = item.find('=');
    const auto level = parse_level(equals == std::string_view::npos ? item : item.substr(equals + 1));
    if (!level) return std::unexpected(level.error());
    if (equals == std::string_view::npos) {
      levels.levels_.fill(*level);
      continue;
    }
    const auto subject = std::ranges::find(subject_names, item.substr(0, equals));
    if (subject == subject_names.end()) {
      return fail(ErrorCode::invalid,
                  fmt::format("'{}' is no subject: {}", item.substr(0, equals), fmt::join(subject_names, ", ")));
    }
    levels.levels_[static_cast<std::size_t>(subject - subject_names.begin())] = *level;
  }
  return levels;
}

// The commonest level first, then the subjects that differ from it.
std::string LogLevels::text() const {
  const auto name = [](spdlog::level::level_enum level) {
    return std::ranges::find(level_names, level, &LevelName::level)->name;
  };
  const auto usual =
      *std::ranges::max_element(levels_, {}, [&](auto level) { return std::ranges::count(levels_, level); });
  std::string text(name(usual));
  for (std::size_t i = 0; i < levels_.size(); ++i) {
    if (levels_[i] != usual) text += fmt::format(",{}={}", subject_names[i], name(levels_[i]));
  }
  return text;
}

}  // namespace keel
