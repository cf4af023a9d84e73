#pragma once

#include <string>
#include <string_view>

namespace keel::sim {

// A JSON string, quotes and all. What is no UTF-8 becomes U+FFFD; `<` is escaped, so that it may lie in a page.
[[nodiscard]] std::string json_string(std::string_view text);

}  // namespace keel::sim
