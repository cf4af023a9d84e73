// Real processes, killed under load. SIGKILL leaves the page cache alone, so this shows nothing about fsync: that a
// power cut loses nothing is shown on simulated disks.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include <gtest/gtest.h>

#include "keelkv_cluster.hpp"
#include "keelkv_load.hpp"

namespace keel::test {
namespace {

// KEEL_KILL_ROUNDS=50 makes the long campaign of it.
int rounds() {
  const char* const wanted = std::getenv("KEEL_KILL_ROUNDS");
  return wanted == nullptr ? 3 : std::atoi(wanted);
}

// Which nodes, and when. Another base draws others.
std::uint32_t seed_base() {
  const char* const base = std::getenv("KEEL_SEED_BASE");
  return base == nullptr ? 1 : static_cast<std::uint32_t>(std::strtoul(base, nullptr, 10));
}

const std::vector<std::string> quick = {"--election-timeout", "300ms", "--heartbeat", "30ms"};

// Everything that was acknowledged is on every node, the counter counted each acknowledged increment, and all nodes are
// in the same state.
void expect_nothing_lost(KeelkvCluster& cluster, KeelkvLoad& load) {
  load.stop();
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_same_state());
  std::size_t lost = 0;
  for (std::size_t node = 0; node < cluster.size(); ++node) {
    const auto missing = load.missing_on(node);
    EXPECT_TRUE(missing.empty()) << missing.size() << " writes are not on node " << node + 1 << ", " << missing.front()
                                 << " the first";
    lost = std::max(lost, missing.size());
  }
  const auto counter = load.counter();
  const auto reply = cluster.client(0)->call({"GET", KeelkvLoad::counter_key});
  ASSERT_TRUE(reply && !reply->is_error());
  const std::uint64_t counted = std::strtoull(reply->text.c_str(), nullptr, 10);
  EXPECT_GE(counted, counter.acknowledged);
  EXPECT_LE(counted, counter.acknowledged + counter.unknown);
  const auto totals = load.totals();
  std::printf("%llu acknowledged, %llu refused, %llu unknown, %zu lost\n",
              static_cast<unsigned long long>(totals.acknowledged), static_cast<unsigned long long>(totals.refused),
              static_cast<unsigned long long>(totals.unknown), lost);
}

// scenario: D-02 (as far as processes can show it); mission: 21
TEST(KeelkvKill, LeadersKilledUnderLoadLoseNothing) {
  KeelkvCluster cluster(3, quick);
  ASSERT_TRUE(cluster.start_all());
  auto leader = cluster.await_leader();
  ASSERT_TRUE(leader);
  KeelkvLoad load(cluster, 6);
  for (int round = 0; round < rounds(); ++round) {
    SCOPED_TRACE(round);
    ASSERT_TRUE(load.await_acknowledged(200));
    const std::uint64_t term = cluster.led_term(*leader);
    cluster.kill(*leader);
    const std::size_t killed = *leader;
    leader = cluster.await_leader(term);
    ASSERT_TRUE(leader);
    ASSERT_TRUE(load.await_acknowledged(100));  // two of three go on
    ASSERT_TRUE(cluster.start(killed));
  }
  expect_nothing_lost(cluster, load);
}

// Any node, at any moment; sometimes all of them.
TEST(KeelkvKill, NodesKilledAtRandomLoseNothing) {
  KeelkvCluster cluster(3, quick);
  ASSERT_TRUE(cluster.start_all());
  ASSERT_TRUE(cluster.await_leader());
  KeelkvLoad load(cluster, 6);
  int killed = 0;
  const std::uint32_t seed = seed_base();
  std::mt19937 random(seed);
  for (int round = 0; round < rounds(); ++round) {
    SCOPED_TRACE(testing::Message() << "round " << round << " of KEEL_SEED_BASE=" << seed);
    ASSERT_TRUE(load.await_acknowledged(1 + random() % 300));
    const bool all = round % 3 == 2;
    const std::size_t one = random() % cluster.size();
    for (std::size_t node = 0; node < cluster.size(); ++node) {
      if (!all && node != one) continue;
      cluster.kill(node);
      ++killed;
    }
    ASSERT_TRUE(cluster.start_all());
  }
  std::printf("%d rounds from seed %u: %d processes killed\n", rounds(), seed, killed);
  expect_nothing_lost(cluster, load);
}

TEST(KeelkvKill, AClusterOfOneKilledUnderLoadLosesNothing) {
  KeelkvCluster cluster(1, quick);
  ASSERT_TRUE(cluster.start_all());
  KeelkvLoad load(cluster, 4);
  for (int round = 0; round < rounds(); ++round) {
    SCOPED_TRACE(round);
    ASSERT_TRUE(load.await_acknowledged(300));
    cluster.kill(0);
    ASSERT_TRUE(cluster.start(0));
  }
  expect_nothing_lost(cluster, load);
}

// scenario: C-13
TEST(KeelkvKill, AFollowerThatMissedMuchCatchesUpFromSmallSegments) {
  std::vector<std::string> flags = quick;
  flags.insert(flags.end(), {"--segment-size", "64kb", "--log-cache", "1mb", "--max-log-bytes", "64mb"});
  KeelkvCluster cluster(3, flags);
  ASSERT_TRUE(cluster.start_all());
  const auto leader = cluster.await_leader();
  ASSERT_TRUE(leader);
  const std::size_t follower = (*leader + 1) % 3;
  cluster.kill(follower);
  const auto client = cluster.client(*leader);
  const std::string value(1000, 'v');
  constexpr int batches = 40;
  for (int batch = 0; batch < batches; ++batch) {  // 8 MB, far more than the cache keeps
    std::vector<std::vector<std::string>> commands;
    for (int i = 0; i < 200; ++i)
      commands.push_back({"SET", "k" + std::to_string(batch * 200 + i), value});
    ASSERT_TRUE(client->send(commands));
    for (int i = 0; i < 200; ++i) {
      const auto reply = client->receive();
      ASSERT_TRUE(reply && reply->text == "OK") << (reply ? reply->text : "no reply");
    }
  }
  ASSERT_TRUE(cluster.start(follower));
  ASSERT_TRUE(cluster.await_same_state());
  EXPECT_EQ(cluster.status(follower, "keys"), "8000");
}

}  // namespace
}  // namespace keel::test
