#include "keelkv/resp/resp_writer.hpp"

#include <gtest/gtest.h>

#include "keelkv/resp/reply_queue.hpp"

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
  writer.null_array();
  writer.number(-0.5);
  writer.array_of_pairs(1);
  writer.pair();
  writer.integer(1);
  writer.integer(2);
  writer.array(0);
}

constexpr std::string_view in_resp2 =
    "+OK\r\n+PONG\r\n-ERR with  a line "
    "end\r\n:-42\r\n$4\r\na\r\nb\r\n$-1\r\n$5\r\nlines\r\n*2\r\n$4\r\ntags\r\n*2\r\n+x\r\n$-1\r\n*-1\r\n$4\r\n-0.5\r\n*"
    "2\r\n:1\r\n:2\r\n*0\r\n";
constexpr std::string_view in_resp3 =
    "+OK\r\n+PONG\r\n-ERR with  a line "
    "end\r\n:-42\r\n$4\r\na\r\nb\r\n_\r\n=9\r\ntxt:lines\r\n%1\r\n$4\r\ntags\r\n~2\r\n+x\r\n_\r\n_\r\n,-0.5\r\n*1\r\n*"
    "2\r\n:1\r\n:2\r\n*0\r\n";

TEST(RespWriter, WritesBothVersions) {
  EXPECT_EQ(written(RespVersion::resp2, everything), in_resp2);
  EXPECT_EQ(written(RespVersion::resp3, everything), in_resp3);
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
        +[](RespWriter& writer) { writer.number(0.1); }, +[](RespWriter& writer) { writer.null_array(); },
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
  queue.finish(third, ":3\r\n", out);
  queue.finish(second, "$-1\r\n", out);
  EXPECT_EQ(out, "");
  EXPECT_GT(queue.memory(), 3 * sizeof(std::string));
  queue.finish(first, ":1\r\n", out);
  EXPECT_EQ(out, ":1\r\n$-1\r\n:3\r\n");
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.memory(), 0u);
  queue.finish(queue.open(), ":4\r\n", out);
  EXPECT_EQ(out, ":1\r\n$-1\r\n:3\r\n:4\r\n");
}

}  // namespace
}  // namespace keel
