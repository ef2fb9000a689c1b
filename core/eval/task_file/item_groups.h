// Which group each item of a task belongs to: the value of one field of its row.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_ITEM_GROUPS_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_ITEM_GROUPS_H_

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/eval/task.h"

namespace plumbline {

// Sets Task::group_by and every item's group from its doc. InvalidArgument names the item whose
// field is missing, or neither text nor integer nor boolean, and says when there are more than
// kMaxGroups values.
absl::Status GroupItems(absl::string_view field, Task& task);

// Multi-IF's own grouping, by "language", where every row has one.
void GroupByLanguage(Task& task);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_ITEM_GROUPS_H_
