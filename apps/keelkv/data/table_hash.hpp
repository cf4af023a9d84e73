#pragma once

#include <cstdint>
#include <string_view>

namespace keel {

// Where a key belongs in a hash table. With a secret that each process draws for itself: otherwise a client could choose
// keys that all belong in one place, and looking for one of them would take as long as looking at all.
[[nodiscard]] std::uint64_t table_hash(std::string_view key);

}  // namespace keel
