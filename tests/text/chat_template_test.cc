#include "core/text/chat_template.h"

#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

const Json kHello = Json::parse(R"([{"role": "user", "content": " Hi "}])");

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
}

TEST(ChatTemplateTest, AModelWithoutATemplateIsNotFound) {
  TempDir dir;
  EXPECT_THAT(ChatTemplate::Load(dir.path()),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("chat_template.jinja")));
}

}  // namespace
}  // namespace plumbline
