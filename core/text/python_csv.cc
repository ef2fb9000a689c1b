// CPython's _csv.c as a state machine of the same states. The text is read line by line, a line
// ending with "\n" only, and each line is followed by an end-of-line event that is no character.
#include "core/text/python_csv.h"

#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

constexpr size_t kFieldLimit = 131072;

class CsvReader {
 public:
  explicit CsvReader(char delimiter) : delimiter_(delimiter) {}

  absl::Status ReadLine(absl::string_view line) {
    for (size_t at = 0; at < line.size();) {
      const size_t begin = at;
      python::NextCodePoint(line, &at);
      const absl::Status status = Read(line.substr(begin, at - begin));
      if (!status.ok()) return status;
    }
    EndLine();
    return absl::OkStatus();
  }

  // A record is complete unless a quoted field goes on in the next line.
  bool at_record_start() const { return state_ == State::kStartRecord; }
  bool has_rest() const { return length_ > 0 || state_ == State::kInQuotedField; }

  std::vector<std::string> TakeRecord() {
    state_ = State::kStartRecord;
    return std::exchange(fields_, {});
  }
  void SaveField() {
    fields_.push_back(std::exchange(field_, {}));
    length_ = 0;
  }

 private:
  enum class State {
    kStartRecord,
    kStartField,
    kInField,
    kInQuotedField,
    kQuoteInQuotedField,
    kEatNewline
  };

  absl::Status Add(absl::string_view c) {
    if (length_ >= kFieldLimit) {
      return absl::InvalidArgumentError("field larger than field limit (131072)");
    }
    ++length_;
    field_.append(c.data(), c.size());
    return absl::OkStatus();
  }

  absl::Status Read(absl::string_view c) {
    const bool newline = c == "\n" || c == "\r";
    const bool is_delimiter = c.size() == 1 && c[0] == delimiter_;
    switch (state_) {
      case State::kStartRecord:
        if (newline) {
          state_ = State::kEatNewline;
          return absl::OkStatus();
        }
        [[fallthrough]];
      case State::kStartField:
        if (newline || is_delimiter) return EndField(newline);
        state_ = c == "\"" ? State::kInQuotedField : State::kInField;
        return c == "\"" ? absl::OkStatus() : Add(c);
      case State::kInField:
        return newline || is_delimiter ? EndField(newline) : Add(c);
      case State::kInQuotedField:
        if (c != "\"") return Add(c);
        state_ = State::kQuoteInQuotedField;
        return absl::OkStatus();
      case State::kQuoteInQuotedField:
        if (newline || is_delimiter) return EndField(newline);
        state_ = c == "\"" ? State::kInQuotedField : State::kInField;
        return Add(c);
      case State::kEatNewline:
        if (newline) return absl::OkStatus();
        return absl::InvalidArgumentError("new-line character seen in unquoted field");
    }
    return absl::OkStatus();
  }

  absl::Status EndField(bool newline) {
    SaveField();
    state_ = newline ? State::kEatNewline : State::kStartField;
    return absl::OkStatus();
  }

  void EndLine() {
    switch (state_) {
      case State::kStartRecord:
      case State::kInQuotedField:
        return;
      case State::kEatNewline:
        break;
      default:
        SaveField();
    }
    state_ = State::kStartRecord;
  }

  const char delimiter_;
  State state_ = State::kStartRecord;
  std::vector<std::string> fields_;
  std::string field_;
  size_t length_ = 0;  // of field_, in code points
};

}  // namespace

absl::StatusOr<std::vector<std::vector<std::string>>> PythonCsvRows(absl::string_view text,
                                                                    char delimiter) {
  std::vector<std::vector<std::string>> rows;
  CsvReader reader(delimiter);
  bool open = false;  // a record has begun and is not complete
  while (!text.empty()) {
    const size_t newline = text.find('\n');
    const size_t size = newline == absl::string_view::npos ? text.size() : newline + 1;
    const absl::Status status = reader.ReadLine(text.substr(0, size));
    if (!status.ok()) return status;
    text.remove_prefix(size);
    open = !reader.at_record_start();
    if (!open) rows.push_back(reader.TakeRecord());
  }
  if (open && reader.has_rest()) {
    reader.SaveField();
    rows.push_back(reader.TakeRecord());
  }
  return rows;
}

}  // namespace plumbline
