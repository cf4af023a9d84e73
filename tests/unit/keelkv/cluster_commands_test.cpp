// What cluster-aware clients are told, and when they are sent elsewhere.
#include <gmock/gmock.h>

#include "keelkv/server/key_slot.hpp"
#include "server_fixture.hpp"

namespace keel {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// As Redis computes them: the first is the check value of the CRC, those of "foo" and "bar" are in its documentation.
TEST(KeySlot, IsThatOfRedisCluster) {
  EXPECT_EQ(slot_of("123456789"), 0x31c3 % 16384);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("bar"), 5061);
  EXPECT_EQ(slot_of(""), 0);
}

TEST(KeySlot, IsOfWhatStandsInTheFirstBraces) {
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_NE(slot_of("foo{}{bar}"), slot_of("bar"));  // nothing in the first
  EXPECT_NE(slot_of("foo{bar"), slot_of("bar"));
}

const std::string id_1 = "0000000000000000000000000000000000000001";
const std::string id_2 = "0000000000000000000000000000000000000002";
const std::string id_3 = "0000000000000000000000000000000000000003";

class ClusterFace : public KvServerTest {
 protected:
  void SetUp() override {
    settings_.cluster = {{.id = NodeId(1), .address = "10.0.0.1:7101"},
                         {.id = NodeId(2), .address = "10.0.0.2:7102"},
                         {.id = NodeId(3), .address = "10.0.0.3:7103"}};
    settings_.on_follower = OnFollower::moved;
    settings_.election_timeout = std::chrono::hours(1);
    KvServerTest::SetUp();
    server_->roster().heard(NodeId(2), "10.0.0.2:6402");
    lead(2);
    client_ = connect();
  }
  void lead(std::uint64_t node) { replica_.state.raft.leader = NodeId(node); }
  // Leads, and each of the others was last heard so long ago.
  void lead_with(Duration second, Duration third) {
    lead(1);
    const Instant now = executor_.now();
    replica_.state.raft.peers = {
        {.id = NodeId(2), .match = Index(9), .next = Index(10), .last_heard = now - second},
        {.id = NodeId(3), .match = Index(7), .next = Index(8), .last_heard = now - third},
    };
  }
  std::string line(std::string_view command) {
    client_->send(std::string(command) + "\r\n");
    std::string reply;
    while (!reply.ends_with("\r\n"))
      reply += client_->receive(1);
    return reply;
  }
  std::string text(std::string_view command) {
    client_->send(std::string(command) + "\r\n");
    return client_->receive_text();
  }
  void expect(std::string_view command, std::string_view reply) {
    SCOPED_TRACE(command);
    client_->send(std::string(command) + "\r\n");
    client_->expect(reply);
  }
  std::string own_port() { return std::to_string(server_->address().port); }

  std::unique_ptr<Client> client_;
};

TEST_F(ClusterFace, AFollowerSendsCommandsWithKeysToTheLeader) {
  expect("SET foo 1", "-MOVED 12182 10.0.0.2:6402\r\n");
  expect("GET bar", "-MOVED 5061 10.0.0.2:6402\r\n");
  expect("WATCH bar", "-MOVED 5061 10.0.0.2:6402\r\n");
  EXPECT_TRUE(replica_.writes.empty());
  EXPECT_TRUE(replica_.reads.empty());
  expect("PING", "+PONG\r\n");
  client_->send("FLUSHALL\r\n");  // names none
  await_writes(1);
}

TEST_F(ClusterFace, ItsAnswersKeepTheirOrder) {
  client_->send("FLUSHALL\r\nGET foo\r\n");
  await_writes(1);
  run_ready();
  EXPECT_EQ(client_->available(), 0u);
  replica_.apply();
  client_->expect("+OK\r\n-MOVED 12182 10.0.0.2:6402\r\n");
}

TEST_F(ClusterFace, ATransactionThatWasSentElsewhereIsNotCarriedOut) {
  expect("MULTI", "+OK\r\n");
  expect("SET foo 1", "-MOVED 12182 10.0.0.2:6402\r\n");
  expect("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n");
}

TEST_F(ClusterFace, ReadonlyLetsAFollowerAnswerReads) {
  expect("READONLY", "+OK\r\n");
  client_->send("GET foo\r\n");
  await_reads(1);
  replica_.confirm();
  client_->expect("$-1\r\n");
  expect("SET foo 1", "-MOVED 12182 10.0.0.2:6402\r\n");
  expect("READWRITE", "+OK\r\n");
  expect("GET foo", "-MOVED 12182 10.0.0.2:6402\r\n");
  expect("ASKING", "+OK\r\n");
}

TEST_F(ClusterFace, WithoutALeaderNothingIsServed) {
  lead(0);
  EXPECT_THAT(line("SET foo 1"), testing::StartsWith("-CLUSTERDOWN "));
  expect("CLUSTER SLOTS", "*0\r\n");
  EXPECT_THAT(text("CLUSTER INFO"), HasSubstr("cluster_state:fail\r\n"));
}

