#include "twice.hpp"

#include <fmt/format.h>

namespace keel::sim {
namespace {

// All lines of a trace, in 64 bits (FNV-1a) and their number.
class HashedTrace final : public TraceSink {
 public:
  void on_trace(const TraceEvent& event) override {
    for (const char c : text_line(event))
      add(c);
    add('\n');
    ++lines_;
  }
  [[nodiscard]] std::uint64_t lines() const { return lines_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uint64_t digest() const { return digest_; }
  bool operator==(const HashedTrace& other) const {
    return lines_ == other.lines_ && bytes_ == other.bytes_ && digest_ == other.digest_;
  }

 private:
  void add(char c) {
    ++bytes_;
    digest_ = (digest_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }

  std::uint64_t lines_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t digest_ = 0xcbf29ce484222325ULL;
};

}  // namespace

RunTwice run_twice(const Schedule& schedule, RunOptions options) {
  HashedTrace first;
  HashedTrace second;
  options.sink = &first;
  RunReport report = run_schedule(schedule, options);
  options.sink = &second;
  const RunReport again = run_schedule(schedule, options);
  const bool alike = first == second && again.digest == report.digest && again.text == report.text;
  if (!alike) {
    report.failed = true;
    report.check = differing;
    report.text = fmt::format(
        "two runs differ: traces of {} and {} lines and {} and {} bytes with digests {:016x} and {:016x}; "
        "of all that happened, {:016x} and {:016x}, after {} and {} steps",
        first.lines(), second.lines(), first.bytes(), second.bytes(), first.digest(), second.digest(), report.digest,
        again.digest, report.steps, again.steps);
  }
  return {std::move(report), first.lines()};
}

}  // namespace keel::sim
