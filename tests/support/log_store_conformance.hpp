#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "keel/port/log_store.hpp"
#include "keel/raft/configuration.hpp"
#include "keel/raft/random.hpp"
#include "keel/storage/memory_log_store.hpp"
#include "keel/wire/frame.hpp"

// What every LogStore must do, as a suite that anyone can run against a store of their own:
//
//   struct MyLog {
//     std::unique_ptr<keel::LogStore> make();        // a store on what the last one left behind; not yet opened
//     void crash(std::unique_ptr<keel::LogStore>);   // loses what was not durable, as a power cut does; or as much of
//                                                    // that as the store can be made to lose
//     bool run_until(std::function<bool()> done);    // runs the executor
//     bool fail_writes();                            // every write fails from now on; false if that cannot be played
//   };
//   INSTANTIATE_TYPED_TEST_SUITE_P(Mine, LogStoreConformance, MyLog);
//
// Stores are made for `conformance::cluster`, `group` and `node`.
namespace keel::conformance {

inline constexpr ClusterId cluster{0xc1};
inline constexpr GroupId group{3};
inline constexpr NodeId node{2};

inline Genesis genesis() {
  return make_genesis("conformance", {{.id = node, .address = "here:1"}, {.id = NodeId(7), .address = "there:1"}});
}

// An entry whose bytes tell where it belongs.
inline Entry entry(Index index, Term term, std::size_t size = 40, EntryKind kind = EntryKind::command) {
  Entry made{index, term, kind, {}};
  if (kind == EntryKind::genesis) {
    made.payload = encode(genesis());
  } else if (kind == EntryKind::configuration) {
    Configuration configuration = genesis().configuration;
    configuration.members[0].address = "moved:" + std::to_string(index.value());
    made.payload = encode(configuration);
  } else {
    made.payload = Payload::with_size(size);
    Random bytes(index.value() * 1000 + term.value());
    for (std::byte& byte : made.payload.mutable_bytes()) {
      byte = static_cast<std::byte>(bytes.next());
    }
  }
  wire::frame(made, cluster, group);
  return made;
}

inline WriteBatch append(Index first, Index last, Term term, std::size_t size = 40) {
  WriteBatch batch;
  for (Index at = first; at <= last; ++at) {
    batch.entries.push_back(entry(at, term, size));
  }
  return batch;
}

// Everything that a store knows, asked for.
struct Contents {
  Recovered recovered;
  std::vector<Entry> entries;
};

// Whether `found` is what `image` holds. A store may keep entries that were compacted.
inline bool same(const Contents& found, const LogImage& image) {
  const Recovered expected = image.recovered();
  const Index base = found.recovered.base.position.index;
  if (found.recovered.hard_state != expected.hard_state || found.recovered.last != expected.last) return false;
  if (!found.recovered.untrusted.empty() || found.recovered.acknowledged != expected.acknowledged) return false;
  if (base > expected.base.position.index || found.entries.size() != expected.last - base) return false;
  const auto kept = static_cast<std::ptrdiff_t>(expected.base.position.index - base);
  return std::equal(found.entries.begin() + kept, found.entries.end(), image.entries().begin(), image.entries().end());
}

// Whether `found` is what is there after a prefix of `batches`, at least `acknowledged` of them: the last may be there
// in part, in the order of its members.
inline bool is_prefix(const Contents& found, const std::vector<WriteBatch>& batches, std::size_t acknowledged) {
  LogImage image;
  std::size_t done = 0;
  for (; done < acknowledged; ++done) {
    image.apply(batches[done]);
  }
  if (same(found, image)) return true;
  for (; done < batches.size(); ++done) {
    const WriteBatch& batch = batches[done];
    const auto step = [&](auto set) {
      WriteBatch part;
      set(part);
      image.apply(part);
      return same(found, image);
    };
    if (step([&](WriteBatch& part) { part.hard_state = batch.hard_state; })) return true;
    if (step([&](WriteBatch& part) { part.reset_to = batch.reset_to; })) return true;
    if (step([&](WriteBatch& part) { part.truncate_from = batch.truncate_from; })) return true;
    for (const Entry& each : batch.entries) {
      if (step([&](WriteBatch& part) { part.entries = {each}; })) return true;
    }
    if (step([&](WriteBatch& part) { part.compact_to = batch.compact_to; })) return true;
  }
  return false;
}

// Batches that a Raft could write, from a seed: appends of every size, truncations, votes, resets, compactions.
class Workload {
 public:
  explicit Workload(std::uint64_t seed, std::size_t max_entry = 3000) : random_(seed), max_entry_(max_entry) {}

