// Commands that are not taken at all.
#include <gmock/gmock.h>

#include "server_fixture.hpp"

namespace keel {
namespace {

using testing::HasSubstr;

class Gate : public KvServerTest {
 protected:
  std::string line(Client& client, std::string_view command) {
    client.send(std::string(command) + "\r\n");
    std::string reply;
    while (!reply.ends_with("\r\n"))
      reply += client.receive(1);
    return reply;
  }
  std::string info(Client& client) {
    client.send("INFO persistence\r\n");
    return client.receive_text();
  }
};

TEST_F(Gate, ALongReplayIsToldUntilItIsDone) {
  const auto client = connect();
  EXPECT_THAT(info(*client), HasSubstr("loading:0\r\n"));  // nobody leads: not known how much there is
  replica_.state.raft.leader = NodeId(2);
  replica_.state.raft.commit = Index(1'000'000);
  EXPECT_THAT(info(*client), HasSubstr("loading:1\r\n"));
  EXPECT_THAT(line(*client, "SET k v"), testing::StartsWith("-LOADING "));
  EXPECT_THAT(line(*client, "GET k"), testing::StartsWith("-LOADING "));
  EXPECT_EQ(line(*client, "PING"), "+PONG\r\n");
  EXPECT_TRUE(replica_.writes.empty());
  EXPECT_TRUE(replica_.reads.empty());

  replica_.state.raft.applied = Index(999'000);
  EXPECT_THAT(info(*client), HasSubstr("loading:0\r\n"));
  client->send("SET k v\r\n");
  await_writes(1);
  replica_.state.raft.commit = Index(9'000'000);  // far behind later on: no replay
  client->send("SET k v\r\n");
  await_writes(2);
}

}  // namespace
}  // namespace keel
