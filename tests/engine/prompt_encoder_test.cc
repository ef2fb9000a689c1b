// What PromptEncoder::Load takes for a tokenizer.
#include "core/engine/prompt_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

TEST(PromptEncoderTest, EveryAddedTokenMustBeInTokenizerJson) {
  TempDir dir;
  std::filesystem::copy("tests/golden/engine/base/tokenizer.json", dir.Join("tokenizer.json"));
  dir.Write("tokenizer_config.json",
            R"({"added_tokens_decoder": {"3": {"content": "<|im_end|>"}}})");
  EXPECT_OK(PromptEncoder::Load(dir.path(), 1000).status());
  dir.Write("tokenizer_config.json", R"({"added_tokens_decoder": {"3": {"content": "<|im_end|>"},
                                                                  "999": {"content": "<more>"}}})");
  EXPECT_THAT(PromptEncoder::Load(dir.path(), 1000),
              StatusIs(absl::StatusCode::kInvalidArgument,
                       testing::AllOf(testing::HasSubstr("tokenizer_config.json"),
                                      testing::HasSubstr("<more>"))));
}

}  // namespace
}  // namespace plumbline
