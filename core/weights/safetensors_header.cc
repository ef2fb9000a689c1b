#include "core/weights/safetensors_header.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace plumbline {
namespace {

struct DTypeRow {
  DType dtype;
  absl::string_view name;
  int64_t size;
};
constexpr DTypeRow kDTypes[] = {
    {DType::kF64, "F64", 8},   {DType::kF32, "F32", 4}, {DType::kF16, "F16", 2},
    {DType::kBF16, "BF16", 2}, {DType::kI64, "I64", 8}, {DType::kI32, "I32", 4},
    {DType::kI16, "I16", 2},   {DType::kI8, "I8", 1},   {DType::kU64, "U64", 8},
    {DType::kU32, "U32", 4},   {DType::kU16, "U16", 2}, {DType::kU8, "U8", 1},
    {DType::kBool, "BOOL", 1},
};

const DTypeRow& Row(DType dtype) {
  for (const DTypeRow& row : kDTypes) {
    if (row.dtype == dtype) return row;
  }
  return kDTypes[0];  // unreachable: the table holds every enumerator
}

bool IsPrintableName(absl::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(),
                                      [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

// The grammar as a state machine over SAX events: each event is accepted in exactly the states the
// format allows it in.
class HeaderHandler : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return Unexpected("null"); }
  bool boolean(bool) override { return Unexpected("a boolean"); }
  bool binary(binary_t&) override { return Unexpected("binary data"); }
  bool number_integer(number_integer_t value) override {
    return Fail(absl::StrCat(Where(), ": ", value, " is negative"));
  }
  bool number_float(number_float_t, const string_t& text) override {
    return Fail(absl::StrCat(Where(), ": ", text.substr(0, 40), " is not a 64-bit integer"));
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (state_ == State::kShape) {
      if (tensor_.shape.size() == SafetensorsFile::kMaxDimensions) {
        return Fail(
            absl::StrCat(Where(), ": more than ", SafetensorsFile::kMaxDimensions, " dimensions"));
      }
      if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return Fail(absl::StrCat(Where(), ": dimension ", value, " is absurd"));
      }
      tensor_.shape.push_back(static_cast<int64_t>(value));
      return true;
    }
    if (state_ == State::kOffsets) {
      if (offsets_ == 0) tensor_.begin = value;
      if (offsets_ == 1) tensor_.end = value;
      ++offsets_;
      return offsets_ <= 2 || Fail(absl::StrCat(Where(), ": more than 2 numbers"));
    }
    return Unexpected("a number");
  }

  bool string(string_t& value) override {
    if (state_ == State::kMetadata && !key_.empty()) {
      header_.metadata[key_] = value;
      return true;
    }
    if (state_ == State::kTensor && key_ == "dtype") return SetDType(value);
    return Unexpected("a string");
  }

  bool start_object(std::size_t) override {
    if (state_ == State::kStart) {
      state_ = State::kTop;
      return true;
    }
    if (state_ != State::kTop) return Unexpected("an object");
    seen_.clear();
    state_ = key_ == "__metadata__" ? State::kMetadata : State::kTensor;
    tensor_ = TensorInfo();
    tensor_.name = key_;
    key_.clear();
    return true;
  }

  bool key(string_t& key) override {
    if (state_ == State::kTop) {
      if (key.size() > SafetensorsFile::kMaxNameBytes) {
        return Fail(absl::StrCat("tensor \"", key.substr(0, 64), "…\": a name of ", key.size(),
                                 " bytes, the limit is ", SafetensorsFile::kMaxNameBytes));
      }
      if (!IsPrintableName(key)) {
        return Fail("a tensor's name is empty or holds control characters");
      }
      if (!names_.insert(key).second)
        return Fail(absl::StrCat("tensor \"", key, "\" stands twice"));
      if (names_.size() > SafetensorsFile::kMaxTensors) {
        return Fail(absl::StrCat("more than ", SafetensorsFile::kMaxTensors, " tensors"));
      }
      key_ = key;
      return true;
    }
    // Of an object inside the top one.
    if (!seen_.insert(key).second) {
      return Fail(absl::StrCat(Owner(), ": key \"", key.substr(0, 64), "\" stands twice"));
    }
    if (state_ == State::kTensor && key != "dtype" && key != "shape" && key != "data_offsets") {
      return Fail(absl::StrCat(Owner(), ": unknown key \"", key.substr(0, 64), "\""));
    }
    key_ = key;
    return true;
  }

  bool end_object() override {
    if (state_ == State::kTop) {
      state_ = State::kEnd;
      return true;
    }
    if (state_ == State::kTensor) {
      for (const char* want : {"dtype", "shape", "data_offsets"}) {
        if (seen_.count(want) == 0) return Fail(absl::StrCat(Owner(), ": has no \"", want, "\""));
      }
      header_.tensors.push_back(std::move(tensor_));
    }
    state_ = State::kTop;
    return true;
  }

  bool start_array(std::size_t) override {
    if (state_ != State::kTensor) return Unexpected("an array");
    if (key_ == "shape") {
      state_ = State::kShape;
    } else if (key_ == "data_offsets") {
      state_ = State::kOffsets;
      offsets_ = 0;
    } else {
      return Unexpected("an array");
    }
    return true;
  }

