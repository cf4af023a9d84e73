// MULTI, EXEC and WATCH: what the machine does with one entry, and what a connection does until then.
#include <gmock/gmock.h>

#include "machine_fixture.hpp"
#include "server_fixture.hpp"

namespace keel {
namespace {

using testing::HasSubstr;

TEST(Transactions, AreOneEntry) {
  Machine machine;
  EXPECT_EQ(machine.apply_transaction({"set k 1", "incr k", "get k", "lpush k x", "incr k"}),
            "[OK 2 \"2\" -WRONGTYPE Operation against a key holding the wrong kind of value 3]");
  EXPECT_EQ(machine.last(), Index(1));
  EXPECT_EQ(machine.apply_transaction({}), "[]");
}

TEST(Transactions, OfCommandsThatThisBuildDoesNotKnowAreRefusedWhole) {
  Machine machine;
  std::string queued;
  append_queued(Words{"set", "k", "v"}, queued);
  append_queued(Words{"client", "id"}, queued);
  std::string entry;
  encode_transaction({}, 2, queued, entry);
  const auto replies = machine.apply_entries({entry});
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, ErrorCode::wrong_version);
  EXPECT_EQ(machine->store().keys().size(), 0u);
}

struct Watched {
  std::string_view before;   // what makes the key
  std::string_view between;  // what happens after WATCH
  bool goes_on;
};

TEST(Transactions, WatchedKeysMustNotHaveChanged) {
  for (const auto& [before, between, goes_on] : std::vector<Watched>{{"set k v", "set other v", true},
                                                                     {"set k v", "get k", true},
                                                                     {"set k v", "set k v", false},
                                                                     {"set k v", "append k x", false},
                                                                     {"set k v", "expire k 100", false},
                                                                     {"set k v", "del k", false},
                                                                     {"set k v", "rename k other", false},
                                                                     {"set k v", "flushall", false},
                                                                     {"set k v px 10", "set other late", false},
                                                                     {"sadd k m", "sadd k m", true},
                                                                     {"set k 5", "setbit k 1 0", true},
                                                                     {"set k 5", "setbit k 1 1", false},
                                                                     {"set k 5", "setbit k 9 0", false},
                                                                     {"sadd k m", "srem k m", false},
                                                                     {"set other x", "del other", true},
                                                                     {"set other x", "set k v", false},
                                                                     {"set other x", "rename other k", false},
                                                                     {"set other x", "sadd k m", false},
                                                                     {"hset k f v", "hset k f w", false},
                                                                     {"zadd k 1 m", "zadd k 1 m", true},
                                                                     {"zadd k 1 m", "zadd k 2 m", false},
                                                                     {"rpush k a b", "lpop k", false}}) {
    Machine machine;
    machine.run(before);
    const Index watched_at = machine.last();
    if (between.ends_with("late")) machine.now += 10;
    machine.run(between);
    EXPECT_EQ(machine.apply_transaction({"set done x"}, {{"k", watched_at}}), goes_on ? "[OK]" : "nil") << between;
    EXPECT_EQ(machine.run("exists done"), goes_on ? "1" : "0");
  }
}

// Made, watched and gone: a deletion is a change, and so is one that is made up for.
TEST(Transactions, ADeletionIsAChange) {
  Machine machine;
  machine.run("set k v");
  const Index watched_at = machine.last();
  machine.run("del k");
  EXPECT_EQ(machine.apply_transaction({"set done x"}, {{"k", watched_at}}), "nil");
  machine.run("set k v");
  EXPECT_EQ(machine.apply_transaction({"set done x"}, {{"k", watched_at}}), "nil");
  machine.run("flushall");
  EXPECT_EQ(machine.apply_transaction({"set done x"}, {{"k", machine.last()}}), "[OK]");
}

// Dead keys are removed when there is time: when they are is no change, only that they died. Else a client that watches
// such a key would try in vain while others are removed before it.
TEST(Transactions, AKeyThatWasDeadWhenItWasWatchedHasNotChanged) {
  for (const bool removed : {false, true}) {
    Machine machine;
    for (int i = 0; i < 100; ++i)
      machine.run("set k" + std::to_string(i) + " v px 10");
    machine.now += 10;
    machine.run("set other x");  // removes 64 of them
    const Index watched_at = machine.last();
    for (int i = 0; i < 100; ++i)
      EXPECT_EQ(machine.run("get k" + std::to_string(i)), "nil");
    if (removed) machine.run("set other y");
    for (int i = 0; i < 100; ++i) {
      EXPECT_EQ(machine.apply_transaction({"set done x"}, {{"k" + std::to_string(i), watched_at}}), "[OK]") << i;
    }
  }
}

TEST(Transactions, AKeyThatCameAndDiedSinceItWasWatchedHasChanged) {
  Machine machine;
  machine.run("set k v px 10");
  machine.now += 10;
  machine.run("set other x");
  const Index watched_at = machine.last();
  machine.run("set k again px 10");
  machine.now += 10;
  EXPECT_EQ(machine.apply_transaction({"set done x"}, {{"k", watched_at}}), "nil");
  machine.run("get k");
  EXPECT_EQ(machine.apply_transaction({"set done x"}, {{"k", machine.last()}}), "[OK]");
}

class TransactionCommands : public KvServerTest {
 protected:
  void SetUp() override {
    KvServerTest::SetUp();
    client_ = connect();
  }
  void send(std::string_view line) { client_->send(std::string(line) + "\r\n"); }
  void expect(std::string_view line, std::string_view reply) {
    SCOPED_TRACE(line);
    send(line);
    client_->expect(reply);
  }
  std::unique_ptr<Client> client_;
};

TEST_F(TransactionCommands, AreGatheredAndSubmittedOnce) {
  expect("MULTI", "+OK\r\n");
  expect("SET k v", "+QUEUED\r\n");
  expect("GET k", "+QUEUED\r\n");
  expect("LPOP none 2", "+QUEUED\r\n");
  expect("UNWATCH", "+QUEUED\r\n");
  run_ready();
  EXPECT_EQ(server_->connections().begin()->second->transaction().queued(), 4);
  EXPECT_TRUE(replica_.writes.empty());
  EXPECT_TRUE(replica_.reads.empty());
  send("EXEC");
  await_writes(1);
  EXPECT_EQ(replica_.writes.size(), 1u);
  replica_.apply();
  client_->expect("*4\r\n+OK\r\n$1\r\nv\r\n*-1\r\n+OK\r\n");
  expect("EXEC", "-ERR EXEC without MULTI\r\n");
}

TEST_F(TransactionCommands, EndWithoutEffectWhenACommandWasWrong) {
  expect("MULTI", "+OK\r\n");
  expect("SET k v", "+QUEUED\r\n");
  expect("nonsense", "-ERR unknown command 'nonsense', with args beginning with: \r\n");
  expect("SET k v", "+QUEUED\r\n");
  expect("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
  expect("MULTI", "+OK\r\n");
  expect("GET", "-ERR wrong number of arguments for 'get' command\r\n");
  expect("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
  expect("MULTI", "+OK\r\n");
  expect("CONFIG GET save", "-ERR Command not allowed inside a transaction\r\n");
  expect("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
  expect("MULTI", "+OK\r\n");
  expect("EXEC now", "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command\r\n");
  expect("EXEC", "-ERR EXEC without MULTI\r\n");
  EXPECT_TRUE(replica_.writes.empty());
}

TEST_F(TransactionCommands, TakeWhatNeedsNoData) {
  expect("MULTI", "+OK\r\n");
  expect("PING", "+QUEUED\r\n");
  expect("ECHO hello", "+QUEUED\r\n");
  expect("SELECT 1", "+QUEUED\r\n");
  expect("SET k v", "+QUEUED\r\n");
  send("EXEC");
  await_writes(1);
  replica_.apply();
  client_->expect("*4\r\n+PONG\r\n$5\r\nhello\r\n-ERR DB index is out of range\r\n+OK\r\n");
}

TEST_F(TransactionCommands, DiscardAndNesting) {
  expect("DISCARD", "-ERR DISCARD without MULTI\r\n");
  expect("MULTI", "+OK\r\n");
  expect("MULTI", "-ERR MULTI calls can not be nested\r\n");
  expect("WATCH k", "-ERR WATCH inside MULTI is not allowed\r\n");
  expect("SET k v", "+QUEUED\r\n");
  expect("DISCARD", "+OK\r\n");
  expect("EXEC", "-ERR EXEC without MULTI\r\n");
  expect("MULTI", "+OK\r\n");
  expect("QUIT", "+OK\r\n");
  EXPECT_TRUE(client_->is_closed());
  EXPECT_TRUE(replica_.writes.empty());
}

// Replies come in the order of requests, though those of commands that are only gathered need nobody.
TEST_F(TransactionCommands, PipelineBehindWrites) {
  client_->send("INCR n\r\nMULTI\r\nINCR n\r\nEXEC\r\nINCR n\r\nMULTI\r\nGET n\r\nEXEC\r\n");
  await_writes(4);
  run_ready();
  EXPECT_EQ(client_->available(), 0u);
  replica_.apply_all();
  client_->expect(":1\r\n+OK\r\n+QUEUED\r\n*1\r\n:2\r\n:3\r\n+OK\r\n+QUEUED\r\n*1\r\n$1\r\n3\r\n");
}

TEST_F(TransactionCommands, WatchIsALinearizableRead) {
  const auto other = connect();
  send("WATCH a b");
  await_reads(1);
  replica_.confirm();
  client_->expect("+OK\r\n");
  expect("MULTI", "+OK\r\n");
  expect("SET done x", "+QUEUED\r\n");
  other->send("SET b changed\r\n");
  await_writes(1);
  replica_.apply();
  send("EXEC");
  await_writes(1);
  replica_.apply();
  client_->expect("*-1\r\n");
  // What was watched is watched no more.
  expect("MULTI", "+OK\r\n");
  expect("SET done x", "+QUEUED\r\n");
  send("EXEC");
  await_writes(1);
  replica_.apply();
  client_->expect("*1\r\n+OK\r\n");
}

TEST_F(TransactionCommands, UnwatchForgets) {
  send("WATCH a");
  await_reads(1);
  replica_.confirm();
  client_->expect("+OK\r\n");
  send("SET a mine");
  await_writes(1);
  replica_.apply();
  client_->expect("+OK\r\n");
  expect("UNWATCH", "+OK\r\n");
  client_->send("MULTI\r\nEXEC\r\n");
  await_writes(1);
  replica_.apply();
  client_->expect("+OK\r\n*0\r\n");
}

TEST_F(TransactionCommands, AWatchThatFailsWatchesNothing) {
  send("WATCH a");
  await_reads(1);
  replica_.end_read(fail(ErrorCode::no_leader, "nobody"));
  client_->expect("-CLUSTERDOWN no leader is known to this node; try again\r\n");
  client_->send("SET a x\r\nMULTI\r\nEXEC\r\n");
  await_writes(2);
  replica_.apply_all();
  client_->expect("+OK\r\n+OK\r\n*0\r\n");
}

TEST_F(TransactionCommands, AreBoundedAndCountAsMemory) {
  settings_.max_request = 100'000;
  settings_.max_bulk = 50'000;
  expect("MULTI", "+OK\r\n");
  const std::string command = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000\r\n" + std::string(40'000, 'v') + "\r\n";
  client_->send(command);
  client_->expect("+QUEUED\r\n");
  client_->send(command);
  client_->expect("+QUEUED\r\n");
  client_->send(command);
  client_->expect("-ERR a transaction of more than 100000 bytes, which max-request allows\r\n");
  const auto& connection = *server_->connections().begin()->second;
  const std::size_t before = connection.memory();
  expect("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
  EXPECT_LT(connection.memory() + 80'000, before);
}

class Expiring : public TransactionCommands {
 protected:
  // A key that is there by the log's time, and dead by any clock.
  void make_due() {
    send("SET k v PX 1");
    await_writes(1);
    replica_.apply();
    client_->expect("+OK\r\n");
  }
};

TEST_F(Expiring, AReadThatSeesADueKeyTellsTheLogTheTimeFirst) {
  make_due();
  client_->send("GET k\r\nEXISTS k\r\n");
  await_reads(1);
  replica_.confirm();
  await_writes(1);
  EXPECT_EQ(replica_.writes[0].bytes, "\x03");
  run_ready();
  EXPECT_EQ(client_->available(), 0u);
  replica_.log_time = WallTime(WallTime::duration(1));
  replica_.apply();
  client_->expect("$-1\r\n:0\r\n");
  EXPECT_TRUE(replica_.writes.empty());
}

// If the log's time still lies before the expiry, for the leader's clock may be late: then the key is still there.
TEST_F(Expiring, TheSecondTimeItGoesByTheLogsTimeAlone) {
  make_due();
  send("GET k");
  await_reads(1);
  replica_.confirm();
  await_writes(1);
  replica_.apply();
  client_->expect("$1\r\nv\r\n");
  EXPECT_TRUE(replica_.writes.empty());
}

TEST_F(Expiring, WithoutALogToTellTheReadIsRefused) {
  make_due();
  client_->send("GET k\r\nGET other\r\n");
  await_reads(1);
  replica_.confirm();
  await_writes(1);
  replica_.refuse({ErrorCode::no_leader, "nobody"});
  client_->expect("-CLUSTERDOWN no leader is known to this node; try again\r\n$-1\r\n");
}

// Its time stands still then, on every node, so the key was dead for nobody.
TEST_F(Expiring, WithAFullLogTheReadGoesByTheLogsTime) {
  make_due();
  send("GET k");
  await_reads(1);
  replica_.confirm();
  await_writes(1);
  replica_.refuse({ErrorCode::overloaded, "the log is full"});
  client_->expect("$1\r\nv\r\n");
}

TEST_F(TransactionCommands, AWritesReplyIsBoundedLikeAReads) {
  settings_.max_client_output = 64u << 10;
  client_->send("SET k " + std::string(50'000, 'x') + "\r\n");
  await_writes(1);
  replica_.apply();
  client_->expect("+OK\r\n");
  send("MULTI");
  client_->expect("+OK\r\n");
  client_->send("GET k\r\nGET k\r\nEXEC\r\n");
  client_->expect("+QUEUED\r\n+QUEUED\r\n");
  await_writes(1);
  replica_.apply();
  EXPECT_TRUE(client_->is_closed());
  EXPECT_EQ(server_->counters().closed_for_output, 1u);
}

}  // namespace
}  // namespace keel
