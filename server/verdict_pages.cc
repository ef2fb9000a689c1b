#include "server/verdict_pages.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/sha256.h"
#include "core/base/status_macros.h"
#include "server/convert_job.h"
#include "server/status_conversion.h"
#include "server/utf8.h"
#include "server/validation.h"

namespace plumbline {
namespace {

std::string FilterDigest(const v1::ListVerdictsRequest& request) {
  return Sha256Hex(absl::StrCat(request.id(), "\n", request.adapter(), "\n", request.task(), "\n",
                                request.failed_only(), request.flipped_only()))
      .substr(0, 16);
}

absl::StatusOr<int64_t> SequenceOf(const v1::ListVerdictsRequest& request) {
  const absl::string_view token = request.page_token();
  if (token.empty()) return 0;
  int64_t sequence = 0;
  const size_t dot = token.find('.');
  if (dot == absl::string_view::npos || !absl::SimpleAtoi(token.substr(0, dot), &sequence) ||
      sequence < 0 || token.substr(dot + 1) != FilterDigest(request)) {
    return WithReason(
        absl::InvalidArgumentError("page_token: not one of this list; start again without a token"),
        "INVALID_PAGE_TOKEN");
  }
  return sequence;
}

absl::StatusOr<VerdictFilter> FilterOf(const Job& job, const v1::ListVerdictsRequest& request) {
  VerdictFilter filter;
  filter.failed_only = request.failed_only();
  filter.flipped_only = request.flipped_only();
  for (size_t i = 0; i < job.subjects.size() && !request.adapter().empty(); ++i) {
    const bool base = i == 0 && request.adapter() == "base";
    if (base || (i > 0 && (job.subjects[i].alias == request.adapter() ||
                           job.subjects[i].version == request.adapter()))) {
      filter.subject = static_cast<int>(i);
      break;
    }
  }
  if (!request.adapter().empty() && !filter.subject.has_value()) {
    return WithReason(absl::NotFoundError(absl::StrCat("job ", job.id, " has no adapter \"",
                                                       CutUtf8(request.adapter(), 80),
                                                       "\"; \"base\" names the model alone")),
                      "ADAPTER_NOT_FOUND", {{"adapter", request.adapter()}});
  }
  for (size_t i = 0; i < job.tasks.size() && !request.task().empty(); ++i) {
    if (job.tasks[i].name == request.task()) filter.task = static_cast<int>(i);
  }
  if (!request.task().empty() && !filter.task.has_value()) {
    return WithReason(absl::NotFoundError(absl::StrCat("job ", job.id, " has no task \"",
                                                       CutUtf8(request.task(), 80), "\"")),
                      "TASK_NOT_FOUND", {{"task", request.task()}});
  }
  return filter;
}

// Fills in prompts and targets; a task is looked up once a page.
class PromptFiller {
 public:
  PromptFiller(TaskProvider& tasks, const Job& job) : tasks_(tasks), job_(job) {}

  absl::Status Fill(const Verdict& verdict, v1::Verdict* out) {
    std::shared_ptr<const Task>& task = by_index_[verdict.task];
    if (task == nullptr) {
      const PinnedTask& pinned = job_.tasks[verdict.task];
      ABSL_ASSIGN_OR_RETURN(task, tasks_.Version(pinned.name, pinned.version));
    }
    if (verdict.item < 0 || verdict.item >= static_cast<int>(task->items.size())) {
      return absl::InternalError(
          absl::StrCat("task \"", task->name, "\" has no item ", verdict.item));
    }
    const TaskItem& item = task->items[verdict.item];
    out->set_prompt(RenderForPeople(item.prompt));
    out->set_target(ToValidUtf8(item.target));
    out->set_group(ToValidUtf8(item.group));
    if (item.doc_target != item.target) out->set_doc_target(ToValidUtf8(item.doc_target));
    out->set_doc(ToValidUtf8(item.doc));
    if (task->output_type == OutputType::kGenerate && verdict.error.ok() &&
        item.follow_ups.empty()) {
      for (const FilteredText& filtered :
           task->checker->Filter(static_cast<size_t>(verdict.item), verdict.response)) {
        v1::FilteredResponse* f = out->add_filtered();
        f->set_filter(ToValidUtf8(filtered.filter));
        f->set_text(ToValidUtf8(filtered.text));
      }
    }
    if (item.gold_choice >= 0) out->set_gold_choice(item.gold_choice);
    for (int i = 0; i < out->choices_size() && i < static_cast<int>(item.choices.size()); ++i) {
      out->mutable_choices(i)->set_continuation(ToValidUtf8(item.choices[i]));
      if (item.choice_prompts.empty()) continue;
      out->mutable_choices(i)->set_context(RenderForPeople(item.choice_prompts[i]));
    }
    return absl::OkStatus();
  }

 private:
  TaskProvider& tasks_;
  const Job& job_;
  std::map<int, std::shared_ptr<const Task>> by_index_;
};

}  // namespace

absl::Status FillVerdictPage(JobStore& store, TaskProvider& tasks, const Job& job,
                             const v1::ListVerdictsRequest& request,
                             v1::ListVerdictsResponse* response) {
  ABSL_ASSIGN_OR_RETURN(const int page_size, PageSize(request.page_size(), 100));
  ABSL_ASSIGN_OR_RETURN(int64_t sequence, SequenceOf(request));
  ABSL_ASSIGN_OR_RETURN(const VerdictFilter filter, FilterOf(job, request));
  PromptFiller prompts(tasks, job);
  int64_t bytes = 0;
  bool more = true;
  bool full = false;
  while (more && !full) {
    ABSL_ASSIGN_OR_RETURN(
        VerdictPage page,
        store.ReadVerdicts(job.id, filter, sequence, page_size - response->verdicts_size()));
    more = page.more;
    for (const Verdict& verdict : page.verdicts) {
      v1::Verdict out = ToProto(verdict, job);
      if (request.include_prompts()) ABSL_RETURN_IF_ERROR(prompts.Fill(verdict, &out));
      const int64_t size = static_cast<int64_t>(out.ByteSizeLong()) + 8;
      if (bytes + size > kLimits.page_bytes && response->verdicts_size() > 0) {
        more = full = true;
        break;
      }
      bytes += size;
      sequence = verdict.sequence;
      response->mutable_verdicts()->Add(std::move(out));
    }
    full = full || response->verdicts_size() == page_size;
  }
  if (more) response->set_next_page_token(absl::StrCat(sequence, ".", FilterDigest(request)));
  return absl::OkStatus();
}

}  // namespace plumbline
