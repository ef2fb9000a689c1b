#include "client/output.h"

#include <gtest/gtest.h>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "plumbline/v1/evaluation.pb.h"

namespace plumbline::client {
namespace {

TEST(Table, AlignsByCodePointsAndTrimsTheRight) {
  Table table({"NAME", "N"});
  table.AlignRight(1);
  table.AddRow({"größe", "7"});
  table.AddRow({"a", "123"});
  EXPECT_EQ(table.ToString(),
            "NAME     N\n"
            "größe    7\n"
            "a      123\n");
}

TEST(Table, MarkdownEscapesBars) {
  Table table({"A", "B"});
  table.AlignRight(1);
  table.AddRow({"x|y", "1"});
  EXPECT_EQ(table.ToMarkdown(), "| A | B |\n| --- | ---: |\n| x\\|y | 1 |\n");
}

TEST(EnumName, CutsThePrefixOfItsType) {
  EXPECT_EQ(EnumName(v1::JOB_STATE_RUNNING), "RUNNING");
  EXPECT_EQ(EnumName(v1::LABEL_VERDICT_NOT_SUPPORTED), "NOT_SUPPORTED");
  EXPECT_EQ(EnumName(static_cast<v1::GateStatus>(99)), "") << "a newer server's";
}

TEST(ToJson, KeepsNumbersShortensEnumsAndWritesTimes) {
  v1::Job job;
  job.set_id("job-1");
  job.set_state(v1::JOB_STATE_RUNNING);
  job.set_total_verdicts(int64_t{1} << 40);
  job.mutable_create_time()->set_seconds(0);
  const auto json = ToJson(job);
  EXPECT_EQ(json["state"], "RUNNING");
  EXPECT_EQ(json["total_verdicts"], int64_t{1} << 40);
  EXPECT_EQ(json["create_time"], "1970-01-01T00:00:00Z");
  EXPECT_TRUE(json["end_time"].is_null());
  EXPECT_TRUE(json["subjects"].is_array());
}

TEST(ToJson, ShowsOnlyTheSetFieldOfAOneof) {
  v1::JobEvent event;
  event.set_sequence(3);
  event.mutable_heartbeat();
  EXPECT_EQ(Dump(ToJson(event), false), "{\"sequence\":3,\"heartbeat\":{}}");
}

TEST(ToJson, UnpacksTheDetailsOfAnError) {
  google::rpc::ErrorInfo info;
  info.set_reason("EXECUTION_ERROR");
  (*info.mutable_metadata())["tokens"] = "9020";
  google::rpc::Status status;
  status.add_details()->PackFrom(info);
  status.add_details()->set_type_url("type.googleapis.com/no.Such");
  const auto json = ToJson(status);
  EXPECT_EQ(json["details"][0]["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
  EXPECT_EQ(json["details"][0]["reason"], "EXECUTION_ERROR");
  EXPECT_EQ(json["details"][0]["metadata"]["tokens"], "9020");
  EXPECT_EQ(json["details"][1].dump(), R"({"@type":"type.googleapis.com/no.Such"})");
}

TEST(Dump, ReplacesInvalidUtf8) {
  EXPECT_EQ(Dump(nlohmann::ordered_json("a\xff"), false), "\"a\xEF\xBF\xBD\"");
}

TEST(OneLine, CutsByCodePointsAndRemovesControls) {
  EXPECT_EQ(OneLine("a\nb\tc", 10), "a b c");
  EXPECT_EQ(OneLine("ééé", 2), "éé…");
  EXPECT_EQ(OneLine("\x1b[31mred", 20), " [31mred");
}

TEST(Format, ScoresDeltasBytes) {
  EXPECT_EQ(FormatScore(0.6324), "0.632");
  EXPECT_EQ(FormatDelta(0.07), "+0.070");
  EXPECT_EQ(FormatDelta(-0.07), "-0.070");
  EXPECT_EQ(FormatSize(0.041234), "0.0412");
  EXPECT_EQ(FormatSize(1.23e-7), "1.23e-07");
  EXPECT_EQ(FormatSize(12), "12");
  EXPECT_EQ(FormatBytes(999), "999 B");
  EXPECT_EQ(FormatBytes(1'500'000), "1.5 MB");
}

}  // namespace
}  // namespace plumbline::client
