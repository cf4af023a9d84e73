// Bits that flip, anywhere.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "storage/wal_format.hpp"
#include "wal_life.hpp"
#include "wire/bytes.hpp"
#include "wire/checksum.hpp"

namespace keel {
namespace {

using sim::SimMedia;
using test::run_script;
using test::wal_script;
using test::WalLife;
using testing::HasSubstr;

LogImage image_of(const std::vector<WriteBatch>& batches) {
  LogImage image;
  for (const WriteBatch& batch : batches) {
    image.apply(batch);
  }
  return image;
}

SimMedia written(const std::vector<WriteBatch>& batches, std::uint64_t segment_bytes = 4096) {
  SimMedia media(3);
  WalLife life(media, segment_bytes);
  EXPECT_TRUE(life.open());
  run_script(life, batches);
  EXPECT_EQ(life.acknowledged, batches.size());
  life.executor.advance(std::chrono::milliseconds(100));  // the next segment is made ready
  life.log->close();
  return media;
}

bool is_untrusted(const Recovered& found, Index index) {
  return std::ranges::any_of(found.untrusted, [index](IndexRange r) { return r.first <= index && index <= r.last; });
}

// What came of one flipped bit.
struct Outcome {
  int named = 0;      // open said where
  int untrusted = 0;  // open said which entries
  int unread = 0;     // a read said which
  int healed = 0;     // nothing was lost
};

// Nothing is misread and nothing is missing without a word.
void judge(SimMedia& media, const LogImage& image, Outcome& outcome) {
  WalLife life(media);
  const auto opened = life.open();
  if (!opened) {
    EXPECT_EQ(opened.error().code, ErrorCode::corrupt) << opened.error().message;
    EXPECT_THAT(opened.error().message, HasSubstr("at byte"));
    ++outcome.named;
    return;
  }
  const Recovered& found = life.found.recovered;
  ASSERT_EQ(found.hard_state, image.hard_state());
  ASSERT_EQ(found.last, image.last());
  ASSERT_EQ(found.base.position, image.base().position);
  ASSERT_EQ(found.acknowledged, image.last_position());
  ASSERT_EQ(found.terms, image.recovered().terms);
  ASSERT_EQ(found.configurations, image.recovered().configurations);
  bool all_read = true;
  for (const Entry& entry : image.entries()) {
    const auto read = life.read(entry.index, entry.index);
    if (read) {
      ASSERT_EQ(read->front(), entry);
      ASSERT_FALSE(is_untrusted(found, entry.index)) << "an untrusted entry that reads well is none";
    } else {
      ASSERT_EQ(read.error().code, ErrorCode::corrupt);
      ASSERT_THAT(read.error().message, HasSubstr("at byte"));
      all_read = false;
    }
  }
  ++(!found.untrusted.empty() ? outcome.untrusted : all_read ? outcome.healed : outcome.unread);

  // The entries from the first damaged one on, written again, mend the log.
  const Index last = found.last;
  WriteBatch again;
  again.truncate_from = image.first();
  again.entries.assign(image.entries().begin(), image.entries().end());
  again.entries.push_back(conformance::entry(last.next(), image.hard_state().term));
  ASSERT_TRUE(life.write(again));
  life.disk.crash();
  WalLife next(media);
  ASSERT_TRUE(next.open());
  ASSERT_TRUE(next.found.recovered.untrusted.empty());
  ASSERT_TRUE(next.read_all());
  ASSERT_TRUE(std::equal(image.entries().begin(), image.entries().end(), next.found.entries.begin()));
}

// scenario: D-03 — hazard: H51. Every byte of a small directory, all of it known to have been synced.
TEST(WalDamage, OfAnyByteIsNamedOrHealed) {
  const auto script = wal_script();
  const LogImage image = image_of(script);
  SimMedia media = written(script);
  {
    WalLife life(media);  // vouches for the last record
    ASSERT_TRUE(life.open());
    life.log->close();
  }
  Outcome outcome;
  std::uint64_t cases = 0;
  for (const std::string& file : media.files()) {
    for (std::uint64_t at = 0; at < media.size(file); ++at, ++cases) {
      SCOPED_TRACE(file + " byte " + std::to_string(at));
      SimMedia damaged = media.copy(at);
      damaged.flip(file, at, static_cast<unsigned>(at * 5 + 3) % 8);
      judge(damaged, image, outcome);
      if (testing::Test::HasFailure()) return;
    }
  }
  RecordProperty("cases", std::to_string(cases));
  EXPECT_GT(cases, 20'000u);
  EXPECT_GT(outcome.named, 100);
  EXPECT_GT(outcome.untrusted, 100);
  EXPECT_GT(outcome.unread, 100);
  EXPECT_GT(outcome.healed, 1000);
}

// What cannot be told apart, and no more than that: the last record, that nothing vouches for.
TEST(WalDamage, CutsAtMostTheLastRecord) {
  std::vector<WriteBatch> batches;
  for (std::uint64_t i = 1; i <= 6; ++i) {
    batches.push_back(conformance::append(Index(2 * i - 1), Index(2 * i), Term(1), 60));
  }
  SimMedia media = written(batches);
  const std::string file = segment_name(1);
  int cut = 0;
  for (std::uint64_t at = segment_prefix; at < 4096; ++at) {
    SCOPED_TRACE("byte " + std::to_string(at));
    SimMedia damaged = media.copy(at);
    damaged.flip(file, at, 1);
    WalLife life(damaged);
    if (!life.open()) continue;
    if (life.found.recovered.last == Index(10)) ++cut;
    ASSERT_GE(life.found.recovered.last, Index(10));
    ASSERT_TRUE(life.found.recovered.untrusted.empty() || life.found.recovered.last == Index(12));
  }
  EXPECT_GT(cut, 100);
}

// A write whose beginning was lost and whose rest was not is gone; but what is written there next, and torn in turn, would
// give it back its beginning: equal records begin with equal bytes. So nothing is written there.
TEST(WalDamage, NothingIsWrittenOverWhatATornWriteLeft) {
  SimMedia media(3);
  std::uint64_t end = 0;
  {
    WalLife life(media);
    ASSERT_TRUE(life.open());
    ASSERT_TRUE(life.write(conformance::append(Index(1), Index(2), Term(1), 60)));
    end = life.log->stats().bytes;
    ASSERT_TRUE(life.write(conformance::append(Index(3), Index(4), Term(1), 60)));
    life.log->close();
  }
  for (const std::size_t lost : {8, 16, 32, 48, 64}) {
    SCOPED_TRACE("the first " + std::to_string(lost) + " bytes are lost");
    SimMedia torn = media.copy(lost);
    std::vector<std::byte> bytes = torn.contents(segment_name(1));
    const auto record = bytes.begin() + static_cast<std::ptrdiff_t>(end);
    std::fill_n(record, lost, std::byte{});
    torn.put(segment_name(1), bytes);
    WalLife life(torn);
    ASSERT_TRUE(life.open());
    ASSERT_EQ(life.found.recovered.last, Index(2));
    ASSERT_TRUE(life.write(conformance::append(Index(3), Index(4), Term(1), 60)));
    const auto after = torn.contents(segment_name(1));
    EXPECT_TRUE(std::equal(record, record + static_cast<std::ptrdiff_t>(lost),
                           after.begin() + static_cast<std::ptrdiff_t>(end)));
  }
}

// Two places for a vote: whichever is damaged, it is known.
TEST(WalDamage, NeverLosesAVoteToOneDamagedPlace) {
  std::vector<WriteBatch> batches(3);
  batches[0].hard_state = HardState{Term(1), nobody};
  batches[1].hard_state = HardState{Term(2), NodeId(7)};
  batches[2].hard_state = HardState{Term(3), NodeId(2)};
  SimMedia media = written(batches);  // the last record is the newest vote, and only the vote file vouches for it
  for (const std::string& file : media.files()) {
    for (std::uint64_t at = 0; at < media.size(file); ++at) {
      SimMedia damaged = media.copy(at);
      damaged.flip(file, at, 6);
      WalLife life(damaged);
      if (const auto opened = life.open(); !opened) {
        ASSERT_EQ(opened.error().code, ErrorCode::corrupt);
      } else {
        ASSERT_EQ(life.found.recovered.hard_state, (HardState{Term(3), NodeId(2)})) << file << " byte " << at;
      }
    }
  }
}

TEST(WalDamage, HealsAWholeVoteFileAndWholeFooters) {
  const auto script = wal_script();
  const LogImage image = image_of(script);
  SimMedia media = written(script);
  media.put(vote_file_name, std::vector<std::byte>(vote_file_size, std::byte{0xff}));
  for (const std::string& file : media.files()) {
    if (segment_sequence(file)) {
      for (std::uint64_t at = media.size(file) - 60; at < media.size(file); ++at) {
        media.flip(file, at, 0);
      }
    }
  }
  WalLife life(media);
  const auto opened = life.open();
  ASSERT_TRUE(opened) << opened.error().message;
  ASSERT_TRUE(life.read_all());
  EXPECT_TRUE(conformance::same(life.found, image));
}

TEST(WalDamage, CountsASegmentWhoseFooterIsDamaged) {
  SimMedia media(1);
  std::uint64_t bytes = 0;
  {
    WalLife life(media);
    ASSERT_TRUE(life.open());
    for (std::uint64_t at = 1; at <= 60; at += 3) {
      ASSERT_TRUE(life.write(conformance::append(Index(at), Index(at + 2), Term(1), 300)));
    }
    bytes = life.log->stats().bytes;
    life.disk.stop();
  }
  media.flip(segment_name(2), media.size(segment_name(2)) - 30, 0);
  WalLife life(media);
  ASSERT_TRUE(life.open());
  EXPECT_EQ(life.log->stats().bytes, bytes);
  WriteBatch compact;
  compact.compact_to = Index(58);
  ASSERT_TRUE(life.write(compact));
  EXPECT_LE(life.log->stats().bytes, 2u * 4096);
}

TEST(WalDamage, NamesAMissingSegment) {
  const auto script = wal_script();
  SimMedia media = written(script);
  {
    WalLife life(media);
    ASSERT_TRUE(life.open());
    life.log->close();
  }
  int missed = 0;
  for (const std::string& file : media.files()) {
    if (!segment_sequence(file)) continue;
    SimMedia damaged = media.copy(1);
    damaged.erase(file);
    WalLife life(damaged);
    if (const auto opened = life.open(); !opened) {
      ++missed;
      EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
    } else {
      ASSERT_TRUE(life.read_all()) << file;
      EXPECT_TRUE(conformance::same(life.found, image_of(script))) << "only one that was spare, or not yet begun";
    }
  }
  EXPECT_GE(missed, 2);
}

// scenario: D-03
// A file put back from a copy: owner, number and every checksum are right, and yet it is not this log's.
TEST(WalDamage, NamesASegmentOfAnotherHistory) {
  const auto history = [](NodeId first_vote) {
    std::vector<WriteBatch> batches;
    for (std::uint64_t i = 1; i <= 40; ++i) {
      batches.push_back(conformance::append(Index(i), Index(i), Term(1), 200));
    }
    batches.front().hard_state = HardState{Term(1), first_vote};
    batches.back().hard_state = HardState{Term(2), nobody};
    return batches;
  };
  const SimMedia media = written(history(NodeId(2)));
  const SimMedia other = written(history(NodeId(3)));
  for (const std::string& file : {segment_name(1), segment_name(2)}) {
    SimMedia mixed = media.copy(1);
    mixed.put(file, other.contents(file));
    WalLife life(mixed);
    const auto opened = life.open();
    ASSERT_FALSE(opened) << file;
    EXPECT_EQ(opened.error().code, ErrorCode::corrupt);
    EXPECT_THAT(opened.error().message, HasSubstr(file));
    EXPECT_THAT(opened.error().message, HasSubstr("does not follow"));
  }
}

// scenario: D-03
// A write to a sealed segment was lost, and there lies what was there before: an entry of that index, whole in itself, of
// another term.
TEST(WalDamage, ReadsNoEntryOfAnotherTerm) {
  std::vector<WriteBatch> batches;
  for (std::uint64_t i = 1; i <= 40; ++i) {
    batches.push_back(conformance::append(Index(i), Index(i), Term(3), 200));
  }
  SimMedia media = written(batches);
  auto bytes = media.contents(segment_name(1));
  const auto header = decode_segment_header(bytes);
  ASSERT_TRUE(header);
  const auto record = record_extent(ByteView(bytes).subspan(segment_prefix), header->salt);
  ASSERT_TRUE(record);
  const Entry old = conformance::entry(Index(1), Term(2), 200);
  ASSERT_EQ(old.payload.frame().size(), record->frames_size);
  std::ranges::copy(old.payload.frame(),
                    bytes.begin() + static_cast<std::ptrdiff_t>(segment_prefix + record->head_size));
  media.put(segment_name(1), bytes);

  WalLife life(media);
  ASSERT_TRUE(life.open());
  const auto read = life.read(Index(1), Index(1));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  EXPECT_THAT(read.error().message, HasSubstr("entry 1: another entry's frame lies here"));
}

// Damage is named as an operator needs it: file, offset, entry.
TEST(WalDamage, SaysWhere) {
  std::vector<WriteBatch> batches;
  for (std::uint64_t i = 1; i <= 4; ++i) {
    batches.push_back(conformance::append(Index(i), Index(i), Term(1), 100));
  }
  SimMedia media = written(batches);
  SimMedia payload = media.copy(1);
  SimMedia head = media.copy(1);
  head.flip(segment_name(1), segment_prefix + 20, 0);
  WalLife life(head);
  const auto opened = life.open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("log-00000001 at byte 1024: a record that was synced is damaged, with "
                                                "what it held from entry 1 on"));

  // A head of 96 bytes and a frame of 164; then a head of 80, and the frame of entry 2.
  payload.flip(segment_name(1), 1024 + 264 + 80 + 70, 0);
  WalLife reader(payload);
  ASSERT_TRUE(reader.open());
  ASSERT_EQ(reader.found.recovered.untrusted, (std::vector<IndexRange>{{Index(2), Index(2)}}));
  const auto read = reader.read(Index(2), Index(2));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("log-00000001 at byte 1368: entry 2: payload checksum mismatch"));
  EXPECT_EQ(reader.read(Index(1), Index(4)).value().size(), 1u) << "what comes before the damage can be had";
}

// Gives a segment's header, in both copies, another format, with a checksum that fits.
TEST(WalDamage, TellsANewerFormatFromDamage) {
  SimMedia media = written({conformance::append(Index(1), Index(1), Term(1))});
  auto bytes = media.contents(segment_name(1));
  for (const std::size_t copy : {std::size_t{0}, sector_bytes}) {
    std::byte* const header = bytes.data() + copy;
    const auto magic = wire::load<std::uint64_t>(header);
    wire::store(header + 8, std::uint32_t{2});
    wire::store(header + 64, wire::checksum_of({header, 64}, magic));
  }
  media.put(segment_name(1), bytes);
  WalLife life(media);
  const auto opened = life.open();
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::wrong_version);
  EXPECT_THAT(opened.error().message, HasSubstr("log-00000001: format 2, this build reads format 1"));
}

}  // namespace
}  // namespace keel
