#include "server/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "absl/strings/str_cat.h"
#include "server/status_conversion.h"
#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

v1::CreateJobRequest GoodJob() {
  v1::CreateJobRequest request;
  request.set_model("tiny");
  request.add_tasks("sums");
  return request;
}
v1::GenerateRequest GoodGenerate() {
  v1::GenerateRequest request;
  request.set_model("tiny");
  request.set_prompt("hi");
  return request;
}

// The request is refused with this reason and a message that has `what`.
template <typename Request>
void ExpectRefused(const Request& request, const std::string& reason, const std::string& what) {
  const absl::Status status = Validate(request);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument, HasSubstr(what)));
  EXPECT_EQ(ReasonOf(status), reason) << status;
}

TEST(Validation, Names) {
  for (const char* good : {"a", "llama-3.2_1b", "0"}) EXPECT_OK(ValidateModelName("name", good));
  const std::string bad[] = {
      "", "A", "-a", "a b", "a/b", std::string(65, 'a'), "..", std::string("a\0b", 3), "ä"};
  for (const std::string& name : bad) {
    EXPECT_THAT(ValidateModelName("name", name), StatusIs(StatusCode::kInvalidArgument)) << name;
  }
  EXPECT_OK(ValidateAlias("alias", "My.Adapter-1"));
  EXPECT_OK(ValidateAlias("alias", std::string(64, 'f')));
  EXPECT_OK(ValidateTaskName("name", "_gsm8k.v2"));
  EXPECT_OK(ValidateTaskName("name", "belebele_eng_Latn"));
  EXPECT_OK(ValidateTaskName("name", std::string(128, 'a')));
  EXPECT_THAT(ValidateTaskName("name", std::string(129, 'a')),
              StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ValidateTaskName("name", "a b"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_OK(ValidateJobId("job-0123456789abcdef"));
  EXPECT_THAT(ValidateJobId("42"), StatusIs(StatusCode::kInvalidArgument));
}

TEST(Validation, CreateJob) {
  EXPECT_OK(Validate(GoodJob()));
  v1::CreateJobRequest r = GoodJob();
  r.clear_tasks();
  ExpectRefused(r, "INVALID_FIELD", "tasks");
  r = GoodJob();
  r.add_tasks("sums");
  ExpectRefused(r, "INVALID_FIELD", "more than once");
  r = GoodJob();
  for (int i = 0; i < 65; ++i) r.add_adapters(absl::StrCat("a", i));
  ExpectRefused(r, "LIMIT_EXCEEDED", "65 adapters, at most 64");
  r = GoodJob();
  r.set_request_id("with space");
  ExpectRefused(r, "INVALID_FIELD", "request_id");
  r = GoodJob();
  r.set_priority(101);
  ExpectRefused(r, "INVALID_FIELD", "priority");
  r = GoodJob();
  r.set_limit(-1);
  ExpectRefused(r, "INVALID_FIELD", "limit");
  r = GoodJob();
  r.set_gate_policy(std::string(70'000, 'x'));
  ExpectRefused(r, "LIMIT_EXCEEDED", "gate_policy");
  r = GoodJob();
  for (int i = 0; i < 257; ++i) *r.mutable_display_name() += "ä";
  ExpectRefused(r, "LIMIT_EXCEEDED", "display_name: 257 characters, at most 256");
}

TEST(Validation, Generate) {
  EXPECT_OK(Validate(GoodGenerate()));
  v1::GenerateRequest r = GoodGenerate();
  r.add_messages()->set_role("user");
  ExpectRefused(r, "INVALID_FIELD", "exactly one");
  r.clear_prompt();
  EXPECT_OK(Validate(r));
  r.set_raw_prompt(true);
  ExpectRefused(r, "INVALID_FIELD", "raw_prompt");
  r.set_raw_prompt(false);
  r.mutable_messages(0)->set_role("root");
  ExpectRefused(r, "INVALID_FIELD", "messages[0].role");
  r = GoodGenerate();
  r.set_prompt(std::string((1 << 20) + 1, 'x'));
  ExpectRefused(r, "LIMIT_EXCEEDED", "prompt");
}

TEST(Validation, Decoding) {
  const auto with = [](auto set) {
    v1::GenerateRequest r = GoodGenerate();
    set(r.mutable_decoding());
    return r;
  };
  const double nan = std::numeric_limits<double>::quiet_NaN();
  ExpectRefused(with([&](auto* d) { d->set_temperature(nan); }), "INVALID_FIELD", "temperature");
  ExpectRefused(with([](auto* d) { d->set_temperature(11); }), "INVALID_FIELD", "temperature");
  ExpectRefused(with([&](auto* d) { d->set_top_p(nan); }), "INVALID_FIELD", "top_p");
  ExpectRefused(with([](auto* d) { d->set_top_p(1.5); }), "INVALID_FIELD", "top_p");
  ExpectRefused(with([](auto* d) { d->set_top_k(-1); }), "INVALID_FIELD", "top_k");
  ExpectRefused(with([](auto* d) { d->set_max_new_tokens(-1); }), "INVALID_FIELD", "max_new");
  ExpectRefused(with([](auto* d) { d->set_max_new_tokens(1 << 20); }), "LIMIT_EXCEEDED", "max_new");
  ExpectRefused(with([](auto* d) { d->add_stop(""); }), "INVALID_FIELD", "stop");
  ExpectRefused(with([](auto* d) {
                  for (int i = 0; i < 17; ++i) d->add_stop("x");
                }),
                "LIMIT_EXCEEDED", "stop");
}

TEST(Validation, ScoreLoadAndUpload) {
  v1::ScoreRequest score;
  score.set_model("tiny");
  ExpectRefused(score, "INVALID_FIELD", "text");
  score.set_text("x");
  score.set_top(101);
  ExpectRefused(score, "LIMIT_EXCEEDED", "top");

  v1::LoadModelRequest model;
  model.set_name("m");
  model.set_path("relative");
  ExpectRefused(model, "INVALID_FIELD", "absolute");
  model.set_path("/m");
  model.set_dtype("int8");
  ExpectRefused(model, "INVALID_FIELD", "dtype");

  v1::LoadAdapterRequest adapter;
  adapter.set_model("m");
  adapter.set_path("/a");
  adapter.set_alias("base");
  ExpectRefused(adapter, "INVALID_FIELD", "alias");
  adapter.set_alias(std::string(64, 'a'));
  ExpectRefused(adapter, "INVALID_FIELD", "version");
  adapter.set_alias("a");
  adapter.set_nominal_target("cooking");
  ExpectRefused(adapter, "INVALID_FIELD", "cooking");

  v1::UploadTaskRequest upload;
  ExpectRefused(upload, "INVALID_FIELD", "files");
  upload.add_files()->set_name("t.jsonl");
  upload.mutable_files(0)->set_content(std::string((3 << 20) + 1, 'x'));
  EXPECT_THAT(Validate(upload), StatusIs(StatusCode::kResourceExhausted, HasSubstr("--tasks")));
  EXPECT_EQ(ReasonOf(Validate(upload)), "LIMIT_EXCEEDED");
}

TEST(Validation, PageSizes) {
  EXPECT_THAT(PageSize(0, 50), IsOkAndHolds(50));
  EXPECT_THAT(PageSize(1000, 50), IsOkAndHolds(1000));
  EXPECT_THAT(PageSize(1001, 50), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(PageSize(-1, 50), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace plumbline
