// Commands about the connection and the server, as a client sees them.
#include <sys/resource.h>

#include <gmock/gmock.h>

#include "keelkv/commands/command_table.hpp"
#include "keelkv/server/descriptors.hpp"
#include "server_fixture.hpp"

namespace keel {
namespace {

using testing::HasSubstr;
using testing::Not;

class SessionCommands : public KvServerTest {
 protected:
  void SetUp() override {
    KvServerTest::SetUp();
    client_ = connect();
  }
  // Sends one inline command and expects exactly this reply.
  void expect(std::string_view command, std::string_view reply) {
    SCOPED_TRACE(command);
    client_->send(std::string(command) + "\r\n");
    client_->expect(reply);
  }
  std::string text(std::string_view command) {
    client_->send(std::string(command) + "\r\n");
    return client_->receive_text();
  }

  std::unique_ptr<Client> client_;
};

TEST_F(SessionCommands, Basics) {
  expect("PING", "+PONG\r\n");
  expect("ping hello", "$5\r\nhello\r\n");
  expect("ping a b", "-ERR wrong number of arguments for 'ping' command\r\n");
  expect("ECHO x", "$1\r\nx\r\n");
  expect("SELECT 0", "+OK\r\n");
  expect("SELECT 1", "-ERR DB index is out of range\r\n");
  expect("SELECT 4294967296", "-ERR value is out of range, value must between -2147483648 and 2147483647\r\n");
  expect("SELECT x", "-ERR value is not an integer or out of range\r\n");
  expect("nonsense a", "-ERR unknown command 'nonsense', with args beginning with: 'a' \r\n");
}

TEST_F(SessionCommands, HelloChoosesTheVersion) {
  expect("HELLO 4", "-NOPROTO unsupported protocol version\r\n");
  expect("HELLO x", "-ERR Protocol version is not an integer or out of range\r\n");
  expect("HELLO 3 foo", "-ERR Syntax error in HELLO option 'foo'\r\n");
  expect("HELLO 3 AUTH admin secret", "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
  const std::string fields = "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.2.0\r\n$5\r\nproto\r\n";
  const std::string more =
      "$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
  expect("HELLO", "*14\r\n" + fields + ":2\r\n" + more);
  expect("HELLO 3 SETNAME me", "%7\r\n" + fields + ":3\r\n" + more);
  expect("CLIENT GETNAME", "$2\r\nme\r\n");
  expect("CLIENT SETNAME ''", "+OK\r\n");
  expect("CLIENT GETNAME", "_\r\n");
  expect("HELLO 2", "*14\r\n" + fields + ":2\r\n" + more);
  expect("CLIENT GETNAME", "$-1\r\n");
}

TEST_F(SessionCommands, Client) {
  expect("CLIENT ID", ":1\r\n");
  expect("CLIENT SETNAME 'a b'", "-ERR Client names cannot contain spaces, newlines or special characters.\r\n");
  expect("CLIENT SETNAME me", "+OK\r\n");
  expect("CLIENT SETINFO LIB-NAME lib", "+OK\r\n");
  expect("CLIENT SETINFO lib-ver 1.0", "+OK\r\n");
  expect("CLIENT SETINFO colour red", "-ERR Unrecognized option 'colour'\r\n");
  expect("CLIENT NO-EVICT ON", "+OK\r\n");
  expect("CLIENT NO-EVICT maybe", "-ERR syntax error\r\n");
  const std::string info = text("CLIENT INFO");
  EXPECT_THAT(info, HasSubstr("id=1 addr=127.0.0.1:"));
  EXPECT_THAT(info, HasSubstr("name=me "));
  EXPECT_THAT(info, HasSubstr("lib-name=lib lib-ver=1.0 resp=2\n"));
  const auto other = connect();
  other->send("PING\r\n");
  other->expect("+PONG\r\n");
  EXPECT_THAT(text("CLIENT LIST"), HasSubstr("\nid=2 "));
  EXPECT_THAT(text("CLIENT LIST ID 2 9"), Not(HasSubstr("id=1 ")));
  expect("CLIENT KILL ID 2", ":1\r\n");
  EXPECT_TRUE(other->is_closed());
  expect("CLIENT KILL ID 2", ":0\r\n");
}

// What follows in these two is what a redis-server 7.0 answers.
TEST_F(SessionCommands, ClientListByType) {
  EXPECT_THAT(text("CLIENT LIST TYPE Normal"), HasSubstr("id=1 "));
  for (const std::string other : {"master", "PUBSUB", "replica", "slave"})
    expect("CLIENT LIST TYPE " + other, "$0\r\n\r\n");
  expect("CLIENT LIST TYPE foo", "-ERR Unknown client type 'foo'\r\n");
  expect("CLIENT LIST TYPE", "-ERR syntax error\r\n");
  expect("CLIENT LIST TYPE normal x", "-ERR syntax error\r\n");
  expect("CLIENT LIST ID", "-ERR syntax error\r\n");
  expect("CLIENT LIST ID 1 TYPE normal", "-ERR Invalid client ID\r\n");
}

TEST_F(SessionCommands, ClientKill) {
  expect("CLIENT KILL", "-ERR wrong number of arguments for 'client|kill' command\r\n");
  expect("CLIENT KILL 1.2.3.4:5", "-ERR No such client\r\n");
  expect("CLIENT KILL SKIPME", "-ERR No such client\r\n");
  expect("CLIENT KILL a b c", "-ERR syntax error\r\n");
  expect("CLIENT KILL ID 1 ADDR", "-ERR syntax error\r\n");
  expect("CLIENT KILL ID 1 FOO x", "-ERR syntax error\r\n");
  expect("CLIENT KILL TYPE normal SKIPME maybe", "-ERR syntax error\r\n");
  expect("CLIENT KILL TYPE foo", "-ERR Unknown client type 'foo'\r\n");
  expect("CLIENT KILL USER nobody", "-ERR No such user 'nobody'\r\n");
  for (const std::string id : {"0", "-1", "x", "9999999999999999999999"})
    expect("CLIENT KILL ID " + id, "-ERR client-id should be greater than 0\r\n");
  for (const std::string nobody : {"ID 9", "ADDR 1.2.3.4:5", "TYPE pubsub", "TYPE normal", "SKIPME yes", "ID 1"})
    expect("CLIENT KILL " + nobody, ":0\r\n");  // but ourselves

  const std::string here = "127.0.0.1:" + std::to_string(server_->address().port);
  const auto newcomer = [&] {
    auto other = connect();
    other->send("PING\r\n");
    other->expect("+PONG\r\n");
    return other;
  };
  const auto by_address = newcomer();
  expect("CLIENT KILL ADDR " + by_address->address() + " TYPE pubsub", ":0\r\n");
  expect("CLIENT KILL addr " + by_address->address() + " TYPE NORMAL USER default LADDR " + here, ":1\r\n");
  EXPECT_TRUE(by_address->is_closed());
  const auto in_the_old_way = newcomer();
  expect("CLIENT KILL " + in_the_old_way->address(), "+OK\r\n");
  EXPECT_TRUE(in_the_old_way->is_closed());
  const auto all_others = {newcomer(), newcomer()};
  expect("CLIENT KILL LADDR " + here, ":2\r\n");
  for (const auto& other : all_others)
    EXPECT_TRUE(other->is_closed());
  expect("CLIENT KILL TYPE normal SKIPME no", ":1\r\n");
  EXPECT_TRUE(client_->is_closed());
  client_ = newcomer();
  expect("CLIENT KILL " + client_->address(), "+OK\r\n");
  EXPECT_TRUE(client_->is_closed());
}

TEST_F(SessionCommands, NamesAreBounded) {
  const std::string fits(128, 'n');
  expect("CLIENT SETNAME " + fits + "n", "-ERR Client names cannot be longer than 128 bytes.\r\n");
  expect("HELLO 3 SETNAME " + fits + "n", "-ERR Client names cannot be longer than 128 bytes.\r\n");
  expect("CLIENT SETINFO lib-ver " + fits + "n", "-ERR lib-ver cannot be longer than 128 bytes.\r\n");
  expect("CLIENT SETNAME " + fits, "+OK\r\n");
}

// A small request for a large reply, whatever command it is.
TEST_F(SessionCommands, RepliesAreBounded) {
  settings_.max_client_output = 64u << 10;
  const auto names = [](std::size_t count, const std::string& name) {
    std::string list;
    for (std::size_t i = 0; i < count; ++i)
      list += " " + name;
    return list + "\r\n";
  };
  const auto one = text("CLIENT LIST ID" + names(5000, "1"));
  EXPECT_EQ(std::ranges::count(one, '\n'), 2);  // the line, and the reply's end
  for (const char* const command : {"COMMAND INFO", "COMMAND DOCS"}) {
    const auto client = connect();
    client->send(command + names(5000, "client"));
    EXPECT_TRUE(client->is_closed()) << command;
  }
  EXPECT_EQ(server_->counters().closed_for_output, 2u);
}

TEST_F(SessionCommands, Config) {
  expect("CONFIG GET save", "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  expect("CONFIG GET appendonly", "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n");
  expect("CONFIG GET nothing*", "*0\r\n");
  expect("CONFIG GET", "-ERR wrong number of arguments for 'config|get' command\r\n");
  expect("CONFIG SET foo bar", "-ERR Unknown option or number of arguments for CONFIG SET - 'foo'\r\n");
  expect("CONFIG SET data x",
         "-ERR CONFIG SET failed (possibly related to argument 'data') - can't set immutable config\r\n");
  expect(
      "CONFIG SET max-clients 5 command-timeout never",
      "-ERR CONFIG SET failed (possibly related to argument 'command-timeout') - command-timeout 'never': a time from "
      "10ms to 600000ms, such as 250ms or 5s\r\n");
  expect("CONFIG SET max-clients 5 Timeout x TIMEOUT 2",
         "-ERR CONFIG SET failed (possibly related to argument 'TIMEOUT') - duplicate parameter\r\n");
  expect("CONFIG SET maxclients 5 max-clients 6",
         "-ERR CONFIG SET failed (possibly related to argument 'max-clients') - duplicate parameter\r\n");
  expect("CONFIG SET max-clients 5 timeout", "-ERR syntax error\r\n");
  EXPECT_EQ(settings_.max_clients, 10000u);  // all or nothing
  bool told = false;
  server_->on_settings_changed([&] { told = true; });
  expect("CONFIG SET maxclients 5 command-timeout 2s", "+OK\r\n");
  EXPECT_TRUE(told);
  EXPECT_EQ(settings_.max_clients, 5u);
  EXPECT_EQ(settings_.command_timeout, std::chrono::seconds(2));
  expect("CONFIG GET max-clients", "*2\r\n$11\r\nmax-clients\r\n$1\r\n5\r\n");
  expect("CONFIG RESETSTAT", "+OK\r\n");
  EXPECT_EQ(server_->counters().requests, 1u);  // itself
}

TEST_F(SessionCommands, ANewBoundOnMemoryHoldsForTheClientsThatAreConnected) {
  const auto room = server_->reply_room();  // theirs
  expect("CONFIG SET max-client-memory 3mb", "+OK\r\n");
  EXPECT_EQ(room->limit, 3u << 20);
}

TEST_F(SessionCommands, NoMoreClientsCanBeAllowedThanThereAreDescriptorsFor) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit few{.rlim_cur = reserved_descriptors(settings_) + 10, .rlim_max = before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
  settings_.max_clients = 5;
  expect("CONFIG SET max-clients 11",
         "-ERR CONFIG SET failed (possibly related to argument 'max-clients') - the "
         "limit of open files allows 10\r\n");
  EXPECT_EQ(settings_.max_clients, 5u);
  expect("CONFIG SET max-clients 10", "+OK\r\n");
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

TEST_F(SessionCommands, InfoAndStatus) {
  replica_.state.raft.id = NodeId(1);
  replica_.state.raft.role = RoleName::leader;
  replica_.state.raft.term = Term(7);
  replica_.state.raft.last = Index(50);
  replica_.state.raft.peers.push_back({.id = NodeId(2), .match = Index(40), .next = Index(51), .last_heard = {}});
  replica_.state.leader_address = "a\"b";
  const std::string all = text("INFO");
  for (const char* section : {"# Server", "# Clients", "# Persistence", "# Replication", "# Raft", "# Keyspace"}) {
    EXPECT_THAT(all, HasSubstr(section));
  }
  EXPECT_THAT(all, HasSubstr("loading:0\r\n"));
  const std::string raft = text("INFO raft");
  EXPECT_THAT(raft, Not(HasSubstr("# Server")));
  EXPECT_THAT(raft, HasSubstr("raft_role:leader\r\nraft_term:7\r\n"));
  EXPECT_THAT(raft, HasSubstr("raft_peer_2:state=probe,match=40,lag=10\r\n"));
  EXPECT_THAT(raft, HasSubstr("state_index:0\r\nstate_hash:0000000000000000\r\n"));
  const std::string status = text("KEEL STATUS");
  EXPECT_THAT(status, HasSubstr("\"role\":\"leader\""));
  EXPECT_THAT(status, HasSubstr("\"leader_address\":\"a\\\"b\""));
  EXPECT_THAT(status, HasSubstr("\"peers\":[{\"id\":2,\"state\":\"probe\",\"match\":40,\"lag\":10}]"));
}

TEST_F(SessionCommands, KeelShowsThisReplicaWithoutAskingOthers) {
  client_->send("SET k v\r\n");
  await_writes(1);
  replica_.apply();
  client_->expect("+OK\r\n");
  expect("KEEL APPLIED", ":1\r\n");
  expect("KEEL GET k", "*2\r\n:1\r\n$1\r\nv\r\n");
  expect("KEEL GET x", "*2\r\n:1\r\n$-1\r\n");
  replica_.state.raft.applied = Index(3);  // entries of Raft's own, which no machine sees
  expect("KEEL APPLIED", ":3\r\n");
  expect("KEEL GET k", "*2\r\n:3\r\n$1\r\nv\r\n");
  EXPECT_THAT(text("KEEL STATUS"), HasSubstr("\"applied\":3,"));
  EXPECT_TRUE(replica_.reads.empty());
}

TEST_F(SessionCommands, CommandDescribesTheTable) {
  expect("COMMAND INFO get nothing",
         "*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*1\r\n+readonly\r\n:1\r\n:1\r\n:1\r\n*1\r\n+@string\r\n*0\r\n*0\r\n*0\r\n$-"
         "1\r\n");
  expect("COMMAND DOCS dbsize",
         "*2\r\n$6\r\ndbsize\r\n*6\r\n$7\r\nsummary\r\n$27\r\nReturns the number of "
         "keys.\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n"
         "$5\r\ngroup\r\n$6\r\nserver\r\n");
  expect("COMMAND GETKEYS mset a 1 b 2", "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  expect("COMMAND GETKEYS object encoding a", "*1\r\n$1\r\na\r\n");
  expect("COMMAND GETKEYS get", "-ERR wrong number of arguments for 'command|getkeys' command\r\n");
  expect("COMMAND GETKEYS ping x", "-ERR The command has no key arguments\r\n");
  expect("COMMAND GETKEYS client setname", "-ERR The command has no key arguments\r\n");
  expect("COMMAND GETKEYS nothing x", "-ERR Invalid command specified\r\n");
  expect("COMMAND GETKEYS client nothing", "-ERR Invalid command specified\r\n");
  expect("COMMAND GETKEYS get a b", "-ERR Invalid number of arguments specified for command\r\n");
  expect("COMMAND GETKEYS SINTERCARD x", "-ERR Invalid number of arguments specified for command\r\n");
  expect("COMMAND GETKEYS object encoding", "-ERR Invalid number of arguments specified for command\r\n");
  for (const std::string count : {"0", "5", "foo"})
    expect("COMMAND GETKEYS SINTERCARD " + count + " x", "-ERR Invalid arguments specified for command\r\n");
  expect("COMMAND INFO CLIENT|id client|foo get|x client|id|x client|",
         "*5\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n*1\r\n+admin\r\n:0\r\n:0\r\n:0\r\n*1\r\n+@connection\r\n*0\r\n*0\r\n*0"
         "\r\n$-1\r\n$-1\r\n$-1\r\n$-1\r\n");
  expect("COMMAND DOCS client|foo client|id",
         "*2\r\n$9\r\nclient|id\r\n*6\r\n$7\r\nsummary\r\n$28\r\nReturns the connection's "
         "id.\r\n$5\r\nsince\r\n$5\r\n1.0.0"
         "\r\n$5\r\ngroup\r\n$10\r\nconnection\r\n");
  expect("client|id", "-ERR unknown command 'client|id', with args beginning with: \r\n");
  expect("COMMAND LIST FILTERBY PATTERN mg*", "*1\r\n$4\r\nmget\r\n");
  expect("COMMAND foo", "-ERR unknown subcommand 'foo'. Try COMMAND HELP.\r\n");
  expect("COMMAND COUNT", ":" + std::to_string(CommandTable::get().all().size()) + "\r\n");
}

}  // namespace
}  // namespace keel
