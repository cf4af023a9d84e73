// The way from the start to a violation.
#include <algorithm>

#include "explorer.hpp"

namespace keel::check {

std::vector<Taken> Explorer::path() {
  std::vector<std::uint16_t> actions{broken_at_->second};
  for (std::uint32_t number = broken_at_->first; number != 0; number = visited_.before(number))
    actions.push_back(visited_.action(number));
  std::ranges::reverse(actions);

  std::vector<Taken> taken;
  World world;
  for (unsigned i = 0; i < bounds_.nodes; ++i)
    world.nodes[i] = i;  // where `begin` put them
  for (const std::uint16_t action : actions) {
    const Choice choice = choice_of(world, action);
    Taken& now = taken.emplace_back();
    now.kind = choice.kind;
    now.node = NodeId(choice.node + 1);
    now.repeated = choice.repeated;
    if (choice.message != no_place) {
      const std::uint32_t number = world.messages[choice.message];
      now.message = messages_[number];
      now.alone =
          std::none_of(world.messages.begin(), world.messages.begin() + world.under_way, [&](std::uint32_t other) {
            return other != number && short_form(messages_[other]) == short_form(*now.message);
          });
    }
    Step step{.node = world.nodes[choice.node]};
    if (choice.input != none) {
      now.operand = input_of(choice.input).operand;
      step = this->step(world.nodes[choice.node], choice.input);
    }
    now.fetches = step.fetches;
    for (std::uint32_t i = 0; i < step.count; ++i)
      now.left.push_back(messages_[left_[step.left + i]]);
    if (step.node == none) break;  // broken within this step
    now.after = nodes_[step.node].replica.raft.status();
    KEEL_ASSERT(change(world, choice, step), "the way was gone before");
  }
  return taken;
}

}  // namespace keel::check
