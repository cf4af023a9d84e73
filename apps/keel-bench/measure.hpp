#pragma once

#include "keel-bench/row.hpp"
#include "keel-bench/servers.hpp"

namespace bench {

// Makes load on servers that run, and watches what it costs whom. Errors: the load's.
[[nodiscard]] keel::Result<Sample> measure(Servers& servers, const Load& load);

}  // namespace bench
