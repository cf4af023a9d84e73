#pragma once

#include <string_view>

#include "keelkv/data/kv_value.hpp"

namespace keel {

// How a Redis with its usual settings would keep such a value, for clients that ask OBJECT ENCODING. Nothing here is kept
// so.
[[nodiscard]] std::string_view encoding_name(const KvValue& value);

}  // namespace keel
