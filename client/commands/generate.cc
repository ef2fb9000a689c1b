#include <iostream>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

struct Arguments {
  v1::GenerateRequest request;
  TextArgument prompt;
  std::vector<std::string> adapters;
  std::vector<std::string> stop;
};

std::string FinishName(v1::FinishReason reason) {
  return reason == v1::FINISH_REASON_LENGTH ? "token limit" : "stop";
}

void PrintResponse(const CommandContext& context, const v1::GenerateResponse& response) {
  for (const auto& result : response.results()) {
    if (context.json()) {
      nlohmann::ordered_json json = {{"model", response.model()}};
      json.update(ToJson(result));
      json["numerics"] = ToJson(response.numerics());
      std::cout << Dump(json, false) << "\n";
      continue;
    }
    std::cout << "--- " << (result.adapter().empty() ? "base" : result.adapter()) << " ("
              << result.completion_tokens() << " tokens, " << FinishName(result.finish_reason())
              << ")\n"
              << result.text() << "\n";
  }
}

void Generate(CommandContext& context, Arguments& arguments) {
  auto& request = arguments.request;
  const auto prompt = TextOrFail(context, "prompt", arguments.prompt);
  if (!prompt) return;
  request.set_prompt(*prompt);
  const auto model = ModelOrOnlyOne(context, request.model());
  if (!model) return;
  request.set_model(*model);
  for (const auto& adapter : arguments.adapters) request.add_adapters(adapter);
  for (const auto& stop : arguments.stop) request.mutable_decoding()->add_stop(stop);
  v1::GenerateResponse response;
  if (context.Call("generate", [&](grpc::ClientContext* c) {
        return context.connection().models().Generate(c, request, &response);
      })) {
    PrintResponse(context, response);
  }
}

}  // namespace

void AddGenerateCommand(CLI::App& app, CommandContext& context) {
  auto arguments = std::make_shared<Arguments>();
  auto* decoding = arguments->request.mutable_decoding();
  auto& request = arguments->request;
  CLI::App* generate =
      app.add_subcommand("generate", "One prompt through the base and adapters, side by side");
  generate->footer(
      "With -o json one object a line for each subject, the base first:\n"
      "  {model, adapter, adapter_version, text, finish_reason, prompt_tokens, completion_tokens, "
      "numerics}; adapter is \"\" for the base.\n"
      "Example:\n  plumbline generate \"Name three rivers. Use no commas.\" --adapter support "
      "--adapter math");
  AddTextArgument(*generate, "prompt", "prompt", arguments->prompt);
  generate->add_option_function<std::string>(
      "-m,--model", [&request](const std::string& v) { request.set_model(v); },
      "Default: the only one hosted");
  generate
      ->add_option("-a,--adapter", arguments->adapters,
                   "Alias or version; repeat or list with commas")
      ->delimiter(',');
  generate->add_flag_function(
      "--raw", [&request](int64_t) { request.set_raw_prompt(true); },
      "The text as it is, without the chat template");
  generate->add_option_function<int>(
      "-n,--max-new-tokens", [decoding](const int& v) { decoding->set_max_new_tokens(v); },
      "Default 256");
  generate->add_option_function<double>(
      "--temperature", [decoding](const double& v) { decoding->set_temperature(v); },
      "0 (default): greedy");
  generate->add_option_function<int>("--top-k",
                                     [decoding](const int& v) { decoding->set_top_k(v); });
  generate->add_option_function<double>("--top-p",
                                        [decoding](const double& v) { decoding->set_top_p(v); });
  generate->add_option_function<uint64_t>("--seed",
                                          [decoding](const uint64_t& v) { decoding->set_seed(v); });
  generate->add_option("--stop", arguments->stop, "Cut the text before this; repeat for more");
  generate->callback([&context, arguments] { Generate(context, *arguments); });
}

}  // namespace plumbline::client
