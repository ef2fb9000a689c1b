#include <iostream>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

struct Arguments {
  v1::ScoreRequest request;
  TextArgument text;
  std::vector<std::string> adapters;
};

nlohmann::ordered_json ResultToJson(const std::string& model,
                                    const v1::ScoreResponse::Result& result) {
  nlohmann::ordered_json json;
  json["model"] = model;
  json["adapter"] = result.adapter();
  json["tokens"] = nlohmann::ordered_json::array();
  for (const auto& token : result.tokens()) json["tokens"].push_back(ToJson(token));
  return json;
}

// One row a token, one column a subject.
void PrintTable(const v1::ScoreResponse& response) {
  std::vector<std::string> header = {"TOKEN", "TEXT"};
  for (const auto& result : response.results()) {
    const std::string name = result.adapter().empty() ? "base" : result.adapter();
    header.push_back("LOGPROB " + name);
    header.push_back("BEST " + name);
  }
  Table table(header);
  for (int i = 0; i < response.results(0).tokens_size(); ++i) {
    const auto& token = response.results(0).tokens(i);
    std::vector<std::string> row = {std::to_string(token.id()), OneLine(token.text(), 20)};
    for (const auto& result : response.results()) {
      const auto& t = result.tokens(i);
      row.push_back(t.has_logprob() ? FormatScore(t.logprob()) : "-");
      row.push_back(t.top().empty()
                        ? "-"
                        : OneLine(t.top(0).text(), 20) + " " + FormatScore(t.top(0).logprob()));
    }
    table.AddRow(row);
  }
  std::cout << table.ToString();
}

void Score(CommandContext& context, Arguments& arguments) {
  const auto text = TextOrFail(context, "text", arguments.text);
  if (!text) return;
  arguments.request.set_text(*text);
  const auto model = ModelOrOnlyOne(context, arguments.request.model());
  if (!model) return;
  arguments.request.set_model(*model);
  // "base" may be named like an adapter; the server always includes it and puts it first.
  bool want_base = arguments.adapters.empty();
  for (const auto& adapter : arguments.adapters) {
    if (adapter == "base") {
      want_base = true;
    } else {
      arguments.request.add_adapters(adapter);
    }
  }
  v1::ScoreResponse response;
  if (!context.Call("score", [&](grpc::ClientContext* c) {
        return context.connection().models().Score(c, arguments.request, &response);
      })) {
    return;
  }
  if (!context.json()) return PrintTable(response);
  for (const auto& result : response.results()) {
    if (result.adapter().empty() && !want_base) continue;
    std::cout << Dump(ResultToJson(response.model(), result), false) << "\n";
  }
}

}  // namespace

void AddScoreCommand(CLI::App& app, CommandContext& context) {
  auto arguments = std::make_shared<Arguments>();
  auto& request = arguments->request;
  CLI::App* score =
      app.add_subcommand("score", "Log-probability and best alternatives of every token of a text");
  score->footer(
      "With -o json one object a line for each subject asked for (the base when none is):\n"
      "  {model, adapter, tokens: [{id, text, logprob, top: [{id, text, logprob}]}]}; adapter is "
      "\"\" for the base.\n"
      "Examples:\n"
      "  plumbline score \"The capital of France is Paris.\" --adapter support --top 3\n"
      "  plumbline score --file text.txt --adapter base --adapter support -o json");
  AddTextArgument(*score, "text,--text", "text", arguments->text);
  score->add_option_function<std::string>(
      "-m,--model", [&request](const std::string& v) { request.set_model(v); },
      "Default: the only one hosted");
  score
      ->add_option("-a,--adapter", arguments->adapters,
                   "Alias, version or base; repeat or list with commas")
      ->delimiter(',');
  request.set_top(5);
  score->add_option_function<int>(
      "--top", [&request](const int& v) { request.set_top(v); },
      "Alternatives a token, 0 to 100; default 5");
  score->callback([&context, arguments] { Score(context, *arguments); });
}

}  // namespace plumbline::client
