#include "sim/workload.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/register_machine.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

std::string text_of(const RegisterOperation& operation) {
  switch (operation.call) {
    case RegisterCall::get: return operation.key;
    case RegisterCall::set: return operation.key + "=" + operation.argument;
    case RegisterCall::append: return operation.key + "+=" + operation.argument;
    case RegisterCall::compare_and_set: return operation.key + "?" + operation.expected + ":" + operation.argument;
  }
  return {};
}

}  // namespace

Workload::Workload(World& world, Random random, Maker maker, ReadLevel reads)
    : world_(world), random_(random), maker_(std::move(maker)), reads_(reads) {
  const std::uint64_t clients = random_.between(2, 8);
  for (std::uint64_t i = 0; i < clients; ++i)
    clients_.push_back({.random = random_.fork(i)});
  keys_ = random_.between(1, 4);
  thinking_ = random_.between(20ms, 300ms);
  patience_ = random_.between(300ms, 3s);
  big_ = random_.chance(0.3) ? 0.02 : 0;
}

void Workload::start() {
  running_ = true;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    clients_[i].node = NodeId(clients_[i].random.between(1, world_.size()));
    think(i);
  }
}

bool Workload::idle() const {
  return std::ranges::all_of(clients_, [](const Client& client) { return client.operation == 0; });
}

void Workload::think(std::size_t client) {
  const Duration time = clients_[client].random.between(Duration(0), 2 * thinking_);
  world_.timeline().post(0, world_.now() + time, [this, client] { act(client); });
}

void Workload::act(std::size_t client) {
  if (!running_) return;
  Client& self = clients_[client];
  if (!world_.is_up(self.node)) {
    next_node(self);
    return think(client);
  }
  const std::size_t operation = operations_.size();
  operations_.push_back({make(client), {}, {}});
  operations_[operation].what.interval.called = ++moment_;
  self.operation = operation + 1;
  send(client, operation);
  world_.timeline().post(0, world_.now() + 2 * patience_, [this, client, operation] { gave_up(client, operation); });
}

RegisterOperation Workload::make(std::size_t client) {
  Client& self = clients_[client];
  RegisterOperation operation;
  operation.client = static_cast<std::uint32_t>(client + 1);
  operation.key = fmt::format("k{}", self.random.below(std::uint64_t{keys_}));
  const std::uint64_t draw = self.random.below(std::uint64_t{100});
  if (draw < 40) return operation;
  operation.argument = value(client);
  operation.call = draw < 70 ? RegisterCall::set : draw < 85 ? RegisterCall::append : RegisterCall::compare_and_set;
  if (operation.call != RegisterCall::compare_and_set) return operation;
  // What some client wrote last; often it is there still.
  for (auto known = operations_.rbegin(); known != operations_.rend() && operation.expected.empty(); ++known) {
    if (known->what.key == operation.key && known->what.call == RegisterCall::set)
      operation.expected = known->what.argument;
  }
  return operation;
}

// No two writes write the same.
std::string Workload::value(std::size_t client) {
  Client& self = clients_[client];
  std::string text = fmt::format("{}.{}", client + 1, ++self.written);
  if (self.random.chance(big_)) text.append(self.random.between(1000, 60'000), 'x');
  return text;
}

// Some ask to be told in time, some wait for as long as it takes; some writes must be for the node's own term.
void Workload::send(std::size_t client, std::size_t operation) {
  Client& self = clients_[client];
  const auto told = [this, client, operation] { ended(client, operation); };
  const std::optional<Duration> limit = self.random.chance(0.7) ? std::optional(patience_) : std::nullopt;
  Record& record = operations_[operation];
  if (record.what.call == RegisterCall::get && !maker_ && self.random.chance(0.8)) {
    const World::Query query = [key = record.what.key](StateMachine& machine) {
      return dynamic_cast<RegisterMachine&>(machine).get(key);
    };
    record.read = world_.post_read(self.node, reads_, query, limit, told);
    return;
  }
  SubmitOptions options;
  options.forward = self.random.chance(0.8);
  if (limit) options.deadline = world_.clock(self.node).now() + *limit;
  if (self.random.chance(0.05)) options.expected_term = world_.raft(self.node).term();
  const std::string command = maker_ ? maker_(self.random) : text_of(record.what);
  record.command = world_.post_command(self.node, command, std::move(options), told);
}

void Workload::ended(std::size_t client, std::size_t operation) {
  Record& record = operations_[operation];
  Client& self = clients_[client];
  const bool ok = record.command ? record.command->ok() : record.read->ok();
  const bool in_time = self.operation == operation + 1;
  if (in_time && ok) {
    record.what.interval.returned = ++moment_;
    record.what.result = record.command ? record.command->reply() : record.read->value();
  }
  if (!in_time) return;
  self.operation = 0;
  if (!ok || self.random.chance(0.05)) next_node(self);
  think(client);
}

// It goes on without an answer; what comes later it does not hear.
void Workload::gave_up(std::size_t client, std::size_t operation) {
  Client& self = clients_[client];
  if (self.operation != operation + 1) return;
  self.operation = 0;
  next_node(self);
  think(client);
}

// Mostly to the leader, as a client that follows hints would.
void Workload::next_node(Client& client) {
  const NodeId leader = world_.leader();
  client.node =
      leader != nobody && client.random.chance(0.6) ? leader : NodeId(client.random.between(1, world_.size()));
}

std::vector<RegisterOperation> Workload::history() const {
  std::vector<RegisterOperation> history;
  for (const Record& record : operations_) {
    RegisterOperation operation = record.what;
    // A reader goes behind the writer of the last entry it saw.
    if (record.read && operation.result) operation.order = 2 * record.read->at().value() + 1;
    if (record.command && record.command->applied_at()) operation.order = 2 * record.command->applied_at()->value();
    if (operation.result || operation.order) history.push_back(std::move(operation));
  }
  return history;
}

}  // namespace keel::sim