  WriteBatch next() {
    WriteBatch batch;
    if (image_.hard_state().term == Term(0) || random_.below(6) == 0) {
      batch.hard_state = HardState{image_.hard_state().term.next(), random_.below(2) == 0 ? nobody : node};
    }
    const std::uint64_t what = random_.below(20);
    if (what == 0) batch.reset_to = reset();
    if (what >= 1 && what <= 4 && image_.last() >= image_.first()) {
      const std::uint64_t length = image_.last() - image_.base().position.index;
      batch.truncate_from = image_.last() - random_.below(std::min<std::uint64_t>(length, 12));
    }
    LogImage after = image_;
    after.apply(batch);
    append_to(batch, after);
    if (what == 5 && after.last() >= after.first()) {
      batch.compact_to = after.first() + random_.below(after.last() - after.base().position.index);
    }
    image_.apply(batch);
    return batch;
  }

 private:
  LogBase reset() {
    auto first = std::make_shared<const Genesis>(genesis());
    auto configuration = std::shared_ptr<const Configuration>(first, &first->configuration);
    return {{image_.hard_state().term, image_.last() + random_.below(50)}, std::move(first), std::move(configuration)};
  }

  void append_to(WriteBatch& batch, LogImage& after) {
    const Term term = batch.hard_state ? batch.hard_state->term : after.hard_state().term;
    for (std::uint64_t left = random_.below(random_.below(4) == 0 ? 40 : 5); left > 0; --left) {
      const std::size_t size = random_.below(random_.below(10) == 0 ? max_entry_ : 200);
      const EntryKind kind = random_.below(30) == 0 ? EntryKind::configuration : EntryKind::command;
      WriteBatch one;
      one.entries.push_back(entry(after.last().next(), term, size, kind));
      batch.entries.push_back(one.entries.back());
      after.apply(one);
    }
  }

  Random random_;
  std::size_t max_entry_;
  LogImage image_;
};

}  // namespace keel::conformance

template <class Subject>
class LogStoreConformance : public testing::Test {
 protected:
  using Index = keel::Index;
  using Term = keel::Term;

  void SetUp() override { open(); }

  void open() {
    store_ = subject_->make();
    auto opened = store_->open();
    ASSERT_TRUE(opened) << opened.error().message;
    recovered_ = std::move(*opened);
  }
  void reopen() {
    store_->close();
    store_.reset();
    open();
  }
  void crash() {
    subject_->crash(std::move(store_));
    open();
  }

  // Writes without waiting; how it ended is in `ended_`.
  void begin(keel::WriteBatch batch) {
    const std::size_t number = batches_.size();
    batches_.push_back(batch);
    store_->write(std::move(batch), [this, number](keel::Result<void> result) {
      EXPECT_EQ(number, ended_.size()) << "completions run in the order of the writes";
      ended_.push_back(std::move(result));
    });
  }
  void finish() {
    ASSERT_TRUE(subject_->run_until([this] { return ended_.size() == batches_.size(); }));
    for (const auto& result : ended_) {
      ASSERT_TRUE(result) << result.error().message;
    }
  }
  void write(keel::WriteBatch batch) {
    begin(std::move(batch));
    finish();
  }

