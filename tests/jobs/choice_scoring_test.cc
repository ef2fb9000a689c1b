#include "core/jobs/choice_scoring.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Scores = absl::StatusOr<std::vector<LogLikelihood>>;

// Keeps the calls; the test answers them in the order it likes.
class ScriptedModel : public LanguageModel {
 public:
  struct Call {
    LogLikelihoodCall call;
    std::function<void(Scores)> done;
  };
  std::vector<Call> calls;

  const ModelIdentity& identity() const override { return identity_; }
  void Generate(GenerateCall, std::function<void(absl::StatusOr<Generation>)>) override {
    ADD_FAILURE() << "generates";
  }
  void LogLikelihoods(LogLikelihoodCall call, std::function<void(Scores)> done) override {
    calls.push_back({std::move(call), std::move(done)});
  }
  void Score(ScoreCall, std::function<void(absl::StatusOr<std::vector<TokenScore>>)>) override {
    ADD_FAILURE() << "scores";
  }

 private:
  ModelIdentity identity_;
};

class NeverCancelled : public CancelToken {
 public:
  bool cancelled() const override { return false; }
};

class ChoiceScoringTest : public testing::Test {
 protected:
  ChoiceScoringTest() {
    item_.key = "k";
    item_.prompt.text = "unused";
    item_.choices = {" ran", " ran", " ran"};
    for (const char* text : {"Ann", "Bob", "Cleo"}) {
      item_.choice_prompts.emplace_back();
      item_.choice_prompts.back().text = text;
    }
  }

  void Ask() {
    ScoreChoices(model_, item_, cancel_, {}, [this](Scores scores) {
      ++answers_;
      result_ = std::move(scores);
    });
  }
  static Scores One(double sum) { return std::vector<LogLikelihood>{{sum, false, 1}}; }

  TaskItem item_;
  ScriptedModel model_;
  std::shared_ptr<const CancelToken> cancel_ = std::make_shared<NeverCancelled>();
  int answers_ = 0;
  std::optional<Scores> result_;
};

TEST_F(ChoiceScoringTest, OneContextIsOneCall) {
  item_.choice_prompts.clear();
  item_.choices = {" a", " b"};
  Ask();
  ASSERT_EQ(model_.calls.size(), 1u);
  EXPECT_EQ(model_.calls[0].call.context.text, "unused");
  EXPECT_THAT(model_.calls[0].call.continuations, ElementsAre(" a", " b"));
  EXPECT_EQ(model_.calls[0].call.cancel, cancel_);
  model_.calls[0].done(std::vector<LogLikelihood>(2));
  EXPECT_EQ((*result_)->size(), 2u);
}

TEST_F(ChoiceScoringTest, AsksEveryContextForItsChoiceAndKeepsTheOrder) {
  Ask();
  ASSERT_EQ(model_.calls.size(), 3u);
  EXPECT_EQ(model_.calls[1].call.context.text, "Bob");
  for (const auto& call : model_.calls) {
    EXPECT_THAT(call.call.continuations, ElementsAre(" ran"));
    EXPECT_EQ(call.call.cancel, cancel_);
  }
  model_.calls[2].done(One(-3));
  model_.calls[0].done(One(-1));
  EXPECT_EQ(answers_, 0);
  model_.calls[1].done(One(-2));
  ASSERT_EQ(answers_, 1);
  ASSERT_OK(*result_);
  ASSERT_EQ((*result_)->size(), 3u);
  for (size_t i = 0; i < 3; ++i) EXPECT_EQ((**result_)[i].sum, -1.0 - static_cast<double>(i));
}

TEST_F(ChoiceScoringTest, OneErrorIsTheItemsErrorAfterAllHaveEnded) {
  Ask();
  model_.calls[2].done(absl::InternalError("third"));
  model_.calls[1].done(absl::OutOfRangeError("second"));
  EXPECT_EQ(answers_, 0);
  model_.calls[0].done(One(-1));
  EXPECT_EQ(answers_, 1);
  EXPECT_THAT(*result_, StatusIs(absl::StatusCode::kOutOfRange, HasSubstr("second")));
}

TEST_F(ChoiceScoringTest, CancellationGoesBeforeOtherErrors) {
  Ask();
  model_.calls[0].done(absl::InternalError("first"));
  model_.calls[1].done(One(-2));
  model_.calls[2].done(absl::CancelledError("third"));
  EXPECT_THAT(*result_, StatusIs(absl::StatusCode::kCancelled, HasSubstr("third")));
}

TEST_F(ChoiceScoringTest, AWrongNumberOfScoresOrContextsIsAnError) {
  Ask();
  model_.calls[0].done(One(-1));
  model_.calls[1].done(std::vector<LogLikelihood>());
  model_.calls[2].done(One(-1));
  EXPECT_THAT(*result_, StatusIs(absl::StatusCode::kInternal, HasSubstr("choice 1")));
  item_.choices.pop_back();
  Ask();
  EXPECT_EQ(answers_, 2);
  EXPECT_THAT(*result_, StatusIs(absl::StatusCode::kInternal, HasSubstr("3 contexts for 2")));
}

}  // namespace
}  // namespace plumbline
