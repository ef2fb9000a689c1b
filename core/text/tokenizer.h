// Text to token ids and back, for any Hugging Face tokenizer.json. The work is done by the Rust
// crate `tokenizers` (core/text/hf), the same code that Python's `tokenizers` wraps, so ids are
// equal to transformers' by construction; this header adds the errors, the limits and a detokenizer
// that can be fed one id at a time.
#ifndef PLUMBLINE_CORE_TEXT_TOKENIZER_H_
#define PLUMBLINE_CORE_TEXT_TOKENIZER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace plumbline {

class TokenStream;

// Immutable and thread-safe: one instance serves every thread, without a lock.
class Tokenizer {
 public:
  // A longer text is refused: 16 MiB is above any context, and an encode holds about 100 bytes for
  // each byte.
  static constexpr size_t kMaxTextBytes = size_t{16} << 20;
  // A longer run of one and the same whitespace character is refused: the regular expressions
  // inside tokenizer.json backtrack over such runs and give up without an error, with wrong ids.
  static constexpr size_t kMaxWhitespaceRun = 100'000;

  // Reads a tokenizer.json, or the one in the folder `path`. NotFound without the file,
  // InvalidArgument when it is not a tokenizer. Padding and truncation that the file asks for are
  // switched off.
  static absl::StatusOr<std::shared_ptr<const Tokenizer>> Load(const std::string& path);
  // The same from the file's content.
  static absl::StatusOr<std::shared_ptr<const Tokenizer>> FromJson(absl::string_view json);

  ~Tokenizer();
  Tokenizer(const Tokenizer&) = delete;
  Tokenizer& operator=(const Tokenizer&) = delete;

  // The ids of `text` (UTF-8; invalid bytes become U+FFFD). With `add_special_tokens`, what the
  // file's post-processor adds (usually BOS in front). Special tokens written out in the text are
  // recognised either way. InvalidArgument when the text is over the limits above.
  absl::StatusOr<std::vector<int32_t>> Encode(absl::string_view text,
                                              bool add_special_tokens) const;

  // The text of `ids`, as transformers' decode(..., clean_up_tokenization_spaces=False). Valid
  // UTF-8; a half character is U+FFFD. OutOfRange names an id that no token has.
  absl::StatusOr<std::string> Decode(absl::Span<const int32_t> ids, bool skip_special_tokens) const;

  // The bytes that token `id` stands for, alone: lossless, so possibly a part of a UTF-8 character
  // and with its leading space. A special token's own text. OutOfRange when no token has this id.
  absl::StatusOr<std::string> TokenText(int32_t id) const;

  // The id of a token written exactly as in tokenizer.json ("<|im_end|>", "\u0120the"), or nothing.
  std::optional<int32_t> TokenId(absl::string_view token) const;

  // True for the tokens that Decode(skip_special_tokens) leaves out.
  bool IsSpecial(int32_t id) const;

  // One more than the largest id, added tokens included. A model's logits may be wider (padding).
  int32_t vocab_size() const { return vocab_size_; }

 private:
  friend class TokenStream;
  struct Handle;
  Tokenizer(std::unique_ptr<Handle> handle, int32_t vocab_size);

  const std::unique_ptr<Handle> handle_;
  const int32_t vocab_size_;
};

// Ids in, text out, as they come: Push returns the text that no later id can change, never half a
// character. All the returned pieces together are Decode(all ids). Thread-compatible.
class TokenStream {
 public:
  TokenStream(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens);
  TokenStream(TokenStream&&) noexcept;
  TokenStream& operator=(TokenStream&&) noexcept;
  ~TokenStream();

  // The text that `id` makes certain; often empty. OutOfRange when no token has this id (the stream
  // is unchanged).
  absl::StatusOr<std::string> Push(int32_t id);
  // What is still held back (an unfinished character becomes U+FFFD). Then the stream starts anew.
  absl::StatusOr<std::string> Finish();

 private:
  absl::StatusOr<std::string> PushByteLevel(int32_t id);
  absl::StatusOr<std::string> PushOther();
  // Decode(ids_) without the context's text; then the ids become the next context.
  absl::StatusOr<std::string> Emit();

  std::shared_ptr<const Tokenizer> tokenizer_;
  bool skip_special_tokens_;
  std::string bytes_;  // byte-level tokenizers: the bytes of an unfinished character
  std::vector<int32_t>
      ids_;             // the others: ids whose text was sent and gives context, then pending ids
  size_t context_ = 0;  // ids_[0, context_) is the context
};

}  // namespace plumbline

#endif  // PLUMBLINE_CORE_TEXT_TOKENIZER_H_
