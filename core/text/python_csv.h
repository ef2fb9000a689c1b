// Python's csv.reader (excel dialect) over a text: what list(csv.reader(io.StringIO(text))) gives.
// It accepts more than RFC 4180 (a quote in the middle of a field is a character, a quoted field
// may go on behind its closing quote) and refuses one thing: text behind a bare carriage return.
#ifndef PLUMBLINE_CORE_TEXT_PYTHON_CSV_H_
#define PLUMBLINE_CORE_TEXT_PYTHON_CSV_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace plumbline {

// The rows, an empty line being a row without fields. `delimiter` is ASCII. InvalidArgument where
// Python raises csv.Error: text behind a bare carriage return, or a field of more than 131,072
// characters. Thread-safe, linear time.
absl::StatusOr<std::vector<std::vector<std::string>>> PythonCsvRows(absl::string_view text,
                                                                    char delimiter = ',');

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_PYTHON_CSV_H_
