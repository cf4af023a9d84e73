#include "sim/tla_node.hpp"

#include <limits>

namespace keel::sim {
namespace {

constexpr Duration moment(1);  // after which everything due at one instant has been done
constexpr int patience = 1000;

// Has no state. What was committed at its start counts as applied.
class NoMachine final : public StateMachine {
 public:
  explicit NoMachine(Index applied) : applied_(applied) {}
  Index applied() override { return applied_; }
  void apply(std::span<Command> commands, Index, Completion<Replies> done) override { done(Replies(commands.size())); }

 private:
  Index applied_;
};

}  // namespace

// Gathers what is written, and keeps the commit index as the base of what it finds.
class TlaNode::Log final : public LogStore {
 public:
  Log(TlaNode& node, Executor& executor) : node_(node), executor_(executor), written_(node.durable_) {}

  Result<Recovered> open() override {
    LogImage found = node_.durable_;
    WriteBatch compaction;
    compaction.compact_to = node_.durable_commit_;
    if (node_.durable_commit_ > Index(0)) found.apply(compaction);
    return found.recovered();
  }
  void write(WriteBatch batch, Completion<void> done) override {
    written_.apply(batch);
    node_.write(std::move(batch), std::move(done));
  }
  void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) override {
    executor_.post(
        [found = written_.read(range, max_bytes), done = std::move(done)]() mutable { done(std::move(found)); });
  }
  [[nodiscard]] LogStats stats() const override {
    return {.first = written_.first(), .last = written_.last(), .room = std::numeric_limits<std::uint64_t>::max()};
  }
  void close() override {}

 private:
  TlaNode& node_;
  Executor& executor_;
  LogImage written_;
};

class TlaNode::Way final : public Transport, private TransportReceiver {
 public:
  Way(TlaNode& node, Transport& network) : node_(node), network_(network) {}

  void attach(GroupId group, TransportReceiver& receiver) override {
    node_.receiver_ = &receiver;
    network_.attach(group, *this);
  }
  void detach(GroupId group) override { network_.detach(group); }
  void send(PeerMessage message) override { node_.send(std::move(message)); }
  void flush() override {}  // what waits leaves together, after the turn
  void members(GroupId group, std::span<const Member> members) override { network_.members(group, members); }

 private:
  void on_message(PeerMessage message) override {
    node_.enqueue([&node = node_, message = std::move(message)] { node.deliver(message); });
  }
  void on_unreachable(NodeId) override {}

  TlaNode& node_;
  Transport& network_;
};

std::unique_ptr<Transport> TlaNode::make_transport(Transport& network, Executor& executor) {
  executor_ = &executor;
  network_ = &network;
  issued_.clear();
  waiting_.clear();
  inputs_.clear();
  planned_ = settling_ = false;
  return std::make_unique<Way>(*this, network);
}

std::unique_ptr<LogStore> TlaNode::make_log(Executor& executor) { return std::make_unique<Log>(*this, executor); }

std::unique_ptr<StateMachine> TlaNode::make_machine() const { return std::make_unique<NoMachine>(durable_commit_); }

const Raft* TlaNode::raft() const {
  return world_ != nullptr && world_->is_up(id_) ? &world_->node(id_).raft() : nullptr;
}

// It was given something, and has not acted upon it.
bool TlaNode::is_in_turn() const {
  const Raft* raft = this->raft();
  return raft != nullptr && raft->has_output() && world_->node(id_).status().state == NodeState::running;
}

void TlaNode::look() {
  if (const Raft* raft = this->raft()) writer_.look(id_, *raft);
}

// Inputs.

void TlaNode::enqueue(std::function<void()> input) {
  inputs_.push_back(std::move(input));
  plan_next();
}

void TlaNode::plan_next() {
  if (planned_ || inputs_.empty() || !issued_.empty()) return;
  planned_ = true;
  executor_->at(executor_->now() + moment, [this] {
    planned_ = false;
    next();
  });
}

