#pragma once

#include <cstdint>
#include <cstdio>
#include <span>
#include <string>

#include "keel/base/error.hpp"
#include "keel/sim/trace_writer.hpp"

namespace keel::sim {

struct MergedTrace {
  std::uint64_t events = 0;
  std::uint64_t unreadable = 0;  // lines that were not the schema's: of a process that was killed, the last
};

// The most that is read of all files together.
inline constexpr std::uint64_t max_merged_bytes = 1ull << 30;

// Reads traces as JSON lines (docs/formats-trace.md) and writes them as one, `json` or `html`. Traces of servers are laid
// side by side by the wall time at which each began. A message that one has sent and another was delivered is one
// message; clocks that disagree do not make it arrive before it was sent. A single trace is written as it is.
//
// Errors: `io`, `too_large`, `invalid` (another format; a file without a line of the schema), with the file's name.
[[nodiscard]] Result<MergedTrace> merge_traces(std::span<const std::string> files, std::FILE* out, TraceFormat format);

}  // namespace keel::sim
