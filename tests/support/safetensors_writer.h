// Safetensors files made by hand: well-formed ones from tensors, and lies of any kind from a header
// and data that need not agree.
#ifndef PLUMBLINE_TESTS_SUPPORT_SAFETENSORS_WRITER_H_
#define PLUMBLINE_TESTS_SUPPORT_SAFETENSORS_WRITER_H_

#include <cstdint>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace plumbline {

struct TensorSpec {
  std::string name;
  std::string dtype;  // "F32", …: written as it is
  std::vector<int64_t> shape;
  std::string bytes;
};

// The header's length in front, the header as given, the data as given. Nothing is checked.
inline std::string RawSafetensors(const std::string& header, const std::string& data) {
  std::string file(8, '\0');
  const uint64_t length = header.size();
  for (int i = 0; i < 8; ++i) file[i] = static_cast<char>(length >> (8 * i));
  return file + header + data;
}

// A file as the reference implementation writes it: header padded to 8 bytes, data in order.
inline std::string SafetensorsBytes(const std::vector<TensorSpec>& tensors,
                                    const std::map<std::string, std::string>& metadata = {
                                        {"format", "pt"}}) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::string data;
  for (const TensorSpec& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data += tensor.bytes;
  }
  std::string text = header.dump();
  while (text.size() % 8 != 0) text.push_back(' ');
  return RawSafetensors(text, data);
}

inline TensorSpec F32(std::string name, std::vector<int64_t> shape,
                      const std::vector<float>& values) {
  std::string bytes(values.size() * sizeof(float), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return {std::move(name), "F32", std::move(shape), std::move(bytes)};
}

inline int64_t Elements(const std::vector<int64_t>& shape) {
  int64_t product = 1;
  for (int64_t dimension : shape) product *= dimension;
  return product;
}

inline TensorSpec F32Filled(std::string name, std::vector<int64_t> shape, float value) {
  const std::vector<float> values(Elements(shape), value);
  return F32(std::move(name), std::move(shape), values);
}

// Values in (-1, 1), the same for the same seed.
inline TensorSpec F32Random(std::string name, std::vector<int64_t> shape, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<float> values(Elements(shape));
  for (float& value : values) value = static_cast<float>(random() % 20001) / 10001.0f - 1.0f;
  return F32(std::move(name), std::move(shape), values);
}

}  // namespace plumbline

#endif  // PLUMBLINE_TESTS_SUPPORT_SAFETENSORS_WRITER_H_
