#include "client/output.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/duration.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/util/time_util.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <iostream>
#include <memory>

#include "core/base/utf8.h"

namespace plumbline::client {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using nlohmann::ordered_json;

bool StartsCodePoint(char byte) { return !IsUtf8Continuation(byte); }

size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), StartsCodePoint));
}

// As protobuf's own JSON has it: the message that is packed, with "@type" in front; only that where
// this program does not know the type.
ordered_json AnyToJson(const google::protobuf::Any& any) {
  ordered_json json = {{"@type", any.type_url()}};
  const std::string name = any.type_url().substr(any.type_url().rfind('/') + 1);
  const Descriptor* type =
      google::protobuf::DescriptorPool::generated_pool()->FindMessageTypeByName(name);
  if (type == nullptr) return json;
  const std::unique_ptr<Message> message(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
  if (message->ParseFromString(any.value())) json.update(ToJson(*message));
  return json;
}

// `index` < 0: a singular field.
ordered_json FieldToJson(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection* r = message.GetReflection();
  const bool repeated = index >= 0;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return repeated ? r->GetRepeatedInt32(message, field, index) : r->GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_INT64:
      return repeated ? r->GetRepeatedInt64(message, field, index) : r->GetInt64(message, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return repeated ? r->GetRepeatedUInt32(message, field, index) : r->GetUInt32(message, field);
    case FieldDescriptor::CPPTYPE_UINT64:
      return repeated ? r->GetRepeatedUInt64(message, field, index) : r->GetUInt64(message, field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return repeated ? r->GetRepeatedDouble(message, field, index) : r->GetDouble(message, field);
    case FieldDescriptor::CPPTYPE_FLOAT:
      return repeated ? r->GetRepeatedFloat(message, field, index) : r->GetFloat(message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return repeated ? r->GetRepeatedBool(message, field, index) : r->GetBool(message, field);
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumName(repeated ? r->GetRepeatedEnum(message, field, index)
                               : r->GetEnum(message, field));
    case FieldDescriptor::CPPTYPE_STRING:
      return repeated ? r->GetRepeatedString(message, field, index) : r->GetString(message, field);
    case FieldDescriptor::CPPTYPE_MESSAGE:
      if (!repeated && !r->HasField(message, field)) return nullptr;
      return ToJson(repeated ? r->GetRepeatedMessage(message, field, index)
                             : r->GetMessage(message, field));
  }
  return nullptr;
}

}  // namespace

Table::Table(std::vector<std::string> header) : right_(header.size(), false) {
  rows_.push_back(std::move(header));
}

void Table::AddRow(std::vector<std::string> cells) {
  cells.resize(right_.size());
  rows_.push_back(std::move(cells));
}

void Table::AlignRight(size_t index) { right_[index] = true; }

std::string Table::ToString() const {
  std::vector<size_t> widths(right_.size(), 0);
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - Width(row[i]), ' ');
      if (i > 0) line += "  ";
      line += right_[i] ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string Table::ToMarkdown() const {
  std::string text;
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (const std::string& cell : rows_[r]) {
      text += "| ";
      for (const char letter : cell)
        text += letter == '|' ? std::string("\\|") : std::string(1, letter);
      text += " ";
    }
    text += "|\n";
    if (r > 0) continue;
    for (const bool right : right_) text += right ? "| ---: " : "| --- ";
    text += "|\n";
  }
  return text;
}

std::string EnumName(const EnumValueDescriptor* value) {
  if (value == nullptr) return "";
  std::string prefix;
  for (const char letter : value->type()->name()) {
    if (std::isupper(static_cast<unsigned char>(letter)) && !prefix.empty()) prefix += '_';
    prefix += static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  prefix += '_';
  return value->name().rfind(prefix, 0) == 0 ? value->name().substr(prefix.size()) : value->name();
}

ordered_json ToJson(const Message& message) {
  const Descriptor* descriptor = message.GetDescriptor();
  if (descriptor == google::protobuf::Timestamp::descriptor()) {
    return google::protobuf::util::TimeUtil::ToString(
        dynamic_cast<const google::protobuf::Timestamp&>(message));
  }
  if (descriptor == google::protobuf::Duration::descriptor()) {
    const auto& duration = dynamic_cast<const google::protobuf::Duration&>(message);
    return static_cast<double>(duration.seconds()) + duration.nanos() / 1e9;
  }
  if (descriptor == google::protobuf::Any::descriptor())
    return AnyToJson(dynamic_cast<const google::protobuf::Any&>(message));
  ordered_json json = ordered_json::object();
  for (int i = 0; i < descriptor->field_count(); ++i) {
    const FieldDescriptor* field = descriptor->field(i);
    if (field->is_map()) {
      ordered_json map = ordered_json::object();
      for (int j = 0; j < message.GetReflection()->FieldSize(message, field); ++j) {
        const ordered_json entry = FieldToJson(message, field, j);
        const ordered_json& key = entry["key"];
        map[key.is_string() ? key.get<std::string>() : key.dump()] = entry["value"];
      }
      json[field->name()] = std::move(map);
    } else if (field->is_repeated()) {
      ordered_json list = ordered_json::array();
      for (int j = 0; j < message.GetReflection()->FieldSize(message, field); ++j) {
        list.push_back(FieldToJson(message, field, j));
      }
      json[field->name()] = std::move(list);
    } else if (field->has_presence() && !message.GetReflection()->HasField(message, field)) {
      // Of a oneof only what is set; of other optional fields null.
      if (field->real_containing_oneof() == nullptr) json[field->name()] = nullptr;
    } else {
      json[field->name()] = FieldToJson(message, field, -1);
    }
  }
  return json;
}

std::string Dump(const ordered_json& json, bool pretty) {
  return json.dump(pretty ? 2 : -1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string FormatScore(double value) {
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.3f", value);
  return buffer.data();
}

std::string FormatDelta(double value) {
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%+.3f", value);
  return buffer.data();
}

std::string FormatSize(double value) {
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.3g", value);
  return buffer.data();
}

std::string FormatBytes(int64_t bytes) {
  static constexpr std::array<const char*, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (value >= 1000 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> buffer;
  std::snprintf(buffer.data(), buffer.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value,
                kUnits[unit]);
  return buffer.data();
}

std::string OneLine(const std::string& text, size_t width) {
  std::string line;
  size_t points = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (StartsCodePoint(text[i]) && ++points > width) return line + "…";
    const auto byte = static_cast<unsigned char>(text[i]);
    line += byte < 0x20 || byte == 0x7F ? ' ' : text[i];
  }
  return line;
}

void PrintError(const std::string& message) { std::cerr << "plumbline: " << message << std::endl; }

}  // namespace plumbline::client
