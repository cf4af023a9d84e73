#include "sim/workload.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "keel/sim/register_machine.hpp"

namespace keel::sim {
namespace {

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

Workload::Workload(World& world, const Schedule& schedule, Maker maker, ReadLevel reads)
    : world_(world), schedule_(schedule), maker_(std::move(maker)), reads_(reads) {
  std::uint32_t clients = 0;
  for (const PlannedOperation& plan : schedule.operations)
    clients = std::max(clients, plan.client);
  open_.resize(clients + 1);
}

void Workload::start() {
  running_ = true;
  next();
}

bool Workload::idle() const {
  return std::ranges::all_of(open_, [](std::size_t operation) { return operation == 0; });
}

void Workload::next() {
  if (begun_ == schedule_.operations.size()) return;
  world_.timeline().post(0, SimTime(schedule_.operations[begun_].at), [this] {
    if (!running_) return;
    act(schedule_.operations[begun_++]);
    next();
  });
}

void Workload::act(const PlannedOperation& plan) {
  const NodeId leader = plan.leader ? world_.leader() : nobody;
  const NodeId node = leader == nobody ? plan.node : leader;
  if (open(plan) != 0 || !world_.is_up(node)) return;
  const std::size_t operation = operations_.size();
  operations_.push_back({&plan, make(plan), {}, {}});
  operations_[operation].what.interval.called = ++moment_;
  open(plan) = operation + 1;
  send(operation, node);
  world_.timeline().post(0, world_.now() + 2 * plan.patience, [this, operation] { gave_up(operation); });
}

RegisterOperation Workload::make(const PlannedOperation& plan) const {
  RegisterOperation operation;
  operation.client = plan.client;
  operation.call = plan.call;
  operation.key = fmt::format("k{}", plan.key);
  if (plan.call == RegisterCall::get) return operation;
  operation.argument = fmt::format("{}.{}", plan.client, plan.number);  // no two writes write the same
  if (plan.size > operation.argument.size()) operation.argument.resize(plan.size, 'x');
  if (plan.call != RegisterCall::compare_and_set) return operation;
  // What some client wrote last; often it is there still.
  for (auto known = operations_.rbegin(); known != operations_.rend() && operation.expected.empty(); ++known) {
    if (known->what.key == operation.key && known->what.call == RegisterCall::set)
      operation.expected = known->what.argument;
  }
  return operation;
}

void Workload::send(std::size_t operation, NodeId node) {
  const auto told = [this, operation] { ended(operation); };
  Record& record = operations_[operation];
  const PlannedOperation& plan = *record.plan;
  const std::optional<Duration> limit = plan.deadline ? std::optional(plan.patience) : std::nullopt;
  if (plan.call == RegisterCall::get && !maker_ && !plan.logged) {
    const World::Query query = [key = record.what.key](StateMachine& machine) {
      return dynamic_cast<RegisterMachine&>(machine).get(key);
    };
    record.read = world_.post_read(node, reads_, query, limit, told);
    return;
  }
  SubmitOptions options;
  options.forward = plan.forward;
  if (limit) options.deadline = world_.clock(node).now() + *limit;
  if (plan.own_term) options.expected_term = world_.raft(node).term();
  Random random(schedule_.seed ^ (std::uint64_t{plan.client} << 32) ^ plan.number);
  const std::string command = maker_ ? maker_(random) : text_of(record.what);
  record.command = world_.post_command(node, command, std::move(options), told);
}

void Workload::ended(std::size_t operation) {
  Record& record = operations_[operation];
  if (open(*record.plan) != operation + 1) return;  // it has gone on, and does not hear this
  open(*record.plan) = 0;
  const bool ok = record.command ? record.command->ok() : record.read->ok();
  if (!ok) return;
  record.what.interval.returned = ++moment_;
  record.what.result = record.command ? record.command->reply() : record.read->value();
}

// It goes on without an answer; what comes later it does not hear.
void Workload::gave_up(std::size_t operation) {
  if (open(*operations_[operation].plan) == operation + 1) open(*operations_[operation].plan) = 0;
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
