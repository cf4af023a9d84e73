#pragma once

#include "keel/base/error.hpp"

namespace bench {

// From now on Ctrl-C, SIGTERM, a closed terminal and a reader of the output that is gone only make `go_on` fail, so that
// servers end and folders go.
void end_on_signals();
// To be asked wherever something takes long. Error: `stopping`.
[[nodiscard]] keel::Result<void> go_on();

}  // namespace bench
