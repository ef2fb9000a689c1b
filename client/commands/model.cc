#include <iostream>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

void PrintModels(const CommandContext& context, const v1::ListModelsResponse& response) {
  if (context.json()) {
    std::cout << Dump(ToJson(response)["models"]) << "\n";
    return;
  }
  Table table(
      {"NAME", "ARCHITECTURE", "PARAMETERS", "DTYPE", "DEVICE", "CONTEXT", "SLOTS", "PATH"});
  for (const auto& m : response.models()) {
    table.AddRow({m.name(), m.architecture(), std::to_string(m.parameters()), m.numerics().dtype(),
                  m.numerics().device(), std::to_string(m.context_length()),
                  std::to_string(m.kv_slots()), m.path()});
  }
  table.AlignRight(2);
  std::cout << table.ToString();
}

void PrintModel(const CommandContext& context, const v1::Model& m) {
  if (!context.quiet) {
    for (const auto& warning : m.warnings()) std::cerr << "warning: " << warning << "\n";
  }
  if (context.json()) {
    std::cout << Dump(ToJson(m)) << "\n";
    return;
  }
  Table table({"FIELD", "VALUE"});
  table.AddRow({"name", m.name()});
  table.AddRow({"architecture", m.architecture()});
  table.AddRow({"path", m.path()});
  table.AddRow({"version", m.version()});
  table.AddRow({"parameters", std::to_string(m.parameters())});
  table.AddRow({"numerics",
                m.numerics().device() + ", " + m.numerics().dtype() + ", " + m.numerics().mode()});
  table.AddRow({"weights", FormatBytes(m.weight_bytes())});
  table.AddRow({"kv cache", FormatBytes(m.kv_cache_bytes()) + ", " +
                                std::to_string(m.kv_used_tokens()) + " of " +
                                std::to_string(m.kv_capacity_tokens()) + " tokens used"});
  table.AddRow({"slots", std::to_string(m.kv_slots()) + ", " +
                             std::to_string(m.running_sequences()) + " running, " +
                             std::to_string(m.waiting_sequences()) + " waiting"});
  const auto& adapters = m.adapter_memory();
  std::string budget;
  if (adapters.max_bytes() > 0) budget = " of " + FormatBytes(adapters.max_bytes());
  if (adapters.max_resident() > 0) {
    budget += ", at most " + std::to_string(adapters.max_resident());
  }
  table.AddRow({"adapters packed", std::to_string(adapters.resident()) + " (" +
                                       std::to_string(adapters.pinned()) + " in use), " +
                                       FormatBytes(adapters.bytes()) + budget});
  table.AddRow({"adapters evicted", std::to_string(adapters.evictions()) + ", packed again " +
                                        std::to_string(adapters.repacks())});
  table.AddRow({"context", std::to_string(m.context_length()) + " tokens"});
  table.AddRow({"vocabulary", std::to_string(m.vocabulary_size())});
  table.AddRow({"threads", std::to_string(m.threads())});
  table.AddRow({"chat template", m.has_chat_template() ? "yes" : "no"});
  std::cout << table.ToString();
}

}  // namespace

void AddModelCommands(CLI::App& app, CommandContext& context) {
  CLI::App* model = app.add_subcommand("model", "Hosted models")->require_subcommand(1);

  model->add_subcommand("list", "List the hosted models")->callback([&context] {
    v1::ListModelsResponse response;
    if (context.Call("list models", [&](grpc::ClientContext* c) {
          return context.connection().models().ListModels(c, v1::ListModelsRequest(), &response);
        })) {
      PrintModels(context, response);
    }
  });

  auto get_request = std::make_shared<v1::GetModelRequest>();
  CLI::App* get = model->add_subcommand("get", "What runs: family, parameters, memory, numerics");
  get->add_option_function<std::string>(
         "name", [get_request](const std::string& v) { get_request->set_name(v); })
      ->required();
  get->callback([&context, get_request] {
    v1::Model response;
    if (context.Call("get model \"" + get_request->name() + "\"", [&](grpc::ClientContext* c) {
          return context.connection().models().GetModel(c, *get_request, &response);
        })) {
      PrintModel(context, response);
    }
  });

  auto load_request = std::make_shared<v1::LoadModelRequest>();
  CLI::App* load =
      model->add_subcommand("load", "Load a Hugging Face checkpoint directory under a name");
  load->footer(
      "Example:\n  plumbline model load qwen ~/models/Qwen2.5-0.5B-Instruct --dtype bfloat16");
  load->add_option_function<std::string>(
          "name", [load_request](const std::string& v) { load_request->set_name(v); })
      ->required();
  load->add_option_function<std::string>(
          "directory",
          [load_request](const std::string& v) { load_request->set_path(AbsolutePath(v)); })
      ->required();
  load->add_option_function<std::string>(
      "--dtype", [load_request](const std::string& v) { load_request->set_dtype(v); },
      "auto (the checkpoint's own), float32 or bfloat16");
  load->add_option_function<std::string>(
      "--device", [load_request](const std::string& v) { load_request->set_device(v); },
      "cpu or cuda:N");
  load->add_option_function<int>(
      "--max-batch", [load_request](const int& v) { load_request->set_max_batch(v); },
      "Rows decoded together");
  load->add_option_function<int64_t>(
          "--kv-cache-bytes",
          [load_request](const int64_t& v) { load_request->set_kv_cache_bytes(v); },
          "Budget of the KV cache, e.g. 512MiB or 2GiB")
      ->transform(CLI::AsSizeValue(false))  // as plumblined's
      ->check(AtLeast(0));
  load->callback([&context, load_request] {
    v1::Model response;
    if (context.Call("load model \"" + load_request->name() + "\"", [&](grpc::ClientContext* c) {
          return context.connection().models().LoadModel(c, *load_request, &response);
        })) {
      PrintModel(context, response);
    }
  });

  auto unload_request = std::make_shared<v1::UnloadModelRequest>();
  CLI::App* unload = model->add_subcommand("unload", "Stop hosting a model");
  unload
      ->add_option_function<std::string>(
          "name", [unload_request](const std::string& v) { unload_request->set_name(v); })
      ->required();
  unload->callback([&context, unload_request] {
    v1::UnloadModelResponse response;
    context.Call("unload model \"" + unload_request->name() + "\"", [&](grpc::ClientContext* c) {
      return context.connection().models().UnloadModel(c, *unload_request, &response);
    });
  });
}

}  // namespace plumbline::client
