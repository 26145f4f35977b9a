#include "lib/generate/generation_config.h"

#include <fmt/format.h>

#include "lib/base/errors.h"

namespace precis {

Fields GenerationConfig::fields() {
  return {
      {"max_new_tokens", &max_new_tokens, "most tokens of a text", {.min = 1}},
      {"min_new_tokens", &min_new_tokens, "tokens before a text may end", {.min = 0}},
      {"temperature",
       &temperature,
       "logits are divided by it before sampling; 0: greedy or beams, no sampling",
       {.min = 0}},
      {"top_k", &top_k, "sample among this many likeliest tokens; 0: all", {.min = 0}},
      {"top_p",
       &top_p,
       "sample among the likeliest tokens that together have this probability",
       {.min = 0, .max = 1}},
      {"min_p",
       &min_p,
       "sample among tokens with at least this share of the likeliest one's probability; 0: all",
       {.min = 0, .max = 1}},
      {"num_beams", &num_beams, "beams of the beam search; 1: none", {.min = 1}},
      {"length_penalty",
       &length_penalty,
       "a beam's score is divided by its length to this power: above 0 favours long texts",
       {}},
      {"early_stopping",
       &early_stopping,
       "beam search ends when num_beams texts are complete and a better one is unlikely (false), "
       "as "
       "soon as they are complete (true), or when no better one is possible (never)",
       {.choices = {"false", "true", "never"}}},
      {"no_repeat_ngram_size",
       &no_repeat_ngram_size,
       "no n-gram of this size twice in prompt and text; 0: no such rule",
       {.min = 0}},
      {"repetition_penalty",
       &repetition_penalty,
       "scores of tokens in prompt and text are divided (negative: multiplied) by it; 1: none",
       {.above = 0}},
      {"seed", &seed, "of the sampling", {.min = 0}},
      {"dtype",
       &dtype,
       "of the weights and the cache while decoding; int8: weights of a quarter of float32's size, "
       "on CPUs",
       {.choices = {"float32", "bfloat16", "float16", "int8"}}},
  };
}

std::vector<IdleKey> GenerationConfig::idle_keys() const {
  const GenerationConfig usual;
  std::vector<IdleKey> idle;
  const auto note = [&](const char* key, bool is_set, const char* reason) {
    if (is_set) idle.push_back({key, reason});
  };
  if (!samples()) {
    constexpr const char* kGreedy = "generation.temperature is 0, so that nothing is drawn";
    note("generation.top_k", top_k != usual.top_k, kGreedy);
    note("generation.top_p", top_p != usual.top_p, kGreedy);
    note("generation.min_p", min_p != usual.min_p, kGreedy);
    note("generation.seed", seed != usual.seed, kGreedy);
  }
  if (num_beams == 1) {
    constexpr const char* kNoBeams = "generation.num_beams is 1, so that there are no beams";
    note("generation.length_penalty", length_penalty != usual.length_penalty, kNoBeams);
    note("generation.early_stopping", early_stopping != usual.early_stopping, kNoBeams);
  }
  return idle;
}

void GenerationConfig::validate() const {
  if (num_beams > 1 && samples()) {
    throw ConfigError(fmt::format(
        "generation.num_beams is {} and generation.temperature is {}: beams do not sample. Set "
        "generation.temperature to 0 for a beam search, or generation.num_beams to 1 for sampling.",
        num_beams, temperature));
  }
  if (min_new_tokens > max_new_tokens) {
    throw ConfigError(
        fmt::format("generation.min_new_tokens is {}, above generation.max_new_tokens, which is "
                    "{}. Lower the one or raise the other.",
                    min_new_tokens, max_new_tokens));
  }
}

}  // namespace precis