  bool end_array() override {
    if (state_ == State::kOffsets && offsets_ != 2) {
      return Fail(absl::StrCat(Where(), ": ", offsets_, " numbers, want 2"));
    }
    state_ = State::kTensor;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    return Fail(absl::StrCat("not JSON at byte ", position));
  }

  absl::Status error() const { return absl::Status(code_, absl::StrCat("header: ", error_)); }
  SafetensorsHeader Take() { return std::move(header_); }

 private:
  enum class State { kStart, kTop, kMetadata, kTensor, kShape, kOffsets, kEnd };

  bool Fail(std::string error) {
    error_ = std::move(error);
    return false;
  }
  std::string Owner() const {
    if (state_ == State::kStart || state_ == State::kEnd) return "the header";
    if (state_ == State::kMetadata) return "\"__metadata__\"";
    return absl::StrCat("tensor \"", state_ == State::kTop ? key_ : tensor_.name, "\"");
  }
  std::string Where() const {
    return state_ == State::kTop || key_.empty() ? Owner()
                                                 : absl::StrCat(Owner(), ": ", key_.substr(0, 64));
  }
  bool Unexpected(absl::string_view what) {
    return Fail(absl::StrCat(Where(), ": ", what, " is out of place"));
  }
  bool SetDType(const std::string& name) {
    for (const DTypeRow& row : kDTypes) {
      if (row.name == name) {
        tensor_.dtype = row.dtype;
        return true;
      }
    }
    const bool quantised = absl::StartsWith(name, "F8") || absl::StartsWith(name, "F6") ||
                           absl::StartsWith(name, "F4");
    if (quantised) {
      code_ = absl::StatusCode::kUnimplemented;
      return Fail(absl::StrCat(Owner(), ": dtype ", name.substr(0, 64), ": ", kQuantisedRefused));
    }
    return Fail(absl::StrCat(Owner(), ": unknown dtype \"", name.substr(0, 64), "\""));
  }

  State state_ = State::kStart;
  std::string key_;  // the last one read at the current level
  TensorInfo tensor_;
  int offsets_ = 0;
  std::set<std::string> seen_;              // keys of the open inner object
  absl::flat_hash_set<std::string> names_;  // keys of the top object
  SafetensorsHeader header_;
  absl::StatusCode code_ = absl::StatusCode::kInvalidArgument;
  std::string error_;
};

// Bytes of a tensor, or nothing when the product overflows. Dimensions beside a zero count too:
// [2^40, 2^40, 0] holds no byte, but its strides overflow all the same.
std::optional<uint64_t> ByteLength(const TensorInfo& tensor) {
  uint64_t bytes = static_cast<uint64_t>(DTypeSize(tensor.dtype));
  for (int64_t dimension : tensor.shape) {
    if (dimension == 0) continue;
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(dimension), &bytes)) return {};
  }
  if (bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return {};
  return tensor.elements() == 0 ? 0 : bytes;
}

}  // namespace

absl::string_view DTypeName(DType dtype) { return Row(dtype).name; }

int64_t DTypeSize(DType dtype) { return Row(dtype).size; }

absl::StatusOr<SafetensorsHeader> ParseSafetensorsHeader(absl::string_view json) {
  if (json.empty() || json.front() != '{') {
    return absl::InvalidArgumentError("header does not begin with '{'");
  }
  HeaderHandler handler;
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &handler)) {
    return handler.error();
  }
  return handler.Take();
}

absl::Status CheckLayout(std::vector<TensorInfo>& tensors, uint64_t data_bytes) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorInfo& x, const TensorInfo& y) {
    return std::tie(x.begin, x.end, x.name) < std::tie(y.begin, y.end, y.name);
  });
  uint64_t covered = 0;
  absl::string_view previous;
  for (const TensorInfo& tensor : tensors) {
    const std::string who = absl::StrCat("tensor \"", tensor.name, "\": data_offsets [",
                                         tensor.begin, ",", tensor.end, "]");
    if (tensor.end < tensor.begin)
      return absl::InvalidArgumentError(absl::StrCat(who, " run backwards"));
    if (tensor.end > data_bytes) {
      return absl::InvalidArgumentError(
          absl::StrCat(who, " end after the ", data_bytes, " bytes of data (a truncated file?)"));
    }
    const std::optional<uint64_t> bytes = ByteLength(tensor);
    if (!bytes.has_value()) {
      return absl::InvalidArgumentError(absl::StrCat("tensor \"", tensor.name, "\": shape ",
                                                     ShapeString(tensor.shape), " overflows"));
    }
    if (*bytes != tensor.end - tensor.begin) {
      return absl::InvalidArgumentError(absl::StrCat(who, " hold ", tensor.end - tensor.begin,
                                                     " bytes, ", DTypeName(tensor.dtype), " ",
                                                     ShapeString(tensor.shape), " needs ", *bytes));
    }
    if (tensor.begin < covered) {
      return absl::InvalidArgumentError(absl::StrCat(who, " overlap tensor \"", previous, "\""));
    }
    if (tensor.begin > covered) {
      return absl::InvalidArgumentError(
          absl::StrCat(who, " leave a hole of ", tensor.begin - covered, " bytes before them"));
    }
    covered = tensor.end;
    previous = tensor.name;
  }
  if (covered != data_bytes) {
    return absl::InvalidArgumentError(
        absl::StrCat(data_bytes - covered, " bytes after the last tensor belong to none"));
  }
  return absl::OkStatus();
}

}  // namespace plumbline
