#include "core/text/template.h"

#include <ctime>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/base/status_macros.h"
#include "core/text/hf_result.h"

namespace plumbline {
namespace {

constexpr size_t kMaxOutputBytes = size_t{64} << 20;

// Python's datetime.now().strftime(format): the C library's, in local time.
size_t FormatNow(const void* context, const char* format, size_t format_size, char* out,
                 size_t capacity) {
  const std::tm now = absl::ToTM(static_cast<const Clock*>(context)->Now(), absl::LocalTimeZone());
  // One more character tells an empty result from one that did not fit.
  const std::string with_mark = std::string(format, format_size) + ".";
  const size_t size = std::strftime(out, capacity, with_mark.c_str(), &now);
  return size == 0 ? 0 : size - 1;
}

}  // namespace

struct TextTemplate::Handle {
  explicit Handle(plumbline_hf_template* raw) : hf(raw) {}
  ~Handle() { plumbline_hf_template_free(hf); }
  plumbline_hf_template* const hf;
};

TextTemplate::TextTemplate(std::unique_ptr<Handle> handle, const Clock* clock)
    : handle_(std::move(handle)), clock_(clock) {}
TextTemplate::~TextTemplate() = default;

absl::StatusOr<std::unique_ptr<const TextTemplate>> TextTemplate::Compile(
    absl::string_view source, absl::string_view name, const TemplateOptions& options) {
  plumbline_hf_template* raw = nullptr;
  const auto compiled = TakeHfResult(plumbline_hf_template_new(
      HfBytes(source), source.size(), HfBytes(name), name.size(),
      options.dialect == TemplateDialect::kChat ? 0 : 1, options.fuel, &raw));
  if (!compiled.ok()) return compiled.status();
  return std::unique_ptr<const TextTemplate>(
      new TextTemplate(std::make_unique<Handle>(raw), options.clock));
}

absl::StatusOr<std::string> TextTemplate::Render(const nlohmann::ordered_json& variables) const {
  return RenderSerialized(
      variables.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

absl::StatusOr<std::string> TextTemplate::Render(const nlohmann::json& variables) const {
  return RenderSerialized(variables.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
}

absl::StatusOr<std::string> TextTemplate::RenderSerialized(absl::string_view variables) const {
  return TakeHfResult(plumbline_hf_template_render(
      handle_->hf, HfBytes(variables), variables.size(), &FormatNow, clock_, kMaxOutputBytes));
}

}  // namespace plumbline
