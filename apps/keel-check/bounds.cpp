#include "bounds.hpp"

#include <charconv>

namespace keel::check {
namespace {

constexpr std::array<std::string_view, budget_kinds> names = {
    "elections", "heartbeats", "quorum-checks", "stalls",     "transfers", "step-downs",   "unreachables",
    "reads",     "commands",   "losses",        "duplicates", "crashes",   "late-notices", "lost-tails"};

Result<void> within(std::string_view flag, unsigned value, unsigned least, unsigned most) {
  if (value >= least && value <= most) return {};
  return fail(ErrorCode::invalid, "--" + std::string(flag) + " is " + std::to_string(value) + "; it must be from " +
                                      std::to_string(least) + " to " + std::to_string(most));
}

}  // namespace

Result<void> validate(const Bounds& bounds) {
  if (auto good = within("nodes", bounds.nodes, 1, most_nodes); !good) return good;
  if (auto good = within("learners", bounds.learners, 0, bounds.nodes - 1); !good) return good;
  if (auto good = within("terms", bounds.terms, 1, most_terms); !good) return good;
  if (auto good = within("inflight", bounds.inflight, 1, most_inflight); !good) return good;
  for (std::size_t i = 0; i < budget_kinds; ++i) {
    const unsigned most = i == static_cast<std::size_t>(Budget::reads) ? most_reads : most_of_a_budget;
    if (auto good = within(names[i], bounds.budgets[i], 0, most); !good) return good;
  }
  if (bounds.of(Budget::quorum_checks) > 0 && !bounds.check_quorum) {
    return fail(ErrorCode::invalid, "--quorum-checks and --no-check-quorum contradict each other");
  }
  if (bounds.memory < least_memory) {
    return fail(ErrorCode::invalid,
                "--memory is " + std::to_string(bounds.memory) + " bytes; it must be 1M at least (4G, 512M, or bytes)");
  }
  if (bounds.seconds < 0) return fail(ErrorCode::invalid, "--seconds is negative; 0 stands for no limit");
  return {};
}

Result<std::uint64_t> parse_memory(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const int shift = unit.empty() ? 0 : unit == "K" ? 10 : unit == "M" ? 20 : unit == "G" ? 30 : -1;
  if (error != std::errc() || shift < 0 || number > (std::uint64_t{1} << 50 >> shift)) {
    return fail(ErrorCode::invalid, "--memory is '" + std::string(text) +
                                        "'; it must be a whole number of bytes, or of K, M or G of them, as in 4G");
  }
  return number << shift;
}

std::string flags_of(const Bounds& bounds) {
  std::string flags = "--nodes " + std::to_string(bounds.nodes);
  if (bounds.learners > 0) flags += " --learners " + std::to_string(bounds.learners);
  flags += " --terms " + std::to_string(bounds.terms) + " --inflight " + std::to_string(bounds.inflight);
  constexpr auto always = static_cast<std::size_t>(Budget::late_notices);
  for (std::size_t i = 0; i < budget_kinds; ++i) {
    if (i >= always && bounds.budgets[i] == 0) continue;
    flags += " --" + std::string(names[i]) + " " + std::to_string(bounds.budgets[i]);
  }
  if (!bounds.pre_vote) flags += " --no-pre-vote";
  if (!bounds.check_quorum) flags += " --no-check-quorum";
  if (!bounds.eager_commit) flags += " --no-eager-commit";
  if (bounds.single_entries) flags += " --single-entries";
  return flags;
}

// Time stands still unless a vote comes late, so no write may be stalled by it: that is a choice like the other timers.
RaftOptions options_for(const Bounds& bounds, NodeId id, unsigned life) {
  RaftOptions options;
  options.id = id;
  options.seed = id.value() + life;
  options.write_stall_timeout = {};
  options.pre_vote = bounds.pre_vote;
  options.check_quorum = options.stickiness = bounds.check_quorum;
  options.eager_commit = bounds.eager_commit;
  if (bounds.single_entries) options.max_append_entries = 1;
  options.events = bit_of<ProtocolViolation>() | bit_of<MessageRejected>();
  return options;
}

}  // namespace keel::check
