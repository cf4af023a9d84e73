#include <fmt/format.h>

#include "commands.hpp"
#include "output.hpp"
#include "report.hpp"

namespace keel::sim {

int write_tla_trace(const Flags& flags) {
  auto file = OutputFile::open(flags.tla_trace);
  if (!file) return complain(file.error().message);
  const TlaReport report = run_tla(*flags.seed, flags.tla_lines);
  for (const std::string& line : report.lines) {
    std::fwrite(line.data(), 1, line.size(), file->get());
    std::fputc('\n', file->get());
  }
  if (auto written = file->close(); !written) return complain(written.error().message);
  say(fmt::format("{} lines are in {}\n", report.lines.size(), flags.tla_trace));
  say(describe_counters(report.counters));
  if (report.failed) say(fmt::format("seed {} failed: {}\n", *flags.seed, report.text));
  return report.failed ? went_wrong : 0;
}

}  // namespace keel::sim
