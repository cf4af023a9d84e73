#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keel/base/error.hpp"
#include "keel/base/payload.hpp"

namespace keel {

// One client command as a log entry: a version byte (1), the number of arguments, then each argument's size and bytes.
// Numbers are LEB128. Part of the disk format.

// Replaces what is in `out`.
void encode_command(std::span<const std::string_view> args, std::string& out);

// The arguments are views into `bytes`, which may hold anything. There is at least one.
// Errors: `corrupt`, `wrong_version`.
[[nodiscard]] Result<void> decode_command(ByteView entry, std::vector<std::string_view>& args);

}  // namespace keel
