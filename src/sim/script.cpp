// What a script tells a World to do, and what it may ask.
#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/register_machine.hpp"
#include "keel/sim/world.hpp"
#include "sim/host.hpp"
#include "sim/watched.hpp"

namespace keel::sim {

// Leadership.

NodeId World::leader() const {
  NodeId leader = nobody;
  Term term;
  for (const NodeId id : running()) {
    const RaftStatus status = raft(id).status();
    if (!status.ready || status.role != RoleName::leader || status.term < term) continue;
    leader = id;
    term = status.term;
  }
  return leader;
}

std::vector<NodeId> World::followers() const {
  std::vector<NodeId> others = running();
  std::erase(others, leader());
  return others;
}

NodeId World::some_follower() const {
  const std::vector<NodeId> others = followers();
  if (others.empty()) fail("script", "there is no follower");
  return others.front();
}

NodeId World::elect() {
  run_until(one_leader());
  return leader();
}

void World::elect(Who node) {
  for (int tries = 0; tries < 20 && leader() != node.id; ++tries) {
    if (const NodeId now = leader(); now != nobody) {
      (void)transfer(now, node);
    } else {
      fire_timer(node, Timer::election);
    }
    holds_within(sim::node(node.id).is_ready(), election_timeout());
  }
  run_until(sim::node(node.id).is_ready() && one_leader());
}

void World::fire_timer(Who node, Timer timer) {
  this->node(node).expire(timer);
  touch(node.id);
  check_step();
  run_now();
}

void World::step_down(Who node) {
  this->node(node).step_down();
  touch(node.id);
  check_step();
  run_now();
}

Result<void> World::transfer(Who from, Who to) {
  const auto result = std::make_shared<std::optional<Result<void>>>();
  node(from).transfer_leadership(to.id, [result](Result<void> outcome) { *result = std::move(outcome); });
  touch(from.id);
  const auto ended = [&] { return result->has_value() || !is_up(from); };
  run_until(Condition("the transfer ends", [&](const World&) { return ended(); }));
  return result->value_or(keel::fail(ErrorCode::failed, "the leader died"));
}

std::size_t World::leader_changes_since_heal() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(leaderships_, [this](const Leadership& l) { return l.step > network_.last_heal(); }));
}

// Commands.

Submitted World::submit(std::string_view command) {
  const Condition there_is_a_leader("there is a leader", [](const World& world) { return world.leader() != nobody; });
  run_until(there_is_a_leader);
  return submit(leader(), command);
}

Submitted World::submit(Who node, std::string_view command) {
  const Submitted submitted = submit_async(node, command);
  run_until(submitted.is_answered());
  return submitted;
}

Submitted World::submit_async(Who node, std::string_view command, SubmitOptions options) {
  const Submitted submitted = post_command(node, command, std::move(options), {});
  check_step();
  run_now();
  return submitted;
}

Submitted World::post_command(Who node, std::string_view command, SubmitOptions options, std::function<void()> told) {
  const std::uint64_t id = commands_.size() + 1;
  commands_.push_back({.node = node.id, .told = std::move(told)});
  mix_in(id);
  if (tracing()) trace_client(node.id, id, "submits", command.substr(0, 60));
  options.appended = [this, id, also = std::move(options.appended)](LogPosition position) mutable {
    commands_[id - 1].position = position;
    if (also) also(position);
  };
  const std::vector<std::byte> bytes = mark(id, std::as_bytes(std::span(command)));
  this->node(node).submit(bytes, std::move(options),
                          [this, id](Result<Applied> result) { answer(id, std::move(result)); });
  touch(node.id);
  return {*this, id};
}

void World::answer(std::uint64_t id, Result<Applied> result) {
  CommandRecord& record = commands_[id - 1];
  if (record.lost) return;  // its process is dying: nobody hears this
  if (record.answered) return checks_.violate("outcomes", fmt::format("command #{} was answered twice", id));
  record.answered = true;
  if (result) {
    record.reply = std::move(result->reply);
    record.position = result->position;
  } else {
    record.error = std::move(result.error());
    ++tallies_.command_errors[static_cast<std::size_t>(record.error->code)];
  }
  mix_in(record.position.index.value());
  if (tracing()) {
    trace_client(record.node, id, record.error ? "fails" : "ends",
                 record.error ? std::string(to_string(record.error->code))
                              : fmt::format("well at {}", record.position.index.value()));
  }
  if (!record.error && checks_.committed_term(record.position.index) != record.position.term) {
    checks_.violate("outcomes", fmt::format("command #{} was acknowledged at index {}, where it is not committed", id,
                                            record.position.index.value()));
  }
  const bool promised = record.error && outcome_of(record.error->code) != Outcome::unknown;
  if (promised && record.applied_at != Index(0)) {
    checks_.violate("outcomes", fmt::format("command #{} is applied at index {} and is reported as {}", id,
                                            record.applied_at.value(), to_string(record.error->code)));
  }
  if (const auto told = std::exchange(record.told, nullptr)) told();  // may add commands: `record` is not used after
}

void World::check_commands() {
  for (std::size_t i = 0; i < commands_.size(); ++i) {
    const CommandRecord& command = commands_[i];
    if (!command.answered && !command.lost) {
      fail("outcomes", fmt::format("command #{} at node {} was never answered", i + 1, command.node.value()));
    }
    if (command.answered && !command.error && command.applied_at != command.position.index) {
      fail("durability", fmt::format("command #{} was acknowledged at index {}; applied there is another", i + 1,
                                     command.position.index.value()));
    }
  }
}

