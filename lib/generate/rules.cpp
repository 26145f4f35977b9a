#include "lib/generate/rules.h"

#include <utility>

#include "lib/generate/min_new_tokens.h"
#include "lib/generate/min_p.h"
#include "lib/generate/no_repeat_ngram.h"
#include "lib/generate/repetition_penalty.h"
#include "lib/generate/top_p.h"

namespace precis {
namespace {

// In the order of transformers' GenerationMixin._get_logits_processor.
constexpr auto kProcessors = {RepetitionPenalty::make, NoRepeatNgram::make, MinNewTokens::make};
constexpr auto kWarpers = {TopP::make, MinP::make};  // temperature and top-k before: sampler.cpp

/// What those make that the settings ask for.
template <typename Rules, typename Makers, typename... Settings>
Rules made_by(const Makers& makers, const Settings&... settings) {
  Rules rules;
  for (const auto make : makers)
    if (auto rule = make(settings...)) rules.push_back(std::move(rule));
  return rules;
}

}  // namespace

LogitsProcessors make_processors(const GenerationConfig& config, const EndTokens& end_tokens) {
  return made_by<LogitsProcessors>(kProcessors, config, end_tokens);
}

Warpers make_warpers(const GenerationConfig& config) {
  return made_by<Warpers>(kWarpers, config);
}

}  // namespace precis
