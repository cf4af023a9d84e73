// Clients that do nothing.
#include <gtest/gtest.h>

#include "server_fixture.hpp"

namespace keel {
namespace {

TEST_F(KvServerTest, IdleClientsAreClosedAndThoseWhoWaitForAnAnswerAreNot) {
  settings_.timeout = 1;
  restart();
  const auto waiting = connect();
  waiting->send("INCR n\r\n");
  await_writes(1);
  const auto idle = connect();
  EXPECT_TRUE(idle->is_closed());
  EXPECT_EQ(server_->counters().closed_for_idleness, 1u);
  EXPECT_EQ(server_->connections().size(), 1u);
  replica_.apply();
  waiting->expect(":1\r\n");
}

TEST_F(KvServerTest, IdlenessIsWatchedFromWhenItIsAskedFor) {
  const auto client = connect();
  client->send("CONFIG SET timeout 1\r\nCONFIG GET timeout\r\n");
  client->expect("+OK\r\n*2\r\n$7\r\ntimeout\r\n$1\r\n1\r\n");
  EXPECT_TRUE(client->is_closed());
}

// One that does not take its answers does nothing either.
TEST_F(KvServerTest, AClientThatStopsReadingIsIdle) {
  settings_.timeout = 1;
  restart();
  const auto client = connect();
  const std::string request = "*2\r\n$4\r\nECHO\r\n$60000\r\n" + std::string(60'000, 'x') + "\r\n";
  for (bool sent = true; sent;) {
    sent = client->send_some(request) > 0;
    run_ready();
  }
  EXPECT_GT(server_->connections().begin()->second->output_bytes(), 0u);
  EXPECT_TRUE(run_until([&] { return server_->connections().empty(); }));
  EXPECT_EQ(server_->counters().closed_for_idleness, 1u);
}

}  // namespace
}  // namespace keel
