#include "core/text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "absl/strings/str_cat.h"
#include "core/text/python_unicode.h"
#include "core/text/tokenizer_config.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

// One kind of tokenizer: GPT-2's and Llama-3's byte level, Llama-2's byte fallback, Unigram with
// metaspace; made, with its goldens, by tests/oracle/text/make_tokenizers.py.
class TokenizerKindTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string base = absl::StrCat("tests/text/golden/tokenizers/", GetParam());
    ASSERT_OK_AND_ASSIGN(tokenizer_, Tokenizer::Load(base + ".tokenizer.json"));
    golden_ = Json::parse(ReadFileOrDie(base + ".golden.json"));
  }

  std::string Stream(const Ids& ids, bool skip_special_tokens, std::string* error) {
    TokenStream stream(tokenizer_, skip_special_tokens);
    std::string text;
    for (const int32_t id : ids) {
      const auto piece = stream.Push(id);
      if (!piece.ok()) return *error = piece.status().ToString();
      if (!python::IsWellFormed(*piece)) *error = "half a character";
      text += *piece;
    }
    return text + stream.Finish().value();
  }

  std::shared_ptr<const Tokenizer> tokenizer_;
  Json golden_;
};

INSTANTIATE_TEST_SUITE_P(Kinds, TokenizerKindTest,
                         testing::Values("gpt2", "llama3", "llama2", "unigram"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(TokenizerKindTest, EncodesAsPythonsTokenizersWithoutPaddingOrTruncation) {
  for (const Json& row : golden_["encoded"]) {
    const std::string text = row["text"];
    EXPECT_THAT(tokenizer_->Encode(text, false), IsOkAndHolds(row["ids"].get<Ids>())) << text;
    EXPECT_THAT(tokenizer_->Encode(text, true), IsOkAndHolds(row["ids_special"].get<Ids>()))
        << text;
  }
}

TEST_P(TokenizerKindTest, DecodesAsPythonsTokenizersAndStreamsTheSameText) {
  for (const Json& row : golden_["decoded"]) {
    const Ids ids = row["ids"];
    EXPECT_THAT(tokenizer_->Decode(ids, false), IsOkAndHolds(row["text"].get<std::string>()));
    EXPECT_THAT(tokenizer_->Decode(ids, true), IsOkAndHolds(row["text_skip"].get<std::string>()));
    std::string error;
    EXPECT_EQ(Stream(ids, false, &error), row["text"].get<std::string>()) << row["ids"];
    EXPECT_EQ(Stream(ids, true, &error), row["text_skip"].get<std::string>()) << row["ids"];
    EXPECT_EQ(error, "");
  }
}

TEST_P(TokenizerKindTest, StreamsRandomIdsAsItDecodesThem) {
  std::mt19937 random(29);
  for (int i = 0; i < 2000; ++i) {
    Ids ids;
    for (uint32_t n = random() % 30; n > 0; --n) ids.push_back(random() % tokenizer_->vocab_size());
    for (const bool skip : {false, true}) {
      std::string error;
      ASSERT_EQ(Stream(ids, skip, &error), *tokenizer_->Decode(ids, skip)) << Json(ids);
      ASSERT_EQ(error, "");
    }
  }
}

TEST_P(TokenizerKindTest, SpecialTokensAreKnownAndPlainAddedOnesAreNotSpecial) {
  for (const char* token : {"<s>", "</s>", "<pad>", "<|special|>", "<|plain|>"}) {
    const auto id = tokenizer_->TokenId(token);
    ASSERT_TRUE(id.has_value()) << token;
    EXPECT_EQ(tokenizer_->IsSpecial(*id), token != std::string("<|plain|>")) << token;
    EXPECT_THAT(tokenizer_->TokenText(*id), IsOkAndHolds(token));
  }
  EXPECT_EQ(tokenizer_->TokenId("no such token"), std::nullopt);
  EXPECT_FALSE(tokenizer_->IsSpecial(-1));
}

TEST_P(TokenizerKindTest, AnUnknownIdIsOutOfRange) {
  const int32_t unknown = tokenizer_->vocab_size();
  EXPECT_THAT(
      tokenizer_->Decode({unknown}, false),
      StatusIs(absl::StatusCode::kOutOfRange, HasSubstr(absl::StrCat("token id ", unknown))));
  EXPECT_THAT(tokenizer_->TokenText(unknown), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(tokenizer_->TokenText(-1), StatusIs(absl::StatusCode::kOutOfRange));
  TokenStream stream(tokenizer_, false);
  EXPECT_THAT(stream.Push(unknown), StatusIs(absl::StatusCode::kOutOfRange));
  EXPECT_OK(tokenizer_->TokenText(unknown - 1));
}

TEST_P(TokenizerKindTest, ATokensBytesAreThoseOfTheText) {
  const std::string text = "naïve 你好 🎉 cats";
  const Ids ids = tokenizer_->Encode(text, false).value();
  std::string bytes;
  for (const int32_t id : ids) bytes += tokenizer_->TokenText(id).value();
  if (GetParam() == std::string("unigram")) return;  // unknown characters are lost in <unk>
  const bool prepends_space = GetParam() == std::string("llama2");
  EXPECT_EQ(bytes, prepends_space ? " " + text : text);
}

TEST_P(TokenizerKindTest, ManyThreadsShareOne) {
  const Json& rows = golden_["encoded"];
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (const Json& row : rows)
        wrong[t] += tokenizer_->Encode(row["text"].get<std::string>(), false).value() !=
                    row["ids"].get<Ids>();
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, ElementsAre(0, 0, 0, 0));
}

TEST_P(TokenizerKindTest, WhitespaceRunsUpToTheLimitAreSplitRight) {
  // However it is split, a run must come back whole, as must what follows it.
  std::string text = "x" + std::string(Tokenizer::kMaxWhitespaceRun, ' ') + "y";
  ASSERT_OK_AND_ASSIGN(const Ids ids, tokenizer_->Encode(text, false));
  if (GetParam() != std::string("unigram")) {
    EXPECT_EQ(tokenizer_->Decode(ids, false).value(), text);
  }
  text.insert(5, " ");
  EXPECT_THAT(tokenizer_->Encode(text, false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("run of 100001")));
}

TEST(TokenizerTest, TheDemosTokenizerRoundTrips) {
  ASSERT_OK_AND_ASSIGN(auto tokenizer, Tokenizer::Load("deploy/demo/models/plumb-tiny"));
  const std::string text = "<|im_start|>user\nThe 12 naïve 你好 🎉 cats.<|im_end|>\n";
  ASSERT_OK_AND_ASSIGN(const Ids ids, tokenizer->Encode(text, false));
  EXPECT_THAT(tokenizer->Decode(ids, false), IsOkAndHolds(text));
  EXPECT_THAT(tokenizer->Decode(ids, true), IsOkAndHolds("user\nThe 12 naïve 你好 🎉 cats.\n"));
  EXPECT_EQ(tokenizer->TokenId("<|im_end|>"), 4);
}

TEST(TokenizerTest, TheDemosTokenizerIsAsInTransformersOnRealTexts) {
  SKIP_WITHOUT_ORACLE();
  ASSERT_OK_AND_ASSIGN(auto tokenizer, Tokenizer::Load("deploy/demo/models/plumb-tiny"));
  std::vector<std::string> texts = ResponseTexts();
  for (std::string& text : FuzzTexts(500, 31)) texts.push_back(std::move(text));
  const Json rows = Json::parse(
      *RunOracle("encode.py", TextsAsJson(texts), "deploy/demo/models/plumb-tiny/tokenizer.json"));
  ASSERT_EQ(rows.size(), texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const Ids ids = rows[i]["ids"];
    ASSERT_THAT(tokenizer->Encode(texts[i], true), IsOkAndHolds(ids)) << texts[i];
    ASSERT_THAT(tokenizer->Decode(ids, false), IsOkAndHolds(rows[i]["text"].get<std::string>()));
  }
}

TEST(TokenizerTest, BadInputIsAnError) {
  TempDir dir;
  EXPECT_THAT(Tokenizer::Load(dir.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("tokenizer.json")));
  EXPECT_THAT(Tokenizer::FromJson("{}"), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(Tokenizer::FromJson(""), StatusIs(absl::StatusCode::kInvalidArgument));
  ASSERT_OK_AND_ASSIGN(auto tokenizer,
                       Tokenizer::Load("tests/text/golden/tokenizers/gpt2.tokenizer.json"));
  EXPECT_THAT(tokenizer->Encode(std::string(Tokenizer::kMaxTextBytes + 1, 'x'), false),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("more than the allowed")));
  EXPECT_EQ(tokenizer->Encode("a\xFF", false).value(), tokenizer->Encode("a\uFFFD", false).value());
}

TEST(TokenizerConfigTest, ReadsBothFormsOfATokenAndBothFiles) {
  TempDir dir;
  ASSERT_OK_AND_ASSIGN(TokenizerConfig empty, TokenizerConfig::Load(dir.path()));
  EXPECT_EQ(empty.bos_token, std::nullopt);
  dir.Write("special_tokens_map.json",
            R"({"bos_token": "<old>", "unk_token": {"content": "<unk>"}, "pad_token": null})");
  dir.Write(
      "tokenizer_config.json",
      R"({"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "</s>", "add_bos_token": true,
                "model_max_length": 1000000000000000019884624838656, "additional_special_tokens": ["<a>", {"content": "<b>"}],
                "extra_special_tokens": {"image_token": "<image>"}})");
  ASSERT_OK_AND_ASSIGN(const TokenizerConfig config, TokenizerConfig::Load(dir.path()));
  EXPECT_EQ(config.bos_token, "<s>");
  EXPECT_EQ(config.eos_token, "</s>");
  EXPECT_EQ(config.pad_token, std::nullopt);
  EXPECT_EQ(config.unk_token, "<unk>");
  EXPECT_EQ(config.add_bos_token, true);
  EXPECT_EQ(config.add_eos_token, std::nullopt);
  EXPECT_EQ(config.model_max_length, std::nullopt);
  EXPECT_THAT(config.additional_special_tokens, ElementsAre("<a>", "<b>"));
  EXPECT_THAT(config.named_tokens,
              ElementsAre(Pair("bos_token", "<s>"), Pair("unk_token", "<unk>"),
                          Pair("eos_token", "</s>"), Pair("image_token", "<image>")));
  dir.Write("tokenizer_config.json", "[1]");
  EXPECT_THAT(TokenizerConfig::Load(dir.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a JSON object")));
}

// As transformers 5.24 reads the same files.
TEST(TokenizerConfigTest, ListsWhatTransformersWouldAdd) {
  TempDir dir;
  const auto added = [&] { return TokenizerConfig::Load(dir.path()).value().added_tokens; };
  dir.Write("special_tokens_map.json", R"({"additional_special_tokens": ["<map>"]})");
  dir.Write("added_tokens.json", R"({"<old>": 7})");
  EXPECT_THAT(added(), ElementsAre(Pair("<map>",
                                        "special_tokens_map.json: "
                                        "additional_special_tokens"),
                                   Pair("<old>", "added_tokens.json")));
  dir.Write("tokenizer_config.json",
            R"({"additional_special_tokens": ["<a>", "", {"content": "<b>"}],
                "extra_special_tokens": {"image_token": "<image>"}})");
  const std::string additional = "tokenizer_config.json: additional_special_tokens";
  EXPECT_THAT(added(), ElementsAre(Pair("<a>", additional), Pair("<b>", additional),
                                   Pair("<image>", "tokenizer_config.json: extra_special_tokens"),
                                   Pair("<old>", "added_tokens.json")));
  dir.Write("tokenizer_config.json", R"({"added_tokens_decoder": {"7": {"content": "<x>"}}})");
  EXPECT_THAT(added(), ElementsAre(Pair("<x>", "tokenizer_config.json: added_tokens_decoder")))
      << "the older files are not read beside it";
}

TEST(TokenizerConfigTest, SplitSpecialTokensIsRefused) {
  TempDir dir;
  dir.Write("tokenizer_config.json", R"({"split_special_tokens": false})");
  EXPECT_OK(TokenizerConfig::Load(dir.path()).status());
  dir.Write("tokenizer_config.json", R"({"split_special_tokens": true})");
  EXPECT_THAT(TokenizerConfig::Load(dir.path()),
              StatusIs(absl::StatusCode::kUnimplemented,
                       HasSubstr("tokenizer_config.json: split_special_tokens: true")));
}

}  // namespace
}  // namespace plumbline
