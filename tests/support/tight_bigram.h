// Bigram tables on a device with little memory: training runs out of it where a test says so.
#pragma once

#include <c10/util/Exception.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

#include "tests/support/bigram.h"

namespace precis::testing {

/// How much memory there is, and what was asked of it.
struct Room {
  int64_t tokens = std::numeric_limits<int64_t>::max();  ///< of a micro-batch
  int64_t roomy_steps = 0;                               ///< that begin before memory becomes short
  bool in_backward = false;  ///< runs out when some gradients of a step's last micro-batch are sent
  int64_t shortages = 0;     ///< how often it ran out
  int64_t steps = 0;         ///< last micro-batches that began
  int64_t micro_batches = 0;  ///< that went through
  int64_t models = 0;         ///< that were made
};

[[noreturn]] inline void run_out(Room& room) {
  ++room.shortages;
  throw c10::OutOfMemoryError({__func__, __FILE__, static_cast<uint32_t>(__LINE__)},
                              "CUDA out of memory. Tried to allocate 2.00 GiB.");
}

class TightBigramModel : public BigramModel {
 public:
  TightBigramModel(const ParameterTable& table, at::Device device, Room& room)
      : BigramModel(table, device), room_(room) {
    ++room_.models;
  }

  at::Tensor train(const RaggedBatch& batch, const Weights& weights, const Gradients& gradients,
                   const TrainPass& pass) override {
    const bool is_last = static_cast<bool>(pass.gradients_final);
    const bool is_tight = room_.steps >= room_.roomy_steps && batch.num_tokens() > room_.tokens;
    if (is_last) ++room_.steps;
    if (is_tight && !room_.in_backward) run_out(room_);
    TrainPass cut = pass;
    if (is_tight && is_last)
      cut.gradients_final = [&](int64_t count) {
        pass.gradients_final(count);
        run_out(room_);
      };
    const at::Tensor loss = BigramModel::train(batch, weights, gradients, cut);
    ++room_.micro_batches;
    return loss;
  }

 private:
  Room& room_;
};

class TightBigramShape : public BigramShape {
 public:
  TightBigramShape(const BigramShape& shape, Room& room) : BigramShape(shape), room_(room) {}
  std::unique_ptr<ModelShape> clone() const override {
    return std::make_unique<TightBigramShape>(*this);
  }
  std::unique_ptr<LanguageModel> make_model(const ParameterTable& table,
                                            at::Device device) const override {
    return std::make_unique<TightBigramModel>(table, device, room_);
  }

 private:
  Room& room_;
};

/// In its files it is the family of bigram tables.
class TightBigramFamily : public BigramFamily {
 public:
  explicit TightBigramFamily(Room& room) : room_(room) {}
  AnyShape from_settings(const ModelSettings& settings, int64_t block_size,
                         int64_t vocab_size) const override {
    const AnyShape plain = BigramFamily::from_settings(settings, block_size, vocab_size);
    return TightBigramShape(dynamic_cast<const BigramShape&>(*plain), room_).clone();
  }

 private:
  Room& room_;
};

}  // namespace precis::testing
