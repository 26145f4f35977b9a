// One text for each row: greedy, or sampling.
#pragma once

#include <optional>

#include "lib/base/random.h"
#include "lib/generate/host_logits.h"
#include "lib/generate/sampler.h"
#include "lib/generate/strategy.h"

namespace precis {

class TokenStrategy : public Strategy {
 public:
  TokenStrategy(std::span<const Prompt* const> batch, const GenerationConfig& config,
                const EndTokens& end_tokens, Finished finished);
  void choose(const at::Tensor& logits) override;
  std::optional<Ahead> ahead() override;
  void take(std::span<const int32_t> chosen) override;

 private:
  struct Row {
    size_t place = 0;  ///< in the batch as started
    int64_t prompt_length = 0;
    std::vector<int32_t> tokens;  ///< the prompt's and the new ones
    RandomStream random;
    DrawRow draw;
  };

  std::vector<int32_t> next_tokens(const at::Tensor& logits);
  std::vector<int32_t> draw_from_device(const at::Tensor& logits);
  int32_t next_token(Row& row, std::span<float> scores) const;
  int64_t new_tokens(const Row& row) const;
  bool append(Row& row, int32_t token) const;

  int64_t max_new_tokens_;
  EndTokens end_tokens_;
  LogitsProcessors processors_;
  std::optional<Sampler> sampler_;
  Finished finished_;
  HostLogits host_;
  std::vector<Row> texts_;
};

}  // namespace precis