TEST_F(ClusterFace, ALeaderAndAFollowerThatForwardsTakeEverything) {
  lead(1);
  client_->send("SET foo 1\r\n");
  await_writes(1);
  lead(2);
  settings_.on_follower = OnFollower::forward;
  client_->send("SET foo 1\r\n");
  await_writes(2);
}

// Better by way of this node than not at all.
TEST_F(ClusterFace, AFollowerThatDoesNotKnowWhereClientsReachTheLeaderForwards) {
  lead(3);
  client_->send("SET foo 1\r\n");
  await_writes(1);
  replica_.apply();
  client_->expect("+OK\r\n");
  server_->roster().heard(NodeId(3), "10.0.0.3:6403");
  expect("GET foo", "-MOVED 12182 10.0.0.3:6403\r\n");
  server_->roster().heard(NodeId(3), "");  // started again, and does not know
  client_->send("SET foo 1\r\n");
  await_writes(1);
}

TEST_F(ClusterFace, SlotsAreTheLeadersAndTheOthersAreItsReplicas) {
  const std::string port = own_port();
  expect("CLUSTER SLOTS", "*1\r\n*4\r\n:0\r\n:16383\r\n*4\r\n$8\r\n10.0.0.2\r\n:6402\r\n$40\r\n" + id_2 +
                              "\r\n*0\r\n*4\r\n$9\r\n127.0.0.1\r\n:" + port + "\r\n$40\r\n" + id_1 + "\r\n*0\r\n");
  replica_.state.raft.stable = Index(5);
  const auto node = [](const std::string& id, const std::string& port, const std::string& host, const std::string& role,
                       const std::string& offset, const std::string& health) {
    const auto bulk = [](const std::string& text) {
      return "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
    };
    return "*14\r\n" + bulk("id") + bulk(id) + bulk("port") + ":" + port + "\r\n" + bulk("ip") + bulk(host) +
           bulk("endpoint") + bulk(host) + bulk("role") + bulk(role) + bulk("replication-offset") + ":" + offset +
           "\r\n" + bulk("health") + bulk(health);
  };
  expect("CLUSTER SHARDS", "*1\r\n*4\r\n$5\r\nslots\r\n*2\r\n:0\r\n:16383\r\n$5\r\nnodes\r\n*3\r\n" +
                               node(id_2, "6402", "10.0.0.2", "master", "0", "online") +
                               node(id_1, port, "127.0.0.1", "replica", "5", "online") +
                               node(id_3, "0", "", "replica", "0", "fail"));
  replica_.state.raft.term = Term(7);
  EXPECT_EQ(text("CLUSTER NODES"), id_2 + " 10.0.0.2:6402@7102 master - 0 0 7 connected 0-16383\n" + id_1 +
                                       " 127.0.0.1:" + port + "@7101 myself,slave " + id_2 + " 0 0 7 connected\n" +
                                       id_3 + " :0@7103 slave " + id_2 + " 0 0 7 disconnected\n\r\n");
  EXPECT_THAT(text("CLUSTER INFO"), AllOf(HasSubstr("cluster_state:ok\r\n"), HasSubstr("cluster_slots_ok:16384\r\n"),
                                          HasSubstr("cluster_known_nodes:3\r\ncluster_size:1\r\n")));
  expect("CLUSTER MYID", "$40\r\n" + id_1 + "\r\n");
  expect("CLUSTER KEYSLOT foo", ":12182\r\n");
  expect("CLUSTER FAILOVER", "-ERR unknown subcommand 'FAILOVER'. Try CLUSTER HELP.\r\n");
}

// No client is sent to a replica that has not answered for an election timeout.
TEST_F(ClusterFace, ALeaderTellsWhichReplicaIsDead) {
  server_->roster().heard(NodeId(3), "10.0.0.3:6403");
  const auto dead = settings_.election_timeout;
  lead_with(std::chrono::seconds(300), dead);
  EXPECT_THAT(text("CLUSTER NODES"),
              AllOf(HasSubstr("@7102 slave " + id_1 + " 0 0 0 connected\n"),
                    HasSubstr(" 10.0.0.3:6403@7103 slave,fail " + id_1 + " 0 0 0 disconnected\n")));
  expect("CLUSTER SLOTS", "*1\r\n*4\r\n:0\r\n:16383\r\n*4\r\n$9\r\n127.0.0.1\r\n:" + own_port() + "\r\n$40\r\n" + id_1 +
                              "\r\n*0\r\n*4\r\n$8\r\n10.0.0.2\r\n:6402\r\n$40\r\n" + id_2 + "\r\n*0\r\n");
  client_->send("CLUSTER SHARDS\r\n");
  std::string shards;
  while (!shards.ends_with("$4\r\nfail\r\n"))
    shards += client_->receive(1);
  EXPECT_THAT(shards, AllOf(HasSubstr("10.0.0.2"), HasSubstr("10.0.0.3")));
  EXPECT_THAT(text("INFO replication"),
              AllOf(HasSubstr("connected_slaves:1\r\nslave0:ip=10.0.0.2,port=6402,state=online,offset=9,lag=30"),
                    Not(HasSubstr("slave1")), Not(HasSubstr("10.0.0.3"))));
  lead_with(dead, {});
  EXPECT_THAT(text("INFO replication"),
              AllOf(HasSubstr("connected_slaves:1\r\nslave0:ip=10.0.0.3,port=6403,"), Not(HasSubstr("10.0.0.2"))));
}

