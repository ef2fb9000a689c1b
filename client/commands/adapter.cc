#include <iostream>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

constexpr size_t kShortVersion = 12;

void PrintAdapter(const CommandContext& context, const v1::Adapter& a) {
  if (context.json()) {
    std::cout << Dump(ToJson(a)) << "\n";
    return;
  }
  const auto& report = a.report();
  Table table({"FIELD", "VALUE"});
  table.AddRow({"alias", a.alias()});
  table.AddRow({"model", a.model()});
  table.AddRow({"version", a.version()});
  table.AddRow({"label", a.nominal_target().empty() ? "-" : a.nominal_target()});
  table.AddRow({"source", a.source_path()});
  table.AddRow({"tensors applied", std::to_string(report.tensors_applied()) + " of " +
                                       std::to_string(report.tensors_in_file())});
  table.AddRow({"modules", std::to_string(report.modules_size())});
  table.AddRow(
      {"canary logits change by", "up to " + std::to_string(report.canary_max_abs_logit_change())});
  table.AddRow({"base restored bit for bit", report.base_restored_bitwise() ? "yes" : "no"});
  table.AddRow({"memory", FormatBytes(a.bytes()) + ", " + std::to_string(a.pins()) + " holders"});
  std::cout << table.ToString() << "\n";
  Table modules({"MODULE", "KIND", "RANK", "ALPHA", "SCALING", "IN", "OUT", "DELTA NORM"});
  for (size_t i = 2; i < 8; ++i) modules.AlignRight(i);
  for (const auto& m : report.modules()) {
    modules.AddRow({m.module(), m.kind(), std::to_string(m.rank()), FormatScore(m.alpha()),
                    FormatScore(m.scaling()), std::to_string(m.in_features()),
                    std::to_string(m.out_features()), FormatScore(m.delta_norm())});
  }
  std::cout << modules.ToString();
  for (const auto& warning : report.warnings()) std::cerr << "warning: " << warning << "\n";
}

void PrintAdapters(const CommandContext& context, const v1::ListAdaptersResponse& response) {
  if (context.json()) {
    std::cout << Dump(ToJson(response)["adapters"]) << "\n";
    return;
  }
  Table table({"MODEL", "ALIAS", "LABEL", "VERSION", "MODULES", "MEMORY", "HOLDERS"});
  for (const auto& a : response.adapters()) {
    table.AddRow({a.model(), a.alias().empty() ? "-" : a.alias(),
                  a.nominal_target().empty() ? "-" : a.nominal_target(),
                  a.version().substr(0, kShortVersion), std::to_string(a.report().modules_size()),
                  FormatBytes(a.bytes()), std::to_string(a.pins())});
  }
  std::cout << table.ToString();
}

void AddLoad(CLI::App& adapter, CommandContext& context) {
  auto request = std::make_shared<v1::LoadAdapterRequest>();
  CLI::App* load =
      adapter.add_subcommand("load", "Load, prove and publish a PEFT adapter under an alias");
  load->footer(
      "An alias in use is swapped: running jobs keep the version they pinned.\n"
      "Example:\n  plumbline adapter load support ./adapters/support-v7 --label "
      "instruction_following");
  load->add_option_function<std::string>("alias",
                                         [request](const std::string& v) { request->set_alias(v); })
      ->required();
  load->add_option_function<std::string>(
          "directory", [request](const std::string& v) { request->set_path(AbsolutePath(v)); })
      ->required();
  load->add_option_function<std::string>(
      "-m,--model", [request](const std::string& v) { request->set_model(v); },
      "Default: the only one hosted");
  load->add_option_function<std::string>(
      "--label,--nominal-target",
      [request](const std::string& v) { request->set_nominal_target(v); },
      "The capability its label claims, e.g. instruction_following or numeric");
  load->callback([&context, request] {
    const auto model = ModelOrOnlyOne(context, request->model());
    if (!model) return;
    request->set_model(*model);
    v1::LoadAdapterResponse response;
    if (context.Call("load adapter \"" + request->alias() + "\"", [&](grpc::ClientContext* c) {
          return context.connection().adapters().LoadAdapter(c, *request, &response);
        })) {
      PrintAdapter(context, response.adapter());
    }
  });
}

}  // namespace

void AddAdapterCommands(CLI::App& app, CommandContext& context) {
  CLI::App* adapter = app.add_subcommand("adapter", "LoRA adapters")->require_subcommand(1);
  AddLoad(*adapter, context);

  auto list_request = std::make_shared<v1::ListAdaptersRequest>();
  CLI::App* list = adapter->add_subcommand("list", "List the resident adapter versions");
  list->add_option_function<std::string>(
      "-m,--model", [list_request](const std::string& v) { list_request->set_model(v); },
      "Only of this model");
  list->callback([&context, list_request] {
    v1::ListAdaptersResponse response;
    if (context.Call("list adapters", [&](grpc::ClientContext* c) {
          return context.connection().adapters().ListAdapters(c, *list_request, &response);
        })) {
      PrintAdapters(context, response);
    }
  });

  auto get_request = std::make_shared<v1::GetAdapterRequest>();
  CLI::App* get = adapter->add_subcommand("get", "One adapter with its admission report");
  get->add_option_function<std::string>(
         "alias", [get_request](const std::string& v) { get_request->set_alias(v); })
      ->required();
  get->add_option_function<std::string>(
      "-m,--model", [get_request](const std::string& v) { get_request->set_model(v); },
      "Default: the only one hosted");
  get->callback([&context, get_request] {
    const auto model = ModelOrOnlyOne(context, get_request->model());
    if (!model) return;
    get_request->set_model(*model);
    v1::Adapter response;
    if (context.Call("get adapter \"" + get_request->alias() + "\"", [&](grpc::ClientContext* c) {
          return context.connection().adapters().GetAdapter(c, *get_request, &response);
        })) {
      PrintAdapter(context, response);
    }
  });

  auto unload_request = std::make_shared<v1::UnloadAdapterRequest>();
  CLI::App* unload = adapter->add_subcommand(
      "unload", "Take an alias away; running jobs keep the version they pinned");
  unload
      ->add_option_function<std::string>(
          "alias", [unload_request](const std::string& v) { unload_request->set_alias(v); })
      ->required();
  unload->add_option_function<std::string>(
      "-m,--model", [unload_request](const std::string& v) { unload_request->set_model(v); },
      "Default: the only one hosted");
  unload->callback([&context, unload_request] {
    const auto model = ModelOrOnlyOne(context, unload_request->model());
    if (!model) return;
    unload_request->set_model(*model);
    v1::UnloadAdapterResponse response;
    context.Call("unload adapter \"" + unload_request->alias() + "\"", [&](grpc::ClientContext* c) {
      return context.connection().adapters().UnloadAdapter(c, *unload_request, &response);
    });
  });
}

}  // namespace plumbline::client
