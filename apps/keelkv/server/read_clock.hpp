#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "keelkv/commands/kv_machine.hpp"
#include "keelkv/server/kv_replica.hpp"

namespace keel {

// The time that reads go by. A key that is dead by this node's clock may be alive for the others, and be seen again: so
// before a read takes it for dead the log is told the time. There is one such entry at a time, for all reads that were
// there before it. A clock that proves to be ahead of the leader's counts as that much less for a while; or each read of
// a key that is about to die would want an entry.
class ReadClock : public std::enable_shared_from_this<ReadClock> {
 public:
  using Told = std::move_only_function<void(const Result<void>&)>;

  // All must outlive it, up to `stop`.
  ReadClock(const Executor& executor, KvReplica& replica, const KvMachine& machine);

  // Milliseconds since the Unix epoch, as the log's time.
  [[nodiscard]] std::int64_t now() const;
  // `told` when an entry that was submitted after this call is applied, or the error that there was instead.
  void tell_log(Instant deadline, Told told);
  // Nobody is told any more.
  void stop();

 private:
  void submit();
  void submitted(std::int64_t when, Result<Applied> result);

  const Executor& executor_;
  KvReplica& replica_;
  const KvMachine& machine_;
  std::vector<Told> waiting_;    // for the next entry,
  std::vector<Told> in_flight_;  // for the one that is under way
  Instant deadline_;             // of the last that came to wait
  std::int64_t ahead_ = 0;       // of the leader's clock, this node's,
  Instant ahead_until_;          // as far as is known
  bool stopped_ = false;
};

}  // namespace keel
