#include "core/engine/response_text.h"

#include <algorithm>
#include <utility>

#include "core/base/status_macros.h"

namespace plumbline {

ResponseText::ResponseText(std::shared_ptr<const Tokenizer> tokenizer,
                           std::vector<std::string> stops)
    : stream_(std::move(tokenizer), /*skip_special_tokens=*/true), stops_(std::move(stops)) {
  for (const std::string& stop : stops_) longest_stop_ = std::max(longest_stop_, stop.size());
}

bool ResponseText::Append(const std::string& piece) {
  if (piece.empty()) return false;
  const size_t from = text_.size() > longest_stop_ ? text_.size() - longest_stop_ : 0;
  text_ += piece;
  size_t cut = std::string::npos;
  for (const std::string& stop : stops_) cut = std::min(cut, text_.find(stop, from));
  if (cut == std::string::npos) return false;
  text_.resize(cut);
  return true;
}

absl::StatusOr<bool> ResponseText::Push(int32_t id) {
  ABSL_ASSIGN_OR_RETURN(std::string piece, stream_.Push(id));
  return Append(piece);
}

absl::StatusOr<bool> ResponseText::Finish() {
  ABSL_ASSIGN_OR_RETURN(std::string piece, stream_.Finish());
  return Append(piece);
}

}  // namespace plumbline