  keel::Result<std::vector<keel::Entry>> read(Index first, Index last, std::size_t max_bytes = 1u << 30) {
    std::optional<keel::Result<std::vector<keel::Entry>>> found;
    store_->read({first, last}, max_bytes, [&found](auto result) { found = std::move(result); });
    EXPECT_FALSE(found) << "no completion runs inside the call";
    EXPECT_TRUE(subject_->run_until([&found] { return found.has_value(); }));
    return std::move(*found);
  }

  keel::conformance::Contents contents() {
    keel::conformance::Contents found{recovered_, {}};
    const Index base = recovered_.base.position.index;
    if (recovered_.last == base) return found;
    auto entries = read(base.next(), recovered_.last);
    EXPECT_TRUE(entries) << entries.error().message;
    if (entries) found.entries = std::move(*entries);
    return found;
  }
  [[nodiscard]] keel::LogImage image() const {
    keel::LogImage all;
    for (const auto& batch : batches_) {
      all.apply(batch);
    }
    return all;
  }
  // What was written is there after a restart.
  void expect_kept() {
    reopen();
    const keel::LogImage expected = image();
    const auto found = contents();
    ASSERT_TRUE(keel::conformance::same(found, expected)) << "after " << batches_.size() << " batches";
    ASSERT_EQ(found.recovered.base.position, expected.base().position);
    ASSERT_EQ(found.recovered.terms, expected.recovered().terms);
    ASSERT_EQ(found.recovered.configurations, expected.recovered().configurations);
    if (expected.base().configuration != nullptr) {
      ASSERT_NE(found.recovered.base.configuration, nullptr);
      ASSERT_EQ(*found.recovered.base.configuration, *expected.base().configuration);
    }
    if (expected.base().genesis != nullptr) {
      ASSERT_NE(found.recovered.base.genesis, nullptr);
      ASSERT_EQ(*found.recovered.base.genesis, *expected.base().genesis);
    }
  }

  std::unique_ptr<Subject> subject_ = std::make_unique<Subject>();
  std::unique_ptr<keel::LogStore> store_;
  keel::Recovered recovered_;
  std::vector<keel::WriteBatch> batches_;
  std::vector<keel::Result<void>> ended_;
};

TYPED_TEST_SUITE_P(LogStoreConformance);

// scenario: D-01
TYPED_TEST_P(LogStoreConformance, AnEmptyLogStaysEmpty) {
  using namespace keel;
  for (int i = 0; i < 2; ++i, this->reopen()) {
    EXPECT_EQ(this->recovered_.hard_state, HardState{});
    EXPECT_EQ(this->recovered_.last, Index(0));
    EXPECT_EQ(this->recovered_.base.position, LogPosition{});
    EXPECT_TRUE(this->recovered_.terms.empty());
    EXPECT_EQ(this->store_->stats().first, Index(1));
    EXPECT_EQ(this->store_->stats().last, Index(0));
    EXPECT_GT(this->store_->stats().room, 1u << 20);
    EXPECT_EQ(this->read(Index(1), Index(1)).error().code, ErrorCode::not_found);
  }
}

TYPED_TEST_P(LogStoreConformance, KeepsOneEntryAndTheVote) {
  using namespace keel;
  WriteBatch batch = conformance::append(Index(1), Index(1), Term(4));
  batch.hard_state = HardState{Term(4), NodeId(7)};
  this->write(batch);
  EXPECT_EQ(this->store_->stats().last, Index(1));
  this->expect_kept();
  EXPECT_EQ(this->recovered_.hard_state, (HardState{Term(4), NodeId(7)}));
  EXPECT_EQ(this->recovered_.acknowledged, (LogPosition{Term(4), Index(1)}));
}

TYPED_TEST_P(LogStoreConformance, KeepsAVoteWithoutEntries) {
  using namespace keel;
  for (std::uint64_t term = 1; term <= 20; ++term) {
    WriteBatch batch;
    batch.hard_state = HardState{Term(term), term % 2 == 0 ? nobody : NodeId(term)};
    this->write(batch);
    this->expect_kept();
  }
}

