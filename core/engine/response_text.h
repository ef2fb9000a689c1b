// A response as it grows: ids in, text so far, and whether a stop string has come.
//
// A stop string may begin in one token and end in another, so the text is searched, not the tokens;
// only its new end is looked at. The text is cut before the earliest match.
#ifndef PLUMBLINE_CORE_ENGINE_RESPONSE_TEXT_H_
#define PLUMBLINE_CORE_ENGINE_RESPONSE_TEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/text/tokenizer.h"

namespace plumbline {

// Thread-compatible.
class ResponseText {
 public:
  ResponseText(std::shared_ptr<const Tokenizer> tokenizer, std::vector<std::string> stops);

  // Adds a token. True: a stop string has come and the text is cut before it; add no more.
  absl::StatusOr<bool> Push(int32_t id);
  // Adds what an unfinished character held back. True as above.
  absl::StatusOr<bool> Finish();
  const std::string& text() const { return text_; }

 private:
  bool Append(const std::string& piece);

  TokenStream stream_;
  std::vector<std::string> stops_;
  size_t longest_stop_ = 0;
  std::string text_;
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_ENGINE_RESPONSE_TEXT_H_
