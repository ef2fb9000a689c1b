#include "core/eval/offline_check.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <unordered_map>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "core/base/status_macros.h"
#include "core/eval/metrics.h"
#include "core/eval/selection.h"
#include "core/eval/task_file/data_rows.h"
#include "core/eval/turns.h"
#include "core/eval/validity.h"

namespace plumbline {
namespace {

constexpr size_t kNamed = 20;  // missing keys and unmatched rows that are named

std::string PromptText(const TaskItem& item) {
  return item.prompt.format == PromptFormat::kChat ? item.prompt.messages.back().content
                                                   : item.prompt.text;
}

// Finds the item a row belongs to. NotFound: the row is well formed, but the task has no such item.
class ItemIndex {
 public:
  explicit ItemIndex(const Task& task) : task_(task) {
    for (size_t i = 0; i < task.items.size(); ++i) {
      keys_.emplace(task.items[i].key, i);
      ++prompts_[PromptText(task.items[i])].second;
      prompts_[PromptText(task.items[i])].first = i;
    }
  }

  absl::StatusOr<size_t> Find(const nlohmann::ordered_json& row) const {
    const auto key = row.find("key");
    if (key != row.end() && !key->is_null()) {
      std::string name;
      if (key->is_number_integer()) {
        name = key->dump();
      } else if (key->is_string()) {
        name = key->get<std::string>();
      } else {
        return absl::InvalidArgumentError(
            absl::StrCat("\"key\" is ", key->type_name(), ", want an integer or a string"));
      }
      const auto found = keys_.find(name);
      if (found == keys_.end()) {
        return absl::NotFoundError(absl::StrCat("key \"", name, "\" is not in task ", task_.name));
      }
      ABSL_RETURN_IF_ERROR(CheckPromptIsOf(row, found->second));
      return found->second;
    }
    const auto prompt = row.find("prompt");
    if (prompt == row.end() || !prompt->is_string()) {
      return absl::InvalidArgumentError(
          "want {\"key\": ..., \"response\": ...} or {\"prompt\": ..., \"response\": ...}");
    }
    const std::string text = prompt->get<std::string>();
    const auto found = prompts_.find(text);
    if (found == prompts_.end()) {
      return absl::NotFoundError(
          absl::StrCat("the prompt \"", text.substr(0, 60), "…\" is not in task ", task_.name));
    }
    if (found->second.second > 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          found->second.second, " items share the prompt \"", text.substr(0, 60), "…\": use keys"));
    }
    return found->second.first;
  }

 private:
  // A prompt beside the key may be written in its own way, but not be another item's.
  absl::Status CheckPromptIsOf(const nlohmann::ordered_json& row, size_t item) const {
    const auto prompt = row.find("prompt");
    if (prompt == row.end() || !prompt->is_string()) return absl::OkStatus();
    const auto other = prompts_.find(prompt->get<std::string>());
    if (other == prompts_.end() || other->second.second > 1 || other->second.first == item)
      return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("the key is \"", task_.items[item].key,
                                                   "\" and the prompt that of key \"",
                                                   task_.items[other->second.first].key, "\""));
  }

  const Task& task_;
  std::unordered_map<std::string, size_t> keys_;
  std::unordered_map<std::string, std::pair<size_t, int>> prompts_;  // last index, how many
};

struct MatchedRow {
  std::string response;
  std::vector<std::string> turns;              // or, until FitResponses, samples
  std::vector<std::string> samples;            // several responses to a prompt of one turn
  std::optional<int64_t> sample;               // which of several responses this one is
  std::vector<std::optional<bool>> truncated;  // by response, as far as rows say
  std::string where;
};

// A verdict of `plumbline job verdicts` that could not be executed: there is no response to score.
bool IsExecutionError(const DataRow& row) {
  const auto error = row.value.find("error");
  return error != row.value.end() && (error->is_string() || error->is_object()) &&
         !error->empty() && *error != "";
}

// Whether the token limit ended a row's response, as far as it says.
std::optional<bool> IsTruncated(const DataRow& row) {
  const auto reason = row.value.find("finish_reason");
  if (reason == row.value.end() || !reason->is_string()) return std::nullopt;
  const std::string name = absl::AsciiStrToLower(reason->get_ref<const std::string&>());
  if (name == "length") return true;
  if (name == "stop") return false;
  return std::nullopt;
}

