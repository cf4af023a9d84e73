#include <gmock/gmock.h>

#include "server_fixture.hpp"

namespace keel {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST_F(KvServerTest, PipelinedWritesAreInFlightTogetherAndAnsweredInOrder) {
  const auto client = connect();
  client->send("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\nINCR a\r\nINCR a\r\n");
  await_writes(3);
  replica_.apply();
  replica_.refuse({ErrorCode::timed_out, "late"}, 1);
  run_ready();
  EXPECT_EQ(client->receive(5), "+OK\r\n");
  EXPECT_EQ(client->available(), 0u);  // the second is not answered, so the third must wait
  replica_.apply();
  client->expect(":2\r\n-TIMEOUT ");
}

TEST_F(KvServerTest, AReadWaitsForTheWritesBeforeItAndSeesThem) {
  const auto client = connect();
  client->send("SET k new\r\nGET k\r\n");
  await_writes(1);
  run_ready();
  EXPECT_TRUE(replica_.reads.empty());
  replica_.apply();
  await_reads(1);
  replica_.confirm();
  client->expect("+OK\r\n$3\r\nnew\r\n");
}

TEST_F(KvServerTest, AReadDoesNotSeeTheWritesBehindIt) {
  const auto client = connect();
  client->send("GET k\r\nSET k new\r\nGET k\r\n");
  await_reads(1);
  run_ready();
  EXPECT_TRUE(replica_.writes.empty());
  replica_.confirm();
  await_writes(1);
  replica_.apply();
  client->expect("$-1\r\n+OK\r\n");
  await_reads(0);
}

TEST_F(KvServerTest, ReadsThatCameTogetherShareOneConfirmation) {
  const auto client = connect();
  client->send("SET k v\r\n");
  await_writes(1);
  replica_.apply();
  client->expect("+OK\r\n");
  client->send("GET k\r\nSTRLEN k\r\nMGET k x\r\nEXISTS k k\r\nDBSIZE\r\n");
  await_reads(1);
  replica_.confirm();
  client->expect("$1\r\nv\r\n:1\r\n*2\r\n$1\r\nv\r\n$-1\r\n:2\r\n:1\r\n");
  EXPECT_TRUE(replica_.reads.empty());
}

// hazard: H34 (what a confirmation covers must have been asked before it was asked for)
TEST_F(KvServerTest, AConfirmationDoesNotCoverReadsThatCameLater) {
  const auto client = connect();
  client->send("GET k\r\n");
  await_reads(1);
  client->send("GET k\r\n");
  run_ready();
  replica_.confirm();
  client->expect("$-1\r\n");
  await_reads(1);
  replica_.confirm();
  client->expect("$-1\r\n");
}

TEST_F(KvServerTest, AFailedReadAnswersAllThatWaitedForIt) {
  const auto client = connect();
  client->send("GET a\r\nGET b\r\nPING\r\n");
  await_reads(1);
  replica_.end_read(fail(ErrorCode::no_leader, "nobody"));
  const std::string refusal = "-CLUSTERDOWN no leader is known to this node; try again\r\n";
  client->expect(refusal + refusal + "+PONG\r\n");
}

struct OutcomeCase {
  ErrorCode code;
  std::string_view word;
};

TEST_F(KvServerTest, OutcomesAreToldByTheirFirstWord) {
  const auto client = connect();
  for (const auto& [code, word] : std::vector<OutcomeCase>{{ErrorCode::not_leader, "-TRYAGAIN "},
                                                           {ErrorCode::no_leader, "-CLUSTERDOWN "},
                                                           {ErrorCode::overloaded, "-BUSY "},
                                                           {ErrorCode::too_large, "-ERR "},
                                                           {ErrorCode::wrong_term, "-TRYAGAIN "},
                                                           {ErrorCode::stopping, "-CLUSTERDOWN "},
                                                           {ErrorCode::discarded, "-TRYAGAIN "},
                                                           {ErrorCode::timed_out, "-TIMEOUT "},
                                                           {ErrorCode::leadership_lost, "-TIMEOUT "},
                                                           {ErrorCode::storage_failed, "-TIMEOUT "},
                                                           {ErrorCode::failed, "-TIMEOUT "}}) {
    client->send("INCR n\r\n");
    await_writes(1);
    replica_.refuse({code, "why\r\nnot"});
    std::string reply;
    while (!reply.ends_with("\r\n"))
      reply += client->receive(1);
    EXPECT_THAT(reply, StartsWith(std::string(word)));
    const bool unknown = outcome_of(code) == Outcome::unknown;
    EXPECT_EQ(reply.starts_with("-TIMEOUT"), unknown);
  }
  EXPECT_EQ(server_->counters().not_appended, 7u);
  EXPECT_EQ(server_->counters().unknown, 4u);
  EXPECT_EQ(server_->counters().acknowledged, 0u);
}

TEST_F(KvServerTest, AProtocolErrorClosesOnlyItsConnectionAfterWhatCameBefore) {
  const auto other = connect();
  const auto client = connect();
  client->send("SET k v\r\n*1\r\n$-5\r\nPING\r\n");
  await_writes(1);
  replica_.apply();
  client->expect("+OK\r\n-ERR Protocol error: invalid bulk length\r\n");
  EXPECT_TRUE(client->is_closed());
  other->send("PING\r\n");
  other->expect("+PONG\r\n");
  EXPECT_EQ(server_->counters().protocol_errors, 1u);
}

TEST_F(KvServerTest, QuitAnswersAndCloses) {
  const auto client = connect();
  client->send("PING\r\nQUIT\r\nPING\r\n");
  client->expect("+PONG\r\n+OK\r\n");
  EXPECT_TRUE(client->is_closed());
}

TEST_F(KvServerTest, AHalfClosedConnectionStillGetsItsAnswers) {
  const auto client = connect();
  client->send("INCR n\r\nGET n\r\nGET incompl");
  client->end_input();
  await_writes(1);
  replica_.apply();
  await_reads(1);
  replica_.confirm();
  client->expect(":1\r\n$1\r\n1\r\n");
  EXPECT_TRUE(client->is_closed());
}

TEST_F(KvServerTest, AnswersThatComeAfterTheClientLeftHarmNobody) {
  connect()->send("INCR n\r\nINCR n\r\n");
  await_writes(2);
  run_ready();
  replica_.apply_all();
  ASSERT_TRUE(run_until([&] { return server_->connections().empty(); }));
  EXPECT_EQ(server_->memory(), 0u);
}

TEST_F(KvServerTest, AReplyLargerThanTheBoundClosesTheConnection) {
  settings_.max_client_output = 64u << 10;
  const auto client = connect();
  client->send("SET k " + std::string(30'000, 'x') + "\r\n");
  await_writes(1);
  replica_.apply();
  client->expect("+OK\r\n");
  client->send("MGET k k\r\n");
  await_reads(1);
  replica_.confirm();
  EXPECT_EQ(client->receive(60'024).size(), 60'024u);
  client->send("MGET k k k\r\n");
  await_reads(1);
  replica_.confirm();
  EXPECT_TRUE(client->is_closed());
  EXPECT_EQ(server_->counters().closed_for_output, 1u);
}

// Requests whose replies nobody reads are not taken in: what waits for a client is bounded without closing it.
TEST_F(KvServerTest, AClientThatDoesNotReadIsNotServedFurther) {
  const auto client = connect();
  const std::string request = "*2\r\n$4\r\nECHO\r\n$60000\r\n" + std::string(60'000, 'x') + "\r\n";
  constexpr std::size_t requests = 400;
  std::string all;
  for (std::size_t i = 0; i < requests; ++i)
    all += request;
  std::string_view unsent = all;
  const auto send_more = [&] {
    const std::size_t sent = client->send_some(unsent);
    unsent.remove_prefix(sent);
    run_ready();
    return sent > 0;
  };
  while (send_more()) {
  }
  EXPECT_FALSE(unsent.empty());
  const auto& connection = *server_->connections().begin()->second;
  EXPECT_GT(connection.output_bytes(), 1u << 20);
  EXPECT_LT(connection.output_bytes(), 2u << 20);
  EXPECT_LT(connection.memory(), 4u << 20);
  const std::string reply = "$60000\r\n" + std::string(60'000, 'x') + "\r\n";
  for (std::size_t i = 0; i < requests; ++i) {
    ASSERT_EQ(client->receive(reply.size()), reply);
    send_more();
  }
  EXPECT_TRUE(unsent.empty());
}

TEST_F(KvServerTest, TheLargestConnectionIsClosedWhenAllHoldTooMuch) {
  settings_.max_client_memory = 4u << 20;
  const auto small = connect();
  const auto large = connect();
  large->send("*2\r\n$4\r\nECHO\r\n$9000000\r\n");
  const std::string piece(1u << 20, 'x');
  bool closed = false;
  for (int i = 0; i < 8 && !closed; ++i) {
    try {
      large->send(piece);
    } catch (const boost::system::system_error&) {
      closed = true;
    }
    run_ready();
  }
  ASSERT_TRUE(run_until([&] { return server_->counters().closed_for_memory == 1; }));
  small->send("PING\r\n");
  small->expect("+PONG\r\n");
}

// Reads that are confirmed together are answered together, before any answer can leave.
TEST_F(KvServerTest, LargeAnswersAreBoundedTogetherWithinOneTurn) {
  settings_.max_client_memory = 8u << 20;
  const auto writer = connect();
  writer->send("SET k " + std::string(60'000, 'x') + "\r\n");
  await_writes(1);
  replica_.apply();
  writer->expect("+OK\r\n");
  std::string request = "MGET";
  for (int i = 0; i < 50; ++i)
    request += " k";
  std::vector<std::unique_ptr<Client>> readers;
  for (std::size_t i = 1; i <= 16; ++i) {
    readers.push_back(connect());
    readers.back()->send(request + "\r\n");
    await_reads(i);
  }
  std::size_t held = 0;
  while (!replica_.reads.empty()) {
    replica_.confirm();
    held = 0;
    for (const auto& [id, connection] : server_->connections())
      held += connection->memory();
    EXPECT_LT(held, 2 * settings_.max_client_memory);  // a buffer doubles when it grows
  }
  EXPECT_GT(held, settings_.max_client_memory / 4) << "some are answered";
  EXPECT_GT(server_->counters().closed_for_output + server_->counters().closed_for_memory, 0u);
}

TEST_F(KvServerTest, AClientWhoseReadsTakeLongLetsOthersComeBetween) {
  const auto client = connect();
  const auto other = connect();
  client->send("MSET a " + std::string(1000, 'x') + " b " + std::string(1000, 'y') + "\r\n");
  await_writes(1);
  replica_.apply();
  client->expect("+OK\r\n");
  constexpr std::uint64_t count = 100;  // each goes through a million cells
  std::string requests;
  std::string replies;
  for (std::uint64_t i = 0; i < count; ++i) {
    requests += "LCS a b LEN\r\n";
    replies += ":0\r\n";
  }
  client->send(requests);
  await_reads(1);
  const std::uint64_t before = server_->counters().requests;
  other->send("PING\r\n");
  replica_.confirm();
  other->expect("+PONG\r\n");
  EXPECT_LT(server_->counters().requests, before + count);
  client->expect(replies);
  EXPECT_TRUE(replica_.reads.empty());
}

// None of them is large.
TEST_F(KvServerTest, ManySmallConnectionsAreBoundedTogether) {
  settings_.max_client_memory = 1u << 20;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 100; ++i) {
    clients.push_back(connect());
    clients.back()->send("*2\r\n$4\r\nECHO\r\n$9000\r\nincomplete");
    run_ready();
    EXPECT_LE(server_->memory(), settings_.max_client_memory);
  }
  EXPECT_GT(server_->counters().closed_for_memory, 0u);
  EXPECT_GT(server_->connections().size(), 20u);
}

// What the parser keeps of a request that is still to come counts too: more than the request's own bytes.
TEST_F(KvServerTest, ArgumentsReadSoFarCountAsMemory) {
  const auto client = connect();
  constexpr std::size_t count = 100'000;
  std::string request = "*200000\r\n";
  for (std::size_t i = 0; i < count; ++i)
    request += "$0\r\n\r\n";
  client->send(request);
  ASSERT_TRUE(run_until([&] { return server_->memory() > request.size() + 16 * count; }));
}

TEST_F(KvServerTest, LargeBuffersAreGivenBack) {
  const auto client = connect();
  const std::string large = "$1000000\r\n" + std::string(1'000'000, 'x') + "\r\n";
  client->send("*2\r\n$4\r\nECHO\r\n" + large);
  client->expect(large);
  client->send("PING\r\n");
  client->expect("+PONG\r\n");
  EXPECT_LT(server_->connections().begin()->second->memory(), 100'000u);
}

// As the replica gets it, and refuses it perhaps, it is kept nowhere.
TEST_F(KvServerTest, TheRoomForALargeWriteIsGivenBack) {
  const auto client = connect();
  client->send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000000\r\n");
  const std::string piece(1'000'000, 'x');
  for (int i = 0; i < 9; ++i) {
    client->send(piece);
    run_ready();
  }
  client->send("\r\n");
  await_writes(1);
  EXPECT_LT(server_->scratch().capacity(), 1'000'000u);
  replica_.refuse({ErrorCode::too_large, ""});
}

TEST_F(KvServerTest, RepliesThatWaitForOneBeforeThemCountAsMemory) {
  const auto client = connect();
  for (int i = 0; i < 4000; ++i)
    client->send("INCR n\r\n");
  await_writes(4000);
  run_ready();
  const std::uint64_t before = server_->memory();
  for (std::size_t left = 4000; left > 1; --left)
    replica_.refuse({ErrorCode::overloaded, std::string(1000, 'w')}, 1);
  run_ready();
  EXPECT_GT(server_->memory(), before + 3999 * 1000);
}

TEST_F(KvServerTest, OneClientTooManyIsToldSo) {
  settings_.max_clients = 1;
  const auto first = connect();
  first->send("PING\r\n");
  first->expect("+PONG\r\n");
  const auto second = connect();
  second->expect("-ERR max number of clients reached\r\n");
  EXPECT_TRUE(second->is_closed());
}

TEST_F(KvServerTest, MoreWritesThanMayBeInFlightWaitTheirTurn) {
  const auto client = connect();
  constexpr std::size_t count = 10'000;
  std::string requests;
  std::string replies;
  for (std::size_t i = 1; i <= count; ++i) {
    requests += "INCR n\r\n";
    replies += ":" + std::to_string(i) + "\r\n";
  }
  client->send(requests);
  await_writes(4096);
  run_ready();
  EXPECT_EQ(replica_.writes.size(), 4096u);
  std::size_t applied = 0;
  while (applied < count) {
    await_writes(1);
    applied += replica_.writes.size();
    replica_.apply_all();
  }
  client->expect(replies);
}

TEST_F(KvServerTest, StoppingSendsWhatIsAnsweredAndClosesAll) {
  const auto client = connect();
  client->send("INCR n\r\nGET n\r\n");
  await_writes(1);
  replica_.refuse({ErrorCode::stopping, ""});
  server_->stop();
  client->expect("-CLUSTERDOWN this node is stopping; nothing was written, ask another\r\n");
  EXPECT_TRUE(client->is_closed());
  EXPECT_TRUE(replica_.reads.empty());
}

TEST_F(KvServerTest, APortThatIsTakenIsNamed) {
  KvSettings settings;
  settings.listen = server_->address();
  KvServer second(executor_, settings, replica_, machine_, log_);
  const auto listening = second.listen();
  ASSERT_FALSE(listening);
  EXPECT_THAT(listening.error().message, HasSubstr("cannot listen for clients on " + to_string(settings.listen)));
  EXPECT_THAT(listening.error().message, HasSubstr("choose another --listen"));
}

}  // namespace
}  // namespace keel
