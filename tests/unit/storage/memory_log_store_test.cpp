#include "keel/storage/memory_log_store.hpp"

#include <gtest/gtest.h>

#include "log_store_conformance.hpp"
#include "test_executor.hpp"

namespace keel {
namespace {

using namespace std::chrono_literals;

struct MemoryLog {
  std::unique_ptr<LogStore> make() {
    auto made = std::make_unique<MemoryLogStore>(*executor, durable);
    store = made.get();
    return made;
  }
  void crash(std::unique_ptr<LogStore> old) { old.reset(); }
  bool run_until(const std::function<bool()>& done) { return executor->run_until(done); }
  bool fail_writes() {
    store->fail_with({ErrorCode::io, "write: broken", 0});
    return true;
  }

  std::unique_ptr<test::TestExecutor> executor = std::make_unique<test::TestExecutor>();
  std::shared_ptr<LogImage> durable = std::make_shared<LogImage>();
  MemoryLogStore* store = nullptr;
};

}  // namespace
}  // namespace keel

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LogStoreConformance, keel::MemoryLog);

namespace keel {
namespace {

class MemoryLogStoreTest : public testing::Test {
 protected:
  void write(std::uint64_t index) {
    store_.write(conformance::append(Index(index), Index(index), Term(1)), [this](Result<void>) { ++ended_; });
  }
  test::TestExecutor executor_;
  std::shared_ptr<LogImage> durable_ = std::make_shared<LogImage>();
  MemoryLogStore store_{executor_, durable_};
  int ended_ = 0;
};

TEST_F(MemoryLogStoreTest, TakesAsLongAsItIsTold) {
  store_.set_latency(5ms);
  write(1);
  executor_.advance(4ms);
  EXPECT_EQ(ended_, 0);
  EXPECT_EQ(durable_->last(), Index(0));
  EXPECT_EQ(store_.stats().last, Index(1));
  executor_.advance(1ms);
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(durable_->last(), Index(1));
}

// hazard: H41 — what was not told durable is gone after a crash.
TEST_F(MemoryLogStoreTest, HoldsWritesUntilReleased) {
  store_.hold();
  write(1);
  write(2);
  write(3);
  executor_.run_until_idle();
  EXPECT_EQ(ended_, 0);
  store_.release();
  EXPECT_EQ(ended_, 1);
  EXPECT_EQ(MemoryLogStore(executor_, durable_).stats().last, Index(1));
  store_.unhold();
  executor_.run_until_idle();
  EXPECT_EQ(ended_, 3);
}

TEST_F(MemoryLogStoreTest, MayBeDestroyedByACompletion) {
  auto store = std::make_unique<MemoryLogStore>(executor_);
  bool second = false;
  store->write(conformance::append(Index(1), Index(1), Term(1)), [&](Result<void>) { store.reset(); });
  store->write(conformance::append(Index(2), Index(2), Term(1)), [&](Result<void>) { second = true; });
  executor_.run_until_idle();
  EXPECT_EQ(store, nullptr);
  EXPECT_FALSE(second);
}

}  // namespace
}  // namespace keel
