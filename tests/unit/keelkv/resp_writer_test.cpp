#include "keelkv/resp_writer.hpp"

#include <gtest/gtest.h>

#include "keelkv/reply_queue.hpp"

namespace keel {
namespace {

template <class F>
std::string written(RespVersion version, F write) {
  std::string out;
  RespWriter writer(out, version);
  write(writer);
  return out;
}

void everything(RespWriter& writer) {
  writer.ok();
  writer.status("PONG");
  writer.error("ERR with\r\na line end");
  writer.integer(-42);
  writer.bulk("a\r\nb");
  writer.null();
  writer.text("lines");
  writer.map(1);
  writer.bulk("tags");
  writer.set(2);
  writer.status("x");
  writer.null();
  writer.array(0);
}

constexpr std::string_view in_resp2 =
    "+OK\r\n+PONG\r\n-ERR with  a line "
    "end\r\n:-42\r\n$4\r\na\r\nb\r\n$-1\r\n$5\r\nlines\r\n*2\r\n$4\r\ntags\r\n*2\r\n+x\r\n$-1\r\n*0\r\n";
constexpr std::string_view in_resp3 =
    "+OK\r\n+PONG\r\n-ERR with  a line "
    "end\r\n:-42\r\n$4\r\na\r\nb\r\n_\r\n=9\r\ntxt:lines\r\n%1\r\n$4\r\ntags\r\n~2\r\n+x\r\n_\r\n*0\r\n";

TEST(RespWriter, WritesBothVersions) {
  EXPECT_EQ(written(RespVersion::resp2, everything), in_resp2);
  EXPECT_EQ(written(RespVersion::resp3, everything), in_resp3);
}

// A machine's reply, always in RESP3, reaches either client as if it had been written for it.
TEST(RespWriter, RepliesOfTheMachineAreRewrittenForOlderClients) {
  const auto nested = [](RespWriter& writer) {
    writer.array(13);
    everything(writer);
  };
  for (const RespVersion version : {RespVersion::resp2, RespVersion::resp3}) {
    std::string out = "before";
    append_reply(out, written(RespVersion::resp3, nested), version);
    EXPECT_EQ(out, "before" + written(version, nested));
  }
  std::string null;
  append_reply(null, "_\r\n", RespVersion::resp2);
  EXPECT_EQ(null, "$-1\r\n");
}

TEST(RespWriter, SaysWhenABoundIsPassedAndWritesNothingMore) {
  std::string out = "0123456789";
  RespWriter writer(out, RespVersion::resp2, 60);
  writer.bulk("fits");
  EXPECT_FALSE(writer.overflowed());
  writer.bulk(std::string(40, 'x'));
  EXPECT_TRUE(writer.overflowed());
  everything(writer);
  EXPECT_EQ(out, "0123456789$4\r\nfits\r\n");
}

// Whatever a reply is made of.
TEST(RespWriter, NoKindOfValuePassesTheBound) {
  constexpr std::size_t bound = 1000;
  for (void (*write)(RespWriter&) :
       {+[](RespWriter& writer) { writer.ok(); }, +[](RespWriter& writer) { writer.error("ERR"); },
        +[](RespWriter& writer) { writer.integer(-1); }, +[](RespWriter& writer) { writer.null(); },
        +[](RespWriter& writer) { writer.array(0); }, +[](RespWriter& writer) { writer.map(0); },
        +[](RespWriter& writer) { writer.text("x"); }, +[](RespWriter& writer) { writer.bulk("x"); }}) {
    std::string out;
    RespWriter writer(out, RespVersion::resp3, bound);
    for (int i = 0; i < 1000; ++i)
      write(writer);
    EXPECT_TRUE(writer.overflowed());
    EXPECT_LE(out.size(), bound);
  }
}

TEST(ReplyQueue, RepliesLeaveInTheOrderOfRequests) {
  ReplyQueue queue;
  const auto first = queue.open();
  const auto second = queue.open();
  const auto third = queue.open();
  std::string out;
  queue.finish(third, ":3\r\n", out, RespVersion::resp2);
  queue.finish(second, "_\r\n", out, RespVersion::resp2);
  EXPECT_EQ(out, "");
  EXPECT_GT(queue.memory(), 3 * sizeof(std::string));
  queue.finish(first, ":1\r\n", out, RespVersion::resp2);
  EXPECT_EQ(out, ":1\r\n$-1\r\n:3\r\n");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.memory(), 0u);
  queue.finish(queue.open(), ":4\r\n", out, RespVersion::resp2);
  EXPECT_EQ(out, ":1\r\n$-1\r\n:3\r\n:4\r\n");
}

}  // namespace
}  // namespace keel
