#pragma once

#include "keel-demo/flags.hpp"

namespace demo {

// Three keelkv processes under load; their leader is killed and started again; every acknowledged write is looked for.
// Status 0 only if nothing was lost and each act went as it should.
int run(const Options& options);

}  // namespace demo
