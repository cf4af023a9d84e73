#pragma once

#include <span>
#include <string>
#include <string_view>

namespace keel {

class KvServer;

// What INFO answers: all sections when none is named.
[[nodiscard]] std::string info_text(const KvServer& server, std::span<const std::string_view> sections);

// KEEL STATUS: the same for programs, as one line of JSON.
[[nodiscard]] std::string status_json(const KvServer& server);

}  // namespace keel
