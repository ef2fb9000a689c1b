#include "tests/support/temp_dir.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

std::optional<std::string> ExistingPath(const char* variable, const std::string& fallback) {
  const char* named = std::getenv(variable);
  std::string path = named != nullptr ? named : fallback;
  if (!std::filesystem::exists(path)) return std::nullopt;
  return path;
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "plumbline-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDir::Join(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

std::string TempDir::Write(absl::string_view name, absl::string_view content) const {
  std::string path = Join(name);
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary)
      .write(content.data(), static_cast<std::streamsize>(content.size()));
  return path;
}

std::string ReadFileOrDie(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << "cannot open " << path;
  std::ostringstream content;
  content << file.rdbuf();
  return content.str();
}

std::optional<std::string> SharedDataDir() {
  return ExistingPath("PLUMBLINE_SHARED_DATA", "../shared/data");
}

std::optional<std::string> OraclePython() {
  const char* home = std::getenv("HOME");
  return ExistingPath(
      "PLUMBLINE_ORACLE_PYTHON",
      absl::StrCat(home != nullptr ? home : "", "/.cache/plumbline/oracle/bin/python"));
}

}  // namespace plumbline
