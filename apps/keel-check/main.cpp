// keel-check: everything that can happen to a small cluster within bounds, every order of it.
#include <cstdio>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "keel/base/assert.hpp"
#include "scenario.hpp"

namespace {

using namespace keel::check;

constexpr int violated = 1;
constexpr int usage_error = 2;
constexpr int memory_full = 3;
constexpr int out_of_time = 4;
constexpr int wrong_itself = 5;

const std::map<std::string, Planted>& plants() {
  static const std::map<std::string, Planted> all = {{"forgotten-vote", Planted::forgotten_vote},
                                                     {"early-acknowledgement", Planted::early_acknowledgement},
                                                     {"forged-acknowledgement", Planted::forged_acknowledgement},
                                                     {"silent-loss", Planted::silent_loss},
                                                     {"old-read-index", Planted::old_read_index}};
  return all;
}

std::vector<std::string> plants_by_name() {
  std::vector<std::string> names;
  for (const auto& [name, bug] : plants())
    names.push_back(name);
  return names;
}

double rate(const Progress& progress) {
  return progress.seconds > 0 ? static_cast<double>(progress.states) / progress.seconds : 0;
}

void tell(const Progress& now) {
  fmt::print(stderr, "depth {:>3}: {} states, {} waiting, {:.0f} states a second, {:.0f} s\n", now.depth, now.states,
             now.waiting, rate(now), now.seconds);
}

void add_bounds(CLI::App& app, Bounds& bounds) {
  app.add_option("--nodes", bounds.nodes, "Nodes")->capture_default_str();
  app.add_option("--learners", bounds.learners, "So many of them, the last, have no vote")->capture_default_str();
  app.add_option("--terms", bounds.terms, "Terms that may begin")->capture_default_str();
  app.add_option("--commands", bounds.of(Budget::commands), "Commands proposed")->capture_default_str();
  app.add_option("--inflight", bounds.inflight, "Messages under way at a time")->capture_default_str();
  app.add_option("--losses", bounds.of(Budget::losses), "Messages lost")->capture_default_str();
  app.add_option("--duplicates", bounds.of(Budget::duplicates), "Messages that arrive once more")
      ->capture_default_str();
  app.add_option("--crashes", bounds.of(Budget::crashes),
                 "Power cuts with a restart; what was being written survives to any point")
      ->capture_default_str();
  app.add_option("--elections", bounds.of(Budget::elections), "Election timers that run out")->capture_default_str();
  app.add_option("--heartbeats", bounds.of(Budget::heartbeats), "Heartbeat timers that run out")->capture_default_str();
  app.add_option("--quorum-checks", bounds.of(Budget::quorum_checks), "Leaders that find that nobody answers them")
      ->capture_default_str();
  app.add_option("--stalls", bounds.of(Budget::stalls), "Writes that take too long")->capture_default_str();
  app.add_option("--transfers", bounds.of(Budget::transfers), "Transfers of leadership")->capture_default_str();
  app.add_option("--step-downs", bounds.of(Budget::step_downs), "Leaders that are told to give up their role")
      ->capture_default_str();
  app.add_option("--unreachables", bounds.of(Budget::unreachables),
                 "Leaders that are told that what they sent to a peer may be lost")
      ->capture_default_str();
  app.add_option("--reads", bounds.of(Budget::reads), "Reads asked for, of leaders and of followers")
      ->capture_default_str();
  app.add_option("--late-notices", bounds.of(Budget::late_notices),
                 "Writes that are said once more to be durable, behind a later one")
      ->capture_default_str();
  app.add_option("--lost-tails", bounds.of(Budget::lost_tails),
                 "Restarts without the last durable entry, which the node's store misses")
      ->capture_default_str();
  app.add_flag("!--no-pre-vote", bounds.pre_vote, "Without PreVote");
  app.add_flag("!--no-check-quorum", bounds.check_quorum, "Without CheckQuorum and stickiness");
  app.add_flag("!--no-eager-commit", bounds.eager_commit, "Followers learn of a commit with the next message");
  app.add_flag("--single-entries", bounds.single_entries, "A message carries one entry at most");
  app.add_option_function<std::string>(
         "--planted", [&bounds](const std::string& name) { bounds.planted = plants().at(name); },
         "A bug around the Rafts, to see it found")
      ->check(CLI::IsMember(plants_by_name()));
  app.add_option("--seconds", bounds.seconds, "End after so long, finished or not; 0: never")->capture_default_str();
}

void print(const Bounds& bounds, const Outcome& outcome) {
  const Progress& end = outcome.progress;
  fmt::print("{} distinct states, {} steps between them, depth {}\n", end.states, end.steps, end.depth);
  fmt::print("{} states of single nodes, {} messages; memory for {} states\n", outcome.node_states, outcome.messages,
             outcome.capacity);
  fmt::print("not taken: {} steps with too many messages under way, {} beyond the last term\n", outcome.too_many,
             outcome.too_late);
  fmt::print("{:.1f} s, {:.1f} million states a minute\n", end.seconds, rate(end) * 60 / 1e6);
  fmt::print("a state was overlooked, for two having one hash, with a probability of {:.1e} at most\n", outcome.miss());
  switch (outcome.ending) {
    case Ending::finished: return fmt::print("finished: no violation within these bounds\n");
    case Ending::memory_full:
      return fmt::print("not finished: memory full ({}); no violation so far; more --memory or smaller bounds\n",
                        outcome.full);
    case Ending::out_of_time:
      return fmt::print("not finished: out of time; no violation so far, none within {} steps from the start\n",
                        end.depth);
    case Ending::violated: break;
  }
  fmt::print("\nVIOLATION, and the shortest way to it:\n\n{}\nAs a test, for a file in tests/unit/raft/:\n\n{}",
             describe_steps(outcome), as_test(bounds, outcome));
}

int status_of(Ending ending) {
  if (ending == Ending::finished) return 0;
  if (ending == Ending::violated) return violated;
  return ending == Ending::memory_full ? memory_full : out_of_time;
}

int run(const Bounds& bounds) {
  try {
    fmt::print("keel-check {}\n", flags_of(bounds));
    std::fflush(stdout);
    Explorer explorer(bounds);
    const Outcome outcome = explorer.run(tell);
    print(bounds, outcome);
    return status_of(outcome.ending);
  } catch (const std::bad_alloc&) {
    fmt::print("not finished: memory full (the system gave less than --memory allows)\n");
    return memory_full;
  } catch (const keel::InvariantBroken& broken) {
    fmt::print("not finished: keel-check found itself wrong: {}\n", broken.what());
    return wrong_itself;
  }
}

}  // namespace

int main(int argc, char** argv) {
  Bounds bounds;
  std::string memory = "4G";
  CLI::App app{
      "Everything that can happen to a few Rafts within bounds, every order of it, breadth first.\n"
      "Status: 0 finished, 1 violated, 2 wrong flags; not finished: 3 memory full, 4 out of time, 5 itself wrong."};
  add_bounds(app, bounds);
  app.add_option("--memory", memory, "Memory to be used, in bytes or with K, M or G")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : usage_error;
  }
  keel::Result<void> good = {};
  if (auto bytes = parse_memory(memory)) {
    bounds.memory = *bytes;
    good = validate(bounds);
  } else {
    good = std::unexpected(bytes.error());
  }
  if (!good) {
    fmt::print(stderr, "keel-check: {}\n", good.error().message);
    return usage_error;
  }
  return run(bounds);
}
