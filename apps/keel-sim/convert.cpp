#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>

#include "commands.hpp"
#include "keel/sim/trace_merge.hpp"
#include "output.hpp"

namespace keel::sim {
namespace {

// What would only be noticed when the trace that stood there is gone.
std::string refusal(const Flags& flags) {
  if (const TraceFormat format = format_of(flags); format != TraceFormat::json && format != TraceFormat::html) {
    return fmt::format("--read makes html or json; {} would be neither (--trace-format)", flags.trace);
  }
  for (const std::string& read : flags.read) {
    errno = 0;
    if (!std::ifstream(read)) return fmt::format("{}: cannot be read: {}", read, std::strerror(errno));
    std::error_code none;
    if (std::filesystem::equivalent(read, flags.trace, none)) {
      return fmt::format("{} is to be read and to be written; --trace wants another file", read);
    }
  }
  return {};
}

}  // namespace

int convert_traces(const Flags& flags) {
  if (const std::string wrong = refusal(flags); !wrong.empty()) return complain(wrong);
  auto file = OutputFile::open(flags.trace);
  if (!file) return complain(file.error().message);
  const auto merged = merge_traces(flags.read, file->get(), format_of(flags));
  if (!merged) return complain(merged.error().message);
  if (auto written = file->close(); !written) return complain(written.error().message);
  if (merged->unreadable > 0) {
    complain(fmt::format("{} lines could not be read and are left out", merged->unreadable));
  }
  say(fmt::format("the trace is in {}: {} events\n", flags.trace, merged->events));
  return 0;
}

}  // namespace keel::sim
