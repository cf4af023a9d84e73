#pragma once

#include <functional>

#include "keel/base/error.hpp"

namespace keel {

// The one asynchronous primitive: called exactly once, on the executor, with a value or an error. Move-only.
// One that Keel owes its caller never runs from inside the call that took it. One that Keel hands to a part (a log, a
// state machine, a disk) may be called at once.
template <class T>
using Completion = std::move_only_function<void(Result<T>)>;

using Task = std::move_only_function<void()>;

}  // namespace keel
