#include <iostream>

#include "client/commands/command.h"
#include "core/eval/task_file.h"

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

// The task file and the data files it names, read on this machine; the server validates them.
bool CollectFiles(CommandContext& context, const std::string& path,
                  v1::UploadTaskRequest& request) {
  const absl::StatusOr<TaskBundle> bundle = ReadTaskBundle(path);
  if (!bundle.ok()) {
    context.Fail(std::string(bundle.status().message()));
    return false;
  }
  const auto add = [&request](const std::string& name, const std::string& content) {
    auto* file = request.add_files();
    file->set_name(name);
    file->set_content(content);
  };
  add(bundle->file, bundle->files.at(bundle->file));
  for (const auto& [name, content] : bundle->files) {
    if (name != bundle->file) add(name, content);
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

  AddTaskLintCommand(*task, context);

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
