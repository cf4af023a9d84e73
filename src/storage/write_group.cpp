#include "storage/write_group.hpp"

#include <algorithm>

#include "keel/base/assert.hpp"

namespace keel {

void WriteGroup::add(WriteBatch more, Completion<void> done) {
  dones.push_back(std::move(done));
  if (more.hard_state) batch.hard_state = more.hard_state;
  if (more.reset_to) {
    batch.reset_to = std::move(more.reset_to);
    batch.truncate_from.reset();
    batch.entries.clear();
    batch.compact_to.reset();
  }
  if (more.truncate_from) {
    const Index from = *more.truncate_from;
    while (!batch.entries.empty() && batch.entries.back().index >= from) {
      batch.entries.pop_back();
    }
    if (batch.entries.empty()) batch.truncate_from = std::min(batch.truncate_from.value_or(from), from);
  }
  for (Entry& entry : more.entries) {
    KEEL_ASSERT(entry.payload.head() != 0, "entries are framed before they are written");
    bytes += entry.payload.frame().size();
  }
  if (batch.entries.empty()) {
    batch.entries = std::move(more.entries);
  } else {
    std::ranges::move(more.entries, std::back_inserter(batch.entries));
  }
  if (more.compact_to) batch.compact_to = std::max(batch.compact_to.value_or(Index(0)), *more.compact_to);
}

}  // namespace keel
