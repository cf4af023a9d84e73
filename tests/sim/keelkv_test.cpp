// keelkv's machine in the simulator: what a user of keelkv counts on, under everything that can happen to a cluster.
#include <cstdlib>

#include <fmt/core.h>
#include <gtest/gtest.h>

#include "keel/sim/history.hpp"
#include "keel/sim/random_run.hpp"
#include "keelkv_machine.hpp"

namespace keel::sim {
namespace {

using namespace std::chrono_literals;

// How many seeds of each kind; KEEL_KV_SEEDS asks for more, from KEEL_SEED_BASE on.
struct SeedRange {
  std::uint64_t from = 1;
  std::uint64_t count = 0;
};
SeedRange seeds(std::uint64_t usual) {
  const char* const base = std::getenv("KEEL_SEED_BASE");
  const char* const count = std::getenv("KEEL_KV_SEEDS");
  return {base == nullptr ? 1 : std::stoull(base), count == nullptr ? usual : std::stoull(count)};
}
#ifdef KEEL_SANITIZED
constexpr std::uint64_t usual_seeds = 3;
#else
constexpr std::uint64_t usual_seeds = 15;
#endif

class KeelkvProfiles : public testing::TestWithParam<Profile> {};

// Random commands of all types, with expiry and transactions: equal replies, and equal hashes at equal indices.
// hazard: H60
// mission: 3
TEST_P(KeelkvProfiles, ReplicasAgreeAtEveryIndex) {
  const auto [from, count] = seeds(usual_seeds);
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    const auto run = [&](std::size_t tail) {
      return run_seed(seed, GetParam(), {.tail = tail, .machine = keelkv_machines(), .command = some_entry});
    };
    ASSERT_FALSE(run(0).failed) << GetParam().name << ", seed " << seed << "\n" << run(20).text;
  }
}

INSTANTIATE_TEST_SUITE_P(Of, KeelkvProfiles, testing::ValuesIn(profiles()),
                         [](const auto& info) { return std::string(info.param.name); });

// A wrong machine must be found: one whose members are taken out in another order on another node.
class Unsteady final : public StateMachine, public Digestible {
 public:
  explicit Unsteady(NodeId node) : node_(node) {}
  Index applied() override { return Index(0); }
  [[nodiscard]] std::uint64_t digest() const override { return inner_.store().hash(); }
  void apply(std::span<Command> commands, Index up_to, Completion<Replies> done) override {
    for (Command& command : commands)
      command.envelope.wall_time += std::chrono::milliseconds(node_.value() - 1);  // its own clock
    inner_.apply(commands, up_to, std::move(done));
  }

 private:
  NodeId node_;
  KvMachine inner_;
};

TEST(Keelkv, KeysThatDieByEachNodesOwnClockAreFound) {
  std::string check;
  for (std::uint64_t seed = 1; seed <= 20 && check.empty(); ++seed) {
    check = run_seed(seed, *find_profile("calm"),
                     {.machine = [](NodeId node) { return std::make_unique<Unsteady>(node); }, .command = some_entry})
                .check;
  }
  EXPECT_EQ(check, "equal states");
}

// The machine, as one read sees it: by the node's clock, or by the log's time.
std::string look(StateMachine& machine, std::int64_t wall, std::string_view name, bool& found_due) {
  const KvStore& store = dynamic_cast<SimKvMachine&>(machine).machine().store();
  KvView view(store, wall, 1);
  const auto* const entry = view.find(name);
  found_due = view.found_due();
  return entry == nullptr ? "" : value_as<StringValue>(entry->second.value.value)->text();
}

// As a connection reads.
std::string get(World& world, Who at, std::string_view key) {
  bool due = false;
  const std::int64_t wall = world.clock(at).wall_now().time_since_epoch().count();
  const auto by = [&](std::int64_t time) {
    const Asked asked = world.read_async(at, ReadLevel::linearizable,
                                         [&](StateMachine& machine) { return look(machine, time, key, due); });
    world.run_until(asked.is_answered());
    return asked.value();
  };
  std::string value = by(wall);
  if (!due) return value;
  std::string time;
  encode_time(time);
  world.submit(at, time);
  return by(0);
}

// A key was seen to be gone; then its leader dies, and the next has a clock that is late. The key must not return, and
// keys that are set now live as long as they should.
// hazard: H60
TEST(Keelkv, AKeyThatExpiredNeverReturnsAfterAFailover) {
  World world({.machine = keelkv_machines()});
  world.jump_clock(Who(1), 10s);
  world.elect(Who(1));
  world.submit(Who(1), entry_of({"set", "k", "v", "px", "1000"}));
  world.run_for(900ms);
  for (const NodeId node : world.all())
    EXPECT_EQ(get(world, node, "k"), "v");
  world.run_for(200ms);
  EXPECT_EQ(get(world, Who(1), "k"), "");
  world.crash(Who(1));
  const NodeId next = world.elect();
  EXPECT_EQ(get(world, next, "k"), "");
  world.submit(next, entry_of({"set", "new", "v", "px", "1000"}));
  world.restart(Who(1));
  world.settle();
  for (const NodeId node : world.all())
    EXPECT_EQ(get(world, node, "k"), "") << node.value();
  EXPECT_EQ(get(world, next, "new"), "v");
  world.run_for(15s);
  for (const NodeId node : world.all())
    EXPECT_EQ(get(world, node, "new"), "") << node.value();
  world.settle();
  EXPECT_EQ(dynamic_cast<SimKvMachine&>(world.machine(Who(1))).digest(), 0u);
}

// Clients that read, set, delete, and change keys in transactions that watch them, while nodes crash, are cut off and
// lose their leadership. What they saw must be linearizable, an EXEC that went through being a compare-and-set. An
// aborted one changes nothing, and one of unknown outcome may yet.
class WatchingClients {
 public:
  explicit WatchingClients(std::uint64_t seed, bool watch = true)
      : random_(seed), world_(options(seed)), clients_(5), watch_(watch) {}

