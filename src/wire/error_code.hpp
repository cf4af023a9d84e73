#pragma once

#include <algorithm>
#include <array>
#include <optional>

#include "keel/base/assert.hpp"
#include "keel/base/error.hpp"

namespace keel::wire {

// Error codes by their number on the wire, from 1. New ones go to the end.
inline constexpr std::array error_codes{
    ErrorCode::not_leader,
    ErrorCode::no_leader,
    ErrorCode::overloaded,
    ErrorCode::too_large,
    ErrorCode::wrong_term,
    ErrorCode::stopping,
    ErrorCode::discarded,
    ErrorCode::timed_out,
    ErrorCode::leadership_lost,
    ErrorCode::storage_failed,
    ErrorCode::invalid,
    ErrorCode::corrupt,
    ErrorCode::io,
    ErrorCode::wrong_cluster,
    ErrorCode::wrong_node,
    ErrorCode::wrong_incarnation,
    ErrorCode::wrong_version,
    ErrorCode::locked,
    ErrorCode::exists,
    ErrorCode::not_found,
    ErrorCode::compacted,
    ErrorCode::unsupported,
    ErrorCode::failed,
};

[[nodiscard]] inline std::uint8_t number_of(ErrorCode code) {
  const auto found = std::ranges::find(error_codes, code);
  KEEL_ASSERT(found != error_codes.end(), "every error code has a number on the wire");
  return static_cast<std::uint8_t>(found - error_codes.begin() + 1);
}

[[nodiscard]] inline std::optional<ErrorCode> error_code_of(std::uint8_t number) {
  if (number == 0 || number > error_codes.size()) return std::nullopt;
  return error_codes[number - 1u];
}

}  // namespace keel::wire
