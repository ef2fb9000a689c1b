// A folder that a test owns and that goes away with it, and the paths of reference data that may be
// absent.
#ifndef PLUMBLINE_TESTS_SUPPORT_TEMP_DIR_H_
#define PLUMBLINE_TESTS_SUPPORT_TEMP_DIR_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace plumbline {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::string& path() const { return path_; }
  // "<path>/<name>".
  std::string Join(absl::string_view name) const;
  // Writes a file below the folder (parents are made) and returns its path.
  std::string Write(absl::string_view name, absl::string_view content) const;

 private:
  std::string path_;
};

// The content of a file, or a test failure and "".
std::string ReadFileOrDie(const std::string& path);

// The folder of reference data ($PLUMBLINE_SHARED_DATA, else ../shared/data), or nothing: skip the
// test and say so.
std::optional<std::string> SharedDataDir();

// The oracles' Python ($PLUMBLINE_ORACLE_PYTHON, else ~/.cache/plumbline/oracle/bin/python), or
// nothing: skip, and say so.
std::optional<std::string> OraclePython();

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_SUPPORT_TEMP_DIR_H_
