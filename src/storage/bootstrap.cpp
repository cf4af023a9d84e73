#include "keel/storage/bootstrap.hpp"

#include "keel/wire/frame.hpp"

namespace keel {

void bootstrap(LogStore& log, const Genesis& genesis, Completion<void> done, GroupId group) {
  if (auto good = validate(genesis); !good) return done(std::unexpected(std::move(good.error())));
  const LogStats stats = log.stats();
  if (stats.last != Index(0) || stats.first > Index(1)) {
    return done(fail(ErrorCode::exists,
                     "this log has entries already: a cluster is bootstrapped once; start the node "
                     "without bootstrapping it, or give it an empty data directory"));
  }
  Entry first{Index(1), Term(1), EntryKind::genesis, encode(genesis)};
  wire::frame(first, genesis.cluster_id(), group);
  WriteBatch batch;
  batch.hard_state = HardState{Term(1), nobody};
  batch.entries.push_back(std::move(first));
  log.write(std::move(batch), std::move(done));
}

}  // namespace keel
