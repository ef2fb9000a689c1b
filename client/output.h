// What the CLI prints: tables and JSON on stdout, everything said to a person on stderr.
#ifndef PLUMBLINE_CLIENT_OUTPUT_H_
#define PLUMBLINE_CLIENT_OUTPUT_H_

#include <google/protobuf/generated_enum_reflection.h>
#include <google/protobuf/message.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace plumbline::client {

enum class OutputFormat { kText, kJson };

// A left-aligned table with a header in capitals; columns two spaces apart, widths counted in code
// points.
class Table {
 public:
  explicit Table(std::vector<std::string> header);
  // As many cells as the header has.
  void AddRow(std::vector<std::string> cells);
  // Column `index` is right-aligned: for numbers.
  void AlignRight(size_t index);
  std::string ToString() const;
  // A GitHub-flavoured Markdown table; '|' in a cell is escaped.
  std::string ToMarkdown() const;

 private:
  std::vector<std::vector<std::string>> rows_;  // the header is row 0
  std::vector<bool> right_;
};

// An enum value without its prefix: JOB_STATE_RUNNING of JobState is "RUNNING"; "" for a number
// that the enum does not have (a newer server's).
std::string EnumName(const google::protobuf::EnumValueDescriptor* value);
template <typename Enum>
std::string EnumName(Enum value) {
  return EnumName(google::protobuf::GetEnumDescriptor<Enum>()->FindValueByNumber(value));
}

// A message as JSON with the proto's field names. Unlike protobuf's own mapping: every field is
// there (a message that is not set is null), 64-bit integers are numbers, enum values lose their
// prefix ("JOB_STATE_RUNNING" is "RUNNING"), a Timestamp is RFC 3339 text and a Duration a number
// of seconds.
nlohmann::ordered_json ToJson(const google::protobuf::Message& message);

// Strings are printed with invalid UTF-8 replaced.
std::string Dump(const nlohmann::ordered_json& json, bool pretty = true);

// "0.632"; "-0.071".
std::string FormatScore(double value);
// "+0.071", "-0.071", "+0.000".
std::string FormatDelta(double value);
// Three digits of a quantity of any size: "0.0412", "1.23e-07".
std::string FormatSize(double value);
// "1.5 MB", "312 B".
std::string FormatBytes(int64_t bytes);
// The first `width` code points on one line: control characters become spaces, a cut is marked with
// "…".
std::string OneLine(const std::string& text, size_t width);

// Writes "plumbline: <message>" to stderr.
void PrintError(const std::string& message);

}  // namespace plumbline::client

#endif  // PLUMBLINE_CLIENT_OUTPUT_H_