// hazard: H43 — a batch's vote and its entries are one write.
TYPED_TEST_P(LogStoreConformance, ReadsRanges) {
  using namespace keel;
  WriteBatch batch = conformance::append(Index(1), Index(30), Term(1), 100);
  batch.hard_state = HardState{Term(1), nobody};
  this->write(batch);
  for (int life = 0; life < 2; ++life, this->reopen()) {
    for (std::uint64_t first = 1; first <= 30; ++first) {
      const auto found = this->read(Index(first), Index(std::min<std::uint64_t>(first + 4, 30)));
      ASSERT_TRUE(found) << found.error().message;
      ASSERT_EQ(found->size(), std::min<std::uint64_t>(5, 31 - first));
      for (std::size_t i = 0; i < found->size(); ++i) {
        EXPECT_EQ((*found)[i], batch.entries[first - 1 + i]);
        EXPECT_TRUE(std::ranges::equal((*found)[i].payload.frame(), batch.entries[first - 1 + i].payload.frame()));
      }
    }
    EXPECT_EQ(this->read(Index(28), Index(90)).value().size(), 3u);  // as many as there are
    EXPECT_EQ(this->read(Index(31), Index(31)).error().code, ErrorCode::not_found);
  }
}

TYPED_TEST_P(LogStoreConformance, ReadsNoMoreThanAskedFor) {
  using namespace keel;
  this->write(conformance::append(Index(1), Index(50), Term(1), 100));
  for (int life = 0; life < 2; ++life, this->reopen()) {
    EXPECT_EQ(this->read(Index(1), Index(50), 1000).value().size(), 10u);
    EXPECT_EQ(this->read(Index(1), Index(50), 1099).value().size(), 10u);
    EXPECT_EQ(this->read(Index(1), Index(50), 99).value().size(), 1u) << "at least one";
    EXPECT_EQ(this->read(Index(1), Index(50), 0).value().size(), 1u);
    EXPECT_EQ(this->read(Index(45), Index(50), 1000).value().size(), 6u);
  }
}

TYPED_TEST_P(LogStoreConformance, ReadsWhatIsNotDurableYet) {
  using namespace keel;
  this->begin(conformance::append(Index(1), Index(5), Term(1)));
  this->begin(conformance::append(Index(6), Index(10), Term(1)));
  WriteBatch other = conformance::append(Index(8), Index(9), Term(2));
  other.truncate_from = Index(8);
  this->begin(other);
  EXPECT_EQ(this->store_->stats().last, Index(9));
  const auto found = this->read(Index(4), Index(9));
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->size(), 6u);
  EXPECT_EQ(found->front(), conformance::entry(Index(4), Term(1)));
  EXPECT_EQ(found->back(), conformance::entry(Index(9), Term(2)));
  this->finish();
  EXPECT_EQ(this->read(Index(4), Index(9)).value(), *found);
}

TYPED_TEST_P(LogStoreConformance, NeverCompletesInsideTheCall) {
  using namespace keel;
  bool inside = true;
  bool ended = false;
  this->store_->write(conformance::append(Index(1), Index(1), Term(1)), [&](Result<void> result) {
    EXPECT_TRUE(result);
    EXPECT_FALSE(inside);
    ended = true;
  });
  inside = false;
  ASSERT_TRUE(this->subject_->run_until([&] { return ended; }));
}

// hazard: H44
TYPED_TEST_P(LogStoreConformance, CompletesInOrder) {
  using namespace keel;
  for (std::uint64_t i = 1; i <= 200; ++i) {
    WriteBatch batch = conformance::append(Index(i), Index(i), Term(1), i % 17 * 100);
    if (i % 50 == 0) batch.hard_state = HardState{Term(i), nobody};
    this->begin(std::move(batch));
  }
  this->finish();  // `begin` checks the order
  this->expect_kept();
}