// The response of a row, or its responses: moved out of it, since they may be long.
absl::StatusOr<MatchedRow> TakeResponse(DataRow& row) {
  MatchedRow result;
  result.where = row.where;
  result.truncated = {IsTruncated(row)};
  const auto responses = row.value.find("responses");
  if (responses != row.value.end() && responses->is_array() && !responses->empty()) {
    for (auto& response : *responses) {
      if (!response.is_string()) {
        return absl::InvalidArgumentError(
            absl::StrCat(row.where, ": \"responses\" is no list of strings"));
      }
      result.turns.push_back(std::move(response.get_ref<std::string&>()));
    }
    return result;
  }
  const auto response = row.value.find("response");
  if (response == row.value.end() || !response->is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat(row.where, ": \"response\" is missing or not a string"));
  }
  result.response = std::move(response->get_ref<std::string&>());
  const auto sample = row.value.find("sample");
  if (sample != row.value.end() && sample->is_number_integer())
    result.sample = sample->get<int64_t>();
  return result;
}

// As many responses as the item has turns; of one turn, as the task has samples, or one.
absl::Status FitResponses(const Task& task, const TaskItem& item, MatchedRow& row) {
  const size_t wanted = item.follow_ups.size() + 1;
  if (wanted == 1 && row.turns.empty()) return absl::OkStatus();
  if (wanted == 1 && task.samples > 1 && row.turns.size() > 1) {
    if (row.turns.size() != static_cast<size_t>(task.samples)) {
      return absl::InvalidArgumentError(
          absl::StrCat(row.where, ": ", row.turns.size(), " responses to key \"", item.key,
                       "\"; the task has ", task.samples, " a prompt (repeats)"));
    }
    row.response = EncodeTurns(row.turns);
    row.samples = std::move(row.turns);
    row.turns.clear();
    row.truncated.resize(row.samples.size());  // one row for all: it says of none
    return absl::OkStatus();
  }
  if (row.turns.size() != wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        row.where, ": key \"", item.key, "\" has ", wanted, wanted == 1 ? " turn" : " turns",
        ": want \"responses\", a list of as many strings"));
  }
  row.response = wanted == 1 ? row.turns[0] : EncodeTurns(row.turns);
  if (wanted == 1) row.turns.clear();
  return absl::OkStatus();
}

// What the rows of one item say. Several: one a response to a prompt that is asked more than once,
// by their "sample" where all have one, else as they come.
absl::StatusOr<MatchedRow> JoinRows(const Task& task, const TaskItem& item,
                                    std::vector<MatchedRow> rows) {
  if (rows.size() > 1) {
    const bool lists = std::any_of(rows.begin(), rows.end(),
                                   [](const MatchedRow& row) { return !row.turns.empty(); });
    if (task.samples == 1 || !item.follow_ups.empty() || lists) {
      return absl::InvalidArgumentError(absl::StrCat(rows[1].where, ": a second response to key \"",
                                                     item.key, "\"; the first is in ",
                                                     rows[0].where));
    }
    const bool numbered = std::all_of(rows.begin(), rows.end(),
                                      [](const MatchedRow& row) { return row.sample.has_value(); });
    if (numbered) {
      std::stable_sort(rows.begin(), rows.end(), [](const MatchedRow& a, const MatchedRow& b) {
        return *a.sample < *b.sample;
      });
    }
    for (size_t i = 0; i < rows.size(); ++i) {
      if (numbered && i > 0 && *rows[i].sample == *rows[i - 1].sample) {
        return absl::InvalidArgumentError(absl::StrCat(
            rows[i].where, ": a second response to key \"", item.key, "\" with sample ",
            *rows[i].sample, "; the first is in ", rows[i - 1].where));
      }
      rows[0].turns.push_back(std::move(rows[i].response));
      if (i > 0) rows[0].truncated.push_back(rows[i].truncated[0]);
    }
  }
  ABSL_RETURN_IF_ERROR(FitResponses(task, item, rows[0]));
  return std::move(rows[0]);
}

// Rows by item; rows without one are noted in `check`.
absl::StatusOr<std::vector<std::optional<MatchedRow>>> MatchRows(const Task& task,
                                                                 std::vector<DataRow> rows,
                                                                 OfflineCheck& check) {
  const ItemIndex index(task);
  std::vector<std::vector<MatchedRow>> by_item(task.items.size());
  for (DataRow& row : rows) {
    if (IsExecutionError(row)) {
      ++check.errors;
      continue;
    }
    ABSL_ASSIGN_OR_RETURN(MatchedRow read, TakeResponse(row));
    auto item = index.Find(row.value);
    if (absl::IsNotFound(item.status())) {
      ++check.unmatched;
      if (check.unmatched_rows.size() < kNamed) {
        check.unmatched_rows.push_back(absl::StrCat(row.where, ": ", item.status().message()));
      }
      continue;
    }
    if (!item.ok()) return Annotate(item.status(), row.where);
    by_item[*item].push_back(std::move(read));
  }
  std::vector<std::optional<MatchedRow>> matched(task.items.size());
  for (size_t i = 0; i < by_item.size(); ++i) {
    if (by_item[i].empty()) continue;
    ABSL_ASSIGN_OR_RETURN(matched[i], JoinRows(task, task.items[i], std::move(by_item[i])));
  }
  return matched;
}

