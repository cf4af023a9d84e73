// What a run reached, in words.
#include <fmt/format.h>

#include "keel/sim/world.hpp"
#include "sim/host.hpp"

namespace keel::sim {
namespace {

// The names of a variant's alternatives, by their own name_of.
template <class Variant, std::size_t... I>
auto names_of(std::index_sequence<I...>) {
  return std::array<std::string, sizeof...(I)>{
      std::string(name_of(Variant(std::variant_alternative_t<I, Variant>{})))...};
}
template <class Variant>
auto names_of() {
  return names_of<Variant>(std::make_index_sequence<std::variant_size_v<Variant>>());
}

template <class Enum, std::size_t N>
void add_by(Counters& counters, std::string_view prefix, const std::array<std::uint64_t, N>& counts,
            std::size_t kinds) {
  for (std::size_t i = 0; i < kinds; ++i) {
    counters.add(fmt::format("{}{}", prefix, to_string(static_cast<Enum>(i))), counts[i]);
  }
}

}  // namespace

void World::count(const NodeEvent& event) {
  if (std::holds_alternative<NodeFailed>(event)) ++tallies_.failed_nodes;
  const auto* protocol = std::get_if<RaftEvent>(&event);
  if (protocol == nullptr) return;
  ++tallies_.events[protocol->index()];
  if (const auto* role = std::get_if<RoleChanged>(protocol)) ++tallies_.roles[static_cast<std::size_t>(role->role)];
  if (const auto* campaign = std::get_if<CampaignStarted>(protocol)) tallies_.rehearsals += campaign->pre_vote ? 1 : 0;
  if (const auto* cut = std::get_if<EntriesTruncated>(protocol)) {
    tallies_.truncated += cut->range.last.next() - cut->range.first;
  }
  if (const auto* r = std::get_if<MessageRejected>(protocol)) ++tallies_.rejected[static_cast<std::size_t>(r->reason)];
  if (const auto* down = std::get_if<SteppedDown>(protocol)) {
    ++tallies_.stepped_down[static_cast<std::size_t>(down->reason)];
  }
  if (const auto* ended = std::get_if<TransferEnded>(protocol)) {
    ++tallies_.transfers[static_cast<std::size_t>(ended->end)];
  }
}

Counters World::counters() const {
  Counters counters;
  const auto events = names_of<RaftEvent>();
  for (std::size_t i = 0; i < events.size(); ++i) {
    if ((Host::rare() >> i & 1) != 0) counters.add("event: " + events[i], tallies_.events[i]);
  }
  const auto messages = names_of<MessageBody>();
  for (std::size_t i = 0; i < messages.size(); ++i)
    counters.add("message: " + messages[i], tallies_.messages[i]);
  counters.add("message: ForwardRequest", tallies_.peer_messages[1]);
  counters.add("message: ForwardReply", tallies_.peer_messages[2]);
  add_by<RejectReason>(counters, "rejected: ", tallies_.rejected, 6);
  add_by<StepDownReason>(counters, "stepped down: ", tallies_.stepped_down, 5);
  add_by<TransferEnd>(counters, "transfer: ", tallies_.transfers, 5);

  add_by<RoleName>(counters, "role: ", tallies_.roles, tallies_.roles.size());
  counters.add("role: pre_candidate", tallies_.rehearsals);
  counters.add("raft: leaderships", leaderships_.size());
  counters.add("raft: rehearsals", tallies_.rehearsals);
  counters.add("raft: campaigns", counters.of("event: CampaignStarted") - tallies_.rehearsals);
  counters.add("raft: entries truncated", tallies_.truncated);
  counters.add("raft: entries committed", checks_.committed().value());

  const NetworkCounters& network = network_.counters();
  counters.add("turns: with a message and a write's end", tallies_.gathered);
  counters.add("messages: sent", network.sent);
  counters.add("messages: delivered", network.delivered);
  counters.add("faults: messages lost", network.lost_by(Loss::chance));
  counters.add("faults: messages cut off", network.lost_by(Loss::cut));
  counters.add("faults: messages to the dead", network.lost_by(Loss::down));
  counters.add("faults: messages repeated", network.duplicated);
  counters.add("faults: messages reordered", network.reordered);
  counters.add("faults: messages delayed", network.delayed);
  counters.add("faults: messages that waited for bandwidth", network.queued);
  counters.add("faults: messages lost from full queues", network.lost_by(Loss::overflow));
  counters.add("faults: crashes", tallies_.crashes);
  counters.add("faults: leaders crashed", tallies_.leader_crashes);
  counters.add("faults: nodes failed", tallies_.failed_nodes);
  counters.add("faults: writes lost in crashes", checks_.writes_lost());
  counters.add("faults: writes that survived crashes unsynced", checks_.writes_survived());

  for (const auto& host : hosts_) {
    const SimMedia::Troubles& troubles = host->media().troubles();
    for (std::size_t op = 0; op < disk_ops; ++op)
      counters.add(fmt::format("faults: disk {} errors", to_string(static_cast<DiskOp>(op))), troubles.failed[op]);
    counters.add("faults: disks without space", troubles.full);
    counters.add("faults: disk writes lost", troubles.lost);
    counters.add("faults: disk writes torn", troubles.torn);
    counters.add("faults: disk writes reordered", troubles.reordered);
    counters.add("faults: disk sectors reverted", troubles.reverted);
    counters.add("faults: disk writes cut short", troubles.short_writes);
    counters.add("faults: disk operations slowed", troubles.slowed);
    counters.add("faults: disk operations hung", troubles.hung);
  }

  for (const CommandRecord& command : commands_) {
    counters.add("commands: submitted");
    if (command.lost) {
      counters.add("commands: unknown");
    } else if (command.answered && !command.error) {
      counters.add("commands: acknowledged");
    } else if (command.answered) {
      const Outcome outcome = outcome_of(command.error->code);
      counters.add(outcome == Outcome::unknown     ? "commands: unknown"
                   : outcome == Outcome::discarded ? "commands: discarded"
                                                   : "commands: refused");
    }
  }
  for (const ReadRecord& read : reads_)
    counters.add(read.answered && !read.error ? "reads: answered" : "reads: failed");
  for (std::size_t i = 0; i < tallies_.command_errors.size(); ++i) {
    if (tallies_.command_errors[i] == 0 && tallies_.read_errors[i] == 0) continue;
    const std::string_view code = to_string(static_cast<ErrorCode>(i));
    counters.add(fmt::format("error: command {}", code), tallies_.command_errors[i]);
    counters.add(fmt::format("error: read {}", code), tallies_.read_errors[i]);
  }
  return counters;
}

}  // namespace keel::sim
