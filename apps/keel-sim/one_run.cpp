#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "commands.hpp"
#include "output.hpp"
#include "report.hpp"
#include "twice.hpp"

namespace keel::sim {
namespace {

constexpr std::size_t max_schedule_bytes = 64u << 20;  // a seed's has some hundred KiB

// One run from what the flags say to what is printed.
class OneRun {
 public:
  explicit OneRun(const Flags& flags) : flags_(flags), save_(flags.save) {}

  int go() {
    if (auto found = find_schedule(); !found) return complain(found.error().message);
    if (flags_.shrink && !make_smaller()) return 0;
    if (!save_.empty()) {
      if (auto saved = save(); !saved) return complain(saved.error().message);
    }
    if (auto done = run(); !done) return complain(done.error().message);
    say(describe_counters(report_.counters));
    if (report_.failed) say(describe_failure(report_, origin_));
    say(fmt::format("{} steps, digest {:016x}\n1 seeds, {} failed\n", report_.steps, report_.digest,
                    report_.failed ? 1 : 0));
    return report_.failed ? went_wrong : 0;
  }

 private:
  // What the seed draws, or what was written to a file.
  Result<void> find_schedule() {
    if (flags_.seed) {
      schedule_ = draw_schedule(*flags_.seed, *find_profile(flags_.profile));
      origin_ = origin_of_seed(*flags_.seed, flags_.profile, flags_.planted);
      return {};
    }
    auto text = read_file(flags_.schedule);
    if (!text) return std::unexpected(text.error());
    auto schedule = parse_schedule(*text);
    if (!schedule) {
      return fail(ErrorCode::invalid, fmt::format("{}: {}", flags_.schedule, schedule.error().message));
    }
    schedule_ = std::move(*schedule);
    origin_ = origin_of_schedule(flags_.schedule, flags_.planted);
    return {};
  }

  static Result<std::string> read_file(const std::string& name) {
    std::ifstream file(name, std::ios::binary);
    std::string text;
    for (char c = 0; text.size() <= max_schedule_bytes && file.get(c);)
      text += c;
    if (text.size() > max_schedule_bytes) {
      return fail(ErrorCode::too_large, fmt::format("{}: a schedule has {} bytes at most", name, max_schedule_bytes));
    }
    if (!file.eof()) return fail(ErrorCode::io, fmt::format("cannot read {}: {}", name, std::strerror(errno)));
    return text;
  }

  // Looks for less that fails by the same check, and prints it; false if it does not fail at all.
  bool make_smaller() {
    const bool terminal = isatty(STDERR_FILENO) != 0;
    ShrinkOptions options{.run = run_options(flags_),
                          .max_runs = flags_.shrink_runs,
                          .max_time = std::chrono::seconds(flags_.shrink_seconds)};
    options.progress = [terminal](const Schedule& best, std::uint64_t runs) {
      if (!terminal) return;
      tell(fmt::format("\r\033[K{} runs: {} faults, {} operations, {} nodes", runs, best.faults.size(),
                       best.operations.size(), best.world.nodes));
    };
    auto shrunk = shrink(schedule_, options);
    if (terminal) tell("\r\033[K");
    if (!shrunk) {
      say(fmt::format("{} does not fail: there is nothing to shrink\n", title()));
      return false;
    }
    say(fmt::format("{} faults and {} operations on {} nodes are left of {}, {} and {} after {} runs{}:\n\n{}\n",
                    shrunk->schedule.faults.size(), shrunk->schedule.operations.size(), shrunk->schedule.world.nodes,
                    schedule_.faults.size(), schedule_.operations.size(), schedule_.world.nodes, shrunk->runs,
                    shrunk->complete ? "" : ", at which the search was ended (--shrink-runs, --shrink-seconds)",
                    to_text(shrunk->schedule)));
    schedule_ = std::move(shrunk->schedule);
    if (save_.empty()) save_ = origin_.name + (flags_.seed ? ".schedule" : "-shrunk.schedule");  // not what was read
    return true;
  }

  Result<void> save() {
    auto file = OutputFile::open(save_);
    if (!file) return std::unexpected(file.error());
    const std::string text = to_text(schedule_);
    std::fwrite(text.data(), 1, text.size(), file->get());
    if (auto written = file->close(); !written) return written;
    origin_ = origin_of_schedule(save_, flags_.planted);
    say(fmt::format("the schedule is in {}; run it: {}\n", save_, origin_.command));
    return {};
  }

  Result<void> run() {
    RunOptions options = run_options(flags_);
    options.tail = tail_lines;
    if (flags_.twice) {
      auto [report, lines] = run_twice(schedule_, options);
      report_ = std::move(report);
      if (report_.check != differing) say(fmt::format("two runs, the same trace: {} lines\n", lines));
      return {};
    }
    if (!flags_.trace.empty()) return run_traced(options);
    report_ = run_schedule(schedule_, options);
    return {};
  }

  Result<void> run_traced(RunOptions options) {
    auto file = OutputFile::open(flags_.trace);
    if (!file) return std::unexpected(file.error());
    const auto trace = make_trace_writer(file->get(), format_of(flags_), title());
    options.sink = trace.get();
    report_ = run_schedule(schedule_, options);
    trace->finish(report_.failed ? report_.text : "");
    if (auto written = file->close(); !written) return written;
    say(fmt::format("the trace is in {}\n", flags_.trace));
    return {};
  }

  [[nodiscard]] std::string title() const {
    return fmt::format("seed {}, profile {}", schedule_.seed, schedule_.profile);
  }

  const Flags& flags_;
  std::string save_;
  Origin origin_;
  Schedule schedule_;
  RunReport report_;
};

}  // namespace

int one_run(const Flags& flags) { return OneRun(flags).go(); }

}  // namespace keel::sim
