#include "node/log_clock.hpp"

#include <algorithm>

#include "keel/wire/envelope.hpp"

namespace keel {

// The last entry tells the time, unless it has none: the genesis entry, and a term start whose leader was deposed in the
// same moment, or had not read the log's end yet.
constexpr int entries_without_time = 16;

void LogClock::start(LogStore& log, IndexRange entries, const std::weak_ptr<const void>& alive) {
  look_up(log, entries, entries_without_time, alive);
}

void LogClock::look_up(LogStore& log, IndexRange entries, int tries, const std::weak_ptr<const void>& alive) {
  if (entries.empty() || tries == 0) {
    known_ = true;
    return;
  }
  const auto done = [this, &log, entries, tries, alive](Result<std::vector<Entry>> found) {
    if (alive.expired()) return;
    if (found) {
      for (const Entry& entry : *found)
        saw(entry);
    }
    // What cannot be read here is named when it is to be applied.
    if (!found || last_ != WallTime{}) {
      known_ = true;
    } else {
      look_up(log, {entries.first, entries.last.previous()}, tries - 1, alive);
    }
  };
  log.read({entries.last, entries.last}, 1, done);
}

void LogClock::saw(const Entry& entry) { last_ = std::max(last_, wire::envelope_of(entry.payload).wall_time); }

WallTime LogClock::stamp(const Executor& executor) {
  if (!now_) now_ = last_ = std::max(last_, executor.wall_now());
  return *now_;
}

}  // namespace keel
