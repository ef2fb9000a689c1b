#include "core/base/ids.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace plumbline {
namespace {

TEST(RandomIds, AreDistinctAndWellFormed) {
  RandomIds ids;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string id = ids.NewId("job");
    EXPECT_THAT(id, testing::MatchesRegex("job-[0-9a-z]{16}"));
    EXPECT_TRUE(seen.insert(id).second) << id;
  }
}

TEST(SequentialIds, Count) {
  SequentialIds ids;
  EXPECT_EQ(ids.NewId("job"), "job-1");
  EXPECT_EQ(ids.NewId("worker"), "worker-2");
}

}  // namespace
}  // namespace plumbline
