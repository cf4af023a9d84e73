#include "keel-bench/report.hpp"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "keel-bench/json.hpp"
#include "keel-bench/parts.hpp"
#include "keel-bench/rounds.hpp"

namespace bench {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

Sample sample(double per_second, double p99_us) {
  Sample s;
  s.per_second = per_second;
  s.p99_us = p99_us;
  return s;
}

Row row(const std::string& who, const std::string& load, double per_second, double p99_us) {
  Row r{.who = who, .load = load, .median = {}, .runs = {}};
  r.add(sample(per_second, p99_us));
  return r;
}

TEST(Row, TakesEachFiguresOwnMedian) {
  Row r{.who = "x", .load = "y", .median = {}, .runs = {}};
  r.add(sample(10, 300));
  r.add(sample(30, 100));
  r.add(sample(20, 200));
  EXPECT_EQ(r.median.per_second, 20);
  EXPECT_EQ(r.median.p99_us, 200);
  EXPECT_EQ(r.median.p50_us, std::nullopt);
  EXPECT_EQ(r.least, 10);
  EXPECT_EQ(r.most, 30);
}

TEST(Row, AddsFailuresUp) {
  Row r;
  Sample s;
  r.add(s);
  s.add_failures(2, "BUSY");
  r.add(s);
  s.first_failure = "TIMEOUT";
  r.add(s);
  EXPECT_EQ(r.median.failures, 4u);
  EXPECT_EQ(r.median.first_failure, "BUSY");
}

TEST(Ratios, AreAgainstTheFasterOfEtcdsSettings) {
  Report report;
  report.rows = {row("keelkv", "64 clients", 50'000, 2'000), row("keelkv", "64 clients, -P 16", 200'000, 9'000),
                 row("etcd", "64 clients, 64 connections", 8'000, 16'000),
                 row("etcd", "64 clients, 4 connections", 10'000, 8'000)};
  std::vector<double> values;
  for (const Ratio& ratio : ratios_of(report)) {
    EXPECT_THAT(ratio.what, HasSubstr("4 connections"));
    values.push_back(ratio.value);
  }
  EXPECT_THAT(values, ElementsAre(5, 20, 0.25));
}

TEST(Ratios, OfWhatIsNotThereAreLeftOut) {
  Report report;
  report.rows = {row("keelkv", "64 clients", 50'000, 2'000)};
  EXPECT_THAT(ratios_of(report), IsEmpty());
  report.rows.push_back(row("redis, appendfsync always", "64 clients", 100'000, 1'000));
  EXPECT_THAT(ratios_of(report), ElementsAre(Field(&Ratio::value, 0.5)));
}

// A command that is refused costs next to nothing: who failed would look fast.
TEST(Ratios, OfWhoAnsweredWithErrorsAreLeftOut) {
  Report report;
  report.rows = {row("keelkv", "64 clients", 50'000, 2'000), row("etcd", "64 clients, 64 connections", 10'000, 16'000),
                 row("etcd", "64 clients, 4 connections", 10'000, 8'000),
                 row("redis, appendfsync always", "64 clients", 100'000, 1'000)};
  EXPECT_THAT(ratios_of(report), SizeIs(3));
  report.rows[1].median.failures = 1;
  EXPECT_THAT(ratios_of(report), ElementsAre(Field(&Ratio::what, HasSubstr("redis"))));
  report.rows[0].median.failures = 1;
  EXPECT_THAT(ratios_of(report), IsEmpty());
  note_failures(report);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("etcd answered commands with errors"), HasSubstr("keelkv answered")));
}

TEST(OtherLoad, IsSaidOnlyWhenItMatters) {
  Report report;
  Row r;
  Sample s;
  s.other_load = 0.04;
  r.add(s);
  report.rows = {r};
  note_other_load(report);
  EXPECT_THAT(report.notes, IsEmpty());
  s.other_load = 0.31;
  report.rows[0].add(s);
  note_other_load(report);
  EXPECT_THAT(report.notes, ElementsAre(HasSubstr("31 %")));
}

TEST(Grouped, PutsCommasWhereTheyBelong) {
  EXPECT_EQ(grouped(0.51), "0.5");
  EXPECT_EQ(grouped(100), "100");
  EXPECT_EQ(grouped(999.7), "1,000");
  EXPECT_EQ(grouped(123456), "123,456");
  EXPECT_EQ(grouped(1234567), "1,234,567");
}