// A follower hears nobody but the leader; of the others it knows whether it is connected with them.
TEST_F(ClusterFace, AFollowerTellsWhoIsNotConnectedWithIt) {
  server_->roster().heard(NodeId(3), "10.0.0.3:6403");
  EXPECT_THAT(text("CLUSTER NODES"), Not(HasSubstr("fail")));
  server_->roster().ask_connections([](NodeId) { return false; });
  EXPECT_THAT(text("CLUSTER NODES"),
              AllOf(HasSubstr(id_2 + " 10.0.0.2:6402@7102 master - 0 0 0 connected 0-16383\n"),
                    HasSubstr("myself,slave " + id_2 + " 0 0 0 connected\n"),
                    HasSubstr(id_3 + " 10.0.0.3:6403@7103 slave,fail " + id_2 + " 0 0 0 disconnected\n")));
  server_->roster().ask_connections([](NodeId node) { return node == NodeId(3); });
  EXPECT_THAT(text("CLUSTER NODES"), Not(HasSubstr("fail")));
}

TEST_F(ClusterFace, KeysOfASlot) {
  lead(1);
  client_->send("MSET foo 1 {foo}.b 2 bar 3\r\n");
  await_writes(1);
  replica_.apply();
  client_->expect("+OK\r\n");
  const auto read = [&](std::string_view command, std::string_view reply) {
    SCOPED_TRACE(command);
    client_->send(std::string(command) + "\r\n");
    await_reads(1);
    replica_.confirm();
    client_->expect(reply);
  };
  read("CLUSTER COUNTKEYSINSLOT 12182", ":2\r\n");
  read("CLUSTER COUNTKEYSINSLOT 1", ":0\r\n");
  read("CLUSTER COUNTKEYSINSLOT 16384", "-ERR Invalid slot\r\n");
  read("CLUSTER COUNTKEYSINSLOT x", "-ERR value is not an integer or out of range\r\n");
  read("CLUSTER GETKEYSINSLOT 5061 10", "*1\r\n$3\r\nbar\r\n");
  read("CLUSTER GETKEYSINSLOT 12182 0", "*0\r\n");
  read("CLUSTER GETKEYSINSLOT 12182 -1", "-ERR Invalid slot or number of keys\r\n");
}

TEST_F(ClusterFace, AClientIsToldWhatTheNodeIs) {
  client_->send("HELLO\r\n");
  std::string greeting;
  while (!greeting.ends_with("modules\r\n*0\r\n"))
    greeting += client_->receive(1);
  EXPECT_THAT(greeting, HasSubstr("mode\r\n$7\r\ncluster\r\n$4\r\nrole\r\n$7\r\nreplica\r\n"));
  EXPECT_THAT(text("INFO replication"), HasSubstr("role:slave\r\nmaster_host:10.0.0.2\r\nmaster_port:6402\r\n"
                                                  "master_link_status:up\r\n"));
  EXPECT_THAT(text("INFO raft"), HasSubstr("raft_leader_client:10.0.0.2:6402\r\n"));
  EXPECT_THAT(text("INFO cluster"), HasSubstr("cluster_enabled:1\r\n"));
  lead_with({}, {});
  EXPECT_THAT(text("INFO replication"),
              AllOf(HasSubstr("role:master\r\nconnected_slaves:2\r\n"), HasSubstr("slave0:ip=10.0.0.2,port=6402,")));
  settings_.on_follower = OnFollower::forward;
  lead(2);
  EXPECT_THAT(text("INFO replication"), HasSubstr("role:master\r\nconnected_slaves:0\r\n"));
  EXPECT_THAT(text("INFO server"), AllOf(HasSubstr("redis_mode:standalone\r\n"), Not(HasSubstr("cluster"))));
}

TEST(AdvertisedAddress, IsWhatClientsCanReach) {
  KvSettings settings;
  settings.id = NodeId(2);
  settings.cluster = {{.id = NodeId(2), .address = "10.0.0.2:7101"}};
  settings.listen = {"192.168.1.2", 6401};
  EXPECT_EQ(advertised_address(settings), "192.168.1.2:6401");
  settings.listen = {"0.0.0.0", 6401};
  EXPECT_EQ(advertised_address(settings), "10.0.0.2:6401");
  settings.listen = {"::", 6401};
  EXPECT_EQ(advertised_address(settings), "10.0.0.2:6401");
  settings.listen = {"10.0.0.2", 0};
  EXPECT_EQ(advertised_address(settings), "");  // the others could not send anybody there
  settings.advertise = HostPort{"kv.example.org", 16401};
  EXPECT_EQ(advertised_address(settings), "kv.example.org:16401");
}

}  // namespace
}  // namespace keel
