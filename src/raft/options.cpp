#include "keel/raft/options.hpp"

#include <string>

namespace keel {

namespace {

std::string ms(Duration d) {
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(d).count()) + " µs";
}

std::unexpected<Error> bad(const std::string& field, const std::string& value, const std::string& allowed) {
  return fail(ErrorCode::invalid, field + " is " + value + "; it must be " + allowed);
}

}  // namespace

Result<void> validate(const RaftOptions& options) {
  if (options.id == nobody) return bad("id", "0", "1 or more");
  if (options.election_timeout < std::chrono::milliseconds(1) || options.election_timeout > std::chrono::hours(1)) {
    return bad("election_timeout", ms(options.election_timeout), "from 1 ms to 1 hour");
  }
  if (options.heartbeat_interval <= Duration::zero() || options.heartbeat_interval > options.election_timeout / 3) {
    return bad("heartbeat_interval", ms(options.heartbeat_interval),
               "above 0 and at most a third of the election timeout of " + ms(options.election_timeout) +
                   ", so that one lost round is no silence");
  }
  if (options.write_stall_timeout < Duration::zero() || options.write_stall_timeout > std::chrono::hours(1)) {
    return bad("write_stall_timeout", ms(options.write_stall_timeout), "from 0 (never) to 1 hour");
  }
  if (options.stickiness && !options.check_quorum) {
    return bad("stickiness", "on", "off where check_quorum is off: a leader that hears nobody could stay for ever");
  }
  if (options.max_entry_bytes == 0 || options.max_entry_bytes > (64u << 20)) {
    return bad("max_entry_bytes", std::to_string(options.max_entry_bytes), "from 1 to 64 MiB");
  }
  const auto at_least_one = [](std::size_t value) { return value >= 1; };
  if (!at_least_one(options.max_append_bytes)) return bad("max_append_bytes", "0", "1 or more");
  if (!at_least_one(options.max_append_entries)) return bad("max_append_entries", "0", "1 or more");
  if (!at_least_one(options.max_inflight_messages)) return bad("max_inflight_messages", "0", "1 or more");
  if (!at_least_one(options.max_inflight_bytes)) return bad("max_inflight_bytes", "0", "1 or more");
  if (!at_least_one(options.max_uncommitted_bytes)) return bad("max_uncommitted_bytes", "0", "1 or more");
  if (!at_least_one(options.max_pending_reads)) return bad("max_pending_reads", "0", "1 or more");
  return {};
}

}  // namespace keel
