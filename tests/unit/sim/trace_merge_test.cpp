#include "keel/sim/trace_merge.hpp"

#include <array>
#include <fstream>
#include <memory>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel/sim/world.hpp"
#include "sim/trace_lines.hpp"
#include "temporary_directory.hpp"

namespace keel::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class TraceMerge : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path) << text;
    files_.push_back(path);
    return path;
  }
  // What becomes of all the files, without its first line.
  std::vector<std::string> merged() {
    std::istringstream text(written(TraceFormat::json));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);)
      lines.push_back(line);
    if (!lines.empty()) {
      first_ = lines.front();
      lines.erase(lines.begin());
    }
    return lines;
  }
  std::string written(TraceFormat format) {
    const std::string path = (folder_.path() / "out").string();
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(path.c_str(), "w+"), &std::fclose);
    const auto result = merge_traces(files_, out.get(), format);
    EXPECT_TRUE(result) << result.error().message;
    if (result) unreadable_ = result->unreadable;
    std::rewind(out.get());
    std::string text;
    std::array<char, 4096> buffer{};
    for (std::size_t got = 0; (got = std::fread(buffer.data(), 1, buffer.size(), out.get())) > 0;)
      text.append(buffer.data(), got);
    return text;
  }

  test::TemporaryDirectory folder_;
  std::vector<std::string> files_;
  std::string first_;
  std::uint64_t unreadable_ = 0;
};

constexpr const char* one_node =
    "{\"kind\":\"begin\",\"schema\":1,\"title\":\"node 1\",\"wall\":1700000000000000000}\n"
    "{\"at\":5,\"kind\":\"sent\",\"node\":1,\"id\":1,\"message\":\"Vote? 1→2 t2\"}\n"
    "{\"at\":90,\"kind\":\"delivered\",\"node\":1,\"id\":2,\"message\":\"Vote+ 2→1 t2\"}\n"
    "{\"kind\":\"end\"}\n";

// Two servers, each with times and numbers of its own.
TEST_F(TraceMerge, WhatOneSentAndTheOtherGotIsOneMessage) {
  file("1", one_node);
  file("2",
       "{\"kind\":\"begin\",\"schema\":1,\"title\":\"node 2\",\"wall\":1700000000000000010}\n"
       "{\"at\":20,\"kind\":\"delivered\",\"node\":2,\"id\":1,\"message\":\"Vote? 1→2 t2\"}\n"
       "{\"at\":40,\"kind\":\"sent\",\"node\":2,\"id\":2,\"message\":\"Vote+ 2→1 t2\"}\n"
       "{\"kind\":\"end\",\"failure\":\"the \\\"disk\\\"\\u000afailed\"}\n");
  EXPECT_THAT(merged(), ElementsAre(R"({"at":0,"kind":"sent","node":1,"id":1,"message":"Vote? 1→2 t2"})",
                                    R"({"at":25,"kind":"delivered","node":2,"id":1,"message":"Vote? 1→2 t2"})",
                                    R"({"at":45,"kind":"sent","node":2,"id":2,"message":"Vote+ 2→1 t2"})",
                                    R"({"at":85,"kind":"delivered","node":1,"id":2,"message":"Vote+ 2→1 t2"})",
                                    R"({"kind":"end","failure":"the \"disk\"\u000afailed"})"));
  EXPECT_EQ(first_, R"({"kind":"begin","schema":1,"title":"node 1, node 2, from 2023-11-14T22:13:20.000Z"})");
}

// The clock of the second is half a second behind: what it says it got before it was sent waits for that.
TEST_F(TraceMerge, NothingArrivesBeforeItWasSent) {
  file("1", one_node);
  file("2",
       "{\"kind\":\"begin\",\"schema\":1,\"title\":\"node 2\",\"wall\":1699999999500000000}\n"
       "{\"at\":20,\"kind\":\"delivered\",\"node\":2,\"id\":1,\"message\":\"Vote? 1→2 t2\"}\n"
       "{\"at\":40,\"kind\":\"sent\",\"node\":2,\"id\":2,\"message\":\"Vote+ 2→1 t2\"}\n"
       "{\"kind\":\"end\"}\n");
  EXPECT_THAT(merged(), ElementsAre(R"({"at":499999985,"kind":"sent","node":1,"id":1,"message":"Vote? 1→2 t2"})",
                                    R"({"at":499999985,"kind":"delivered","node":2,"id":1,"message":"Vote? 1→2 t2"})",
                                    R"({"at":499999985,"kind":"sent","node":2,"id":2,"message":"Vote+ 2→1 t2"})",
                                    R"({"at":500000070,"kind":"delivered","node":1,"id":2,"message":"Vote+ 2→1 t2"})",
                                    R"({"kind":"end"})"));
}