// scenario: D-01
TYPED_TEST_P(LogStoreConformance, TruncatesAnywhereAndAppendsAgain) {
  using namespace keel;
  Index last{0};
  Term term{1};
  for (std::uint64_t back = 0; back < 40; back += 3) {
    this->write(conformance::append(last.next(), last + 20, term, 300));
    last += 20;
    this->expect_kept();
    if (this->HasFatalFailure()) return;
    WriteBatch batch;
    batch.truncate_from = last - std::min(back, last.value() - 1);
    last = batch.truncate_from->previous();
    ++term;
    if (back % 2 == 0) batch.entries = {conformance::entry(last.next(), term)};
    last += batch.entries.size();
    this->write(batch);
    this->expect_kept();
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST_P(LogStoreConformance, TruncatesEverything) {
  using namespace keel;
  this->write(conformance::append(Index(1), Index(30), Term(1), 500));
  WriteBatch batch;
  batch.truncate_from = Index(1);
  this->write(batch);
  EXPECT_EQ(this->store_->stats().last, Index(0));
  this->expect_kept();
  this->write(conformance::append(Index(1), Index(2), Term(2)));
  this->expect_kept();
}

TYPED_TEST_P(LogStoreConformance, StartsAnewBehindASnapshot) {
  using namespace keel;
  this->write(conformance::append(Index(1), Index(40), Term(1), 300));
  auto first = std::make_shared<const Genesis>(conformance::genesis());
  WriteBatch batch = conformance::append(Index(1001), Index(1003), Term(9));
  batch.hard_state = HardState{Term(9), nobody};
  batch.reset_to = LogBase{{Term(8), Index(1000)}, first, {first, &first->configuration}};
  this->write(batch);
  EXPECT_EQ(this->store_->stats().first, Index(1001));
  EXPECT_EQ(this->store_->stats().last, Index(1003));
  EXPECT_EQ(this->read(Index(1000), Index(1003)).error().code, ErrorCode::compacted);
  this->expect_kept();
  EXPECT_EQ(this->read(Index(1000), Index(1003)).error().code, ErrorCode::compacted);
  // Also to a place that the log had reached before, and with nothing behind it.
  WriteBatch back;
  back.reset_to = LogBase{{Term(1), Index(20)}, first, {first, &first->configuration}};
  this->write(back);
  EXPECT_EQ(this->store_->stats().last, Index(20));
  this->expect_kept();
  this->write(conformance::append(Index(21), Index(22), Term(9)));
  this->expect_kept();
}

TYPED_TEST_P(LogStoreConformance, Compacts) {
  using namespace keel;
  WriteBatch begin;
  begin.hard_state = HardState{Term(1), nobody};
  begin.entries = {conformance::entry(Index(1), Term(1), 0, EntryKind::genesis)};
  this->write(begin);
  Index last{1};
  for (std::uint64_t round = 1; round <= 12; ++round) {
    this->write(conformance::append(last.next(), last + 30, Term(round), 200));
    last += 30;
    WriteBatch batch;
    batch.entries = {conformance::entry(last.next(), Term(round), 0, EntryKind::configuration)};
    ++last;
    batch.compact_to = last - (round % 3 == 0 ? 0 : 2 * round);
    this->write(batch);
    EXPECT_EQ(this->read(Index(1), last).error().code, ErrorCode::compacted);
    if (round % 3 != 0) {
      EXPECT_EQ(this->read(*batch.compact_to + 1, last).value().size(), 2 * round);
    }
    this->expect_kept();
    if (this->HasFatalFailure()) return;
  }
  EXPECT_EQ(this->recovered_.base.genesis->cluster_name, "conformance");
}

TYPED_TEST_P(LogStoreConformance, TakesEntriesOfAnySize) {
  using namespace keel;
  WriteBatch batch;
  for (std::uint64_t i = 1; i <= 24; ++i) {
    const std::size_t size = i == 5 ? 0 : i == 11 ? 300'000 : i * i * 40;
    batch.entries.push_back(conformance::entry(Index(i), Term(1), size));
  }
  this->write(batch);
  this->write(conformance::append(Index(25), Index(26), Term(1), 100'000));
  this->expect_kept();
}

TYPED_TEST_P(LogStoreConformance, SurvivesCrashesWithAPrefix) {
  using namespace keel;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    this->store_.reset();
    this->subject_ = std::make_unique<TypeParam>();
    this->batches_.clear();
    this->ended_.clear();
    this->open();
    conformance::Workload workload(seed);
    Random random(seed);
    for (std::uint64_t i = 0; i < 40; ++i) {
      this->begin(workload.next());
      if (random.below(3) == 0) {
        const std::size_t wanted = this->ended_.size() + random.below(this->batches_.size() - this->ended_.size() + 1);
        ASSERT_TRUE(this->subject_->run_until([&] { return this->ended_.size() >= wanted; }));
      }
    }
    const std::size_t acknowledged = this->ended_.size();
    this->crash();
    ASSERT_TRUE(conformance::is_prefix(this->contents(), this->batches_, acknowledged)) << "seed " << seed;
  }
}

TYPED_TEST_P(LogStoreConformance, KeepsARandomWorkload) {
  using namespace keel;
  conformance::Workload workload(77);
  for (std::uint64_t round = 0; round < 20; ++round) {
    for (std::uint64_t i = 0; i < 12; ++i) {
      this->begin(workload.next());
    }
    this->finish();
    this->expect_kept();
    if (this->HasFatalFailure()) return;
  }
}

// hazard: H50
TYPED_TEST_P(LogStoreConformance, AFailedWriteIsFinal) {
  using namespace keel;
  this->write(conformance::append(Index(1), Index(3), Term(1)));
  if (!this->subject_->fail_writes()) return;
  this->begin(conformance::append(Index(4), Index(5), Term(1)));
  this->begin(conformance::append(Index(6), Index(6), Term(1)));
  ASSERT_TRUE(this->subject_->run_until([&] { return this->ended_.size() == 3; }));
  this->begin(conformance::append(Index(7), Index(7), Term(1)));
  ASSERT_TRUE(this->subject_->run_until([&] { return this->ended_.size() == 4; }));
  for (std::size_t i = 1; i < 4; ++i) {
    ASSERT_FALSE(this->ended_[i]);
    EXPECT_EQ(this->ended_[i].error(), this->ended_[1].error()) << "the first error, every time";
  }
}

TYPED_TEST_P(LogStoreConformance, SaysNothingOnceClosed) {
  using namespace keel;
  bool told = false;
  this->store_->write(conformance::append(Index(1), Index(1), Term(1)), [&](Result<void>) { told = true; });
  this->store_->read({Index(1), Index(1)}, 1000, [&](auto) { told = true; });
  this->store_->close();
  this->store_.reset();
  this->open();
  this->begin(conformance::append(this->recovered_.last.next(), this->recovered_.last.next(), Term(1)));
  this->finish();
  EXPECT_FALSE(told);
}

REGISTER_TYPED_TEST_SUITE_P(LogStoreConformance, AnEmptyLogStaysEmpty, KeepsOneEntryAndTheVote,
                            KeepsAVoteWithoutEntries, ReadsRanges, ReadsNoMoreThanAskedFor, ReadsWhatIsNotDurableYet,
                            NeverCompletesInsideTheCall, CompletesInOrder, TruncatesAnywhereAndAppendsAgain,
                            TruncatesEverything, StartsAnewBehindASnapshot, Compacts, TakesEntriesOfAnySize,
                            SurvivesCrashesWithAPrefix, KeepsARandomWorkload, AFailedWriteIsFinal,
                            SaysNothingOnceClosed);
