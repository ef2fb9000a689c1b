#include "core/engine/generation_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> Of(const std::string& json) {
  const TempDir dir;
  dir.Write("generation_config.json", json);
  return UnappliedDecoding(dir.path());
}

TEST(GenerationConfig, WhatChangesGreedyTextsIsNamedWithItsValue) {
  EXPECT_THAT(Of(R"({"repetition_penalty": 1.1, "no_repeat_ngram_size": 3, "stop_strings": ["x"],
                     "forced_eos_token_id": [2], "suppress_tokens": [1, 2]})"),
              ElementsAre(HasSubstr("generation_config.json: repetition_penalty 1.1 is not "
                                    "applied"),
                          HasSubstr("no_repeat_ngram_size 3"), HasSubstr("suppress_tokens [1,2]"),
                          HasSubstr("stop_strings [\"x\"]"), HasSubstr("forced_eos_token_id [2]")));
}

TEST(GenerationConfig, NeutralValuesAndSamplingAreNot) {
  EXPECT_THAT(Of(R"({"repetition_penalty": 1.0, "num_beams": 1, "temperature": 0.7, "top_p": 0.8,
                     "top_k": 20, "do_sample": true, "eos_token_id": [3], "bad_words_ids": null,
                     "suppress_tokens": [], "min_length": 0})"),
              IsEmpty());
  EXPECT_THAT(Of("not JSON"), IsEmpty());
  EXPECT_THAT(UnappliedDecoding("/nowhere"), IsEmpty());
}

}  // namespace
}  // namespace plumbline
