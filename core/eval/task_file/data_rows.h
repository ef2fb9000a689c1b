// The rows of a task's data: JSONL, a JSON array of objects, or CSV with a header line.
#ifndef PLUMBLINE_CORE_EVAL_TASK_FILE_DATA_ROWS_H_
#define PLUMBLINE_CORE_EVAL_TASK_FILE_DATA_ROWS_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

inline constexpr size_t kMaxRows = 100'000;
inline constexpr size_t kMaxRowBytes = size_t{4} << 20;
inline constexpr int kMaxRowDepth = 64;
inline constexpr size_t kMaxRowKeys = 1'000;  // of one object

// What a row may have, and what to do about one that has more.
struct RowLimit {
  size_t bytes = kMaxRowBytes;
  absl::string_view remedy = "shorten it";
};

struct DataRow {
  nlohmann::ordered_json value;  // an object
  std::string where;             // "data.jsonl:12" (line) or "data.json: row 3" (counted from 1)
};

// Rows of `content`, the format from the end of `name` (.jsonl, .json, .csv; anything else is
// JSONL). Empty lines of JSONL are skipped. A JSON file that holds one object a line is read as
// JSONL, as the Hugging Face reader does; with `field`, the rows are that key of the JSON object. A
// column of a CSV file whose every value is a canonical integer becomes integers, every other one
// strings. No field may be there twice. InvalidArgument names file and line, ResourceExhausted the
// size, the limit and the remedy.
absl::StatusOr<std::vector<DataRow>> ParseDataRows(absl::string_view content,
                                                   absl::string_view name,
                                                   absl::string_view field = "",
                                                   const RowLimit& limit = {});

// The row as one line of JSON: TaskItem::doc.
std::string RowJson(const DataRow& row);

// One JSON value that begins in this line of the file `name`, within the limits of a row.
// InvalidArgument "<name>:<line>: ..." also for a key that is twice in one object.
absl::StatusOr<nlohmann::ordered_json> ParseBoundedJson(absl::string_view text,
                                                        absl::string_view name, size_t line = 1);

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_EVAL_TASK_FILE_DATA_ROWS_H_
