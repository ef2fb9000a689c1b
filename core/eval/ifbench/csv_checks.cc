// custom:csv_*. Where Python's csv raises an error the reference ends with an exception; here the
// response is not followed.
#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_replace.h"
#include "core/eval/ifbench/check_tools.h"
#include "core/eval/ifbench/checks.h"
#include "core/eval/pyre/regex.h"
#include "core/text/python_csv.h"
#include "core/text/python_unicode.h"

namespace plumbline::ifbench {
namespace {

using Row = std::vector<std::string>;

bool HeaderMatches(const PyRegex& header, absl::string_view text) {
  return header.Search(python::ToCodePoints(python::Strip(text.substr(0, text.find('\n')))));
}

// The quotes of a field stay in it: each is tripled before reading.
absl::StatusOr<std::vector<Row>> RowsWithQuotes(absl::string_view text, char delimiter) {
  return PythonCsvRows(absl::StrReplaceAll(text, {{"\"", "\"\"\""}}), delimiter);
}

bool IsQuoted(absl::string_view field) {
  const absl::string_view text = python::Strip(field);
  return absl::StartsWith(text, "\"") && absl::EndsWith(text, "\"");
}

bool CheckRowCount(const absl::StatusOr<std::vector<Row>>& rows, size_t wanted, std::string* why) {
  if (!rows.ok()) return No(why, rows.status().message());
  if (rows->size() == wanted) return true;
  return No(why, "found ", rows->size(), " lines, want ", wanted);
}

bool CheckFieldCount(const Row& row, std::string* why) {
  return row.size() == 5 || No(why, "a row of ", row.size(), " fields, want 5");
}

}  // namespace

InstructionOr MakeCsvCity(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    const auto rows = PythonCsvRows(response.utf8());
    if (!CheckRowCount(rows, 8, why)) return false;
    if ((*rows)[0] != Row{"ID", "Country", "City", "Year", "Count"}) {
      return No(why, "the header is not ID,Country,City,Year,Count");
    }
    return std::all_of(rows->begin(), rows->end(),
                       [why](const Row& row) { return CheckFieldCount(row, why); });
  });
}

// Rows behind the first one with such a field are not looked at.
InstructionOr MakeCsvSpecialCharacter(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    static const PyRegex& header = *new PyRegex(*PyRegex::Compile(
        R"(\A(ProductID|"ProductID"),[ \t]*(Category|"Category"),[ \t]*(Brand|"Brand"),)"
        R"([ \t]*(Price|"Price"),[ \t]*(Stock|"Stock")\Z)"));
    static const PyRegex& special = *new PyRegex(*PyRegex::Compile(R"(\A".*[^\d\w\s].*")"));
    if (!HeaderMatches(header, response.utf8())) {
      return No(why, "the header is not ProductID,Category,Brand,Price,Stock");
    }
    const auto rows = RowsWithQuotes(response.utf8(), ',');
    if (!CheckRowCount(rows, 15, why)) return false;
    for (size_t i = 1; i < rows->size(); ++i) {
      if (!CheckFieldCount((*rows)[i], why)) return false;
      for (const std::string& field : (*rows)[i]) {
        if (special.Search(python::ToCodePoints(field))) return true;
      }
    }
    return No(why, "no field in double quotes with a special character");
  });
}

InstructionOr MakeCsvQuotes(Kwargs&) {
  return MakeCheck([](const ResponseText& response, std::string* why) {
    static const PyRegex& header = *new PyRegex(*PyRegex::Compile(
        R"(\A(StudentID|"StudentID")\t *(Subject|"Subject")\t *(Grade|"Grade")\t *)"
        R"((Semester|"Semester")\t *(Score|"Score")\Z)"));
    if (!HeaderMatches(header, response.utf8())) {
      return No(why, "the header is not StudentID, Subject, Grade, Semester, Score with tabs");
    }
    const auto rows = RowsWithQuotes(response.utf8(), '\t');
    if (!CheckRowCount(rows, 4, why)) return false;
    for (const Row& row : *rows) {
      if (!CheckFieldCount(row, why)) return false;
      for (const std::string& field : row) {
        if (!IsQuoted(field)) return No(why, "a field without double quotes");
      }
    }
    return true;
  });
}

}  // namespace plumbline::ifbench
