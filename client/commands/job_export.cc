// `plumbline job export`: a job's report and verdicts in the layouts of other tools
// (core/eval/export, docs/exports.md).
#include <google/protobuf/util/time_util.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "client/commands/job_commands.h"
#include "core/eval/export/csv.h"
#include "core/eval/export/junit.h"
#include "core/eval/export/lm_eval.h"

namespace plumbline::client {
namespace {

struct Arguments {
  std::string job;
  std::string format;
  std::string out = "-";
};

ExportVerdict FromProto(const v1::Verdict& v) {
  ExportVerdict verdict;
  verdict.sequence = v.sequence();
  verdict.adapter = v.adapter();
  verdict.task = v.task();
  verdict.key = v.key();
  verdict.sample = v.sample();
  verdict.prompt = v.prompt();
  verdict.target = v.target();
  verdict.doc_target = v.doc_target();
  verdict.response = v.response();
  verdict.finish_reason = v.finish_reason() == v1::FINISH_REASON_STOP     ? "stop"
                          : v.finish_reason() == v1::FINISH_REASON_LENGTH ? "length"
                                                                          : "";
  verdict.prompt_tokens = v.prompt_tokens();
  verdict.completion_tokens = v.completion_tokens();
  for (const auto& o : v.observations())
    verdict.observations.push_back({o.metric(), o.successes(), o.trials(), o.among(), o.vote()});
  for (const auto& o : v.outcomes()) {
    verdict.outcomes.push_back(
        {o.id(), o.strict(), o.loose(), o.strict_fixed(), o.loose_fixed(), o.explanation()});
  }
  for (const auto& c : v.choices()) {
    verdict.choices.push_back(
        {c.context(), c.continuation(), c.log_likelihood(), c.is_greedy(), c.tokens()});
  }
  if (v.has_gold_choice()) verdict.gold_choice = v.gold_choice();
  for (const auto& f : v.filtered()) verdict.filtered.push_back({f.filter(), f.text()});
  verdict.doc = v.doc();
  verdict.group = v.group();
  verdict.extracted = v.extracted();
  verdict.checker = v.checker();
  if (v.has_error())
    verdict.error = v.error().message().empty() ? "execution error" : v.error().message();
  verdict.passed = v.passed();
  return verdict;
}

ExportData FromProto(const v1::Report& report) {
  ExportData data;
  data.job = report.job_id();
  data.model = report.model();
  data.model_version = report.model_version();
  data.device = report.numerics().device();
  data.dtype = report.numerics().dtype();
  data.time = absl::FromUnixMicros(
      google::protobuf::util::TimeUtil::TimestampToMicroseconds(report.create_time()));
  for (const auto& s : report.subjects())
    data.subjects.push_back({s.adapter(), s.adapter_version()});
  for (const auto& t : report.tasks())
    data.tasks.push_back({t.name(), t.version(), t.capability(), t.prompts(), t.samples()});
  for (int i = 0; i < report.task_configs_size() && i < report.tasks_size(); ++i) {
    data.tasks[static_cast<size_t>(i)].total_prompts = report.task_configs(i).total_prompts();
    data.tasks[static_cast<size_t>(i)].config = report.task_configs(i).config();
  }
  for (const auto& c : report.cells()) {
    data.cells.push_back({c.adapter(), c.task(), c.metric(), c.estimate().value(),
                          c.estimate().lower(), c.estimate().upper(), c.n(), c.method(),
                          c.primary(), c.validity()});
  }
  return data;
}

bool FetchVerdicts(CommandContext& context, const std::string& job, ExportData& data) {
  v1::ListVerdictsRequest request;
  request.set_id(job);
  request.set_include_prompts(true);
  request.set_page_size(1000);
  v1::ListVerdictsResponse page;
  do {
    request.set_page_token(page.next_page_token());
    page.Clear();
    if (!context.Call("verdicts of " + job, [&](grpc::ClientContext* c) {
          return context.connection().evaluations().ListVerdicts(c, request, &page);
        })) {
      return false;
    }
    for (const auto& verdict : page.verdicts()) data.verdicts.push_back(FromProto(verdict));
  } while (!page.next_page_token().empty());
  return true;
}

// Makes the folders above it.
bool WriteOrFail(CommandContext& context, const std::filesystem::path& path,
                 const std::string& content) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (file) return true;
  context.Fail("cannot write " + path.string());
  return false;
}

void WriteText(CommandContext& context, const std::string& out, const std::string& content) {
  if (out == "-") {
    std::cout << content;
  } else {
    WriteOrFail(context, out, content);
  }
}

void Export(CommandContext& context, const Arguments& arguments) {
  if (arguments.format == "lm-eval" && arguments.out == "-")
    return context.Fail("lm-eval's layout is a folder of files: give --out DIR", kExitUsage);
  v1::GetReportRequest request;
  request.set_id(arguments.job);
  request.set_include_task_configs(arguments.format == "lm-eval");
  v1::Report report;
  if (!FetchReport(context, request, &report)) return;
  if (report.partial() && !context.quiet)
    std::cerr << "job " << arguments.job << " is not complete: this is what there is so far\n";
  if (arguments.format == "markdown") {
    ReportTextOptions options;
    options.markdown = true;
    return WriteText(context, arguments.out, ReportToText(report, options));
  }
  ExportData data = FromProto(report);
  if (!FetchVerdicts(context, arguments.job, data)) return;
  if (arguments.format == "csv") return WriteText(context, arguments.out, VerdictsToCsv(data));
  if (arguments.format == "junit") return WriteText(context, arguments.out, VerdictsToJunit(data));
  for (const ExportFile& file : ToLmEval(data)) {
    const std::filesystem::path path = std::filesystem::path(arguments.out) / file.path;
    if (!WriteOrFail(context, path, file.content)) return;
    if (!context.quiet) std::cerr << path.string() << "\n";
  }
}

}  // namespace

void AddJobExportCommand(CLI::App& job, CommandContext& context) {
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command =
      job.add_subcommand("export", "Report and verdicts in the layouts of other tools");
  command->footer(
      "lm-eval: a folder a subject with results_<time>.json and samples_<task>_<time>.jsonl.\n"
      "junit, csv: one file with every verdict. markdown: the report, for a pull request.\n"
      "docs/exports.md describes them. The exit code says whether the export worked, not the "
      "gate.\n"
      "Examples:\n"
      "  plumbline job export job-0123456789abcdef --format junit --out plumbline.xml\n"
      "  plumbline job export job-0123456789abcdef --format lm-eval --out results");
  command->add_option("id", arguments->job, "Job id")->required();
  command->add_option("-f,--format", arguments->format, "lm-eval, junit, markdown or csv")
      ->required()
      ->check(CLI::IsMember({"lm-eval", "junit", "markdown", "csv"}));
  command
      ->add_option("--out", arguments->out,
                   "File, or folder for lm-eval; without it standard output")
      ->capture_default_str();
  command->callback([&context, arguments] { Export(context, *arguments); });
}

}  // namespace plumbline::client
