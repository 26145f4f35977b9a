// Steps of decoding on a device: all that differs from one to the next is brought there at once, a
// step is recorded, and several are run without the host where the device can choose the tokens.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "lib/generate/kv_cache.h"
#include "lib/generate/token_choice.h"
#include "lib/model/language_model.h"
#include "lib/tensor/device_graph.h"

namespace precis {

/// Uses the model. Rows are filled up to a multiple of KvCache::kSpareSlots, so that few recordings
/// serve all batches. Not thread-safe.
class RecordedSteps {
 public:
  /// `make`: where graphs come from; none: nothing is recorded, and tokens cannot be chosen.
  RecordedSteps(LanguageModel& model, Weights weights, MakeDeviceGraph make)
      : model_(model), weights_(std::move(weights)), make_(std::move(make)) {}

  bool records() const { return static_cast<bool>(make_); }

  /// Logits [B, V] float32 after one more token a row; they may be overwritten until the next call.
  at::Tensor logits(std::span<const int32_t> tokens, KvCache& cache);

  /// Feeds each row its token and goes on `steps` times, with tokens that the device chooses.
  /// Returns them, [steps, B]. `uniforms` [steps, B] where the choice draws.
  std::vector<int32_t> choose(std::span<const int32_t> tokens, KvCache& cache,
                              const TokenChoice& choice, std::span<const double> uniforms,
                              int64_t steps);

 private:
  struct Arrays;
  struct Recording;
  /// What a recording depends on.
  struct Key {
    int64_t rows = 0, stride = 0, steps = 0;
    bool chooses = false;
    auto operator<=>(const Key&) const = default;
  };

  CachePass append(KvCache& cache, int64_t tokens);
  Recording& recording(const Key& key, const CachePass& pass);
  void fill(Arrays& arrays, std::span<const int32_t> tokens, const KvCache& cache,
            const CachePass& pass);
  at::Tensor unrecorded_logits(std::span<const int32_t> tokens, KvCache& cache);
  void run(Recording& recording);

  LanguageModel& model_;
  Weights weights_;
  MakeDeviceGraph make_;
  TokenChoice choice_;  ///< that the recordings make
  std::map<Key, std::shared_ptr<Recording>> recordings_;
  const void* cache_memory_ = nullptr;  ///< of the cache that they know
};

}  // namespace precis
