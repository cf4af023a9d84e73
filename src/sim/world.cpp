#include "keel/sim/world.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/base/assert.hpp"
#include "sim/digest.hpp"
#include "sim/host.hpp"

namespace keel::sim {
namespace {

Genesis genesis_of(std::size_t nodes) {
  std::vector<Member> members;
  for (std::uint64_t id = 1; id <= nodes; ++id)
    members.push_back({.id = NodeId(id)});
  return make_genesis("sim", std::move(members));
}

std::size_t place(Who node) { return static_cast<std::size_t>(node.id.value()) - 1; }

}  // namespace

World::World(WorldOptions options)
    : options_(std::move(options)),
      genesis_(genesis_of(options_.nodes)),
      random_(options_.seed),
      network_(timeline_, options_.nodes, random_.fork(0x6e6574), genesis_.cluster_id(), options_.encode),
      checks_(options_.nodes) {
  inputs_.resize(options_.nodes);
  network_.set_links(options_.link);
  network_.set_grain(options_.grain);
  network_.watch(*this);
  if (options_.tail > 0) {
    tail_ = std::make_unique<TailTrace>(options_.tail);
    add_sink(*tail_);
  }
  for (std::uint64_t id = 1; id <= options_.nodes; ++id)
    hosts_.push_back(std::make_unique<Host>(*this, NodeId(id)));
  for (const NodeId id : all())
    restart(id);
  while (options_.bootstrapped && bootstrapping() && step()) {
  }
}

bool World::bootstrapping() {
  return std::ranges::any_of(
      hosts_, [](const auto& host) { return !host->failed() && host->node()->raft().log().stable() == Index(0); });
}

// Who would still be told may be gone already.
World::~World() {
  sinks_.clear();
  for (auto& command : commands_)
    command.told = nullptr;
  for (auto& read : reads_)
    read.told = nullptr;
  for (const NodeId id : running())
    host(id).crash();
}

// Time.

bool World::step() {
  touched_ = nobody;
  told_ = false;
  if (!timeline_.step()) return false;
  if (timeline_.running() != 0) touched_ = NodeId(timeline_.running());
  if (touched_ != nobody && !told_) inputs_[place(touched_)] = {};
  mix_in(static_cast<std::uint64_t>(now().time_since_epoch().count()) ^ (touched_.value() << 56));
  check_step();
  check_breaks();
  return true;
}

// What an event of the world's own has done, to whichever nodes, is looked for in all of them.
void World::check_step() {
  const auto look_at = [this](Host& host) {
    if (wants_states_) trace_state(host);
    check(host);
  };
  if (touched_ != nobody) {
    look_at(host(touched_));
  } else {
    for (const auto& host : hosts_)
      look_at(*host);
  }
  if (checks_.violation()) fail(checks_.violation()->check, checks_.violation()->text);
}

// A node that has not changed breaks nothing, and one that has is held against each of the others.
void World::check(Host& host) {
  if (!host.up() || host.failed()) return;
  const Raft& raft = host.node()->raft();
  if (!checks_.stepped(host.id(), raft)) return;
  for (const auto& other : hosts_) {
    if (other.get() != &host && other->up() && !other->failed()) checks_.compare(raft, other->node()->raft());
  }
}

void World::run_for(Duration time) {
  const SimTime end = now() + time;
  for (auto next = timeline_.next(); next && *next <= end; next = timeline_.next())
    step();
  timeline_.pass_until(end);
}

void World::run_now() { run_for(Duration(0)); }

bool World::holds_within(const Condition& condition, Duration budget) {
  const SimTime end = now() + budget;
  while (!condition.holds(*this)) {
    const auto next = timeline_.next();
    if (!next || *next > end) {
      timeline_.pass_until(end);
      return condition.holds(*this);
    }
    step();
  }
  return true;
}

void World::run_until(const Condition& condition, std::optional<Duration> budget) {
  const Duration limit = budget.value_or(20 * election_timeout());
  if (holds_within(condition, limit)) return;
  const std::string missing = condition.missing(*this);
  fail("waited in vain", fmt::format("not within {} ms: {}{}", limit / std::chrono::milliseconds(1), condition.text(),
                                     missing == condition.text() ? "" : "\nwhat did not hold: " + missing));
}

void World::run_while(const Condition& condition, Duration time) {
  if (holds_within(!condition, time)) fail("did not stay so", condition.text());
}

void World::settle() {
  const Condition answered("every command and read is answered", [](const World& world) {
    const auto over = [](const auto& record) { return record.answered || record.lost; };
    return std::ranges::all_of(world.commands_, over) && std::ranges::all_of(world.reads_, over);
  });
  run_until(all_alike() && answered, 30 * election_timeout());
}

// Nodes.

Host& World::host(Who node) const {
  KEEL_ASSERT(place(node) < hosts_.size(), "a node of this world");
  return *hosts_[place(node)];
}

std::vector<NodeId> World::all() const {
  std::vector<NodeId> ids;
  for (std::uint64_t id = 1; id <= options_.nodes; ++id)
    ids.emplace_back(id);
  return ids;
}

std::vector<NodeId> World::running() const {
  std::vector<NodeId> ids = all();
  std::erase_if(ids, [this](NodeId id) { return !is_up(id); });
  return ids;
}

bool World::is_up(Who node) const { return host(node).up(); }
bool World::is_paused(Who node) const { return host(node).paused(); }

Node& World::node(Who node) const {
  if (!is_up(node)) fail("script", fmt::format("node {} is down", node.id.value()));
  return *host(node).node();
}

StateMachine& World::machine(Who node) const {
  (void)this->node(node);
  return host(node).machine().inner();
}

NodeOptions& World::options(Who node) { return host(node).options(); }
SimMedia& World::disk(Who node) { return host(node).media(); }
const Clock& World::clock(Who node) const { return host(node).clock(); }

void World::set_clock_rate(Who node, std::int64_t parts_per_million) {
  host(node).clock().set_rate(parts_per_million);
  host(node).clock_changed();
  trace_life(node.id, "clock", fmt::format("at {} ppm", parts_per_million));
}

void World::jump_clock(Who node, Duration ahead) {
  host(node).clock().jump(ahead);
  host(node).clock_changed();
  trace_life(node.id, "clock", fmt::format("jumps {} ms", ahead / std::chrono::milliseconds(1)));
}

void World::crash(Who node) {
  if (!is_up(node)) return;
  trace_life(node.id, "crash");
  ++tallies_.crashes;
  if (raft(node).role() == RoleName::leader) ++tallies_.leader_crashes;
  host(node).crash();
  if (wants_states_) trace_state(host(node));
}

Result<void> World::try_restart(Who node) {
  if (is_up(node)) return {};
  trace_life(node.id, "start");
  auto started = host(node).start();
  if (!started) trace_life(node.id, "start_refused", started.error().message);
  if (wants_states_) trace_state(host(node));
  return started;
}

void World::restart(Who node) {
  auto started = try_restart(node);
  if (!started) fail("restart", fmt::format("node {}: {}", node.id.value(), started.error().message));
  check_step();
}

void World::stop(Who node) {
  if (!is_up(node)) return;
  trace_life(node.id, "stop");
  host(node).stop();
  if (wants_states_) trace_state(host(node));
}

void World::pause(Who node) {
  trace_life(node.id, "pause");
  host(node).pause();
  if (wants_states_) trace_state(host(node));
}

void World::resume(Who node) {
  trace_life(node.id, "resume");
  host(node).resume();
  if (wants_states_) trace_state(host(node));
}

// What a dead process owed its callers is never answered: they know nothing of the outcome.
void World::process_gone(NodeId node) {
  checks_.stopped(node);
  std::vector<std::function<void()>> told;
  const auto lose = [&](auto& record) {
    if (record.node != node || record.answered || record.lost) return;
    record.lost = true;
    if (record.told) told.push_back(std::exchange(record.told, nullptr));
  };
  std::ranges::for_each(commands_, lose);
  std::ranges::for_each(reads_, lose);
  for (const auto& tell : told)
    tell();
}

// What happened.

void World::mix_in(std::uint64_t value) { digest_ = mix(digest_, value); }

void World::trace(TraceEvent event) {
  event.at = now();
  for (TraceSink* sink : sinks_)
    sink->on_trace(event);
}

void World::add_sink(TraceSink& sink) {
  sinks_.push_back(&sink);
  if (!sink.wants_states()) return;
  wants_states_ = true;
  states_.resize(size());
  for (const auto& host : hosts_) {
    const NodeView state = states_[place(host->id())] = state_of(*host);
    sink.on_trace({.at = now(), .kind = TraceKind::state, .node = host->id(), .state = &state});
  }
  for (const NodeId from : all()) {
    for (const NodeId to : all()) {
      if (!network_.is_cut(from, to)) continue;
      sink.on_trace({.at = now(), .kind = TraceKind::fault, .node = from, .other = to, .name = "cut"});
    }
  }
}

void World::note(TraceKind kind, NodeId node, std::string_view text, std::string_view name) {
  mix_in(digest_of(name) ^ digest_of(text) ^ node.value());
  if (tracing()) trace({.at = {}, .kind = kind, .node = node, .name = name, .text = text});
}

void World::trace_life(NodeId node, std::string_view name, std::string_view text) {
  note(TraceKind::life, node, text, name);
}

// What happens to commands and reads is in the digest already.
void World::trace_client(NodeId node, std::uint64_t id, std::string_view name, std::string_view text) {
  trace({.at = {}, .kind = TraceKind::client, .node = node, .number = id, .name = name, .text = text});
}

NodeView World::state_of(const Host& host) const {
  NodeView state;
  state.id = host.id();
  state.up = host.up();
  state.paused = host.paused();
  state.failed = host.failed();
  if (!host.up() || host.failed()) return state;
  const RaftStatus status = raft(host.id()).status();
  state.role = status.role;
  state.pre_vote = status.pre_vote;
  state.ready = status.ready;
  state.term = status.term;
  state.vote = status.vote;
  state.leader = status.leader;
  state.commit = status.commit;
  state.last = status.last;
  state.stable = status.stable;
  state.applied = status.applied;
  return state;
}

void World::trace_state(Host& host) {
  const NodeView state = state_of(host);
  NodeView& told = states_[place(host.id())];
  if (looks_like(state, told)) return;
  told = state;
  for (TraceSink* sink : sinks_) {
    if (sink->wants_states())
      sink->on_trace({.at = now(), .kind = TraceKind::state, .node = state.id, .state = &state});
  }
}

void World::on_event(NodeId node, const Event& event, const Raft* raft) {
  if (Host::is_rare(event)) mix_in(event.what.index() ^ (node.value() << 8));
  if (tracing()) trace({.at = {}, .kind = TraceKind::event, .node = node, .event = &event});
  checks_.happened(node, event.what, raft);
  if (Host::is_rare(event)) count(event.what);
  const auto* protocol = std::get_if<RaftEvent>(&event.what);
  if (protocol == nullptr) return;
  if (const auto* role = std::get_if<RoleChanged>(protocol); role && role->role == RoleName::leader) {
    leaderships_.push_back({timeline_.steps(), node, role->term});
  }
}

void World::on_opened(NodeId node, const Recovered& found) {
  trace_life(node, "finds",
             fmt::format("term {} vote {}, entries {}..{}", found.hard_state.term.value(),
                         found.hard_state.vote.value(), found.base.position.index.next().value(), found.last.value()));
  checks_.opened(node, found);
}

void World::on_write(NodeId node, const WriteBatch& batch) {
  checks_.writes(node, batch);
  if (!tracing()) return;
  std::string text;
  if (batch.hard_state) {
    text += fmt::format("term {} vote {} ", batch.hard_state->term.value(), batch.hard_state->vote.value());
  }
  if (batch.truncate_from) text += fmt::format("cut from {} ", batch.truncate_from->value());
  if (!batch.entries.empty()) {
    text += fmt::format("entries {}..{}", batch.entries.front().index.value(), batch.entries.back().index.value());
  }
  trace({.at = {}, .kind = TraceKind::writes, .node = node, .text = text});
}

void World::on_durable(NodeId node) {
  checks_.wrote(node);
  gather(node, &Inputs::write);
  if (tracing()) trace({.at = {}, .kind = TraceKind::durable, .node = node});
}

void World::on_applied(NodeId node, const Command& command, std::string_view reply) {
  checks_.applied(node, command, reply);
  mix_in(command.index.value() ^ digest_of(reply));
  if (tracing()) {
    trace({.at = {}, .kind = TraceKind::applied, .node = node, .number = command.index.value(), .text = reply});
  }
  const std::uint64_t number = mark_of(command.bytes);
  if (number == 0 || number > commands_.size()) return;
  CommandRecord& record = commands_[number - 1];
  if (record.applied_at != Index(0) && record.applied_at != command.index) {
    checks_.violate("applied once", fmt::format("command #{} is applied at index {} and at index {}", number,
                                                record.applied_at.value(), command.index.value()));
  }
  record.applied_at = command.index;
  if (record.answered && record.error && outcome_of(record.error->code) != Outcome::unknown) {
    checks_.violate("outcomes", fmt::format("command #{} was reported as {} and is applied at index {}", number,
                                            to_string(outcome_of(record.error->code)), command.index.value()));
  }
}

// At one moment all inputs come before the turn, which is posted by the first of them.
void World::gather(NodeId node, bool Inputs::* input) {
  told_ = true;
  Inputs& inputs = inputs_[place(node)];
  const bool both = inputs.message && inputs.write;
  inputs.*input = true;
  if (!both && inputs.message && inputs.write) ++tallies_.gathered;
}

void World::on_sent(const PeerMessage& message, MessageId id) {
  look_for(Moment::sent, message);
  checks_.sent(message);
  if (tracing()) trace({.at = {}, .kind = TraceKind::sent, .node = message.from, .message = &message, .id = id});
}

void World::on_delivered(const PeerMessage& message, MessageId id) {
  look_for(Moment::delivered, message);
  touch(message.to);
  gather(message.to, &Inputs::message);
  ++tallies_.peer_messages[message.body.index()];
  if (const Message* inner = protocol_of(message)) ++tallies_.messages[inner->body.index()];
  mix_in(message.body.index() ^ (message.from.value() << 8) ^ (message.to.value() << 16));
  if (tracing()) trace({.at = {}, .kind = TraceKind::delivered, .node = message.to, .message = &message, .id = id});
}

void World::on_lost(const PeerMessage& message, MessageId id, Loss why) {
  look_for(Moment::lost, message);
  if (why == Loss::refused) checks_.violate("codec", "a message did not decode: " + short_form(message));
  if (!tracing()) return;
  trace({.at = {}, .kind = TraceKind::lost, .node = message.to, .message = &message, .id = id, .text = to_string(why)});
}

void World::on_held(const PeerMessage& message, MessageId id) {
  look_for(Moment::held, message);
  if (tracing()) trace({.at = {}, .kind = TraceKind::held, .node = message.to, .message = &message, .id = id});
}

void World::on_cut(NodeId from, NodeId to, bool cut) {
  if (!tracing()) return;
  trace({.at = {}, .kind = TraceKind::fault, .node = from, .other = to, .name = cut ? "cut" : "mended"});
}

const std::vector<Event>& World::events(Who node) const { return host(node).events; }

void World::forget_events() {
  for (const auto& host : hosts_)
    host->events.clear();
}

std::string World::describe() const {
  std::string text =
      fmt::format("at {:.6f} s, {} entries committed:", std::chrono::duration<double>(now().time_since_epoch()).count(),
                  checks_.committed().value());
  for (const NodeId id : all()) {
    text += fmt::format("\n  node {}: ", id.value());
    if (!is_up(id)) {
      text += "down";
      continue;
    }
    const RaftStatus status = raft(id).status();
    text +=
        fmt::format("{}{}{} term {} vote {} leader {} log {}..{} stable {} commit {} applied {}",
                    host(id).failed() ? "failed, " : "", host(id).paused() ? "paused, " : "", to_string(status.role),
                    status.term.value(), status.vote.value(), status.leader.value(), status.first.value(),
                    status.last.value(), status.stable.value(), status.commit.value(), status.applied.value());
  }
  return text;
}

void World::fail(std::string_view check, const std::string& text) const {
  std::string whole = text + "\n" + describe();
  if (tail_ != nullptr && !tail_->lines().empty()) {
    whole += "\nlast events:";
    for (const std::string& line : tail_->lines())
      whole += "\n  " + line;
  }
  throw Failed(std::string(check), whole);
}

}  // namespace keel::sim
