#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "keel/node/node.hpp"
#include "keel/wire/codec.hpp"
#include "keel/wire/frame.hpp"
#include "test_executor.hpp"

namespace keel::test {

inline ByteView bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
inline std::string text_of(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// A TestExecutor whose wall clock can be wrong.
class WallExecutor final : public Executor {
 public:
  Duration wall_ahead{};
  explicit WallExecutor(TestExecutor& executor) : executor_(executor) {}
  void post(Task task) override { executor_.post(std::move(task)); }
  TimerId at(Instant when, Task task) override { return executor_.at(when, std::move(task)); }
  void cancel(TimerId timer) override { executor_.cancel(timer); }
  [[nodiscard]] Instant now() const override { return executor_.now(); }
  [[nodiscard]] WallTime wall_now() const override {
    return executor_.wall_now() + std::chrono::duration_cast<WallTime::duration>(wall_ahead);
  }

 private:
  TestExecutor& executor_;
};

// A log in memory whose writes become durable when the test says so.
class FakeLog final : public LogStore {
 public:
  enum class Mode {
    at_once,  // inside `write`
    posted,   // by a task of their own
    manual,   // by `finish_one`
    slow,     // like a disk: one sync at a time, of everything that waits, `delay` long
  };
  Mode mode = Mode::posted;
  Duration delay = std::chrono::seconds(1);
  std::uint64_t room = std::numeric_limits<std::uint64_t>::max() / 2;
  std::optional<Error> fail_open;
  std::optional<Error> fail_writes;
  std::optional<Error> fail_reads;
  std::function<void(std::vector<Entry>&)> spoil_read;
  bool hold_reads = false;  // answers wait for `finish_reads`
  bool throws = false;      // from `open`, `stats` and `close`
  std::uint64_t syncs = 0;
  std::uint64_t writes = 0;
  std::uint64_t opened = 0;
  std::uint64_t closed = 0;
  std::uint64_t calls_when_closed = 0;

  explicit FakeLog(TestExecutor& executor) : executor_(executor) {}

  void bootstrap(const Genesis& genesis) {
    Entry entry{Index(1), Term(1), EntryKind::genesis, encode(genesis)};
    wire::frame(entry, genesis.cluster_id(), GroupId());
    durable_ = {{Term(1), nobody}, {entry}};
    seen_ = durable_;
  }

  void lose_all_but(HardState state) {
    durable_ = {state, {}};
    seen_ = durable_;
  }

  Result<Recovered> open() override {
    ++opened;
    if (throws) throw std::runtime_error("a store that throws");
    if (fail_open) return std::unexpected(*fail_open);
    open_ = true;
    ++life_;
    waiting_.clear();
    syncing_ = false;
    seen_ = durable_;
    Recovered recovered;
    recovered.hard_state = durable_.hard_state;
    recovered.last = Index(durable_.entries.size());
    for (const Entry& entry : durable_.entries) {
      if (recovered.terms.empty() || recovered.terms.back().term != entry.term) {
        recovered.terms.push_back({entry.index, entry.term});
      }
      if (entry.kind == EntryKind::genesis || entry.kind == EntryKind::configuration) {
        recovered.configurations.push_back(entry);
      }
    }
    return recovered;
  }

  void write(WriteBatch batch, Completion<void> done) override {
    if (!open_) ++calls_when_closed;
    ++writes;
    change(seen_, batch);
    waiting_.push_back({std::move(batch), std::move(done)});
    if (mode == Mode::at_once) finish_one();
    if (mode == Mode::posted) {
      executor_.post([this, life = life_] {
        if (life == life_ && open_) finish_one();
      });
    }
    if (mode == Mode::slow) sync();
  }

  void read(IndexRange range, std::size_t max_bytes, Completion<std::vector<Entry>> done) override {
    if (!open_) ++calls_when_closed;
    if (fail_reads) return done(std::unexpected(*fail_reads));
    if (range.last > Index(seen_.entries.size())) return done(fail(ErrorCode::not_found, "behind the end"));
    std::vector<Entry> found;
    std::size_t bytes = 0;
    for (Index i = range.first; i <= range.last; ++i) {
      const Entry& entry = seen_.entries[i.value() - 1];
      bytes += entry.payload.size();
      if (!found.empty() && bytes > max_bytes) break;
      found.push_back(entry);
    }
    if (spoil_read) spoil_read(found);
    if (hold_reads) return reads_.emplace_back(std::move(found), std::move(done)), void();
    done(std::move(found));
  }
  void finish_reads() {
    hold_reads = false;
    for (auto& [found, done] : std::exchange(reads_, {}))
      done(std::move(found));
  }

  [[nodiscard]] LogStats stats() const override {
    if (throws) throw std::runtime_error("a store that throws");
    return {.first = Index(1), .last = Index(seen_.entries.size()), .room = room, .syncs = syncs};
  }
  void close() override {
    open_ = false;
    ++closed;
    if (throws) throw std::runtime_error("a store that throws");
  }

  // The oldest write becomes durable, or fails.
  void finish_one() {
    Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    ++syncs;
    if (fail_writes) return next.done(std::unexpected(*fail_writes));
    change(durable_, next.batch);
    next.done({});
  }
  void finish_all() {
    while (!waiting_.empty())
      finish_one();
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] bool is_open() const { return open_; }
  [[nodiscard]] const std::vector<Entry>& entries() const { return seen_.entries; }
  [[nodiscard]] const HardState& durable_state() const { return durable_.hard_state; }

 private:
  struct Contents {
    HardState hard_state;
    std::vector<Entry> entries;
  };
  struct Waiting {
    WriteBatch batch;
    Completion<void> done;
  };

  static void change(Contents& contents, const WriteBatch& batch) {
    if (batch.hard_state) contents.hard_state = *batch.hard_state;
    if (batch.truncate_from) contents.entries.resize(batch.truncate_from->previous().value());
    for (const Entry& entry : batch.entries) {
      if (entry.index.value() != contents.entries.size() + 1) throw std::runtime_error("a gap in the log");
      if (entry.payload.head() == 0) throw std::runtime_error("an entry that is not framed");
      contents.entries.push_back(entry);
    }
  }

  void sync() {
    if (syncing_) return;
    syncing_ = true;
    executor_.at(executor_.now() + delay, [this, life = life_, batch = waiting_.size()] {
      if (life != life_ || !open_) return;
      const std::uint64_t before = syncs;
      for (std::size_t i = 0; i < batch && open_; ++i)
        finish_one();
      syncs = before + 1;
      syncing_ = false;
      if (!waiting_.empty()) sync();
    });
  }

  TestExecutor& executor_;
  Contents durable_;
  Contents seen_;
  std::deque<Waiting> waiting_;
  std::vector<std::pair<std::vector<Entry>, Completion<std::vector<Entry>>>> reads_;
  bool open_ = false;
  bool syncing_ = false;
  std::uint64_t life_ = 0;
};

// Answers each command with "ok <bytes>", when the test lets it.
class FakeMachine final : public StateMachine {
 public:
  struct Seen {
    Index index;
    std::string bytes;
    Envelope envelope;
    Context context;
    EntryKind kind;
  };
  Index applied_at_start;
  bool manual = false;   // answers wait for `answer`
  std::string throw_on;  // a command with these bytes
  std::string fail_on;   // likewise: the machine reports that it is broken
  bool drop_a_reply = false;
  std::function<void()> in_apply;
  std::vector<Seen> seen;
  std::vector<std::size_t> batches;
  std::vector<IndexRange> gone;
  Index up_to;

  Index applied() override { return applied_at_start; }

  void apply(std::span<Command> commands, Index end, Completion<Replies> done) override {
    Replies replies;
    batches.push_back(commands.size());
    for (const Command& command : commands) {
      const std::string bytes = text_of(command.bytes);
      if (!throw_on.empty() && bytes == throw_on) throw std::runtime_error("cannot do " + bytes);
      if (!fail_on.empty() && bytes == fail_on) return done(fail(ErrorCode::io, "the machine's disk is gone"));
      seen.push_back({command.index, bytes, command.envelope, command.context, command.kind});
      replies.push_back("ok " + bytes);
    }
    up_to = end;
    if (drop_a_reply) replies.pop_back();
    if (in_apply) in_apply();
    if (manual) {
      waiting_.push_back({std::move(replies), std::move(done)});
    } else {
      done(std::move(replies));
    }
  }
  void truncated(IndexRange range) override { gone.push_back(range); }

  void answer() {
    auto [replies, done] = std::move(waiting_.front());
    waiting_.pop_front();
    done(std::move(replies));
  }
  [[nodiscard]] std::size_t waiting() const { return waiting_.size(); }
  [[nodiscard]] std::vector<std::string> commands() const {
    std::vector<std::string> all;
    for (const Seen& one : seen)
      all.push_back(one.bytes);
    return all;
  }

 private:
  std::deque<std::pair<Replies, Completion<Replies>>> waiting_;
};

class Recorder final : public Observer {
 public:
  EventMask mask = all_events;
  std::vector<Event> events;
  std::function<void(const Event&)> on;

  [[nodiscard]] EventMask wants() const override { return mask; }
  void on_event(const Event& event) override {
    events.push_back(event);
    if (on) on(event);
  }
  // What happened, without numbers and times.
  [[nodiscard]] std::vector<std::string> told() const {
    std::vector<std::string> lines;
    for (const Event& event : events) {
      const std::string line = describe(event);
      lines.push_back(line.substr(line.find(' ', line.find(' ') + 1) + 1));
    }
    return lines;
  }
  [[nodiscard]] std::size_t count(std::string_view prefix) const {
    return static_cast<std::size_t>(
        std::ranges::count_if(told(), [&](const std::string& line) { return line.starts_with(prefix); }));
  }
};

// Messages between the nodes of one test. Each passes through its bytes, as on a wire.
class FakeNetwork {
 public:
  std::function<bool(const PeerMessage&)> lose;   // dropped
  std::function<bool(const PeerMessage&)> hold;   // kept in `held`
  std::function<bool(const PeerMessage&)> twice;  // delivered twice
  std::deque<PeerMessage> held;
  std::vector<PeerMessage> sent;  // everything that left, while `log` is set
  bool log = false;

  FakeNetwork(TestExecutor& executor, ClusterId cluster) : executor_(executor), cluster_(cluster) {}

  void attach(NodeId id, TransportReceiver* receiver) { receivers_[id] = receiver; }

  void leave(PeerMessage message) {
    if (log) sent.push_back(message);
    if (lose && lose(message)) return;
    if (hold && hold(message)) return held.push_back(std::move(message));
    if (twice && twice(message)) deliver(message);
    deliver(std::move(message));
  }
  void deliver(PeerMessage message) {
    executor_.post([this, message = through_bytes(message)] {
      const auto at = receivers_.find(message.to);
      if (at != receivers_.end() && at->second != nullptr) at->second->on_message(message);
    });
  }
  void deliver_held() {
    for (PeerMessage& message : std::exchange(held, {}))
      deliver(std::move(message));
  }
  void isolate(NodeId id) {
    lose = [id](const PeerMessage& message) { return message.from == id || message.to == id; };
  }
  void heal() { lose = nullptr; }

 private:
  PeerMessage through_bytes(const PeerMessage& message) {
    wire::Encoded encoded;
    if (!wire::encode(message, encoded)) throw std::runtime_error("a message that cannot be encoded");
    const std::vector<std::byte> flat = encoded.flatten();
    Block* block = Block::make(flat.size());
    std::ranges::copy(flat, block->data());
    auto decoded = wire::decode(*block, wire::length_prefix_bytes, flat.size() - wire::length_prefix_bytes, cluster_);
    block->release();
    if (!decoded) throw std::runtime_error(decoded.error().message);
    return std::move(*decoded);
  }

  TestExecutor& executor_;
  ClusterId cluster_;
  std::map<NodeId, TransportReceiver*> receivers_;
};

class FakeTransport final : public Transport {
 public:
  std::vector<Member> known;
  std::uint64_t flushes = 0;
  std::uint64_t calls_when_detached = 0;
  std::uint64_t detached = 0;
  bool throws = false;
  std::function<void(const PeerMessage&)> in_send;  // the message is taken already
  std::function<void()> in_flush;                   // it has left

  FakeTransport(FakeNetwork& network, NodeId id) : network_(network), id_(id) {}
  void attach(GroupId, TransportReceiver& receiver) override {
    if (throws) throw std::runtime_error("a transport that throws");
    attached_ = true;
    network_.attach(id_, &receiver);
  }
  void detach(GroupId) override {
    attached_ = false;
    ++detached;
    network_.attach(id_, nullptr);
    if (throws) throw std::runtime_error("a transport that throws");
  }
  void send(PeerMessage message) override {
    if (!attached_) ++calls_when_detached;
    if (throws) throw std::runtime_error("a transport that throws");
    outgoing_.push_back(message);
    if (in_send) in_send(message);
  }
  void flush() override {
    if (!attached_) ++calls_when_detached;
    ++flushes;
    for (PeerMessage& message : std::exchange(outgoing_, {}))
      network_.leave(std::move(message));
    if (in_flush) in_flush();
  }
  void members(GroupId, std::span<const Member> members) override { known.assign(members.begin(), members.end()); }

 private:
  FakeNetwork& network_;
  NodeId id_;
  std::vector<PeerMessage> outgoing_;
  bool attached_ = false;
};

}  // namespace keel::test
