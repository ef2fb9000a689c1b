#include "core/text/chat_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

const Json kHello = Json::parse(R"([{"role": "user", "content": " Hi "}])");
const std::vector<std::pair<std::string, std::string>> kTokens = {{"bos_token", "<s>"},
                                                                  {"eos_token", "</s>"}};

TEST(ChatTemplateTest, RendersTheDemosTemplate) {
  ASSERT_OK_AND_ASSIGN(auto chat, ChatTemplate::Load("deploy/demo/models/plumb-tiny"));
  EXPECT_THAT(chat->Render(kHello),
              IsOkAndHolds("<|bos|><|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"));
}

TEST(ChatTemplateTest, AnErrorCarriesTheTemplatesLineAndMessage) {
  ASSERT_OK_AND_ASSIGN(
      auto chat,
      ChatTemplate::Compile("one\n{{ raise_exception('roles must alternate') }}", "t", {}));
  EXPECT_THAT(chat->Render(kHello),
              StatusIs(absl::StatusCode::kInvalidArgument, "t:2: roles must alternate"));
  EXPECT_THAT(ChatTemplate::Compile("{% if %}", "t", {}),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("t:1: ")));
  ASSERT_OK_AND_ASSIGN(auto unknown,
                       ChatTemplate::Compile("{{ messages[0].content.nosuch() }}", "t", {}));
  EXPECT_THAT(unknown->Render(kHello),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nosuch")));
}

TEST(ChatTemplateTest, ReadsEveryPlaceATemplateMayBe) {
  TempDir dir;
  EXPECT_THAT(ChatTemplate::Load(dir.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("chat_template.jinja")));
  dir.Write("tokenizer_config.json",
            R"({"bos_token": {"content": "<b>"}, "chat_template": "1{{ bos_token }}"})");
  EXPECT_THAT((*ChatTemplate::Load(dir.path()))->Render(kHello), IsOkAndHolds("1<b>"));
  dir.Write(
      "tokenizer_config.json",
      R"({"chat_template": [{"name": "rag", "template": "2"}, {"name": "default", "template": "3"}]})");
  EXPECT_THAT((*ChatTemplate::Load(dir.path()))->Render(kHello), IsOkAndHolds("3"));
  dir.Write("tokenizer_config.json", R"({"chat_template": [{"name": "rag", "template": "2"}]})");
  EXPECT_THAT(ChatTemplate::Load(dir.path()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("default")));
  dir.Write("chat_template.jinja", "4\n");
  dir.Write("tokenizer_config.json", R"({"chat_template": "5"})");
  EXPECT_THAT((*ChatTemplate::Load(dir.path()))->Render(kHello), IsOkAndHolds("4"));
}

TEST(ChatTemplateTest, MessagesMustBeAnArrayOfObjects) {
  ASSERT_OK_AND_ASSIGN(auto chat, ChatTemplate::Compile("x", "t", {}));
  EXPECT_THAT(chat->Render(Json::parse("{}")), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_THAT(chat->Render(Json::parse("[1]")), StatusIs(absl::StatusCode::kInvalidArgument));
}

TEST(ChatTemplateTest, IllFormedUtf8IsReplaced) {
  ASSERT_OK_AND_ASSIGN(auto chat, ChatTemplate::Compile("{{ messages[0].content }}", "t", {}));
  EXPECT_THAT(chat->Render(Json::array({{{"role", "user"}, {"content", "a\xFF"}}})),
              IsOkAndHolds("a\uFFFD"));
}

// What the script reads: every template of tests/text/templates and every conversation.
Json Request() {
  Json request;
  for (const auto& entry : std::filesystem::directory_iterator("tests/text/templates")) {
    if (entry.path().extension() == ".jinja") {
      request["sources"][entry.path().stem().string()] = ReadFileOrDie(entry.path().string());
    }
  }
  request["conversations"] = Json::parse(ReadFileOrDie("tests/text/templates/conversations.json"));
  for (const auto& [name, token] : kTokens) request["tokens"][name] = token;
  return request;
}

// `expected` is what render_chats.py printed. Where the reference raises, ours may give a text
// instead: minijinja forgives some operations on undefined values. It must never give another text.
void ExpectEqualToTransformers(const Json& request, const Json& expected) {
  const ManualClock clock(
      absl::FromCivil(absl::CivilSecond(2026, 11, 24, 12, 0, 0), absl::LocalTimeZone()));
  int equal = 0, more = 0;
  for (const auto& [name, source] : request["sources"].items()) {
    ASSERT_OK_AND_ASSIGN(auto chat,
                         ChatTemplate::Compile(source.get<std::string>(), name, kTokens, clock));
    for (size_t i = 0; i < request["conversations"].size(); ++i) {
      const Json& conversation = request["conversations"][i];
      for (const bool prompt : {false, true}) {
        ChatRenderOptions options{.add_generation_prompt = prompt};
        if (conversation.contains("variables")) options.variables = conversation["variables"];
        const auto text = chat->Render(conversation["messages"], options);
        const Json& want = expected[name][i][prompt ? 1 : 0];
        if (want.is_null()) {
          if (text.ok()) {
            ++more;
            std::cout << "renders where transformers raises: " << name << ", conversation " << i
                      << "\n";
          }
          continue;
        }
        ASSERT_TRUE(text.ok()) << name << ", conversation " << i << ": " << text.status();
        EXPECT_EQ(*text, want.get<std::string>()) << name << ", conversation " << i;
        ++equal;
      }
    }
  }
  std::cout << equal << " renders equal, " << more << " where only ours renders\n";
  EXPECT_GT(equal, 200);
}

TEST(ChatTemplateTest, TheGoldenRendersAreAsInTransformers) {
  ExpectEqualToTransformers(Request(), Json::parse(ReadFileOrDie("tests/text/golden/chats.json")));
}

TEST(ChatTemplateTest, EveryRenderIsAsInTransformers) {
  SKIP_WITHOUT_ORACLE();
  const Json request = Request();
  ExpectEqualToTransformers(request, Json::parse(*RunOracle("render_chats.py", request.dump())));
}

// Other people's templates are not in this repository: point PLUMBLINE_CHAT_TEMPLATES at a folder
// of *.jinja files.
TEST(ChatTemplateTest, ForeignTemplatesAreAsInTransformers) {
  SKIP_WITHOUT_ORACLE();
  const char* folder = std::getenv("PLUMBLINE_CHAT_TEMPLATES");
  if (folder == nullptr)
    GTEST_SKIP() << "set PLUMBLINE_CHAT_TEMPLATES to a folder of chat templates";
  Json request = Request();
  request["sources"].clear();
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".jinja") {
      request["sources"][entry.path().stem().string()] = ReadFileOrDie(entry.path().string());
    }
  }
  ExpectEqualToTransformers(request, Json::parse(*RunOracle("render_chats.py", request.dump())));
}

}  // namespace
}  // namespace plumbline
