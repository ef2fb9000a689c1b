#include "core/text/tokenizer.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status_macros.h"
#include "core/text/hf_result.h"
#include "core/text/python_unicode.h"

namespace plumbline {
namespace {

constexpr int32_t kKnown = 1;
constexpr int32_t kSpecial = 2;
constexpr int32_t kByteToken = 4;

// The longest run of one ASCII whitespace character.
size_t LongestWhitespaceRun(absl::string_view text) {
  size_t longest = 0, run = 0;
  char previous = 0;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    run = space && c == previous ? run + 1 : (space ? 1 : 0);
    previous = c;
    if (run > longest) longest = run;
  }
  return longest;
}

absl::StatusOr<std::string> ReadTokenizerFile(const std::string& path) {
  std::error_code error;
  std::string file = path;
  if (std::filesystem::is_directory(path, error)) file = absl::StrCat(path, "/tokenizer.json");
  std::ifstream stream(file, std::ios::binary);
  if (!stream) {
    return absl::NotFoundError(
        absl::StrCat("load tokenizer \"", file,
                     "\": no such file; a model needs tokenizer.json (a sentencepiece "
                     "tokenizer.model is not read); transformers writes it: "
                     "AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR)"));
  }
  std::ostringstream content;
  content << stream.rdbuf();
  return std::move(content).str();
}

absl::Status UnknownId(int32_t id, int32_t vocab_size) {
  return absl::OutOfRangeError(
      absl::StrCat("token id ", id, ": no token has it, the vocabulary ends at ", vocab_size - 1));
}

}  // namespace

struct Tokenizer::Handle {
  explicit Handle(plumbline_hf_tokenizer* raw)
      : hf(raw), decoder_kind(plumbline_hf_tokenizer_decoder_kind(raw)) {}
  ~Handle() { plumbline_hf_tokenizer_free(hf); }

  plumbline_hf_tokenizer* const hf;
  const int32_t decoder_kind;
};

Tokenizer::Tokenizer(std::unique_ptr<Handle> handle, int32_t vocab_size)
    : handle_(std::move(handle)), vocab_size_(vocab_size) {}
Tokenizer::~Tokenizer() = default;

absl::StatusOr<std::shared_ptr<const Tokenizer>> Tokenizer::Load(const std::string& path) {
  ABSL_ASSIGN_OR_RETURN(const std::string json, ReadTokenizerFile(path));
  auto tokenizer = FromJson(json);
  if (!tokenizer.ok())
    return Annotate(tokenizer.status(), absl::StrCat("load tokenizer \"", path, "\""));
  return tokenizer;
}

absl::StatusOr<std::shared_ptr<const Tokenizer>> Tokenizer::FromJson(absl::string_view json) {
  plumbline_hf_tokenizer* raw = nullptr;
  const auto loaded = TakeHfResult(plumbline_hf_tokenizer_new(HfBytes(json), json.size(), &raw));
  if (!loaded.ok()) return Annotate(loaded.status(), "not a tokenizer.json");
  auto handle = std::make_unique<Handle>(raw);
  const auto vocab_size = static_cast<int32_t>(plumbline_hf_tokenizer_vocab_size(raw));
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(handle), vocab_size));
}

absl::StatusOr<std::vector<int32_t>> Tokenizer::Encode(absl::string_view text,
                                                       bool add_special_tokens) const {
  if (text.size() > kMaxTextBytes) {
    return absl::InvalidArgumentError(absl::StrCat(
        "encode: the text has ", text.size(), " bytes, more than the allowed ", kMaxTextBytes));
  }
  if (const size_t run = LongestWhitespaceRun(text); run > kMaxWhitespaceRun) {
    return absl::InvalidArgumentError(
        absl::StrCat("encode: the text has a run of ", run,
                     " equal whitespace characters, more than the allowed ", kMaxWhitespaceRun));
  }
  ABSL_ASSIGN_OR_RETURN(const std::string bytes,
                        TakeHfResult(plumbline_hf_tokenizer_encode(
                            handle_->hf, HfBytes(text), text.size(), add_special_tokens ? 1 : 0)));
  std::vector<int32_t> ids(bytes.size() / sizeof(int32_t));
  std::memcpy(ids.data(), bytes.data(), ids.size() * sizeof(int32_t));
  return ids;
}

absl::StatusOr<std::string> Tokenizer::Decode(absl::Span<const int32_t> ids,
                                              bool skip_special_tokens) const {
  for (const int32_t id : ids) {
    if (id < 0 || (plumbline_hf_tokenizer_token_flags(handle_->hf, static_cast<uint32_t>(id)) &
                   kKnown) == 0) {
      return UnknownId(id, vocab_size_);
    }
  }
  return TakeHfResult(plumbline_hf_tokenizer_decode(handle_->hf,
                                                    reinterpret_cast<const uint32_t*>(ids.data()),
                                                    ids.size(), skip_special_tokens ? 1 : 0));
}

