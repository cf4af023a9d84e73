// The protocol alone: three Rafts on one core, messages by function call, writes durable at once. What is counted is
// committed and handed to apply on all three.
#include <algorithm>
#include <cstdlib>
#include <memory>
#include <vector>

#include <fmt/core.h>

#include "keel-bench/allocations.hpp"
#include "keel-bench/bench.hpp"
#include "keel-bench/cpu_time.hpp"
#include "keel/raft/raft.hpp"

namespace {

using namespace keel;

struct CoreOptions {
  std::uint64_t proposals = 1'000'000;
  std::size_t payload = 256;
  int runs = 5;
  bool json = false;
};

class ThreeRafts {
 public:
  ThreeRafts() {
    const Genesis genesis = make_genesis("bench", {{.id = NodeId(1)}, {.id = NodeId(2)}, {.id = NodeId(3)}});
    for (std::uint64_t id = 1; id <= 3; ++id) {
      RaftOptions options{.id = NodeId(id), .seed = id, .log_cache_bytes = 4u << 20, .events = 0};
      Recovered empty;
      empty.hard_state.term = Term(1);
      empty.terms = {{Index(1), Term(1)}};
      empty.configurations = {{Index(1), Term(1), EntryKind::genesis, encode(genesis)}};
      empty.last = Index(1);
      rafts_.push_back(Raft::make(options, empty, Instant()).value());
    }
    rafts_[0].expire(Timer::election);
    settle();
  }

  Raft& leader() { return rafts_[0]; }

  // Lets everything that is under way arrive.
  void settle() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (Raft& raft : rafts_) {
        if (!raft.has_output()) continue;
        moved = true;
        raft.take_output(output_);
        for (Message& message : output_.send)
          pass(message);
        if (output_.write) raft.written(output_.write->id);
        for (HeldMessage& held : output_.send_after_write)
          pass(held.message);
        if (!output_.apply.empty()) raft.applied(output_.apply.last);
      }
    }
  }

  [[nodiscard]] bool all_applied(Index index) const {
    return std::ranges::all_of(rafts_, [&](const Raft& raft) { return raft.status().applied >= index; });
  }

 private:
  void pass(Message& message) { rafts_[message.to.value() - 1].receive(std::move(message)); }

  std::vector<Raft> rafts_;
  Output output_;
};

struct Figures {
  double per_second;
  double allocated;  // a proposal, beyond the payload's own
};

Figures run_once(const CoreOptions& options, std::uint64_t batch) {
  ThreeRafts group;
  const std::vector<std::byte> bytes(options.payload, std::byte{'x'});
  const std::uint64_t rounds = options.proposals / batch;
  const std::uint64_t allocated = allocations();
  const double start = bench::cpu_seconds();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    for (std::uint64_t i = 0; i < batch; ++i) {
      if (!group.leader().propose(EntryKind::command, Payload::copy_of(bytes))) std::abort();
    }
    group.settle();
  }
  const double seconds = bench::cpu_seconds() - start;
  const auto done = static_cast<double>(rounds * batch);
  if (!group.all_applied(group.leader().log().last().index)) std::abort();
  return {done / seconds, static_cast<double>(allocations() - allocated) / done - 1};
}

void measure(const CoreOptions& options, std::uint64_t batch) {
  std::vector<Figures> figures;
  figures.reserve(static_cast<std::size_t>(options.runs));
  for (int run = 0; run < options.runs; ++run)
    figures.push_back(run_once(options, batch));
  std::ranges::sort(figures, {}, &Figures::per_second);
  const Figures& median = figures[figures.size() / 2];
  if (options.json) {
    fmt::print(
        "{{\"bench\":\"core\",\"batch\":{},\"payload\":{},\"runs\":{},\"median_per_second\":{:.0f},"
        "\"min\":{:.0f},\"max\":{:.0f},\"extra_allocations\":{:.4f}}}\n",
        batch, options.payload, options.runs, median.per_second, figures.front().per_second, figures.back().per_second,
        median.allocated);
  } else {
    fmt::print(
        "core, {:>3} at a time: {:>9.0f} proposals/s of processor time (min {:.0f}, max {:.0f}, {} runs), "
        "{:.3f} allocations each beyond the payload's\n",
        batch, median.per_second, figures.front().per_second, figures.back().per_second, options.runs,
        median.allocated);
  }
}

}  // namespace

void add_core_bench(CLI::App& app) {
  auto options = std::make_shared<CoreOptions>();
  CLI::App* core = app.add_subcommand("core", "three Rafts on one core, messages by function call");
  core->add_option("--proposals", options->proposals, "in each run")->check(CLI::PositiveNumber)->capture_default_str();
  core->add_option("--payload", options->payload, "bytes of each")->capture_default_str();
  core->add_option("--runs", options->runs, "the median is shown")->check(CLI::Range(1, 1000))->capture_default_str();
  core->add_flag("--json", options->json, "a JSON object a line");
  core->callback([options] {
    measure(*options, 1);
    measure(*options, 64);
  });
}