Asked World::read_async(Who node, ReadLevel level, Query query, std::optional<Duration> deadline) {
  const Asked asked = post_read(node, level, std::move(query), deadline, {});
  check_step();
  run_now();
  return asked;
}

Asked World::post_read(Who node, ReadLevel level, Query query, std::optional<Duration> deadline,
                       std::function<void()> told) {
  const std::uint64_t id = reads_.size() + 1;
  reads_.push_back({.node = node.id, .told = std::move(told)});
  mix_in(id);
  if (tracing()) trace_client(node.id, id, "reads");
  std::optional<Instant> until;
  if (deadline) until = clock(node).now() + *deadline;
  this->node(node).read(level, until,
                        [this, id, query = std::move(query)](Result<Index> result) { answer_read(id, query, result); });
  touch(node.id);
  return {*this, id};
}

Asked World::read_async(Who node, std::string_view key) {
  return read_async(node, ReadLevel::linearizable, [key = std::string(key)](StateMachine& machine) {
    return dynamic_cast<RegisterMachine&>(machine).get(key);
  });
}

std::string World::read(Who node, std::string_view key) {
  const Asked asked = read_async(node, key);
  run_until(asked.is_answered());
  return asked.value();
}

void World::answer_read(std::uint64_t id, const Query& query, const Result<Index>& result) {
  ReadRecord& record = reads_[id - 1];
  if (record.lost) return;
  if (record.answered) return checks_.violate("outcomes", fmt::format("read #{} was answered twice", id));
  record.answered = true;
  if (result) {
    record.value = query(machine(record.node));
    record.at = host(record.node).machine().reached();
  } else {
    record.error = result.error();
    ++tallies_.read_errors[static_cast<std::size_t>(record.error->code)];
  }
  mix_in(record.value.size());
  if (tracing()) {
    trace_client(record.node, id, record.error ? "read fails" : "finds",
                 record.error ? std::string_view(to_string(record.error->code)) : std::string_view(record.value));
  }
  if (const auto told = std::exchange(record.told, nullptr)) told();
}

// Messages.

void World::deliver_one(const Messages& which) {
  run_until(in_flight(which));
  network_.deliver_one(which);
  run_now();
}

void World::deliver_all(const Messages& which) {
  for (std::size_t left = network_.count_in_flight(which); left > 0; --left)
    deliver_one(which);
}

void World::drop_one(const Messages& which) {
  run_until(in_flight(which));
  network_.drop_one(which);
}

void World::release() {
  network_.clear_rules();
  network_.release(Messages::any());
}

// Handles.

LogPosition Submitted::position() const {
  const LogPosition position = world_->commands_[id_ - 1].position;
  if (position.index == Index(0)) world_->fail("script", fmt::format("command #{} was not appended", id_));
  return position;
}

bool Submitted::is_appended() const { return world_->commands_[id_ - 1].position.index != Index(0); }
bool Submitted::answered() const { return world_->commands_[id_ - 1].answered; }
bool Submitted::is_lost() const { return world_->commands_[id_ - 1].lost; }
bool Submitted::ok() const { return answered() && !world_->commands_[id_ - 1].error; }

const std::string& Submitted::reply() const {
  if (!ok()) world_->fail("script", fmt::format("command #{} did not end well", id_));
  return world_->commands_[id_ - 1].reply;
}

std::optional<ErrorCode> Submitted::error() const {
  const auto& error = world_->commands_[id_ - 1].error;
  return error ? std::optional(error->code) : std::nullopt;
}

std::optional<Outcome> Submitted::outcome() const {
  const auto code = error();
  return code ? std::optional(outcome_of(*code)) : std::nullopt;
}

bool Submitted::committed() const {
  return is_appended() && world_->checks().committed_term(position().index) == position().term;
}

std::optional<Index> Submitted::applied_at() const {
  const Index index = world_->commands_[id_ - 1].applied_at;
  return index == Index(0) ? std::nullopt : std::optional(index);
}

bool Submitted::applied(Who node) const {
  const auto& record = world_->commands_[id_ - 1];
  return record.applied_at != Index(0) && world_->is_up(node) &&
         world_->raft(node).status().applied >= record.applied_at;
}

bool Submitted::applied_everywhere() const {
  const Condition everywhere("it is applied everywhere", [this](const World& world) {
    return std::ranges::all_of(world.running(), [this](NodeId id) { return applied(id); });
  });
  return world_->holds_within(everywhere, 10 * world_->election_timeout());
}

Condition Submitted::is_answered() const {
  return {fmt::format("command #{} is answered", id_), [*this](const World&) { return answered(); }};
}

Condition Submitted::is_applied(Who node) const {
  return {fmt::format("command #{} is applied on node {}", id_, node.id.value()),
          [*this, node](const World&) { return applied(node); }};
}

bool Asked::answered() const { return world_->reads_[id_ - 1].answered; }
bool Asked::is_lost() const { return world_->reads_[id_ - 1].lost; }
bool Asked::ok() const { return answered() && !world_->reads_[id_ - 1].error; }

const std::string& Asked::value() const {
  if (!ok()) world_->fail("script", fmt::format("read #{} did not end well", id_));
  return world_->reads_[id_ - 1].value;
}

Index Asked::at() const { return world_->reads_[id_ - 1].at; }

std::optional<ErrorCode> Asked::error() const {
  const auto& error = world_->reads_[id_ - 1].error;
  return error ? std::optional(error->code) : std::nullopt;
}

Condition Asked::is_answered() const {
  return {fmt::format("read #{} is answered", id_), [*this](const World&) { return answered(); }};
}

}  // namespace keel::sim
