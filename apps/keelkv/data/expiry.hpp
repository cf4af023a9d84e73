#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace keel {

// How a command gives the time at which a key is to die.
struct ExpiryForm {
  bool in_seconds = false;  // else milliseconds
  bool relative = false;    // to the log's time; else since 1970
  bool operator==(const ExpiryForm&) const = default;
};

// EX, PX, EXAT and PXAT, in any case.
[[nodiscard]] std::optional<ExpiryForm> expiry_option(std::string_view word);
// In milliseconds since 1970; nothing if that does not fit.
[[nodiscard]] std::optional<std::int64_t> expiry_of(std::int64_t value, ExpiryForm form, std::int64_t now);

}  // namespace keel