absl::StatusOr<std::string> Tokenizer::TokenText(int32_t id) const {
  if (id < 0) return UnknownId(id, vocab_size_);
  auto bytes =
      TakeHfResult(plumbline_hf_tokenizer_token_bytes(handle_->hf, static_cast<uint32_t>(id)));
  if (absl::IsOutOfRange(bytes.status())) return UnknownId(id, vocab_size_);
  return bytes;
}

std::optional<int32_t> Tokenizer::TokenId(absl::string_view token) const {
  const int64_t id = plumbline_hf_tokenizer_token_id(handle_->hf, HfBytes(token), token.size());
  if (id < 0) return std::nullopt;
  return static_cast<int32_t>(id);
}

bool Tokenizer::IsSpecial(int32_t id) const {
  return id >= 0 && (plumbline_hf_tokenizer_token_flags(handle_->hf, static_cast<uint32_t>(id)) &
                     kSpecial) != 0;
}

TokenStream::TokenStream(std::shared_ptr<const Tokenizer> tokenizer, bool skip_special_tokens)
    : tokenizer_(std::move(tokenizer)), skip_special_tokens_(skip_special_tokens) {}
TokenStream::TokenStream(TokenStream&&) noexcept = default;
TokenStream& TokenStream::operator=(TokenStream&&) noexcept = default;
TokenStream::~TokenStream() = default;

absl::StatusOr<std::string> TokenStream::Push(int32_t id) {
  const auto flags = id < 0 ? 0
                            : plumbline_hf_tokenizer_token_flags(tokenizer_->handle_->hf,
                                                                 static_cast<uint32_t>(id));
  if ((flags & kKnown) == 0) return UnknownId(id, tokenizer_->vocab_size());
  // Decode leaves these out before it looks at anything else, so they are no context either.
  if (skip_special_tokens_ && (flags & kSpecial) != 0) return std::string();
  if (tokenizer_->handle_->decoder_kind == PLUMBLINE_HF_DECODER_BYTE_LEVEL)
    return PushByteLevel(id);
  ids_.push_back(id);
  // A run of byte tokens is decoded as a whole: one bad byte at its end changes all of it.
  if ((flags & kByteToken) != 0) return std::string();
  if (tokenizer_->handle_->decoder_kind == PLUMBLINE_HF_DECODER_BYTE_FALLBACK) return Emit();
  return PushOther();
}

absl::StatusOr<std::string> TokenStream::PushByteLevel(int32_t id) {
  ABSL_ASSIGN_OR_RETURN(const std::string bytes, tokenizer_->TokenText(id));
  bytes_ += bytes;
  const size_t certain = bytes_.size() - python::IncompleteSuffix(bytes_);
  std::string text = python::DecodeReplacing(absl::string_view(bytes_).substr(0, certain));
  bytes_.erase(0, certain);
  return text;
}

absl::StatusOr<std::string> TokenStream::PushOther() {
  // An unfinished character shows as U+FFFD at the end. A model that really writes U+FFFD is waited
  // for a while only, so that the time stays linear.
  constexpr size_t kMaxPending = 16;
  ABSL_ASSIGN_OR_RETURN(const std::string text, tokenizer_->Decode(ids_, skip_special_tokens_));
  if (absl::EndsWith(text, "\xEF\xBF\xBD") && ids_.size() - context_ < kMaxPending)
    return std::string();
  return Emit();
}

absl::StatusOr<std::string> TokenStream::Emit() {
  ABSL_ASSIGN_OR_RETURN(const std::string text, tokenizer_->Decode(ids_, skip_special_tokens_));
  ABSL_ASSIGN_OR_RETURN(
      const std::string context,
      tokenizer_->Decode(absl::MakeConstSpan(ids_).first(context_), skip_special_tokens_));
  if (!absl::StartsWith(text, context)) {
    return absl::InternalError(
        "detokenize: this tokenizer's decoder changes text that was already certain");
  }
  ids_.erase(ids_.begin(), ids_.begin() + static_cast<std::ptrdiff_t>(context_));
  context_ = ids_.size();
  return text.substr(context.size());
}

absl::StatusOr<std::string> TokenStream::Finish() {
  std::string text;
  if (tokenizer_->handle_->decoder_kind == PLUMBLINE_HF_DECODER_BYTE_LEVEL) {
    text = python::DecodeReplacing(bytes_);
  } else if (ids_.size() > context_) {
    ABSL_ASSIGN_OR_RETURN(text, Emit());
  }
  bytes_.clear();
  ids_.clear();
  context_ = 0;
  return text;
}

}  // namespace plumbline