  // What is wrong, or nothing.
  std::string run() {
    world_.elect();
    while (world_.now() < SimTime(20s)) {
      make_trouble();
      for (std::size_t i = 0; i < clients_.size(); ++i)
        poll(i);
      world_.run_for(4ms);
    }
    calm_down();
    const auto checked = check_linearizable(history_, 2'000'000);
    return checked ? wrong_ : checked.error().message;
  }
  [[nodiscard]] std::size_t went_through() const { return went_through_; }
  [[nodiscard]] std::size_t aborted() const { return aborted_; }

 private:
  enum class Doing : std::uint8_t { nothing, reading, watching, writing };
  struct Client {
    Doing doing = Doing::nothing;
    RegisterOperation operation;
    std::optional<Asked> asked;
    std::optional<Submitted> submitted;
    NodeId node{};
    std::uint64_t written = 0;
    bool in_transaction = false;
  };

  static WorldOptions options(std::uint64_t seed) {
    WorldOptions options;
    options.nodes = 3 + 2 * (seed % 2);
    options.seed = seed;
    options.machine = keelkv_machines();
    options.keep_events = false;
    return options;
  }

  void make_trouble() {
    if (random_.chance(0.004)) world_.fire_timer(any_that_is_up(), Timer::election);
    if (random_.chance(0.002)) world_.network().isolate(any_that_is_up());
    if (random_.chance(0.01)) world_.network().heal();
    if (random_.chance(0.003) && world_.running().size() > world_.size() / 2 + 1) world_.crash(any_that_is_up());
    for (const NodeId node : world_.all()) {
      if (!world_.is_up(node) && random_.chance(0.01)) world_.restart(node);
    }
  }

  void calm_down() {
    world_.network().heal();
    for (const NodeId node : world_.all()) {
      if (!world_.is_up(node)) world_.restart(node);
    }
    world_.settle();
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      clients_[i].operation.interval.returned = Interval::open;
      if (clients_[i].doing == Doing::writing) keep(clients_[i]);
    }
  }

  NodeId any_that_is_up() { return random_.pick(world_.running()); }

  void poll(std::size_t i) {
    Client& client = clients_[i];
    switch (client.doing) {
      case Doing::nothing:
        if (random_.chance(0.3)) begin(client, i);
        return;
      case Doing::reading:
      case Doing::watching:
        if (client.asked->answered() || client.asked->is_lost()) end_read(client);
        return;
      case Doing::writing:
        if (client.submitted->answered() || client.submitted->is_lost()) end_write(client);
        return;
    }
  }

