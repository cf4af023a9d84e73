#include "keel/raft/options.hpp"

#include <gtest/gtest.h>

namespace keel::test {
namespace {

using namespace std::chrono_literals;

RaftOptions good() { return {.id = NodeId(1)}; }

struct Bad {
  const char* says;
  void (*spoil)(RaftOptions&);
};

TEST(Options, TheDefaultsFit) { EXPECT_TRUE(validate(good())); }

TEST(Options, WhatDoesNotFitIsNamedWithItsValueAndWhatIsAllowed) {
  const std::vector<Bad> table = {
      {"id is 0; it must be 1 or more", [](RaftOptions& o) { o.id = nobody; }},
      {"election_timeout is 999 µs; it must be from 1 ms to 1 hour",
       [](RaftOptions& o) { o.election_timeout = 999us; }},
      {"election_timeout is 3600000001 µs", [](RaftOptions& o) { o.election_timeout = 1h + 1us; }},
      {"heartbeat_interval is 0 µs; it must be above 0", [](RaftOptions& o) { o.heartbeat_interval = 0s; }},
      {"at most a third of the election timeout of 1000000 µs", [](RaftOptions& o) { o.heartbeat_interval = 334ms; }},
      {"above 0 and at most a third", [](RaftOptions& o) { o.heartbeat_interval = Duration::max(); }},
      {"write_stall_timeout is -1 µs", [](RaftOptions& o) { o.write_stall_timeout = -1us; }},
      {"write_stall_timeout is 3600000001 µs; it must be from 0 (never) to 1 hour",
       [](RaftOptions& o) { o.write_stall_timeout = 1h + 1us; }},
      {"it must be from 0 (never) to 1 hour", [](RaftOptions& o) { o.write_stall_timeout = Duration::max(); }},
      {"stickiness is on; it must be off where check_quorum is off", [](RaftOptions& o) { o.check_quorum = false; }},
      {"max_entry_bytes is 0", [](RaftOptions& o) { o.max_entry_bytes = 0; }},
      {"max_entry_bytes is 67108865; it must be from 1 to 64 MiB",
       [](RaftOptions& o) { o.max_entry_bytes = (64u << 20) + 1; }},
      {"max_append_bytes is 0", [](RaftOptions& o) { o.max_append_bytes = 0; }},
      {"max_append_entries is 0", [](RaftOptions& o) { o.max_append_entries = 0; }},
      {"max_inflight_messages is 0", [](RaftOptions& o) { o.max_inflight_messages = 0; }},
      {"max_inflight_bytes is 0", [](RaftOptions& o) { o.max_inflight_bytes = 0; }},
      {"max_uncommitted_bytes is 0", [](RaftOptions& o) { o.max_uncommitted_bytes = 0; }},
      {"max_pending_reads is 0", [](RaftOptions& o) { o.max_pending_reads = 0; }},
  };
  for (const Bad& bad : table) {
    RaftOptions options = good();
    bad.spoil(options);
    const auto fits = validate(options);
    ASSERT_FALSE(fits) << bad.says;
    EXPECT_EQ(fits.error().code, ErrorCode::invalid) << bad.says;
    EXPECT_NE(fits.error().message.find(bad.says), std::string::npos) << fits.error().message;
  }
}

// mission: 1.8  PreVote and CheckQuorum in all four combinations; and a log cache of nothing.
TEST(Options, EachExtensionCanBeTurnedOff) {
  for (const bool pre_vote : {false, true}) {
    for (const bool check_quorum : {false, true}) {
      RaftOptions options = good();
      options.pre_vote = pre_vote;
      options.check_quorum = options.stickiness = check_quorum;
      options.split_vote_detection = options.eager_commit = false;
      options.write_stall_timeout = 0s;
      options.log_cache_bytes = 0;
      EXPECT_TRUE(validate(options));
    }
  }
}

}  // namespace
}  // namespace keel::test
