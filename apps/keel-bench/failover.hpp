#pragma once

#include "keel-bench/row.hpp"
#include "keel-bench/servers.hpp"

namespace bench {

// Round by round kills the leader of three servers that a few clients write to, and brings it back. What is measured is
// how long nothing was acknowledged, whoever asked whom. Errors: the servers', and `timed_out`.
[[nodiscard]] keel::Result<Failover> measure_failover(Replicas& servers, int rounds);

}  // namespace bench
