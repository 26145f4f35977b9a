// A made-up language model: logits are a hash of the whole prefix and of its last token, in
// integers and powers of two, so that they are the very float32 numbers of
// tests/golden/generate_reference.py. It counts what it is asked to do.
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "lib/base/random.h"
#include "lib/generate/decoder.h"
#include "lib/generate/generation_config.h"

namespace precis {

struct Toy {
  int64_t vocab = 0;
  int32_t end = 0;
  uint64_t seed = 0;
  int64_t prefix_weight = 0;
  int64_t last_weight = 0;
  int64_t end_bias = 0;  ///< in sixteenths
};

/// Triangular on (-1, 1), in units of 2^-24.
inline int64_t toy_noise(uint64_t key, int64_t token) {
  const uint64_t x = splitmix64(key ^ (static_cast<uint64_t>(token) << 32));
  return static_cast<int64_t>((x >> 40) + ((x >> 16) & 0xFFFFFF)) - (1 << 24);
}

class ToyDecoder : public Decoder {
 public:
  explicit ToyDecoder(const Toy& toy) : toy_(toy) {}

  at::Tensor start(std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens) override {
    ++num_starts;
    batch_sizes.push_back(prompts.size());
    sequences_.assign(prompts.begin(), prompts.end());
    room_.clear();
    for (const auto& prompt : prompts) {
      room_.push_back(static_cast<int64_t>(prompt.size()) + max_new_tokens);
      if (prompt.empty()) throw std::logic_error("an empty prompt");
    }
    return logits();
  }

  void select(std::span<const int64_t> rows) override {
    num_shrinks += rows.size() < sequences_.size();
    num_growths += rows.size() > sequences_.size();
    std::vector<std::vector<int32_t>> sequences;
    std::vector<int64_t> room;
    for (const int64_t row : rows) {
      sequences.push_back(sequences_.at(static_cast<size_t>(row)));
      room.push_back(room_.at(static_cast<size_t>(row)));
    }
    sequences_ = std::move(sequences);
    room_ = std::move(room);
  }

  at::Tensor step(std::span<const int32_t> tokens) override {
    ++num_steps;
    if (tokens.size() != sequences_.size()) throw std::logic_error("not one token for each row");
    most_rows = std::max(most_rows, tokens.size());
    for (size_t row = 0; row < tokens.size(); ++row) {
      sequences_[row].push_back(tokens[row]);
      if (static_cast<int64_t>(sequences_[row].size()) >= room_[row]) {
        throw std::logic_error("a token that nothing can follow was fed");
      }
    }
    return logits();
  }

  size_t num_starts = 0, num_steps = 0, num_shrinks = 0, num_growths = 0, most_rows = 0;
  std::vector<size_t> batch_sizes;

 private:
  at::Tensor logits() const {
    const auto rows = static_cast<int64_t>(sequences_.size());
    at::Tensor result = at::empty({rows, toy_.vocab}, at::kFloat);
    auto* value = result.mutable_data_ptr<float>();
    for (const auto& sequence : sequences_) {
      uint64_t key = toy_.seed;
      for (const int32_t token : sequence) key = splitmix64(key ^ static_cast<uint64_t>(token + 1));
      const uint64_t last_key =
          splitmix64(toy_.seed + 1000003 * static_cast<uint64_t>(sequence.back() + 1));
      for (int64_t token = 0; token < toy_.vocab; ++token) {
        int64_t units = toy_.prefix_weight * toy_noise(key, token) +
                        toy_.last_weight * toy_noise(last_key, token);
        if (token == toy_.end) units += toy_.end_bias << 20;
        *value++ = static_cast<float>(static_cast<double>(units) * 0x1p-24);
      }
    }
    return result;
  }

  Toy toy_;
  std::vector<std::vector<int32_t>> sequences_;
  std::vector<int64_t> room_;
};

inline nlohmann::json generate_reference() {
  std::ifstream file("tests/golden/generate_reference.json");
  if (!file) throw std::runtime_error("run the tests from the root of the checkout");
  return nlohmann::json::parse(file);
}

inline Toy toy_of(const nlohmann::json& json) {
  return {json.at("vocab"),         json.at("end"),         json.at("seed"),
          json.at("prefix_weight"), json.at("last_weight"), json.at("end_bias")};
}

/// The settings that json names, by the names of the config's own fields; the rest as they are by
/// default.
inline GenerationConfig config_of(const nlohmann::json& json) {
  GenerationConfig config;
  std::map<std::string, FieldValue> known;
  for (const Field& field : config.fields()) known.emplace(field.name, field.value);
  for (const auto& [name, value] : json.items()) {
    std::visit(
        [&](auto* member) {
          using Member = std::remove_pointer_t<decltype(member)>;
          if constexpr (std::is_arithmetic_v<Member>)
            *member = value.template get<Member>();
          else if constexpr (std::is_same_v<Member, std::string>)
            *member = value.is_boolean() ? (value.template get<bool>() ? "true" : "false")
                                         : value.template get<std::string>();
        },
        known.at(name));
  }
  return config;
}

}  // namespace precis
