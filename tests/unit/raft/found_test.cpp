// What keel-check printed. Each fails as long as the bug is there that it was found with.
#include <gtest/gtest.h>

#include "group.hpp"

namespace keel::test {
namespace {

// node 1 and node 3 lead in term 2
// keel-check --nodes 3 --terms 2 --inflight 3 --elections 2 --heartbeats 0 --quorum-checks 0 --stalls 0 --transfers 0
// --step-downs 0 --unreachables 0 --reads 0 --commands 0 --losses 0 --duplicates 0 --crashes 1 --no-pre-vote --no-check-quorum
TEST(Found, AVoteThatIsForgottenInACrash) {
  Group group(3, [](RaftOptions& options) {
    options.write_stall_timeout = {};
    options.pre_vote = false;
    options.check_quorum = options.stickiness = false;
  });
  for (auto& [id, member] : group.nodes)
    member.instant_disk = false;
  group.as_far_as_it_goes([&] {
    group.fire(1, Timer::election);
    group.finish_one_write(1);
    group.deliver_first(reads("Vote? 1→2 t2 last 1@1"));
    group.fire(3, Timer::election);
    group.deliver_first(reads("Vote? 1→3 t2 last 1@1"));
    group.finish_one_write(3);
    group.deliver_first(reads("Vote- 3→1 t2 voted_for_another chose 3"));
    group.finish_one_write(2);
    group.crash(2, 0, 0);
    group.restart(2);
    group.deliver_first(reads("Vote? 3→2 t2 last 1@1"));
    group.deliver_first(reads("Vote+ 2→1 t2"));
    group.deliver_first(reads("Vote? 3→1 t2 last 1@1"));
    group.deliver_first(reads("Append? 1→2 t2 prev 1@1 +1 commit 0"));
    group.finish_one_write(2);
    group.deliver_first(reads("Vote+ 2→3 t2"));
  });
}

}  // namespace
}  // namespace keel::test
