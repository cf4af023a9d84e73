#include "keel/base/error.hpp"

#include "keel/base/assert.hpp"

namespace keel {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_leader: return "not_leader";
    case ErrorCode::no_leader: return "no_leader";
    case ErrorCode::overloaded: return "overloaded";
    case ErrorCode::too_large: return "too_large";
    case ErrorCode::wrong_term: return "wrong_term";
    case ErrorCode::stopping: return "stopping";
    case ErrorCode::discarded: return "discarded";
    case ErrorCode::timed_out: return "timed_out";
    case ErrorCode::leadership_lost: return "leadership_lost";
    case ErrorCode::storage_failed: return "storage_failed";
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::io: return "io";
    case ErrorCode::wrong_cluster: return "wrong_cluster";
    case ErrorCode::wrong_node: return "wrong_node";
    case ErrorCode::wrong_incarnation: return "wrong_incarnation";
    case ErrorCode::wrong_version: return "wrong_version";
    case ErrorCode::locked: return "locked";
    case ErrorCode::exists: return "exists";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::compacted: return "compacted";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::failed: return "failed";
  }
  return "unknown";
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::not_appended: return "not_appended";
    case Outcome::discarded: return "discarded";
    case Outcome::unknown: return "unknown";
  }
  return "unknown";
}

Outcome outcome_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::not_leader:
    case ErrorCode::no_leader:
    case ErrorCode::overloaded:
    case ErrorCode::too_large:
    case ErrorCode::wrong_term:
    case ErrorCode::stopping:
    case ErrorCode::invalid: return Outcome::not_appended;
    case ErrorCode::discarded: return Outcome::discarded;
    default: return Outcome::unknown;
  }
}

void invariant_broken(const char* condition, const char* why, const char* file, int line) {
  throw InvariantBroken(std::string(file) + ":" + std::to_string(line) + ": " + why + " (" + condition + ")");
}

}  // namespace keel
