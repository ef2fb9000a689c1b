#include "core/text/template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "absl/time/clock.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"
#include "tests/text/oracle.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::ordered_json;

absl::StatusOr<std::string> Render(const std::string& source, const Json& variables,
                                   TemplateOptions options = {}) {
  auto compiled = TextTemplate::Compile(source, "task.yaml", options);
  if (!compiled.ok()) return compiled.status();
  return (*compiled)->Render(variables);
}

TEST(TextTemplateTest, ATaskTemplateKeepsItsWhitespaceAndRefusesUnknownVariables) {
  EXPECT_THAT(Render("{% if a %}\n  {{ a }}\n{% endif %}\n", {{"a", 1}}),
              IsOkAndHolds("\n  1\n\n"));
  EXPECT_THAT(Render("line\n{{ missing }}", Json::object()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("task.yaml:2: ")));
  EXPECT_THAT(Render("{{ row.missing }}", {{"row", Json::object()}}), testing::Not(IsOk()));
  // Jinja2's StrictUndefined leaves an `if` without `else` alone.
  EXPECT_THAT(Render("[{{ a if a is defined }}]", Json::object()), IsOkAndHolds("[]"));
}

TEST(TextTemplateTest, ARunawayTemplateEnds) {
  const std::string loops =
      "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
  const absl::Time start = absl::Now();
  EXPECT_THAT(Render(loops, Json::object()),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("task.yaml")));
  EXPECT_THAT(Render("{{ 'x' * 999999999999 }}", Json::object()), testing::Not(IsOk()));
  EXPECT_THAT(Render("{% macro f(x) %}{{ f(x) }}{% endmacro %}{{ f(1) }}", Json::object()),
              testing::Not(IsOk()));
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
  EXPECT_THAT(
      Render("{% for a in range(1000) %}{{ a }}{% endfor %}", Json::object(), {.fuel = 100}),
      StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(TextTemplateTest, ADeeplyNestedValueEndsInAnErrorNotInAStackOverflow) {
  const std::string nest =
      "{% set ns = namespace(x=[]) %}{% for i in range(100) %}{% for j in range(1000) %}"
      "{% set ns.x = [ns.x] %}{% endfor %}{% endfor %}";
  EXPECT_THAT(Render(nest + "done", Json::object()), IsOkAndHolds("done"));
  EXPECT_THAT(Render(nest + "{{ ns.x }}", Json::object()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nested deeper")));
  EXPECT_THAT(Render(nest + "{{ ns.x | tojson }}", Json::object()),
              StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("nested deeper")));
  EXPECT_THAT(Render(nest + "{{ ns.x == [ns.x] }}", Json::object()), IsOkAndHolds("False"));
  EXPECT_THAT(
      Render("{% set ns = namespace(x=[]) %}{% for i in range(99) %}{% for j in range(99999) %}"
             "{% set ns.x = [ns.x] %}{% endfor %}{% endfor %}",
             Json::object()),
      StatusIs(absl::StatusCode::kResourceExhausted));
}

TEST(TextTemplateTest, ACatastrophicPatternEnds) {
  const Json doc = {{"text", std::string(200, 'a') + "!"}};
  const absl::Time start = absl::Now();
  EXPECT_THAT(Render("{{ text | regex_replace('(?=(a+)+$)b', '') }}", doc), testing::Not(IsOk()));
  EXPECT_LT(absl::Now() - start, absl::Seconds(20));
}

TEST(TextTemplateTest, ATemplateIsSharedByThreads) {
  ASSERT_OK_AND_ASSIGN(auto compiled, TextTemplate::Compile("{{ n }}", "t"));
  std::vector<std::thread> threads;
  std::vector<int> wrong(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i)
        wrong[t] += compiled->Render(Json{{"n", i}}).value() != std::to_string(i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(wrong, testing::Each(0));
}

// [template, document] pairs in the ways task files use them.
Json Cases() {
  const Json doc = {{"question", "What is 2 + 2? "},
                    {"choices", {{"text", {"3", "4", "5"}}, {"label", {"A", "B", "C"}}}},
                    {"answerKey", "B"},
                    {"answer", 1},
                    {"ctx_a", "A man"},
                    {"ctx_b", "walks"},
                    {"activity_label", "Walking"},
                    {"endings", {"x [title] y", "z  [note] w"}},
                    {"passage", "<p>It's \"fine\" & good</p>\r\n"},
                    {"score", 0.5},
                    {"big", 1e16},
                    {"flag", true},
                    {"nothing", nullptr},
                    {"unicode", "naïve 日本 🎉"},
                    {"table", {{{"k", 1}, {"j", "v"}}, {{"k", 2}, {"j", "w"}}}},
                    {"solution", "so #### 1,234"}};
  Json cases = Json::array();
  for (const char* source :
       {"Question: {{question}}\nAnswer:",
        "{{question.strip()}}\n",
        "{{ choices.text[answer] }}",
        "{{choices.label.index(answerKey)}}",
        "{% for t in choices.text %}{{ choices.label[loop.index0] }}. {{ t }}\n{% endfor %}Answer:",
        "{{ passage }}",
        "{{ passage | trim }}",
        "{{ passage | tojson }}",
        "{{ table | tojson }}",
        "{{ table | tojson(indent=2) }}",
        "{{ unicode | tojson }}",
        "{{ score }} {{ big }} {{ flag }} {{ nothing }}",
        "{{ table }}",
        "{{ choices }}",
        "{{ missing }}",
        "{{ missing | default('d') }}",
        "{% if missing is defined %}a{% else %}b{% endif %}",
        "{{ choices.nothing }}",
        "{{ ctx_a ~ ' ' ~ ctx_b | capitalize }}",
        "{{ activity_label }}: {{ ctx_a }} {{ ctx_b.capitalize() }}",
        "{{ endings | map('replace', ' [title]', '. ') | list }}",
        "{{ endings[0] | regex_replace('\\\\[.*?\\\\]', '') }}",
        "{{ solution | regex_replace('.*#### ', '') }}",
        "{{ solution | regex_replace('([0-9]),([0-9])', '\\\\1\\\\2') }}",
        "{{ solution | regex_replace('(?P<a>[a-z]+)', '<\\\\g<a>>', count=1) }}",
        "{{ solution | regex_replace('$', '!') }}",
        "{{ solution.split('####')[-1].strip() }}",
        "{{ solution[-5:] }}",
        "{{ 'yes' if flag else 'no' }}",
        "{{ ['a', 'b'][answer] }}",
        "{{ choices.text | length }} {{ choices.text | join(', ') }}",
        "{%- if flag -%}\n  x\n{%- endif %}\n\n",
        "{% if flag %}\nx\n{% endif %}\n",
        "{{ 1/0 }}",
        "{{ question | upper | replace('W', 'w') }}",
        "{{ nothing is none }} {{ nothing is iterable }} {{ score is number }}",
        "{% set x = 3 %}{{ x * 2 }} {{ x ** 2 }} {{ x / 2 }} {{ x // 2 }}",
        "{{ {'a': 1, 'b': [1.0, none]} }}",
        "{{ question[:4] }}{{ question[::-1] }}",
        "{{ table | map(attribute='k') | sum }} {{ table | selectattr('k', 'gt', 1) | "
        "map(attribute='j') | first }}",
        "{{ '%s' }}",
        "{% raw %}{{ x }}{% endraw %}",
        "{{ table | sort(attribute='k', reverse=true) | map(attribute='j') | join }}",
        "{{ score | round(1) }} {{ 2.675 | round(2) }} {{ answer | string }}"}) {
    cases.push_back({source, doc});
  }
  return cases;
}

void ExpectEqualToLmEval(const Json& cases, const Json& expected) {
  ASSERT_EQ(expected.size(), cases.size());
  for (size_t i = 0; i < cases.size(); ++i) {
    const std::string source = cases[i][0];
    const auto text = Render(source, cases[i][1]);
    if (expected[i].is_null()) {
      EXPECT_FALSE(text.ok()) << source << " renders " << *text;
    } else {
      EXPECT_THAT(text, IsOkAndHolds(expected[i].get<std::string>())) << source;
    }
  }
}

TEST(TextTemplateTest, TheGoldenRendersAreAsInLmEval) {
  ExpectEqualToLmEval(Cases(), Json::parse(ReadFileOrDie("tests/text/golden/tasks.json")));
}

TEST(TextTemplateTest, EveryRenderIsAsInLmEval) {
  SKIP_WITHOUT_ORACLE();
  const Json cases = Cases();
  const std::string output = *RunOracle("render_tasks.py", cases.dump());
  if (std::getenv("PLUMBLINE_WRITE_GOLDEN") != nullptr) {
    std::ofstream("tests/text/golden/tasks.json") << output;
  }
  ExpectEqualToLmEval(cases, Json::parse(output));
}

}  // namespace
}  // namespace plumbline