// A timer that is due is an input too, and comes first.
void TlaNode::next() {
  if (inputs_.empty() || !issued_.empty()) return;
  const Raft* raft = this->raft();
  const bool due = raft != nullptr && raft->next_deadline().value_or(Instant::max()) <= executor_->now();
  if (due && ++waits_ < patience) return plan_next();
  waits_ = 0;
  const auto input = std::move(inputs_.front());
  inputs_.pop_front();
  input();
  look();
  plan_next();
}

void TlaNode::deliver(PeerMessage message) {
  const Message* inner = protocol_of(message);
  const Raft* raft = this->raft();
  if (inner == nullptr || raft == nullptr) return receiver_->on_message(std::move(message));
  // That specification has nothing for it that would tell the new term: it is lost.
  if (!TlaWriter::knows(*inner) && inner->term > raft->term()) return;
  const Message seen = *inner;
  writer_.receives(seen, *raft);
  receiver_->on_message(std::move(message));
  writer_.received(seen, *raft);
}

// The disk.

void TlaNode::write(WriteBatch batch, Completion<void> done) {
  look();
  issued_.push_back({std::move(batch), std::move(done)});
  if (issued_.size() == 1) executor_->at(executor_->now() + write_time_, [this] { written(); });
}

// Everything that was written meanwhile is durable with it: the state as it is now, whole.
void TlaNode::written() {
  if (is_in_turn()) return executor_->post([this] { written(); });
  std::vector<Issued> ended;
  ended.swap(issued_);
  for (const Issued& each : ended)
    durable_.apply(each.batch);
  leave(raft());
  for (Issued& each : ended)
    each.done({});
  if (const Raft* raft = this->raft()) writer_.arrived(id_, *raft);
  plan_next();
}

// The network.

// Whether what a message promises is kept already.
bool TlaNode::is_durable(const Message& message) const {
  const HardState& kept = durable_.hard_state();
  if (kept.term < message.term) return false;
  if (std::holds_alternative<VoteRequest>(message.body)) return kept.term > message.term || kept.vote == id_;
  if (const auto* ballot = std::get_if<VoteReply>(&message.body)) {
    return !ballot->granted || kept.term > message.term || kept.vote == message.to;
  }
  const auto* reply = std::get_if<AppendReply>(&message.body);
  return reply == nullptr || !reply->accepted || kept.term > message.term || durable_.last() >= reply->index;
}

void TlaNode::send(PeerMessage message) {
  const Raft* raft = this->raft();
  const Message* inner = protocol_of(message);
  if (raft != nullptr && inner != nullptr) {
    const auto* reply = std::get_if<AppendReply>(&inner->body);
    // It would have said how far it has committed, not what it was asked. Such a late answer says nothing new, and is lost.
    if (reply != nullptr && reply->accepted && reply->index < TlaWriter::committed(*raft)) return;
    const bool promises = std::holds_alternative<VoteRequest>(inner->body) ||
                          std::holds_alternative<VoteReply>(inner->body) || reply != nullptr;
    if (promises && !is_durable(*inner)) return network_->send(std::move(message));
    writer_.sends(*inner, *raft);
  }
  waiting_.push_back(std::move(message));
  if (std::exchange(settling_, true)) return;
  executor_->post([this] { settle(); });
}

// The turn is over. What it has written will take everything along.
void TlaNode::settle() {
  if (is_in_turn()) return executor_->post([this] { settle(); });
  settling_ = false;
  if (!issued_.empty()) return;
  leave(raft());
  if (const Raft* raft = this->raft()) writer_.arrived(id_, *raft);
}

void TlaNode::leave(const Raft* raft) {
  if (raft != nullptr && writer_.ready(id_, *raft)) durable_commit_ = raft->commit();
  std::vector<PeerMessage> leaving;
  leaving.swap(waiting_);
  for (PeerMessage& message : leaving)
    network_->send(std::move(message));
  network_->flush();
}

}  // namespace keel::sim
