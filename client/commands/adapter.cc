#include <iostream>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

constexpr size_t kShortVersion = 12;

void PrintAdapter(const CommandContext& context, const v1::Adapter& a) {
  const auto& report = a.report();
  if (!context.quiet) {
    for (const auto& warning : report.warnings()) std::cerr << "warning: " << warning << "\n";
  }
  if (context.json()) {
    std::cout << Dump(ToJson(a)) << "\n";
    return;
  }
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
      {"canary logits change by", "up to " + FormatSize(report.canary_max_abs_logit_change())});
  table.AddRow({"base restored bit for bit", report.base_restored_bitwise() ? "yes" : "no"});
  table.AddRow({"memory", FormatBytes(a.bytes()) + ", " + std::to_string(a.pins()) + " holders"});
  std::cout << table.ToString() << "\n";
  Table modules({"MODULE", "KIND", "RANK", "ALPHA", "SCALING", "IN", "OUT", "DELTA NORM"});
  for (size_t i = 2; i < 8; ++i) modules.AlignRight(i);
  for (const auto& m : report.modules()) {
    modules.AddRow({m.module(), m.kind(), std::to_string(m.rank()), FormatScore(m.alpha()),
                    FormatScore(m.scaling()), std::to_string(m.in_features()),
                    std::to_string(m.out_features()), FormatSize(m.delta_norm())});
  }
  std::cout << modules.ToString();
}

void PrintAdapters(const CommandContext& context, const v1::ListAdaptersResponse& response) {
  if (context.json()) {
    std::cout << Dump(ToJson(response)["adapters"]) << "\n";
    return;
  }
  Table table({"MODEL", "ALIAS", "LABEL", "VERSION", "MODULES", "MEMORY", "PACKED", "HOLDERS"});
  for (const auto& a : response.adapters()) {
    table.AddRow({a.model(), a.alias().empty() ? "-" : a.alias(),
                  a.nominal_target().empty() ? "-" : a.nominal_target(),
                  a.version().substr(0, kShortVersion), std::to_string(a.report().modules_size()),
                  FormatBytes(a.bytes()), a.resident() ? "yes" : "no", std::to_string(a.pins())});
  }
  std::cout << table.ToString();
}

void PrintFolder(CommandContext& context, const v1::LoadAdapterFolderResponse& response) {
  const int failed = response.results_size() - response.loaded();
  if (context.json()) {
    std::cout << Dump(ToJson(response)) << "\n";
  } else {
    Table table({"ALIAS", "VERSION", "REPLACES", "APPLIED", "MEMORY"});
    for (const auto& result : response.results()) {
      if (result.has_error()) continue;
      const v1::Adapter& a = result.adapter();
      table.AddRow(
          {result.alias(), a.version().substr(0, kShortVersion),
           result.previous_version().empty() ? "-"
                                             : result.previous_version().substr(0, kShortVersion),
           std::to_string(a.report().tensors_applied()) + " tensors", FormatBytes(a.bytes())});
    }
    std::cout << table.ToString() << response.loaded() << " of " << response.results_size()
              << " adapters loaded\n";
  }
  for (const auto& result : response.results()) {
    if (result.has_error()) PrintError(result.alias() + ": " + result.error().message());
  }
  if (failed > 0) context.exit_code = kExitError;
}

struct LoadFlags {
  v1::LoadAdapterRequest request;
  std::string folder;
};

void RunLoad(CommandContext& context, LoadFlags& flags) {
  v1::LoadAdapterRequest& request = flags.request;
  const bool one = !request.alias().empty() && !request.path().empty();
  if (one == !flags.folder.empty() || (!one && !request.alias().empty())) {
    context.Fail("give either ALIAS and DIRECTORY, or --folder DIR", kExitUsage);
    return;
  }
  const auto model = ModelOrOnlyOne(context, request.model());
  if (!model) return;
  if (one) {
    request.set_model(*model);
    v1::LoadAdapterResponse response;
    if (context.Call("load adapter \"" + request.alias() + "\"", [&](grpc::ClientContext* c) {
          return context.connection().adapters().LoadAdapter(c, request, &response);
        })) {
      PrintAdapter(context, response.adapter());
    }
    return;
  }
  v1::LoadAdapterFolderRequest all;
  all.set_model(*model);
  all.set_path(AbsolutePath(flags.folder));
  all.set_nominal_target(request.nominal_target());
  v1::LoadAdapterFolderResponse response;
  if (context.Call("load the adapters of " + flags.folder, [&](grpc::ClientContext* c) {
        return context.connection().adapters().LoadAdapterFolder(c, all, &response);
      })) {
    PrintFolder(context, response);
  }
}

void AddLoad(CLI::App& adapter, CommandContext& context) {
  auto flags = std::make_shared<LoadFlags>();
  CLI::App* load = adapter.add_subcommand(
      "load", "Load, prove and publish PEFT adapters: one, or a folder of them");
  load->footer(
      "An alias in use is swapped: running jobs keep the version they pinned.\n"
      "With --folder every sub-folder is an adapter and its name the alias; those that are refused "
      "are named\n"
      "on standard error, the others are loaded, and the exit code is 1.\n"
      "Examples:\n  plumbline adapter load support ./adapters/support-v7 --label "
      "instruction_following\n  plumbline adapter load --folder ./adapters");
  load->add_option_function<std::string>(
      "alias", [flags](const std::string& v) { flags->request.set_alias(v); });
  load->add_option_function<std::string>(
      "directory", [flags](const std::string& v) { flags->request.set_path(AbsolutePath(v)); });
  load->add_option("--folder", flags->folder, "Load each sub-folder under its own name");
  load->add_option_function<std::string>(
      "-m,--model", [flags](const std::string& v) { flags->request.set_model(v); },
      "Default: the only one hosted");
  load->add_option_function<std::string>(
      "--label,--nominal-target",
      [flags](const std::string& v) { flags->request.set_nominal_target(v); },
      "The capability its label claims, e.g. instruction_following or numeric");
  load->callback([&context, flags] { RunLoad(context, *flags); });
}

}  // namespace

void AddAdapterCommands(CLI::App& app, CommandContext& context) {
  CLI::App* adapter = app.add_subcommand("adapter", "LoRA adapters")->require_subcommand(1);
  AddLoad(*adapter, context);

  auto list_request = std::make_shared<v1::ListAdaptersRequest>();
  CLI::App* list = adapter->add_subcommand("list", "List the adapter versions there are");
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
