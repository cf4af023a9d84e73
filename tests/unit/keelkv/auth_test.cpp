// Passwords.
#include <sstream>

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>

#include "server_fixture.hpp"

namespace keel {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view no_auth = "-NOAUTH Authentication required.\r\n";
constexpr std::string_view wrong = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

class Auth : public KvServerTest {
 protected:
  void SetUp() override {
    settings_.password = "s3cret";
    KvServerTest::SetUp();
    client_ = connect();
  }
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

TEST_F(Auth, NothingElseIsTakenBefore) {
  for (const char* command : {"PING", "SET k v", "GET k", "INFO", "CONFIG GET requirepass", "MULTI", "CLIENT LIST"})
    expect(command, no_auth);
  EXPECT_TRUE(replica_.writes.empty());
  EXPECT_TRUE(replica_.reads.empty());
  expect("nonsense", "-ERR unknown command 'nonsense', with args beginning with: \r\n");
  expect("RESET", "+RESET\r\n");
  expect("QUIT", "+OK\r\n");
  EXPECT_TRUE(client_->is_closed());
}

TEST_F(Auth, WithOrWithoutTheUsersName) {
  for (const char* no : {"AUTH wrong", "AUTH s3cre", "AUTH s3crets", "AUTH ''", "AUTH admin s3cret", "AUTH default x"})
    expect(no, wrong);
  expect("AUTH a b c", "-ERR syntax error\r\n");
  expect("PING", no_auth);
  expect("AUTH s3cret", "+OK\r\n");
  expect("PING", "+PONG\r\n");
  expect("AUTH wrong", wrong);  // and it stays as it was
  expect("PING", "+PONG\r\n");
  client_ = connect();
  expect("AUTH default s3cret", "+OK\r\n");
  expect("PING", "+PONG\r\n");
  expect("RESET", "+RESET\r\n");
  expect("PING", no_auth);
  EXPECT_EQ(server_->counters().wrong_passwords, 7u);
}

TEST_F(Auth, WithTheGreeting) {
  const std::string must =
      "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> "
      "<pass> option can be used to authenticate the client and select the RESP protocol version at the same time\r\n";
  expect("HELLO", must);
  expect("HELLO 3", must);
  expect("HELLO 3 AUTH default wrong", wrong);
  expect("PING", no_auth);
  client_->send("HELLO 3 AUTH default s3cret SETNAME me\r\n");
  std::string greeting;
  while (!greeting.ends_with("modules\r\n*0\r\n"))
    greeting += client_->receive(1);
  EXPECT_THAT(greeting, testing::StartsWith("%7\r\n"));
  expect("CLIENT GETNAME", "$2\r\nme\r\n");
}

TEST_F(Auth, PipelinedBehindIt) {
  client_->send("AUTH s3cret\r\nSET k v\r\n");
  await_writes(1);
  replica_.apply();
  client_->expect("+OK\r\n+OK\r\n");
}

TEST_F(Auth, StrangersMaySendLittle) {
  expect("*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n");
  EXPECT_TRUE(client_->is_closed());
  client_ = connect();
  expect("*2\r\n$4\r\nAUTH\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n");
  EXPECT_TRUE(client_->is_closed());
  client_ = connect();
  expect("AUTH s3cret", "+OK\r\n");
  expect("*2\r\n$4\r\nECHO\r\n$20000\r\n" + std::string(20'000, 'x'), "$20000\r\n" + std::string(20'000, 'x') + "\r\n");
}

TEST_F(Auth, APasswordThatChangesCountsForThoseThatCome) {
  expect("AUTH s3cret", "+OK\r\n");
  expect("CONFIG GET requirepass", "*2\r\n$11\r\nrequirepass\r\n$6\r\ns3cret\r\n");
  expect("CONFIG SET requirepass other", "+OK\r\n");
  expect("PING", "+PONG\r\n");
  const auto first = std::move(client_);
  client_ = connect();
  expect("AUTH s3cret", wrong);
  expect("AUTH other", "+OK\r\n");
  expect("CONFIG SET requirepass ''", "+OK\r\n");
  client_ = connect();
  expect("PING", "+PONG\r\n");
  expect("AUTH x",
         "-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
         "configuration is correct?\r\n");
  expect("AUTH default x", "+OK\r\n");
}

TEST_F(Auth, ThePasswordIsInNoLogAndNotInInfo) {
  std::ostringstream lines;
  log_.sinks() = {std::make_shared<spdlog::sinks::ostream_sink_st>(lines)};
  log_.set_level(spdlog::level::trace);
  expect("AUTH guess", wrong);
  expect("AUTH s3cret", "+OK\r\n");
  EXPECT_THAT(text("INFO everything"), Not(HasSubstr("s3cret")));
  EXPECT_THAT(text("CLIENT LIST"), Not(HasSubstr("s3cret")));
  EXPECT_THAT(text("INFO stats"), HasSubstr("acl_access_denied_auth:1\r\n"));
  expect(
      "CONFIG SET requirepass " + std::string(513, 'x'),
      "-ERR CONFIG SET failed (possibly related to argument 'requirepass') - requirepass '***': at most 512 bytes\r\n");
  EXPECT_THAT(lines.str(), HasSubstr("wrong password or user"));
  EXPECT_THAT(lines.str(), Not(HasSubstr("guess")));
  EXPECT_THAT(lines.str(), Not(HasSubstr("s3cret")));
  log_.sinks().clear();  // the lines go before the log does
  EXPECT_THAT(show_config(settings_), HasSubstr("# requirepass is set, and not shown\n"));
  EXPECT_THAT(show_config(settings_), Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace keel
