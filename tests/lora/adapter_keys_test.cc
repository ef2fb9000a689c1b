#include "core/lora/adapter_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/status_matchers.h"

namespace plumbline {
namespace {

using ::testing::HasSubstr;

TEST(AdapterKeys, WhatPeftWrites) {
  const struct {
    const char* key;
    const char* module;
    AdapterPart part;
  } kKeys[] = {
      {"base_model.model.model.layers.0.mlp.up_proj.lora_A.weight", "model.layers.0.mlp.up_proj",
       AdapterPart::kLoraA},
      {"base_model.model.lm_head.lora_B.weight", "lm_head", AdapterPart::kLoraB},
      {"base_model.model.x.q.lora_B.bias", "x.q", AdapterPart::kLoraBBias},
      {"base_model.model.x.q.lora_magnitude_vector", "x.q", AdapterPart::kMagnitude},
      {"base_model.model.x.e.lora_embedding_A", "x.e", AdapterPart::kEmbeddingA},
      {"base_model.model.x.e.lora_embedding_B", "x.e", AdapterPart::kEmbeddingB},
      {"base_model.model.x.e.base_layer.weight", "x.e", AdapterPart::kBaseWeight},
      {"base_model.model.x.q.base_layer.bias", "x.q", AdapterPart::kBaseBias},
      {"base_model.model.x.ln.modules_to_save.bias", "x.ln", AdapterPart::kSavedBias},
      {"base_model.model.x.ln.original_module.bias", "x.ln", AdapterPart::kOriginalBias},
      {"base_model.model.lm_head.weight", "lm_head", AdapterPart::kWeight},
      {"base_model.model.x.ln.bias", "x.ln", AdapterPart::kBias},
      {"base_model.model.x.e.token_adapter.trainable_tokens_delta", "x.e",
       AdapterPart::kTrainedTokens},
  };
  for (const auto& want : kKeys) {
    SCOPED_TRACE(want.key);
    ASSERT_OK_AND_ASSIGN(const AdapterKey key, ParseAdapterKey(want.key));
    EXPECT_EQ(key.module, want.module);
    EXPECT_EQ(key.part, want.part);
    EXPECT_TRUE(key.has_prefix);
    EXPECT_EQ(key.adapter_name, "");
  }
}

TEST(AdapterKeys, PrefixAndAdapterNameAreOptional) {
  for (const auto& [text, name] : std::vector<std::pair<std::string, std::string>>{
           {"x.q.lora_A.default.weight", "default"},
           {"x.q.lora_B.mine.bias", "mine"},
           {"x.q.lora_magnitude_vector.default.weight", "default"},
           {"x.q.lora_magnitude_vector.default", "default"},
           {"x.q.lora_magnitude_vector.weight", ""},
           {"x.e.lora_embedding_A.default", "default"},
           {"x.e.token_adapter.trainable_tokens_delta.default", "default"}}) {
    SCOPED_TRACE(text);
    ASSERT_OK_AND_ASSIGN(const AdapterKey key, ParseAdapterKey(text));
    EXPECT_EQ(key.adapter_name, name);
    EXPECT_FALSE(key.has_prefix);
  }
}

TEST(AdapterKeys, RefusesTheRest) {
  for (const char* key :
       {"", ".", "weight", "lora_A.weight", "base_model.model.lora_A.weight", "x.q.lora_A",
        "x.q.lora_A.a.b.weight", "x.q.lora_C.weight", "x.q.lora_A..weight", "x..weight",
        "x.q.scale", "x.e.trainable_tokens_delta", "base_layer.weight", "x.q.lora_A.bias",
        "x.q.lora_A.weight.m"}) {
    EXPECT_THAT(ParseAdapterKey(key),
                StatusIs(absl::StatusCode::kInvalidArgument, HasSubstr("not a key")))
        << key;
  }
}

}  // namespace
}  // namespace plumbline
