#include "keelkv/server/read_clock.hpp"

#include <algorithm>
#include <utility>

#include "keelkv/resp/command_bytes.hpp"

namespace keel {

namespace {

constexpr Duration known_for = std::chrono::seconds(1);  // then the clocks may have been set

std::int64_t milliseconds(WallTime time) { return time.time_since_epoch().count(); }

}  // namespace

ReadClock::ReadClock(const Executor& executor, KvReplica& replica, const KvMachine& machine)
    : executor_(executor), replica_(replica), machine_(machine) {}

std::int64_t ReadClock::now() const {
  return milliseconds(executor_.wall_now()) - (executor_.now() < ahead_until_ ? ahead_ : 0);
}

void ReadClock::tell_log(Instant deadline, Told told) {
  if (stopped_) return;
  waiting_.push_back(std::move(told));
  deadline_ = deadline;
  if (in_flight_.empty()) submit();
}

void ReadClock::stop() {
  stopped_ = true;
  waiting_.clear();
  in_flight_.clear();
}

void ReadClock::submit() {
  in_flight_ = std::exchange(waiting_, {});
  std::string entry;
  encode_time(entry);
  const std::int64_t when = milliseconds(executor_.wall_now());
  replica_.submit(
      std::as_bytes(std::span(entry)), nullptr, deadline_,
      [self = shared_from_this(), when](Result<Applied> result) { self->submitted(when, std::move(result)); });
}

void ReadClock::submitted(std::int64_t when, Result<Applied> result) {
  if (stopped_) return;
  // The leader dated the entry after it was submitted: what is missing from then is what this clock is ahead.
  if (result) {
    ahead_ = std::max<std::int64_t>(0, when - machine_.store().now());
    ahead_until_ = executor_.now() + known_for;
  }
  // Refused, with a full log for ever: then by the log's time as it is. Nobody goes by any other, so nobody has seen the
  // key dead before the read was confirmed; and reads go on.
  const bool known = result || result.error().code == ErrorCode::overloaded;
  const Result<void> outcome = known ? Result<void>() : std::unexpected(std::move(result.error()));
  for (Told& told : std::exchange(in_flight_, {}))
    told(outcome);
  if (in_flight_.empty() && !waiting_.empty() && !stopped_) submit();
}

}  // namespace keel
