#include "core/eval/task_file/data_rows.h"

#include <algorithm>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status_macros.h"
#include "core/base/strict_json.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

bool IsBlank(absl::string_view line) { return absl::StripAsciiWhitespace(line).empty(); }

absl::Status CheckIsObject(const nlohmann::ordered_json& row, absl::string_view where) {
  if (row.is_object()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": a ", row.type_name(), ", want an object {\"field\": ...}"));
}

// Of a row of `bytes` behind `rows` others; asked before it is parsed.
absl::Status CheckSize(size_t bytes, size_t rows, const RowLimit& limit, absl::string_view where) {
  if (bytes > limit.bytes) {
    return absl::ResourceExhaustedError(absl::StrCat(where, ": the row has ", bytes,
                                                     " bytes; the limit is ", limit.bytes, " (",
                                                     limit.bytes >> 20, " MiB): ", limit.remedy));
  }
  if (rows >= kMaxRows) {
    return absl::ResourceExhaustedError(
        absl::StrCat(where, ": more than ", kMaxRows, " rows; split the file"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<DataRow>> ParseLines(absl::string_view content, absl::string_view name,
                                                const RowLimit& limit) {
  std::vector<DataRow> rows;
  size_t number = 0;
  while (!content.empty()) {
    const size_t end = content.find('\n');
    absl::string_view line = content.substr(0, end);
    content.remove_prefix(end == absl::string_view::npos ? content.size() : end + 1);
    ++number;
    if (IsBlank(line)) continue;
    const std::string where = absl::StrCat(name, ":", number);
    ABSL_RETURN_IF_ERROR(CheckSize(line.size(), rows.size(), limit, where));
    ABSL_ASSIGN_OR_RETURN(nlohmann::ordered_json row, ParseBoundedJson(line, name, number));
    ABSL_RETURN_IF_ERROR(CheckIsObject(row, where));
    rows.push_back({std::move(row), where});
  }
  return rows;
}

absl::StatusOr<std::vector<DataRow>> ParseArray(absl::string_view content, absl::string_view name,
                                                absl::string_view field, const RowLimit& limit) {
  ABSL_ASSIGN_OR_RETURN(nlohmann::ordered_json document, ParseBoundedJson(content, name));
  nlohmann::ordered_json* array = &document;
  if (!field.empty()) {
    const auto found = document.is_object() ? document.find(std::string(field)) : document.end();
    if (!document.is_object() || found == document.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(name, ": no key \"", field, "\" (dataset_kwargs.field) in the JSON object"));
    }
    array = &*found;
  }
  if (!array->is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat(name, ": want a JSON array of objects, or one object a line"));
  }
  std::vector<DataRow> rows;
  for (nlohmann::ordered_json& row : *array) {
    const std::string where = absl::StrCat(name, ": row ", rows.size() + 1);
    ABSL_RETURN_IF_ERROR(CheckIsObject(row, where));
    rows.push_back({std::move(row), where});
    // No row of a file within the limit can be above it.
    const size_t bytes = content.size() > limit.bytes ? RowJson(rows.back()).size() : 0;
    ABSL_RETURN_IF_ERROR(CheckSize(bytes, rows.size() - 1, limit, where));
  }
  return rows;
}

// One record of RFC 4180 from `content`; `content` moves behind it, `lines` counts its lines.
absl::StatusOr<std::vector<std::string>> ReadRecord(absl::string_view& content, size_t& lines) {
  std::vector<std::string> fields(1);
  size_t at = 0;
  bool quoted = false;
  ++lines;
  for (; at < content.size(); ++at) {
    const char c = content[at];
    if (quoted) {
      if (c != '"') {
        lines += c == '\n';
        fields.back() += c;
      } else if (at + 1 < content.size() && content[at + 1] == '"') {
        fields.back() += '"';
        ++at;
      } else {
        quoted = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      fields.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r' || at + 1 >= content.size() || content[at + 1] != '\n') {
      fields.back() += c;
    }
  }
  if (quoted) return absl::InvalidArgumentError("a quoted field that does not end");
  content.remove_prefix(std::min(at + 1, content.size()));
  return fields;
}

bool IsCanonicalInteger(const std::string& text) {
  int64_t value = 0;
  return absl::SimpleAtoi(text, &value) && absl::StrCat(value) == text;
}

absl::StatusOr<std::vector<DataRow>> ParseCsv(absl::string_view content, absl::string_view name,
                                              const RowLimit& limit) {
  size_t line = 0;
  auto header = ReadRecord(content, line);
  if (!header.ok()) return Annotate(header.status(), absl::StrCat(name, ":1"));
  std::set<std::string> columns;
  for (const std::string& column : *header) {
    if (columns.insert(column).second) continue;
    return absl::InvalidArgumentError(
        absl::StrCat(name, ":1: the column \"", column, "\" is there twice"));
  }
  std::vector<std::vector<std::string>> records;
  std::vector<size_t> lines;
  while (!content.empty()) {
    const size_t begin = line + 1;
    const size_t before = content.size();
    auto record = ReadRecord(content, line);
    const std::string where = absl::StrCat(name, ":", begin);
    if (!record.ok()) return Annotate(record.status(), where);
    if (record->size() == 1 && record->front().empty()) continue;
    if (record->size() != header->size()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": ", record->size(), " fields, the header has ", header->size()));
    }
    ABSL_RETURN_IF_ERROR(CheckSize(before - content.size(), records.size(), limit, where));
    records.push_back(*std::move(record));
    lines.push_back(begin);
  }
  std::vector<bool> integers(header->size(), true);
  for (const auto& record : records) {
    for (size_t i = 0; i < record.size(); ++i) {
      if (!IsCanonicalInteger(record[i])) integers[i] = false;
    }
  }
  std::vector<DataRow> rows;
  for (size_t r = 0; r < records.size(); ++r) {
    auto row = nlohmann::ordered_json::object();
    for (size_t i = 0; i < header->size(); ++i) {
      if (integers[i]) {
        row[(*header)[i]] = std::stoll(records[r][i]);
      } else {
        row[(*header)[i]] = records[r][i];
      }
    }
    rows.push_back({std::move(row), absl::StrCat(name, ":", lines[r])});
  }
  return rows;
}

}  // namespace

