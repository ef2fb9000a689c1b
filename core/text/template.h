// Jinja2 templates in the two dialects that matter here: what transformers renders chats with and
// what lm-eval renders task files with. The engine is the Rust crate minijinja with shims
// (core/text/hf) where it differs from Python's Jinja2; what a dialect lacks is an error, never a
// silently other text.
//
// Known differences from Python: text joined to a string marked |safe is not HTML-escaped; looping
// over none gives nothing where Python raises; `'%s' % x`, |truncate and |pprint are errors.
#ifndef PLUMBLINE_CORE_TEXT_TEMPLATE_H_
#define PLUMBLINE_CORE_TEXT_TEMPLATE_H_

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/base/clock.h"

namespace plumbline {

enum class TemplateDialect {
  // transformers: trim_blocks, lstrip_blocks, loop controls, {% generation %}, raise_exception,
  // strftime_now; an unknown variable prints as nothing. One trailing newline of the source is
  // dropped.
  kChat,
  // lm-eval: no trimming, trailing newline kept, an unknown variable is an error, filter
  // regex_replace.
  kTask,
};

struct TemplateOptions {
  TemplateDialect dialect = TemplateDialect::kTask;
  // Instructions a render may execute before it ends with ResourceExhausted: a bound on time (the
  // default is a fraction of a second) and on how deep a template can nest values, so that a
  // hostile template can neither hold a thread nor overflow its stack. More than the default counts
  // as the default; chat templates use thousands.
  uint64_t fuel = 2'000'000;
  // The time that strftime_now shows, in the machine's time zone. Borrowed; must outlive the
  // template.
  const Clock* clock = &SystemClock();
};

// A compiled template. Immutable and thread-safe.
class TextTemplate {
 public:
  // `name` stands in error messages ("<name>:<line>: ..."). InvalidArgument for a syntax error.
  static absl::StatusOr<std::unique_ptr<const TextTemplate>> Compile(
      absl::string_view source, absl::string_view name, const TemplateOptions& options = {});
  ~TextTemplate();
  TextTemplate(const TextTemplate&) = delete;
  TextTemplate& operator=(const TextTemplate&) = delete;

  // The text. `variables` is an object; its key order is what loops over it see. InvalidArgument
  // with the template's own line and message for anything the template rejects (raise_exception
  // included), ResourceExhausted when out of fuel or when the text would exceed 64 MiB.
  absl::StatusOr<std::string> Render(const nlohmann::ordered_json& variables) const;
  absl::StatusOr<std::string> Render(const nlohmann::json& variables) const;

 private:
  struct Handle;
  TextTemplate(std::unique_ptr<Handle> handle, const Clock* clock);
  absl::StatusOr<std::string> RenderSerialized(absl::string_view variables) const;

  const std::unique_ptr<Handle> handle_;
  const Clock* const clock_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_TEMPLATE_H_