// Its file goes on behind a line that the killed process could not end.
TEST_F(TraceMerge, AKilledProcessIsDownUntilItsNextRun) {
  file("1",
       "{\"kind\":\"begin\",\"schema\":1,\"title\":\"node 1\",\"wall\":1700000000000000000}\n"
       "{\"at\":1,\"kind\":\"life\",\"node\":1,\"type\":\"start\"}\n"
       "{\"at\":2,\"kind\":\"sta\n"
       "{\"kind\":\"begin\",\"schema\":1,\"title\":\"node 1\",\"wall\":1700000000000001000}\n"
       "{\"at\":1,\"kind\":\"life\",\"node\":1,\"type\":\"start\"}\n");
  EXPECT_THAT(merged(),
              ElementsAre(R"({"at":0,"kind":"life","node":1,"type":"start"})",
                          R"({"at":0,"kind":"life","node":1,"type":"crash","text":"its trace breaks off here"})",
                          R"({"at":0,"kind":"state","node":1,"role":"down"})",
                          R"({"at":1000,"kind":"life","node":1,"type":"start"})", R"({"kind":"end"})"));
  EXPECT_EQ(unreadable_, 1u);
}

// So is one that has said nothing for long, while another went on.
TEST_F(TraceMerge, ASilentProcessWasKilled) {
  file("1",
       "{\"kind\":\"begin\",\"schema\":1,\"title\":\"node 1\",\"wall\":1700000000000000000}\n"
       "{\"at\":1,\"kind\":\"life\",\"node\":1,\"type\":\"start\"}\n");
  file("2",
       "{\"kind\":\"begin\",\"schema\":1,\"title\":\"node 2\",\"wall\":1700000000000000000}\n"
       "{\"at\":20000000000,\"kind\":\"life\",\"node\":2,\"type\":\"start\"}\n");
  EXPECT_THAT(merged()[1], HasSubstr("breaks off"));
}

TEST_F(TraceMerge, ARunOfTheSimulatorStaysAsItIs) {
  const std::string path = (folder_.path() / "run.jsonl").string();
  {
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(path.c_str(), "w"), &std::fclose);
    const auto writer = make_trace_writer(out.get(), TraceFormat::json, "a run");
    World world;
    world.add_sink(*writer);
    world.elect();
    world.submit("x=<1>");
    writer->finish("it <broke>\nhere");
  }
  files_.push_back(path);
  std::ostringstream original;
  original << std::ifstream(path).rdbuf();
  EXPECT_EQ(written(TraceFormat::json), original.str());
  EXPECT_EQ(unreadable_, 0u);
  const std::string page = written(TraceFormat::html);
  EXPECT_THAT(page, HasSubstr("<!doctype html>"));
  EXPECT_THAT(page, HasSubstr(original.str()));
}

TEST_F(TraceMerge, WhatIsNoTraceIsRefusedByName) {
  const std::string path = file("notes.txt", "buy milk\n");
  const auto refused = merge_traces(files_, stdout, TraceFormat::json);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, path + ": no trace as JSON lines");
  const std::vector<std::string> missing = {"/nowhere/1.jsonl"};
  EXPECT_EQ(merge_traces(missing, stdout, TraceFormat::json).error().message,
            "/nowhere/1.jsonl: cannot be read: No such file or directory");
  EXPECT_EQ(merge_traces(missing, stdout, TraceFormat::mermaid).error().code, ErrorCode::invalid);
}

TEST(TraceLines, AreFlatObjects) {
  for (const char* bad : {"", "{", "{}", "[1]", "{\"a\"}", "{\"a\":}", "{\"a\":1", "{\"a\":1,}", "{\"a\":{}}",
                          "{\"a\":1}x", "{\"a\":\"\\\"}", "{\"a\":1 }", "{a:1}"}) {
    EXPECT_FALSE(TraceLine::parse(bad)) << bad;
  }
  const auto line = TraceLine::parse(R"({"at":-7,"text":"a\"b</script>\\","ok":true})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->number("at"), -7);
  EXPECT_EQ(line->string("text"), "a\"b</script>\\");
  EXPECT_EQ(line->raw("ok"), "true");
  EXPECT_EQ(line->number("ok"), 0);
  EXPECT_EQ(line->text(), R"({"at":-7,"text":"a\"b\u003c/script>\\","ok":true})");
}

}  // namespace
}  // namespace keel::sim