  void begin(Client& client, std::size_t i) {
    client.node = any_that_is_up();
    client.operation = {};
    client.operation.client = static_cast<std::uint32_t>(i);
    client.operation.key = "k" + std::to_string(random_.below(2));
    client.operation.interval.called = ++moment_;
    client.in_transaction = false;
    const std::string value = fmt::format("{}.{}", i, ++client.written);
    const std::uint64_t draw = random_.below(100);
    if (draw < 25) return read(client, Doing::reading);
    if (draw < 70) {
      client.operation.argument = value;
      return read(client, Doing::watching);
    }
    client.operation.call = RegisterCall::set;
    if (draw < 85) client.operation.argument = value;
    write(client, draw < 85 ? entry_of({"set", client.operation.key, value}) : entry_of({"del", client.operation.key}));
  }

  // The value, and the index at which it was looked at.
  void read(Client& client, Doing doing) {
    client.doing = doing;
    client.asked = world_.read_async(
        client.node, ReadLevel::linearizable,
        [key = client.operation.key](StateMachine& machine) {
          bool due = false;
          return look(machine, 0, key, due) + "@" +
                 std::to_string(dynamic_cast<SimKvMachine&>(machine).machine().applied_index().value());
        },
        1s);
  }

  void end_read(Client& client) {
    const bool watching = client.doing == Doing::watching;
    client.doing = Doing::nothing;
    if (!client.asked->ok()) return;
    const std::string seen = client.asked->value();
    const std::string value = seen.substr(0, seen.find('@'));
    const Index index(std::stoull(seen.substr(seen.find('@') + 1)));
    if (!watching) {
      client.operation.result = value;
      client.operation.order = 2 * client.asked->at().value() + 1;
      client.operation.interval.returned = ++moment_;
      return keep(client);
    }
    if (!world_.is_up(client.node)) return;
    client.operation.call = RegisterCall::compare_and_set;
    client.operation.expected = value;
    client.in_transaction = true;
    const std::string& key = client.operation.key;
    std::vector<WatchedKey> watched;
    if (watch_) watched.push_back({key, index});
    write(client, transaction_of({{"get", key}, {"set", key, client.operation.argument}}, watched));
  }

  void write(Client& client, const std::string& entry) {
    client.doing = Doing::writing;
    SubmitOptions options;
    options.deadline = world_.clock(client.node).now() + 1s;
    client.submitted = world_.submit_async(client.node, entry, std::move(options));
  }

  void end_write(Client& client) {
    client.doing = Doing::nothing;
    if (client.submitted->ok()) {
      client.operation.interval.returned = ++moment_;
      if (client.in_transaction && !end_transaction(client)) return;
      if (client.submitted->applied_at()) client.operation.order = 2 * client.submitted->applied_at()->value();
      return keep(client);
    }
    const auto outcome = client.submitted->outcome();
    if (!outcome || *outcome == Outcome::unknown) keep(client);
  }

  // False when it was aborted.
  bool end_transaction(Client& client) {
    const std::string& reply = client.submitted->reply();
    if (reply == "_\r\n") {
      ++aborted_;
      return false;
    }
    ++went_through_;
    const std::string& old = client.operation.expected;
    const std::string expected =
        "*2\r\n" + (old.empty() ? "_\r\n" : fmt::format("${}\r\n{}\r\n", old.size(), old)) + "+OK\r\n";
    if (reply != expected) wrong_ = "a transaction went through over another value than it had watched: " + reply;
    client.operation.result = "1";
    return true;
  }

  void keep(const Client& client) { history_.push_back(client.operation); }

  Random random_;
  World world_;
  std::vector<Client> clients_;
  bool watch_;
  std::vector<RegisterOperation> history_;
  std::uint64_t moment_ = 0;
  std::size_t went_through_ = 0;
  std::size_t aborted_ = 0;
  std::string wrong_;
};

// mission: 3
TEST(Keelkv, WatchedTransactionsAreLinearizable) {
  const auto [from, count] = seeds(4 * usual_seeds);
  std::size_t went_through = 0;
  std::size_t aborted = 0;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    WatchingClients clients(seed);
    ASSERT_EQ(clients.run(), "") << "seed " << seed;
    went_through += clients.went_through();
    aborted += clients.aborted();
  }
  EXPECT_GT(went_through, 20 * count);
  EXPECT_GT(aborted, 20 * count);
}

TEST(Keelkv, TransactionsThatWatchNothingAreFound) { EXPECT_NE(WatchingClients(1, false).run(), ""); }

}  // namespace
}  // namespace keel::sim
