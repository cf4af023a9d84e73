#pragma once

#include "keel/port/log_store.hpp"
#include "keel/raft/configuration.hpp"

namespace keel {

// Writes a cluster's first entry, the same on every first voter, and term 1 into an opened log that is empty. Once in a
// server's life. Errors: `invalid` (the genesis), `exists` (the log is not empty), and those of LogStore::write; the
// first two may come at once.
void bootstrap(LogStore& log, const Genesis& genesis, Completion<void> done, GroupId group = GroupId(0));

}  // namespace keel
