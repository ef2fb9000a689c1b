// The scores of a report once more for each group of a task's items (Multi-IF's languages, MMLU's
// subjects): where a score comes from, not another test. There are no deltas and no p-values here,
// so the number of groups costs nothing in power, and a gate does not see them.
#ifndef PLUMBLINE_CORE_EVAL_REPORT_GROUPS_H_
#define PLUMBLINE_CORE_EVAL_REPORT_GROUPS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/eval/report/report.h"
#include "core/eval/task.h"

namespace plumbline {

struct ReportGroup {
  int task = 0;      // index into ReportInput::tasks
  std::string by;    // the field of the rows: Task::group_by
  std::string name;  // its value
  // What to show where room is short: the metrics that are means of others, else the primary one.
  std::vector<std::string> headline;
  // In the order subject, listed metric, every one of them; `prompts` and `trials` say on how many
  // they rest. ReportCell::task is the task's index, as above.
  std::vector<ReportCell> cells;
};

// The groups of every task that has them, in the order task, name. tasks[i] belongs to
// input.tasks[i] and is null where it is not known: it has no groups then. Values and intervals are
// those of a task with the group's items alone. InvalidArgument as BuildReport.
absl::StatusOr<std::vector<ReportGroup>> BuildGroups(const ReportInput& input,
                                                     const std::vector<const Task*>& tasks,
                                                     const ReportOptions& options = {});

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_REPORT_GROUPS_H_
