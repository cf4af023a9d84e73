#pragma once

#include <string_view>

namespace keel {

class KvConnection;

// Whether the password is the default user's; then the connection is let in. Takes as long for any wrong one of that
// length. Who says so wrongly is counted, and told to the log without what was said.
[[nodiscard]] bool sign_in(KvConnection& connection, std::string_view user, std::string_view password);

inline constexpr std::string_view wrong_password = "WRONGPASS invalid username-password pair or user is disabled.";

}  // namespace keel
