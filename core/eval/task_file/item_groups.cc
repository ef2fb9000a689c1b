#include "core/eval/task_file/item_groups.h"

#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"

namespace plumbline {

absl::Status GroupItems(absl::string_view field, Task& task) {
  std::set<std::string> groups;
  for (TaskItem& item : task.items) {
    const nlohmann::json row = nlohmann::json::parse(item.doc, nullptr, false);
    const auto value = row.is_object() ? row.find(std::string(field)) : row.end();
    const bool text = row.is_object() && value != row.end() && value->is_string();
    if (value == row.end() || !(value->is_boolean() || value->is_number_integer() ||
                                (text && !value->get_ref<const std::string&>().empty()))) {
      return absl::InvalidArgumentError(absl::StrCat(
          "key ", item.key, ": the field \"", field,
          "\" (group_by) is missing or is no text, integer or boolean; every row needs one"));
    }
    item.group = text ? value->get<std::string>() : value->dump();
    groups.insert(item.group);
    if (groups.size() > kMaxGroups) {
      return absl::InvalidArgumentError(absl::StrCat(
          "group_by: the field \"", field, "\" has more than ", kMaxGroups,
          " values; name one that sorts the rows into groups worth a score of their own"));
    }
  }
  task.group_by = std::string(field);
  return absl::OkStatus();
}

void GroupByLanguage(Task& task) {
  if (GroupItems("language", task).ok()) return;
  for (TaskItem& item : task.items) item.group.clear();
}

}  // namespace plumbline
