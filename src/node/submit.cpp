// Commands in: from this node's callers, and from those of other nodes.
#include <fmt/core.h>

#include "keel/wire/envelope.hpp"
#include "keel/wire/frame.hpp"
#include "node/parts.hpp"

namespace keel {
namespace {

// A forwarded command whose caller set no deadline is given up after this many election timeouts: its request may be
// lost, and while the leader stays nothing proves it.
constexpr int forward_patience = 10;

Error error(ErrorCode code, std::string message) { return {code, std::move(message)}; }

}  // namespace

void Node::Parts::submit(ByteView bytes, SubmitOptions submitted, Completion<Applied> done) {
  auto refused = refusal(bytes, submitted);
  if (!refused && submitted.deadline && *submitted.deadline <= executor.now()) {
    refused = error(ErrorCode::invalid, "the deadline was over when the command came; it was not appended");
  }
  if (!refused && raft.role() != RoleName::leader) {
    const bool passes = submitted.forward && raft.leader() != nobody;
    refused = passes ? too_much_to_forward(bytes.size()) : not_leading();
    if (!refused) return forward(bytes, std::move(submitted), std::move(done));
  }
  if (refused) {
    drain.owe<Applied>(std::move(done), std::unexpected(std::move(*refused)));
    return wake();
  }
  Result<LogPosition> position = std::unexpected(error(ErrorCode::stopping, "this node failed as the command came"));
  feed([&] {
    if (auto full = no_room_for(bytes.size())) {
      position = std::unexpected(std::move(*full));
    } else {
      position = propose(submitted.kind, Payload::copy_of(bytes),
                         {.session = submitted.session, .sequence = submitted.sequence}, submitted.expected_term);
    }
  });
  if (!position) return drain.owe<Applied>(std::move(done), std::unexpected(std::move(position).error()));
  if (submitted.appended) drain.owe(std::move(submitted.appended), *position);
  commands.add({*position, std::move(done), std::move(submitted.context), submitted.deadline});
}

// What can be said without asking who leads.
std::optional<Error> Node::Parts::refusal(ByteView bytes, const SubmitOptions& submitted) const {
  if (!runs()) {
    return error(ErrorCode::stopping, "this node has failed and takes no commands: " +
                                          (failure ? failure->message : std::string("unknown")));
  }
  if (!is_for_machine(submitted.kind)) {
    return error(ErrorCode::invalid,
                 fmt::format("entries of kind {} are Raft's own; a command is of kind {}, {} or {} "
                             "and above",
                             static_cast<unsigned>(submitted.kind), static_cast<unsigned>(EntryKind::command),
                             static_cast<unsigned>(EntryKind::session), static_cast<unsigned>(EntryKind::application)));
  }
  if (bytes.size() > options.raft.max_entry_bytes) {
    return error(ErrorCode::too_large, fmt::format("a command of {} bytes; max_entry_bytes allows {}", bytes.size(),
                                                   options.raft.max_entry_bytes));
  }
  if (machine_broken) {
    Error why = not_leading();
    why.message = "this node's state machine has failed; " + why.message;
    return why;
  }
  if (submitted.expected_term && *submitted.expected_term < raft.term()) {
    return error(ErrorCode::wrong_term,
                 fmt::format("the term is {}, not {}", raft.term().value(), submitted.expected_term->value()));
  }
  if (commands.size() + forwards.size() >= options.max_waiting_commands) {
    return error(ErrorCode::overloaded, fmt::format("{} commands wait already, which is max_waiting_commands; try "
                                                    "again later",
                                                    options.max_waiting_commands));
  }
  return std::nullopt;
}

std::optional<Error> Node::Parts::no_room_for(std::size_t bytes) {
  if (room() >= options.min_room && room() - options.min_room >= bytes) return std::nullopt;
  return error(ErrorCode::overloaded, fmt::format("the log store has room for {} bytes and {} are kept in reserve "
                                                  "(min_room); make room or raise its bound",
                                                  *room_left, options.min_room));
}

std::optional<Error> Node::Parts::too_much_to_forward(std::size_t bytes) const {
  const std::size_t waiting = forwards.bytes();
  const std::size_t most = options.max_forwarded_bytes;
  if (waiting == 0 || (waiting <= most && most - waiting >= bytes)) return std::nullopt;
  return error(ErrorCode::overloaded, fmt::format("{} bytes of commands passed on to the leader wait for their answer "
                                                  "already and max_forwarded_bytes is {}; try again later",
                                                  waiting, most));
}

Error Node::Parts::not_leading() const {
  const NodeId leader = raft.leader();
  if (leader == nobody || leader == options.raft.id) {
    return error(ErrorCode::no_leader, fmt::format("node {} knows no leader that could take it; an election may be "
                                                   "under way, try again",
                                                   options.raft.id.value()));
  }
  const Member* member = raft.configurations().current()->find(leader);
  const std::string address = member != nullptr && !member->address.empty() ? " at " + member->address : "";
  return {ErrorCode::not_leader, fmt::format("node {} leads{}; ask there", leader.value(), address), leader.value()};
}

// On the leader. Nothing was appended if it fails.
Result<LogPosition> Node::Parts::propose(EntryKind kind, Payload payload, Envelope envelope,
                                         std::optional<Term> expected) {
  if (!clock.known()) {
    return std::unexpected(error(ErrorCode::no_leader, "this node is starting: it has not yet read the log's end"));
  }
  const std::uint64_t bytes = payload.size() + wire::frame_header_max + wire::frame_checksum_size;
  envelope.wall_time = clock.stamp(executor);
  wire::set_envelope(payload, envelope);
  auto position = raft.propose(kind, std::move(payload), expected);
  if (!position) {
    if (position.error().code == ErrorCode::not_leader) position.error() = not_leading();
    return position;
  }
  room_left = room() - std::min(room(), bytes);
  return position;
}

// Pinned to the leader's term: nobody can append it in another, so what becomes of it can be known (see Forwards).
void Node::Parts::forward(ByteView bytes, SubmitOptions submitted, Completion<Applied> done) {
  const NodeId leader = raft.leader();
  const Term term = submitted.expected_term.value_or(raft.term());
  const Instant patience = executor.now() + forward_patience * options.raft.election_timeout;
  const std::uint64_t tag =
      forwards.add({leader, term, std::move(done), std::move(submitted.appended), std::move(submitted.context),
                    submitted.deadline.value_or(patience), bytes.size()});
  forwarding.push_back(to_peer(leader, ForwardRequest{.tag = tag,
                                                      .session = submitted.session,
                                                      .sequence = submitted.sequence,
                                                      .expected_term = term,
                                                      .command = Payload::copy_of(bytes),
                                                      .kind = submitted.kind}));
  wake();
}

// A command of another node's caller. The reply only says where it went; the answer comes from that node's own machine.
void Node::Parts::on(NodeId from, ForwardRequest request, const Route* route) {
  if (!raft.cluster().is_member(from)) return reject(from, "ForwardRequest", RejectReason::stranger);
  if (!seen.first_time(from, request.tag)) return reject(from, "ForwardRequest", RejectReason::stale);
  const auto attempt = [&]() -> Result<LogPosition> {
    if (auto refused = refusal(request.command.bytes(), {.kind = request.kind})) {
      return std::unexpected(std::move(*refused));
    }
    if (raft.role() != RoleName::leader) return std::unexpected(not_leading());
    if (auto refused = no_room_for(request.command.size())) return std::unexpected(std::move(*refused));
    const std::optional<Term> term =
        request.expected_term == Term() ? std::nullopt : std::optional(request.expected_term);
    // Copied: the message's bytes may be shared with a copy of it that the network delivers elsewhere.
    return propose(
        request.kind, Payload::copy_of(request.command.bytes()),
        {.session = request.session, .sequence = request.sequence, .origin = from, .origin_tag = request.tag}, term);
  };
  const auto position = attempt();
  ForwardReply reply{.tag = request.tag, .position = position.value_or(LogPosition{})};
  if (!position) {
    // Before it was restarted this node may have led that term, and appended the command then: it cannot tell.
    const bool certain = request.expected_term > started_in;
    reply.refusal = certain ? position.error().code : ErrorCode::leadership_lost;
    reply.leader = NodeId(position.error().leader);
  }
  outbox.send(to_peer(from, reply), route);
}

void Node::Parts::on(NodeId from, const ForwardReply& reply) {
  if (reply.position.index != Index()) return forwards.appended(from, reply.tag, reply.position, drain);
  if (outcome_of(reply.refusal) != Outcome::not_appended) return;  // it does not know; the log will tell
  Error why{reply.refusal, fmt::format("node {} refused it: {}", from.value(), to_string(reply.refusal)),
            reply.leader.value()};
  forwards.refused(from, reply.tag, std::move(why), drain);
}

void Node::Parts::reject(NodeId from, std::string_view type, RejectReason reason) {
  events.record(RaftEvent(MessageRejected{from, type, reason}));
  wake();
}

}  // namespace keel