absl::StatusOr<nlohmann::ordered_json> ParseBoundedJson(absl::string_view text,
                                                        absl::string_view name, size_t line) {
  size_t at = 0;
  auto value = ParseStrictJson(text, {kMaxRowDepth, kMaxRowKeys}, &at);
  if (value.ok()) return value;
  const absl::string_view before = text.substr(0, at);
  line += static_cast<size_t>(std::count(before.begin(), before.end(), '\n'));
  return Annotate(value.status(), absl::StrCat(name, ":", line));
}

absl::StatusOr<std::vector<DataRow>> ParseDataRows(absl::string_view content,
                                                   absl::string_view name, absl::string_view field,
                                                   const RowLimit& limit) {
  absl::ConsumePrefix(&content, "\xEF\xBB\xBF");
  if (!python::IsWellFormed(content)) {
    size_t line = 1;
    for (absl::string_view rest = content; !rest.empty(); ++line) {
      const size_t end = rest.find('\n');
      if (!python::IsWellFormed(rest.substr(0, end))) break;
      if (end == absl::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    return absl::InvalidArgumentError(absl::StrCat(name, ":", line, ": not valid UTF-8"));
  }
  const std::string lower = absl::AsciiStrToLower(name);
  if (absl::EndsWith(lower, ".csv")) return ParseCsv(content, name, limit);
  const absl::string_view start = absl::StripLeadingAsciiWhitespace(content);
  if (!field.empty() || (absl::EndsWith(lower, ".json") && absl::StartsWith(start, "["))) {
    return ParseArray(content, name, field, limit);
  }
  return ParseLines(content, name, limit);
}

std::string RowJson(const DataRow& row) {
  return row.value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace plumbline
