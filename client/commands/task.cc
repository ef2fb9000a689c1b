#include <yaml-cpp/yaml.h>

#include <filesystem>
#include <iostream>
#include <set>

#include "client/commands/command.h"

namespace plumbline::client {
namespace {

void PrintTasks(const CommandContext& context, const v1::ListTasksResponse& response) {
  if (context.json()) {
    std::cout << Dump(ToJson(response)["tasks"]) << "\n";
    return;
  }
  Table table(
      {"NAME", "CAPABILITY", "PROMPTS", "CHECKER", "PRIMARY METRIC", "VERSION", "DESCRIPTION"});
  table.AlignRight(2);
  for (const auto& t : response.tasks()) {
    table.AddRow({t.name(), t.capability(), std::to_string(t.prompts()), t.checker(),
                  t.metrics().empty() ? "-" : t.metrics(0), t.version().substr(0, 12),
                  OneLine(t.description(), 60)});
  }
  std::cout << table.ToString();
}

void PrintTask(const CommandContext& context, const v1::Task& t) {
  if (context.json()) {
    std::cout << Dump(ToJson(t)) << "\n";
    return;
  }
  Table table({"FIELD", "VALUE"});
  table.AddRow({"name", t.name()});
  table.AddRow({"version", t.version()});
  table.AddRow({"capability", t.capability()});
  table.AddRow({"description", t.description()});
  table.AddRow({"output type", t.output_type()});
  table.AddRow({"checker", t.checker()});
  table.AddRow({"prompts", std::to_string(t.prompts())});
  table.AddRow({"samples a prompt", std::to_string(t.samples())});
  std::string metrics;
  for (const auto& metric : t.metrics()) metrics += (metrics.empty() ? "" : ", ") + metric;
  table.AddRow({"metrics", metrics});
  std::cout << table.ToString();
}

// The data files a task file names below dataset_kwargs.data_files: a text, a list, or either of
// them by split.
void CollectDataFiles(const YAML::Node& node, std::set<std::string>& names) {
  if (node.IsScalar()) names.insert(node.as<std::string>());
  if (node.IsSequence() || node.IsMap()) {
    for (const auto& entry : node) CollectDataFiles(node.IsMap() ? entry.second : entry, names);
  }
}

// The task file and the data files beside it. The server validates them; here only what cannot be
// read is an error.
bool CollectFiles(CommandContext& context, const std::string& path,
                  v1::UploadTaskRequest& request) {
  const auto content = ReadFileOrFail(context, path);
  if (!content) return false;
  const std::filesystem::path file(path);
  auto* first = request.add_files();
  first->set_name(file.filename().string());
  first->set_content(*content);
  if (file.extension() != ".yaml" && file.extension() != ".yml") return true;
  std::set<std::string> names;
  try {
    const YAML::Node root = YAML::Load(*content);
    if (root.IsMap() && root["dataset_kwargs"] && root["dataset_kwargs"].IsMap() &&
        root["dataset_kwargs"]["data_files"]) {
      CollectDataFiles(root["dataset_kwargs"]["data_files"], names);
    }
  } catch (const YAML::Exception& error) {
    context.Fail(path + ": " + error.what());
    return false;
  }
  for (const std::string& name : names) {
    const auto data = ReadFileOrFail(context, (file.parent_path() / name).string());
    if (!data) return false;
    auto* added = request.add_files();
    added->set_name(name);
    added->set_content(*data);
  }
  return true;
}

}  // namespace

void AddTaskCommands(CLI::App& app, CommandContext& context) {
  CLI::App* task = app.add_subcommand("task", "Evaluation tasks")->require_subcommand(1);

  task->add_subcommand("list", "List the tasks")->callback([&context] {
    v1::ListTasksResponse response;
    if (context.Call("list tasks", [&](grpc::ClientContext* c) {
          return context.connection().tasks().ListTasks(c, v1::ListTasksRequest(), &response);
        })) {
      PrintTasks(context, response);
    }
  });

  auto name = std::make_shared<std::string>();
  CLI::App* get = task->add_subcommand("get", "One task");
  get->add_option("name", *name)->required();
  get->callback([&context, name] {
    v1::GetTaskRequest request;
    request.set_name(*name);
    v1::Task response;
    if (context.Call("get task \"" + *name + "\"", [&](grpc::ClientContext* c) {
          return context.connection().tasks().GetTask(c, request, &response);
        })) {
      PrintTask(context, response);
    }
  });

  auto path = std::make_shared<std::string>();
  CLI::App* upload = task->add_subcommand(
      "upload", "Validate a task file with its data and publish it on the server");
  upload->footer(
      "The form of a task file is in docs/tasks.md; IFEval's own JSONL is accepted unchanged.\n"
      "Example:\n  plumbline task upload my_task.yaml");
  upload->add_option("file", *path, "Task file (.yaml or .jsonl)")->required();
  upload->callback([&context, path] {
    v1::UploadTaskRequest request;
    if (!CollectFiles(context, *path, request)) return;
    v1::Task response;
    if (context.Call("upload task " + *path, [&](grpc::ClientContext* c) {
          return context.connection().tasks().UploadTask(c, request, &response);
        })) {
      PrintTask(context, response);
    }
  });

  auto doomed = std::make_shared<std::string>();
  CLI::App* remove =
      task->add_subcommand("delete", "Take an uploaded task away; jobs that pinned it keep it");
  remove->add_option("name", *doomed)->required();
  remove->callback([&context, doomed] {
    v1::DeleteTaskRequest request;
    request.set_name(*doomed);
    v1::DeleteTaskResponse response;
    context.Call("delete task \"" + *doomed + "\"", [&](grpc::ClientContext* c) {
      return context.connection().tasks().DeleteTask(c, request, &response);
    });
  });
}

}  // namespace plumbline::client
