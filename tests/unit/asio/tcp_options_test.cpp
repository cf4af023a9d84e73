#include <gtest/gtest.h>

#include "tcp_nodes.hpp"

namespace keel::test {
namespace {

using namespace std::chrono_literals;

struct Bad {
  const char* says;
  void (*spoil)(TcpOptions&);
};

const std::vector<Bad> bad_options = {
    {"self.node is 0; it must be 1 or more", [](TcpOptions& o) { o.self.node = nobody; }},
    {"self.min_format is 2; it must be at most self.max_format, which is 1",
     [](TcpOptions& o) { o.self.min_format = 2; }},
    {"self.cluster_name with self.member_data is 3001 bytes; it must be at most 3000",
     [](TcpOptions& o) { o.self.member_data.assign(3001 - o.self.cluster_name.size(), 'x'); }},
    {"max_queued_messages is 0; it must be 1 or more", [](TcpOptions& o) { o.max_queued_messages = 0; }},
    {"max_queued_bytes is 0; it must be 1 or more", [](TcpOptions& o) { o.max_queued_bytes = 0; }},
    {"max_connections is 0; it must be 1 or more", [](TcpOptions& o) { o.max_connections = 0; }},
    {"handshake_timeout is 0 µs; it must be from 1 ms to 1 hour", [](TcpOptions& o) { o.handshake_timeout = 0ms; }},
    {"it must be from 1 ms to 1 hour", [](TcpOptions& o) { o.handshake_timeout = Duration::max(); }},
    {"unacknowledged_timeout is -1 µs; it must be from 0 (as the system waits) to 1 hour",
     [](TcpOptions& o) { o.unacknowledged_timeout = -1us; }},
    {"unacknowledged_timeout is 3600000001 µs", [](TcpOptions& o) { o.unacknowledged_timeout = 1h + 1us; }},
    {"min_backoff is 0 µs; it must be from 1 ms to 1 hour", [](TcpOptions& o) { o.min_backoff = 0ms; }},
    {"min_backoff is 999 µs", [](TcpOptions& o) { o.min_backoff = 999us; }},
    {"min_backoff is -2 µs", [](TcpOptions& o) { o.min_backoff = -2us; }},
    {"min_backoff is 3600000001 µs", [](TcpOptions& o) { o.min_backoff = o.max_backoff = 1h + 1us; }},
    {"max_backoff is 1000 µs; it must be from min_backoff, which is 2000 µs, to 1 hour",
     [](TcpOptions& o) { o.min_backoff = 2ms, o.max_backoff = 1ms; }},
    {"max_backoff is 9223372036854775 µs", [](TcpOptions& o) { o.max_backoff = Duration::max(); }},
};

class TcpOptionsTest : public TcpTest {};

TEST_F(TcpOptionsTest, TheLeastAndTheMostFit) {
  EXPECT_TRUE(validate(TcpOptions{.self = hello_of(one)}));
  TcpOptions least = options(one);
  least.max_queued_messages = least.max_queued_bytes = least.max_connections = 1;
  least.handshake_timeout = least.min_backoff = least.max_backoff = 1ms;
  least.unacknowledged_timeout = 0ms;
  EXPECT_TRUE(validate(least));
  TcpOptions most = options(one);
  most.self.member_data.assign(3000 - most.self.cluster_name.size(), 'x');
  most.handshake_timeout = most.unacknowledged_timeout = most.min_backoff = most.max_backoff = 1h;
  EXPECT_TRUE(validate(most));
}

TEST_F(TcpOptionsTest, WhatDoesNotFitIsNamedWithItsValueAndWhatIsAllowed) {
  for (const Bad& bad : bad_options) {
    TcpOptions spoilt = options(one);
    bad.spoil(spoilt);
    const auto fits = validate(spoilt);
    ASSERT_FALSE(fits) << bad.says;
    EXPECT_EQ(fits.error().code, ErrorCode::invalid) << bad.says;
    EXPECT_NE(fits.error().message.find(bad.says), std::string::npos) << fits.error().message;
  }
}

// Nothing in the loop would come upon them: neither listening nor dialling begins.
TEST_F(TcpOptionsTest, ATransportWithSuchOptionsSaysSoAndDoesNothing) {
  StrangersPort port(context_);
  for (const Bad& bad : bad_options) {
    TcpOptions spoilt = options(one);
    bad.spoil(spoilt);
    TcpNode node(executor_, spoilt);
    const auto listening = node.transport.listen("127.0.0.1:0");
    ASSERT_FALSE(listening) << bad.says;
    EXPECT_NE(listening.error().message.find(bad.says), std::string::npos) << listening.error().message;
    node.knows(two, port.address());
    EXPECT_TRUE(node.logged("nobody is dialled: ")) << bad.says;
    node.send(numbered(one, two, 1));
    EXPECT_TRUE(run_until([&] { return node.receiver.unreachable(two) == 1; })) << bad.says;
    node.transport.detach(first_group);
  }
  EXPECT_TRUE(port.callers.empty());
}

// What they are for: texts as long as may be pass the handshake, in both directions.
TEST_F(TcpOptionsTest, TheLongestTextsAreSaid) {
  TcpOptions wordy = options(one);
  wordy.self.member_data.assign(3000 - wordy.self.cluster_name.size(), 'x');
  const auto sender = node(wordy);
  const auto receiver = node(two);
  sender->knows(two, receiver->transport.listening_at());
  receiver->knows(one, sender->transport.listening_at());
  EXPECT_TRUE(deliver(*sender, *receiver, numbered(one, two, 1)));
  EXPECT_TRUE(deliver(*receiver, *sender, numbered(two, one, 1)));
}

}  // namespace
}  // namespace keel::test
