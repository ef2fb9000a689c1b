// What PromptEncoder::Load takes for a tokenizer.
#include "core/engine/prompt_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
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

TEST(PromptEncoderTest, EverySpecialTokenMustBeInTokenizerJson) {
  TempDir dir;
  std::filesystem::copy("tests/golden/engine/base/tokenizer.json", dir.Join("tokenizer.json"));
  const std::string known =
      R"({"bos_token": "<|bos|>", "additional_special_tokens": ["<|im_start|>", "<|im_end|>"]})";
  dir.Write("tokenizer_config.json", known);
  dir.Write("special_tokens_map.json", known);
  dir.Write("added_tokens.json", R"({"<|im_start|>": 2, "<|im_end|>": 3})");
  EXPECT_OK(PromptEncoder::Load(dir.path(), 1000).status());
  const auto refused = [&](const std::string& place) {
    EXPECT_THAT(PromptEncoder::Load(dir.path(), 1000),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         testing::AllOf(testing::HasSubstr(place + ": \"<more>\" is not in"),
                                        testing::HasSubstr("save_pretrained"))));
  };
  dir.Write("added_tokens.json", R"({"<|im_start|>": 2, "<more>": 264})");
  refused("added_tokens.json");
  dir.Write("tokenizer_config.json", R"({"additional_special_tokens": ["<|im_end|>", "<more>"]})");
  refused("tokenizer_config.json: additional_special_tokens");
}

TEST(PromptEncoderTest, EndTokensAreIdsInAListToo) {
  TempDir dir;
  std::filesystem::copy("tests/golden/engine/base/tokenizer.json", dir.Join("tokenizer.json"));
  dir.Write("generation_config.json", R"({"eos_token_id": [3, 1]})");
  dir.Write("config.json", R"({"eos_token_id": 2})");
  ASSERT_OK_AND_ASSIGN(const auto encoder, PromptEncoder::Load(dir.path(), 1000));
  EXPECT_THAT(encoder->end_tokens(), testing::UnorderedElementsAre(1, 2, 3));
  for (const char* bad : {"[3, 4294967599]", "4294967599", "[18446744073709551615]", "[-2]",
                          "[\"3\"]", "[null]", "[[3]]"}) {
    SCOPED_TRACE(bad);
    dir.Write("generation_config.json", absl::StrCat("{\"eos_token_id\": ", bad, "}"));
    EXPECT_THAT(PromptEncoder::Load(dir.path(), 1000),
                StatusIs(absl::StatusCode::kInvalidArgument,
                         testing::HasSubstr("generation_config.json: eos_token_id: ")));
  }
}

}  // namespace
}  // namespace plumbline
