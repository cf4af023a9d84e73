#pragma once

#include "keel/port/log_store.hpp"
#include "keel/port/observer.hpp"
#include "keel/port/snapshot_store.hpp"
#include "keel/port/state_machine.hpp"
#include "keel/port/transport.hpp"

namespace keel {

// What an application supplies. Each part may be its own or one of ours; all must outlive the Node.
struct Pilot {
  Transport& transport;
  LogStore& log;
  StateMachine& machine;
  SnapshotStore* snapshots = nullptr;  // null for now: no snapshots are made yet, so a log grows, up to its bound
  Observer* observer = nullptr;
};

}  // namespace keel
