// `plumbline plan`: what a suite of this size can find, and how large it must be to find what is
// wanted. Needs no server.
#include "core/eval/stats/plan.h"

#include <cmath>
#include <iostream>
#include <optional>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

struct Arguments {
  std::optional<int64_t> prompts;
  std::optional<double> effect;
  std::optional<double> margin;
  PlanOptions options;
};

// One line of the answer: what was asked, and the figure or why there is none.
struct Answer {
  std::string name;
  std::string sentence;
  absl::StatusOr<double> value;
};

absl::StatusOr<double> AsDouble(const absl::StatusOr<int64_t>& count) {
  if (!count.ok()) return count.status();
  return static_cast<double>(*count);
}

std::vector<Answer> AnswerAll(const Arguments& arguments) {
  std::vector<Answer> answers;
  if (arguments.prompts.has_value()) {
    answers.push_back({"minimum_detectable_effect",
                       "smallest difference that this many prompts find",
                       MinimumDetectableEffect(*arguments.prompts, arguments.options)});
  }
  if (arguments.effect.has_value()) {
    answers.push_back({"required_prompts", "prompts needed to find this difference",
                       AsDouble(RequiredPrompts(*arguments.effect, arguments.options))});
  }
  if (arguments.margin.has_value()) {
    answers.push_back(
        {"required_prompts_for_margin",
         "prompts needed to show an equal adapter is not worse by this margin",
         AsDouble(RequiredPromptsForNonInferiority(*arguments.margin, 0, arguments.options))});
  }
  return answers;
}

bool IsCount(double value) { return value == std::floor(value) && value >= 1; }

std::string FormatAnswer(double value) {
  return IsCount(value) ? std::to_string(static_cast<int64_t>(value)) : FormatScore(value);
}

void Plan(CommandContext& context, const Arguments& arguments) {
  const std::vector<Answer> answers = AnswerAll(arguments);
  if (answers.empty()) return context.Fail("give --prompts, --effect or --margin", kExitUsage);
  nlohmann::ordered_json json = {{"discordant", arguments.options.discordant},
                                 {"alpha", arguments.options.alpha},
                                 {"comparisons", arguments.options.comparisons},
                                 {"power", arguments.options.power}};
  Table table({"QUESTION", "ANSWER"});
  for (const Answer& answer : answers) {
    if (answer.value.ok()) {
      if (IsCount(*answer.value)) {
        json[answer.name] = static_cast<int64_t>(*answer.value);
      } else {
        json[answer.name] = *answer.value;
      }
      table.AddRow({answer.sentence, FormatAnswer(*answer.value)});
    } else {
      context.Fail(answer.sentence + ": " + std::string(answer.value.status().message()));
    }
  }
  if (context.exit_code == kExitPass)
    std::cout << (context.json() ? Dump(json) + "\n" : table.ToString());
}

}  // namespace

void AddPlanCommand(CLI::App& app, CommandContext& context) {
  auto arguments = std::make_shared<Arguments>();
  auto& options = arguments->options;
  CLI::App* plan = app.add_subcommand(
      "plan", "How many prompts a question needs, and what the prompts at hand can answer");
  plan->footer(
      "All of it for an adapter against its base on the same prompts; differences are shares (0.05 "
      "is five points).\n"
      "Examples:\n"
      "  plumbline plan --prompts 541                    # what IFEval can find\n"
      "  plumbline plan --effect 0.02 --discordant 0.10  # prompts needed to see two points");
  plan->add_option("-n,--prompts", arguments->prompts,
                   "Prompts at hand: prints the minimum detectable effect");
  plan->add_option("--effect", arguments->effect,
                   "A difference to be found: prints the prompts needed");
  plan->add_option("--margin", arguments->margin,
                   "A non-inferiority margin: prints the prompts needed");
  plan->add_option("--discordant", options.discordant,
                   "Share of prompts that flip between the two; (gained + lost) / pairs of an "
                   "earlier report")
      ->capture_default_str();
  plan->add_option("--alpha", options.alpha, "Two-sided level")->capture_default_str();
  plan->add_option("--comparisons", options.comparisons,
                   "Tests in one family: the tasks of the suite")
      ->capture_default_str();
  plan->add_option("--power", options.power, "Chance to find the effect if it is there")
      ->capture_default_str();
  plan->callback([&context, arguments] { Plan(context, *arguments); });
}

}  // namespace plumbline::client
