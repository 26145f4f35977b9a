// GPT-2 (Radford et al., 2019) as OpenAI, Hugging Face and nanoGPT have it.
#pragma once

#include <string>
#include <string_view>

#include "lib/model/model_family.h"

namespace precis {

class Gpt2Family : public ModelFamily {
 public:
  std::string name() const override { return "gpt2"; }
  std::string title() const override { return "GPT-2"; }
  std::string_view class_prefix() const override { return "GPT2"; }

  AnyShape from_settings(const ModelSettings& settings, int64_t block_size,
                         int64_t vocab_size) const override;
  AnyShape from_checkpoint(const Value& model_args, const Value* precis,
                           const std::string& file) const override;
  CheckpointShape to_checkpoint(const ModelShape& shape) const override;
  AnyShape from_config_json(const Value& config, const std::string& file) const override;
  Value to_config_json(const ModelShape& shape, int64_t end_id) const override;
  ParameterTable exported_parameters(const ModelShape& shape) const override;

  std::string_view body_prefix() const override { return "transformer."; }
  bool is_of_body(std::string_view plain_name) const override;
  bool is_ignored(std::string_view plain_name) const override;
  bool is_transposed(std::string_view name) const override;
  TiedHead tied_head() const override;
};

/// It has no state.
const ModelFamily& gpt2_family();

}  // namespace precis
