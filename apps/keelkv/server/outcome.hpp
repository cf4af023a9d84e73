#pragma once

#include <string>

#include "keel/base/error.hpp"

namespace keel {

// What a client is told when its command did not end well. The first word says what it may believe:
//   CLUSTERDOWN, TRYAGAIN, LOADING, BUSY, MOVED, ERR   the command does not apply, now or later
//   TIMEOUT                                            not known: it may still apply
// docs/keelkv.md has the table; a test holds it against every error code.
[[nodiscard]] std::string write_failure(const Error& error);

// A read changes nothing: every failure is safe to try again.
[[nodiscard]] std::string read_failure(const Error& error);

}  // namespace keel
