#pragma once

#include "keel/raft/write.hpp"

namespace keel {

[[nodiscard]] inline bool is_configuration(EntryKind kind) {
  return kind == EntryKind::genesis || kind == EntryKind::configuration;
}

// Moves what a base knows of the cluster on by one genesis or configuration entry, which the base is about to cover.
// Errors: `corrupt`, if its payload is none.
[[nodiscard]] Result<void> take_configuration(LogBase& base, const Entry& entry);

// Appends a position to runs of terms.
void add_term(std::vector<TermRun>& runs, Index index, Term term);

}  // namespace keel