// The guards that a job has from its engine (core/jobs/job_check.cc).
void AddGuards(std::optional<bool> truncated, absl::Span<const std::string> texts,
               CheckResult& result) {
  if (!truncated.has_value() || !result.error.ok()) return;
  AddGuard(kTruncated, *truncated, result.observations);
  const bool stuck = *truncated && std::any_of(texts.begin(), texts.end(), RepeatsItself);
  AddGuard(kRefusalToStop, stuck, result.observations);
}

CheckResult CheckItem(const Checker& checker, OfflineItem& item) {
  if (!item.turns.empty()) {
    CheckResult result = checker.CheckTurns(item.index, item.turns);
    AddGuards(item.truncated[0], item.turns, result);
    return result;
  }
  if (item.samples.empty()) {
    CheckResult result = checker.CheckResponse(item.index, item.response);
    for (const Observation& o : result.observations) {
      if (o.among < 2) continue;
      result.error = absl::InvalidArgumentError(
          absl::StrCat("the metric ", o.metric, " takes one of ", o.among,
                       " responses: want \"responses\", a list"));
      break;
    }
    AddGuards(item.truncated[0], absl::MakeConstSpan(&item.response, 1), result);
    return result;
  }
  for (size_t i = 0; i < item.samples.size(); ++i) {
    item.sample_results.push_back(checker.CheckResponse(item.index, item.samples[i]));
    AddGuards(item.truncated[i], absl::MakeConstSpan(&item.samples[i], 1),
              item.sample_results.back());
  }
  return MergeSamples(item.sample_results);
}

void CheckAll(const Task& task, int threads, std::vector<OfflineItem>& items) {
  std::atomic<size_t> next{0};
  auto work = [&] {
    for (size_t i = next++; i < items.size(); i = next++) {
      items[i].result = CheckItem(*task.checker, items[i]);
    }
  };
  std::vector<std::thread> helpers;
  for (int i = 1; i < threads; ++i) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace

absl::StatusOr<OfflineCheck> CheckResponses(const Task& task, absl::string_view responses,
                                            absl::string_view file, const OfflineOptions& options) {
  if (task.output_type != OutputType::kGenerate) {
    return absl::FailedPreconditionError(absl::StrCat(
        "task ", task.name,
        " is multiple_choice: it scores log-likelihoods, not responses; run it as a job"));
  }
  ABSL_ASSIGN_OR_RETURN(std::vector<DataRow> rows,
                        ParseDataRows(responses, file, /*field=*/"",
                                      {kMaxResponseRowBytes,
                                       "shorten the response, or leave the row out and its prompt "
                                       "counts as missing"}));
  const size_t count = rows.size();
  OfflineCheck check;
  ABSL_ASSIGN_OR_RETURN(auto matched, MatchRows(task, std::move(rows), check));
  if (check.errors == count)
    return absl::FailedPreconditionError(absl::StrCat(file, ": no responses"));
  if (check.unmatched > 0 && (options.require_all || check.unmatched + check.errors == count)) {
    return absl::InvalidArgumentError(check.unmatched_rows[0]);
  }
  for (size_t i = 0; i < matched.size(); ++i) {
    if (matched[i].has_value()) {
      check.items.push_back({i,
                             task.items[i].key,
                             std::move(matched[i]->response),
                             std::move(matched[i]->turns),
                             std::move(matched[i]->samples),
                             std::move(matched[i]->truncated),
                             {},
                             {}});
      continue;
    }
    ++check.missing;
    if (check.missing_keys.size() < kNamed) check.missing_keys.push_back(task.items[i].key);
  }
  if (options.require_all && check.missing > 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(file, ": ", check.missing, " of ", task.items.size(),
                     " items have no response, the first is key \"", check.missing_keys[0], "\""));
  }
  CheckAll(task, std::max(1, options.threads), check.items);
  for (const OfflineItem& item : check.items) {
    if (item.result.error.ok()) continue;
    return Annotate(item.result.error, absl::StrCat(file, ": response to key \"", item.key, "\""));
  }
  return check;
}

std::vector<MetricTotal> SumMetrics(const std::vector<OfflineItem>& items) {
  std::vector<MetricTotal> totals;
  std::map<std::string, size_t> places;
  for (const OfflineItem& item : items) {
    for (const Observation& observation : item.result.observations) {
      const auto [place, fresh] = places.emplace(observation.metric, totals.size());
      if (fresh) {
        totals.emplace_back();
        totals.back().metric = observation.metric;
      }
      MetricTotal& total = totals[place->second];
      total.successes += observation.successes;
      total.trials += observation.trials;
      ++total.prompts;
    }
  }
  return totals;
}

}  // namespace plumbline
