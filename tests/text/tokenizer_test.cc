#include "core/text/tokenizer.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

TEST(TokenizerTest, TheDemosTokenizerRoundTrips) {
  ASSERT_OK_AND_ASSIGN(auto tokenizer, Tokenizer::Load("deploy/demo/models/plumb-tiny"));
  const std::string text = "<|im_start|>user\nThe 12 naïve 你好 🎉 cats.<|im_end|>\n";
  ASSERT_OK_AND_ASSIGN(const std::vector<int32_t> ids, tokenizer->Encode(text, false));
  EXPECT_THAT(tokenizer->Decode(ids, false), IsOkAndHolds(text));
  EXPECT_THAT(tokenizer->Decode(ids, true), IsOkAndHolds("user\nThe 12 naïve 你好 🎉 cats.\n"));
  std::string streamed, bytes;
  TokenStream stream(tokenizer, false);
  for (const int32_t id : ids) {
    ASSERT_OK_AND_ASSIGN(const std::string piece, stream.Push(id));
    streamed += piece;
    ASSERT_OK_AND_ASSIGN(const std::string token, tokenizer->TokenText(id));
    bytes += token;
  }
  ASSERT_OK_AND_ASSIGN(const std::string rest, stream.Finish());
  EXPECT_EQ(streamed + rest, text);
  EXPECT_EQ(bytes, text);
  EXPECT_EQ(tokenizer->TokenId("<|im_end|>"), 4);
  EXPECT_TRUE(tokenizer->IsSpecial(4));
  EXPECT_EQ(tokenizer->TokenId("no such token"), std::nullopt);
  EXPECT_THAT(tokenizer->Decode({tokenizer->vocab_size()}, false),
              StatusIs(absl::StatusCode::kOutOfRange));
}

}  // namespace
}  // namespace plumbline