TEST(Json, EscapesAndKnowsNoInfinity) {
  EXPECT_EQ(json_text("a\"b\\c\n"), R"("a\"b\\c\u000a")");
  EXPECT_EQ(json_number(HUGE_VAL), "null");
  EXPECT_EQ(json_number(123456789.5), "123456789.5");
  EXPECT_EQ(JsonObject().text("a", "b").number("n", 1.5).number("none", std::optional<double>()).str(),
            R"({"a":"b","n":1.5})");
  EXPECT_EQ(json_array({}), "[]");
}

TEST(Json, HasEveryRowRatioAndNote) {
  Report report;
  report.rows = {row("keelkv", "1 client", 1000, 900)};
  report.ratios = {{"a / b", 2.5, "floor: at least 2"}};
  report.failovers = {{"keelkv", {30, 10, 20}, "three rounds"}};
  report.notes = {"etcd is left out"};
  const std::string json = as_json(report, {});
  EXPECT_THAT(json, HasSubstr(R"("who":"keelkv","load":"1 client","median":{"per_second":1000,"p99_us":900,)"));
  EXPECT_THAT(json, HasSubstr(R"({"what":"a / b","value":2.5,"wanted":"floor: at least 2"})"));
  EXPECT_THAT(json, HasSubstr(R"("median_ms":20,"ms":[30,10,20])"));
  EXPECT_THAT(json, HasSubstr(R"("notes":["etcd is left out"])"));
}

TEST(Table, SaysWhatWasLeftOutAndWhatFailed) {
  Report report;
  Row r = row("keelkv", "1 client", 1000, 900);
  r.median.add_failures(3, "-BUSY the log is full");
  report.rows = {r};
  report.notes = {"etcd is left out"};
  const std::string table = as_table(report, {});
  EXPECT_THAT(table, HasSubstr("3 more commands were answered with an error, the first: -BUSY the log is full\n"));
  EXPECT_THAT(as_json(report, {}), HasSubstr(R"("failures":3,"first_failure":"-BUSY the log is full"})"));
  EXPECT_THAT(table, HasSubstr("note: etcd is left out"));
}

TEST(Parts, ALineOfFiguresIsARow) {
  const auto core = row_of(R"({"bench":"core","batch":64,"runs":5,"median_per_second":3000000,"min":2,"max":4,)"
                           R"("extra_allocations":0.25})");
  ASSERT_TRUE(core) << core.error().message;
  EXPECT_EQ(core->who, "core");
  EXPECT_EQ(core->load, "64 at a time");
  EXPECT_EQ(core->median.per_second, 3e6);
  EXPECT_EQ(core->median.allocations, 0.25);
  EXPECT_EQ(core->least, 2);
  EXPECT_EQ(core->most, 4);
  EXPECT_EQ(core->median.p50_us, std::nullopt);

  const auto node =
      row_of(R"({"bench":"node","in_flight":1,"spin_us":0,"per_second":1500,"median_us":466.5,"failures":3})");
  ASSERT_TRUE(node) << node.error().message;
  EXPECT_EQ(node->load, "1 in flight");
  EXPECT_EQ(node->median.p50_us, 466.5);
  EXPECT_EQ(node->median.failures, 3u);

  const auto spinning = row_of(R"({"bench":"node","in_flight":1,"spin_us":100,"per_second":1500})");
  ASSERT_TRUE(spinning) << spinning.error().message;
  EXPECT_EQ(spinning->load, "1 in flight, spin 100 µs");
}

TEST(Parts, AnyOtherLineIsRefused) {
  for (const char* line : {"", "{", "{}", "leader", R"({"bench":"core"})", R"({"bench":"core","batch":1})",
                           R"({"bench":"core","batch)", R"({"bench":"core",batch:1,"per_second":2})"}) {
    EXPECT_FALSE(row_of(line)) << line;
  }
}

TEST(Picture, HasABarForEachFigureAndNoOther) {
  Report report;
  report.rows = {row("keelkv", "64 clients", 50'000, 2'000), row("redis < & c", "64 clients", 25'000, 4'000)};
  const std::string picture = as_picture(report, {});
  std::size_t bars = 0;
  for (std::size_t at = 0; (at = picture.find("<rect x=", at)) != std::string::npos; ++at)
    ++bars;
  EXPECT_EQ(bars, 4u) << "two of throughput, two of p99, none of processor time";
  EXPECT_THAT(picture, HasSubstr("redis &lt; &amp; c"));
  EXPECT_THAT(picture, HasSubstr("width=\"480\" height=\"18\""));
  EXPECT_THAT(picture, HasSubstr("width=\"240\" height=\"18\""));
  EXPECT_THAT(picture, Not(HasSubstr("processor time")));
}

}  // namespace
}  // namespace bench
