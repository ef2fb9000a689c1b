#include "core/eval/export/junit.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "core/base/utf8.h"

namespace plumbline {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";  // U+FFFD

// The length of the UTF-8 sequence at `i` if it is one that XML 1.0 may hold, else 0.
size_t LegalLength(const std::string& text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const unsigned char lead = byte(i);
  if (lead < 0x80) return lead >= 0x20 || lead == '\t' || lead == '\n' || lead == '\r' ? 1 : 0;
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC2 ? 2 : 0;
  if (length == 0 || lead > 0xF4 || i + length > text.size()) return 0;
  uint32_t code = lead & (0xFFu >> (length + 1));
  for (size_t k = i + 1; k < i + length; ++k) {
    if (!IsUtf8Continuation(text[k])) return 0;
    code = code << 6 | (byte(k) & 0x3Fu);
  }
  const uint32_t smallest = length == 4 ? 0x10000 : length == 3 ? 0x800 : 0x80;
  if (code < smallest || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return 0;
  return code == 0xFFFE || code == 0xFFFF ? 0 : length;
}

// For text and attributes alike; line breaks and tabs as references, since an attribute would lose
// them.
std::string Xml(const std::string& text, bool attribute) {
  std::string xml;
  for (size_t i = 0; i < text.size();) {
    const size_t length = LegalLength(text, i);
    const char c = text[i];
    if (length == 0) {
      xml += kReplacement;
    } else if (c == '&') {
      xml += "&amp;";
    } else if (c == '<') {
      xml += "&lt;";
    } else if (c == '>') {
      xml += "&gt;";
    } else if (c == '"') {
      xml += "&quot;";
    } else if (c == '\r' || (attribute && (c == '\n' || c == '\t'))) {
      absl::StrAppendFormat(&xml, "&#%d;", static_cast<int>(c));
    } else {
      xml.append(text, i, length);
    }
    i += length == 0 ? 1 : length;
  }
  return xml;
}

std::string Attribute(const std::string& text) { return Xml(text, true); }

struct Tally {
  size_t tests = 0, failures = 0, errors = 0;

  std::string Attributes() const {
    return absl::StrFormat("tests=\"%d\" failures=\"%d\" errors=\"%d\"", tests, failures, errors);
  }
};

std::string FailureText(const ExportVerdict& v) {
  std::string text;
  for (const CheckOutcome& outcome : v.outcomes) {
    if (!outcome.strict) absl::StrAppend(&text, outcome.id, ": ", outcome.explanation, "\n");
  }
  if (!v.extracted.empty()) absl::StrAppend(&text, "answer: ", v.extracted, "\n");
  if (!v.target.empty()) absl::StrAppend(&text, "target: ", v.target, "\n");
  return absl::StrCat(text, "prompt: ", v.prompt, "\nresponse: ", v.response, "\n");
}

std::string FailureMessage(const ExportVerdict& v) {
  for (const CheckOutcome& outcome : v.outcomes) {
    if (!outcome.strict) return absl::StrCat(outcome.id, ": ", outcome.explanation);
  }
  return v.extracted.empty() ? "not passed" : absl::StrCat("answer ", v.extracted);
}

void AppendCase(const std::string& suite, const ExportVerdict& v, bool sampled, Tally& tally,
                std::string& xml) {
  ++tally.tests;
  const std::string name = sampled ? absl::StrCat(v.key, "#", v.sample) : v.key;
  absl::StrAppend(&xml, "    <testcase classname=\"", Attribute(suite), "\" name=\"",
                  Attribute(name), "\"");
  if (!v.error.empty()) {
    ++tally.errors;
    absl::StrAppend(&xml, ">\n      <error type=\"execution\" message=\"", Attribute(v.error),
                    "\"/>\n    </testcase>\n");
  } else if (!v.passed) {
    ++tally.failures;
    absl::StrAppend(&xml, ">\n      <failure type=\"", Attribute(v.checker), "\" message=\"",
                    Attribute(FailureMessage(v)), "\">", Xml(FailureText(v), false),
                    "</failure>\n    </testcase>\n");
  } else {
    xml += "/>\n";
  }
}

std::string Properties(const ExportData& data, const ExportSubject& subject,
                       const ExportTask& task) {
  std::string xml = "    <properties>\n";
  const auto add = [&xml](const std::string& name, const std::string& value) {
    absl::StrAppend(&xml, "      <property name=\"", Attribute(name), "\" value=\"",
                    Attribute(value), "\"/>\n");
  };
  add("model", data.model);
  add("adapter_version", subject.adapter_version);
  add("task_version", task.version);
  for (const ExportCell& cell : data.cells) {
    if (cell.adapter != subject.adapter || cell.task != task.name) continue;
    add(cell.metric, absl::StrFormat("%.4f [%.4f, %.4f]", cell.value, cell.lower, cell.upper));
  }
  return xml + "    </properties>\n";
}

}  // namespace

std::string VerdictsToJunit(const ExportData& data) {
  Tally total;
  std::string suites;
  const std::string time = absl::FormatTime("%Y-%m-%dT%H:%M:%S", data.time, absl::UTCTimeZone());
  for (const ExportTask& task : data.tasks) {
    for (const ExportSubject& subject : data.subjects) {
      const std::string name = absl::StrCat(task.name, ".", ExportSubjectName(subject.adapter));
      Tally tally;
      std::string cases;
      for (const ExportVerdict* v : SortedVerdicts(data, subject.adapter, task.name))
        AppendCase(name, *v, task.samples > 1, tally, cases);
      absl::StrAppend(&suites, "  <testsuite name=\"", Attribute(name), "\" ", tally.Attributes(),
                      " skipped=\"0\" timestamp=\"", time, "\">\n", Properties(data, subject, task),
                      cases, "  </testsuite>\n");
      total.tests += tally.tests;
      total.failures += tally.failures;
      total.errors += tally.errors;
    }
  }
  return absl::StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"",
                      Attribute(data.job), "\" ", total.Attributes(), ">\n", suites,
                      "</testsuites>\n");
}

}  // namespace plumbline
