#include "keel-bench/stats.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace bench {
namespace {

TEST(Median, IsTheMiddleWhateverTheOrder) {
  EXPECT_EQ(median({}), std::nullopt);
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(median({4, 1, 3, 100}), 3.5);
}

TEST(Histogram, OfNothingIsZero) { EXPECT_EQ(Histogram().quantile(0.99), 0); }

TEST(Histogram, SmallTimesAreExact) {
  Histogram histogram;
  for (std::int64_t time = 1; time <= 100; ++time)
    histogram.add(time);
  EXPECT_EQ(histogram.count(), 100u);
  EXPECT_EQ(histogram.quantile(0), 1);
  EXPECT_EQ(histogram.quantile(0.5), 50);
  EXPECT_EQ(histogram.quantile(0.99), 99);
  EXPECT_EQ(histogram.quantile(1), 100);
}

TEST(Histogram, LargeTimesAreWithinASixtyFourth) {
  for (double time = 128; time < 9e18; time *= 1.37) {
    Histogram histogram;
    histogram.add(static_cast<std::int64_t>(time));
    EXPECT_NEAR(histogram.quantile(0.5), time, time / 64) << time;
  }
}

TEST(Histogram, TakesTheExtremes) {
  Histogram histogram;
  histogram.add(-5);  // a clock that went back
  EXPECT_EQ(histogram.quantile(1), 0);
  histogram.add(std::numeric_limits<std::int64_t>::max());
  EXPECT_NEAR(histogram.quantile(1), std::ldexp(1.0, 63), std::ldexp(1.0, 57));
}

TEST(Histogram, CountsManyAtOnce) {
  Histogram histogram;
  histogram.add(10, 98);
  histogram.add(100, 2);
  EXPECT_EQ(histogram.count(), 100u);
  EXPECT_EQ(histogram.quantile(0.98), 10);
  EXPECT_EQ(histogram.quantile(0.99), 100);
}

}  // namespace
}  // namespace bench
