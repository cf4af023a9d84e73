#pragma once

#include <cstdint>

#include "keelkv/config/settings.hpp"

namespace keel {

// Clients must never take the descriptor that the next segment of the log needs: without it the node would end as if
// its disk had failed. So what peers and the log may need is kept for them, and clients share the rest.

// Has as many open files allowed as the system lets this process have.
void raise_descriptor_limit();
[[nodiscard]] std::uint64_t descriptor_limit();

// Kept for peers, and for the log when it is as large as it may be: each of its segments stays open. Those that are there
// in the data directory may be of another size than the present one.
[[nodiscard]] std::uint64_t reserved_descriptors(const KvSettings& settings);
// What the limit leaves for clients: 0 when it does not even cover what is kept.
[[nodiscard]] std::uint64_t client_capacity(const KvSettings& settings);

}  // namespace keel
