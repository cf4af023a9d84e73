#include "keelkv/server/outcome.hpp"

#include <fmt/format.h>

namespace keel {

namespace {

std::string not_appended(const Error& error) {
  switch (error.code) {
    case ErrorCode::no_leader: return "CLUSTERDOWN no leader is known to this node; nothing was written, try again";
    case ErrorCode::stopping: return "CLUSTERDOWN this node is stopping; nothing was written, ask another";
    case ErrorCode::overloaded: return fmt::format("BUSY {}; nothing was written, try again later", error.message);
    case ErrorCode::too_large:
    case ErrorCode::invalid: return fmt::format("ERR {}; nothing was written", error.message);
    default: return fmt::format("TRYAGAIN leadership is changing ({}); nothing was written", to_string(error.code));
  }
}

}  // namespace

std::string write_failure(const Error& error) {
  switch (outcome_of(error.code)) {
    case Outcome::not_appended: return not_appended(error);
    case Outcome::discarded: return "TRYAGAIN the command was discarded when the leader changed; it will never apply";
    case Outcome::unknown: break;
  }
  return fmt::format("TIMEOUT the command may or may not have been applied, or may apply later ({}{}{})",
                     to_string(error.code), error.message.empty() ? "" : ": ", error.message);
}

std::string read_failure(const Error& error) {
  switch (error.code) {
    case ErrorCode::no_leader: return "CLUSTERDOWN no leader is known to this node; try again";
    case ErrorCode::stopping: return "CLUSTERDOWN this node is stopping; ask another";
    case ErrorCode::overloaded: return fmt::format("BUSY {}; try again later", error.message);
    case ErrorCode::failed: return fmt::format("CLUSTERDOWN this node has failed ({}); ask another", error.message);
    default: return fmt::format("TRYAGAIN the read could not be confirmed ({})", to_string(error.code));
  }
}

}  // namespace keel
