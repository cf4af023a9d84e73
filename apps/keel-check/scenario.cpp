#include "scenario.hpp"

#include <fmt/format.h>

namespace keel::check {
namespace {

std::string torn(Cut cut) {
  if (cut.parts == 0) return fmt::format("{} of its writes under way on the disk", cut.writes);
  return fmt::format("{} of its writes under way on the disk, and {} parts of the next", cut.writes, cut.parts);
}

std::string what_happens(const Taken& taken) {
  const std::uint64_t node = taken.node.value();
  const std::string stays = taken.repeated ? ", and stays under way" : "";
  switch (taken.kind) {
    case Kind::deliver: return fmt::format("{} arrives{}", short_form(*taken.message), stays);
    case Kind::deliver_late:
      return fmt::format("{} arrives when node {} has heard nothing for long{}", short_form(*taken.message), node,
                         stays);
    case Kind::lose: return fmt::format("{} is lost", short_form(*taken.message));
    case Kind::persist: return fmt::format("node {}: its oldest write is durable", node);
    case Kind::election: return fmt::format("node {}: its election timer runs out", node);
    case Kind::heartbeat: return fmt::format("node {}: its heartbeat timer runs out", node);
    case Kind::check_quorum: return fmt::format("node {}: it has heard no quorum for too long", node);
    case Kind::stall: return fmt::format("node {}: its oldest write takes too long", node);
    case Kind::transfer_ends: return fmt::format("node {}: the transfer of leadership takes too long", node);
    case Kind::step_down: return fmt::format("node {}: it is told to give up its role", node);
    case Kind::unreachable:
      return fmt::format("node {}: it is told that what it sent to node {} may be lost", node, taken.operand);
    case Kind::read: return fmt::format("node {}: read {} is asked for", node, taken.operand);
    case Kind::propose: return fmt::format("node {}: command {} is proposed", node, taken.operand);
    case Kind::transfer: return fmt::format("node {}: leadership shall go to node {}", node, taken.operand);
    case Kind::crash:
      return fmt::format("node {} crashes with {}, and starts again", node, torn(Cut::of(taken.operand)));
    case Kind::late_notice:
      return fmt::format("node {}: it is told once more that the write before the last durable one is durable", node);
    case Kind::lost_tail:
      return fmt::format("node {} crashes, and starts again without its last entry, which its store misses", node);
  }
  return {};
}

std::string stands(const RaftStatus& status) {
  std::string text = fmt::format("node {} {} t{}", status.id.value(), to_string(status.role), status.term.value());
  if (status.pre_vote) text += " (rehearsing)";
  if (status.vote != nobody) text += fmt::format(" voted {}", status.vote.value());
  return text +
         fmt::format(" log {} stable {} commit {}", status.last.value(), status.stable.value(), status.commit.value());
}

std::string predicate(const Taken& taken) {
  return fmt::format("reads(\"{}\")", taken.alone ? short_form(*taken.message) : long_form(*taken.message));
}

std::string timer(const Taken& taken, std::string_view name) {
  return fmt::format("    group.fire({}, Timer::{});\n", taken.node.value(), name);
}

std::string statement(const Taken& taken) {
  const std::uint64_t node = taken.node.value();
  switch (taken.kind) {
    case Kind::deliver:
    case Kind::deliver_late: {
      const std::string before =
          taken.kind == Kind::deliver_late ? fmt::format("    group.fall_silent_to({});\n", node) : "";
      return before + fmt::format("    group.{}({});\n", taken.repeated ? "deliver_copy_of_first" : "deliver_first",
                                  predicate(taken));
    }
    case Kind::lose: return fmt::format("    group.lose_first({});\n", predicate(taken));
    case Kind::persist: return fmt::format("    group.finish_one_write({});\n", node);
    case Kind::election: return timer(taken, "election");
    case Kind::heartbeat: return timer(taken, "heartbeat");
    case Kind::check_quorum: return timer(taken, "check_quorum");
    case Kind::stall: return timer(taken, "write_stall");
    case Kind::transfer_ends: return timer(taken, "transfer");
    case Kind::step_down: return fmt::format("    group.raft({0}).step_down();\n    group.pump(NodeId({0}));\n", node);
    case Kind::unreachable:
      return fmt::format("    group.raft({0}).unreachable(NodeId({1}));\n    group.pump(NodeId({0}));\n", node,
                         taken.operand);
    case Kind::read: return fmt::format("    group.ask_read({}, {});\n", node, taken.operand);
    case Kind::propose: return fmt::format("    (void)group.propose({}, \"{}\");\n", node, taken.operand);
    case Kind::transfer:
      return fmt::format("    (void)group.raft({0}).transfer_leadership(NodeId({1}));\n    group.pump(NodeId({0}));\n",
                         node, taken.operand);
    case Kind::crash: {
      const Cut cut = Cut::of(taken.operand);
      return fmt::format("    group.crash({0}, {1}, {2});\n    group.restart({0});\n", node, cut.writes, cut.parts);
    }
    case Kind::late_notice: return fmt::format("    group.repeat_notice({});\n", node);
    case Kind::lost_tail:
      return fmt::format("    group.crash_without_the_last_entry({0});\n    group.restart({0});\n", node);
  }
  return {};
}

std::string comment(std::string_view text) {
  constexpr std::size_t width = 117;
  std::string lines;
  while (text.size() > width) {
    const std::size_t space = text.rfind(" --", width);
    lines += fmt::format("// {}\n", text.substr(0, space));
    text.remove_prefix(space + 1);
  }
  return lines + fmt::format("// {}\n", text);
}

std::string members(const Bounds& bounds) {
  if (bounds.learners == 0) return std::to_string(bounds.nodes);
  std::string list;
  for (unsigned id = 1; id <= bounds.nodes; ++id) {
    const bool learns = id > bounds.nodes - bounds.learners;
    list +=
        fmt::format("{}{{.id = NodeId({}){}}}", id == 1 ? "" : ", ", id, learns ? ", .role = MemberRole::learner" : "");
  }
  return fmt::format("make_genesis(\"test\", {{{}}})", list);
}

std::string adjustments(const Bounds& bounds) {
  std::string text = "    options.write_stall_timeout = {};\n";
  if (bounds.of(Budget::reads) > 0) text += "    options.seed = options.id.value() - 1;\n";  // it grows with each life
  if (!bounds.pre_vote) text += "    options.pre_vote = false;\n";
  if (!bounds.check_quorum) text += "    options.check_quorum = options.stickiness = false;\n";
  if (!bounds.eager_commit) text += "    options.eager_commit = false;\n";
  if (bounds.single_entries) text += "    options.max_append_entries = 1;\n";
  return text;
}

}  // namespace

std::string describe_steps(const Outcome& outcome) {
  std::string text;
  for (std::size_t i = 0; i < outcome.scenario.size(); ++i) {
    const Taken& taken = outcome.scenario[i];
    text += fmt::format("{:>3}. {}\n", i + 1, what_happens(taken));
    for (const Message& message : taken.left)
      text += fmt::format("       sends {}\n", short_form(message));
    if (taken.after && taken.kind != Kind::lose) text += fmt::format("       then {}\n", stands(*taken.after));
  }
  return text + outcome.violation + "\n";
}

std::string as_test(const Bounds& bounds, const Outcome& outcome, std::string_view name) {
  std::string text = fmt::format("// {}\n{}", outcome.violation, comment("keel-check " + flags_of(bounds)));
  text += fmt::format("TEST(Found, {}) {{\n", name);
  text +=
      fmt::format("  Group group({}, [](RaftOptions& options) {{\n{}  }});\n", members(bounds), adjustments(bounds));
  text +=
      "  for (auto& [id, member] : group.nodes)\n    member.instant_disk = false;\n  group.as_far_as_it_goes([&] {\n";
  for (const Taken& taken : outcome.scenario) {
    text += statement(taken);
    for (unsigned i = 0; i < taken.fetches; ++i)
      text += fmt::format("    group.finish_fetch({});\n", taken.node.value());
  }
  return text + "  });\n}\n";
}

}  // namespace keel::check
