// Whole texts: against transformers' generate, and whatever the batching.
#include "lib/generate/generate.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "lib/base/errors.h"
#include "tests/generate/toy_decoder.h"

namespace precis {
namespace {

using Texts = std::vector<std::vector<int32_t>>;

std::vector<Prompt> prompts_of(const Texts& texts) {
  std::vector<Prompt> prompts;
  for (const auto& tokens : texts) prompts.push_back({tokens, prompts.size()});
  return prompts;
}

Texts without_end(Texts texts, int32_t end) {
  for (auto& text : texts) text.erase(std::find(text.begin(), text.end(), end), text.end());
  return texts;
}

TEST(Generate, EqualsTransformersTokenForToken) {
  const auto reference = generate_reference();
  size_t compared = 0, by_end = 0, by_length = 0, beams = 0, early = 0, all_together = 0;
  for (const auto& part : reference.at("sequences")) {
    const Toy toy = toy_of(part.at("toy"));
    const auto prompts = prompts_of(part.at("prompts").get<Texts>());
    std::set<Texts> different;
    for (const auto& reference_case : part.at("cases")) {
      const GenerationConfig config = config_of(reference_case.at("config"));
      const Texts raw = reference_case.at("outputs").get<Texts>();
      const Texts expected = without_end(raw, toy.end);
      ToyDecoder decoder(toy);
      const Texts got = generate(decoder, prompts, config, {.end_tokens = {toy.end}});
      ASSERT_EQ(got.size(), expected.size());
      for (size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i], expected[i]) << reference_case.at("config") << ", prompt " << i;
        const bool ended = expected[i].size() < raw[i].size();
        by_end += ended;
        by_length += !ended && static_cast<int64_t>(raw[i].size()) == config.max_new_tokens;
        ++compared;
      }
      different.insert(expected);
      beams += config.num_beams > 1;
      early += config.num_beams > 1 && config.early_stopping == "true";
      all_together += config.num_beams > 1 && config.no_repeat_ngram_size > 0 &&
                      config.min_new_tokens > 0 && config.repetition_penalty != 1 &&
                      config.length_penalty != 1;
    }
    EXPECT_GT(different.size(), 20U) << "settings must matter";
  }
  EXPECT_EQ(compared, 2U * 35 * 7);
  EXPECT_EQ(by_end + by_length, compared);
  EXPECT_GT(by_end, compared / 4);
  EXPECT_GT(by_length, compared / 8);
  EXPECT_GT(beams, 30U);
  EXPECT_GT(early, 10U);
  EXPECT_GT(all_together, 3U);
}

TEST(Generate, EndsAtAnyOfSeveralTokensAsTransformers) {
  const auto reference = generate_reference().at("several_ends");
  const Toy toy = toy_of(reference.at("toy"));
  const auto prompts = prompts_of(reference.at("prompts").get<Texts>());
  const auto texts_of = [&](const GenerationConfig& config, const EndTokens& ends) {
    ToyDecoder decoder(toy);
    return generate(decoder, prompts, config, {.end_tokens = ends});
  };
  size_t by_other = 0, more_than_two = 0, never_matters = 0;
  for (const auto& reference_case : reference.at("cases")) {
    GenerationConfig config = config_of(reference_case.at("config"));
    const auto ends = reference_case.at("ends").get<EndTokens>();
    Texts expected = reference_case.at("outputs").get<Texts>();
    for (auto& text : expected) {
      const auto end = std::find_if(text.begin(), text.end(),
                                    [&](int32_t token) { return is_end(ends, token); });
      by_other += end != text.end() && *end != toy.end;
      more_than_two += end != text.end() && ends.size() > 2;
      text.erase(end, text.end());
    }
    const Texts got = texts_of(config, ends);
    EXPECT_EQ(got, expected) << reference_case.at("config") << ", ends "
                             << reference_case.at("ends");
    if (config.early_stopping != "never") continue;
    config.early_stopping = "false";
    never_matters += texts_of(config, ends) != got;
  }
  EXPECT_GT(by_other, 30U);
  EXPECT_GT(more_than_two, 20U);
  EXPECT_GT(never_matters, 1U);
}

const Toy kToy{
    .vocab = 300, .end = 7, .seed = 5, .prefix_weight = 4, .last_weight = 4, .end_bias = 40};

std::vector<Prompt> random_prompts(size_t count) {
  RandomStream random(99);
  std::vector<Prompt> prompts;
  for (size_t i = 0; i < count; ++i) {
    std::vector<int32_t> tokens(1 + random.below(12));
    for (int32_t& token : tokens) token = static_cast<int32_t>(10 + random.below(20));
    prompts.push_back({tokens, 1000 + i});
  }
  return prompts;
}

class AnyBatching : public testing::TestWithParam<GenerationConfig> {};

TEST_P(AnyBatching, GivesTheSameTexts) {
  const GenerationConfig& config = GetParam();
  const auto prompts = random_prompts(23);
  Texts alone;
  for (const Prompt& prompt : prompts) {
    ToyDecoder decoder(kToy);
    alone.push_back(
        generate(decoder, std::span(&prompt, 1), config, {.end_tokens = {kToy.end}}).front());
  }
  std::set<size_t> lengths;
  for (const auto& text : alone) lengths.insert(text.size());
  EXPECT_GT(lengths.size(), 4U) << "texts must end at different steps";
  for (const auto& [rows, tokens] :
       {std::pair<int64_t, int64_t>{1, 1}, {12, 16384}, {32, 200}, {1000, 1000000}}) {
    ToyDecoder decoder(kToy);
    const GenerateOptions options{
        .end_tokens = {kToy.end}, .max_batch_rows = rows, .max_batch_tokens = tokens};
    EXPECT_EQ(generate(decoder, prompts, config, options), alone)
        << rows << " rows, " << tokens << " tokens";
    if (rows == 1000) {
      EXPECT_EQ(decoder.num_starts, 1U);
      EXPECT_GT(decoder.num_shrinks, 3U) << "finished rows must leave";
      EXPECT_EQ(decoder.num_growths, config.num_beams > 1 ? 1U : 0U);
    } else {
      EXPECT_GT(decoder.num_starts, 1U);
      EXPECT_LE(static_cast<int64_t>(decoder.most_rows), std::max(rows, config.num_beams));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Generate, AnyBatching,
    testing::Values(GenerationConfig{.max_new_tokens = 20},
                    GenerationConfig{.max_new_tokens = 20, .repetition_penalty = 1.3},
                    GenerationConfig{.max_new_tokens = 20, .temperature = 1.0, .top_k = 20},
                    GenerationConfig{.max_new_tokens = 20,
                                     .temperature = 0.8,
                                     .top_p = 0.7,
                                     .no_repeat_ngram_size = 2},
                    GenerationConfig{.max_new_tokens = 20, .temperature = 1.2, .min_p = 0.05},
                    GenerationConfig{.max_new_tokens = 20, .num_beams = 4},
                    GenerationConfig{.max_new_tokens = 20,
                                     .num_beams = 3,
                                     .length_penalty = 2,
                                     .early_stopping = "true",
                                     .no_repeat_ngram_size = 2}));

TEST(Generate, SampledTextsDependOnSeedAndKeyOnly) {
  const GenerationConfig config{.max_new_tokens = 12, .temperature = 1.2};
  const Prompt first{{11, 12, 13}, 5}, other_key{{11, 12, 13}, 6};
  const auto sample = [&](const std::vector<Prompt>& prompts, int64_t seed) {
    GenerationConfig seeded = config;
    seeded.seed = seed;
    ToyDecoder decoder(kToy);
    return generate(decoder, prompts, seeded, {.end_tokens = {kToy.end}});
  };
  const Texts texts = sample({first, other_key, first}, 1);
  EXPECT_EQ(texts[0], texts[2]);
  EXPECT_NE(texts[0], texts[1]);
  EXPECT_EQ(sample({other_key, first}, 1), (Texts{texts[1], texts[0]}));
  EXPECT_NE(sample({first}, 2).front(), texts[0]);
}

TEST(Generate, ThreadsDoNotMatter) {
  const Toy large{
      .vocab = 40000, .end = 7, .seed = 5, .prefix_weight = 4, .last_weight = 4, .end_bias = 40};
  const auto prompts = random_prompts(4);
  const int before = at::get_num_threads();
  for (const auto& config : {GenerationConfig{.max_new_tokens = 4, .repetition_penalty = 1.2},
                             GenerationConfig{.max_new_tokens = 4, .temperature = 1},
                             GenerationConfig{.max_new_tokens = 4, .num_beams = 3}}) {
    Texts texts[2];
    for (const int threads : {1, 3}) {
      at::set_num_threads(threads);
      ToyDecoder decoder(large);
      texts[threads == 3] = generate(decoder, prompts, config, {.end_tokens = {large.end}});
    }
    EXPECT_EQ(texts[0], texts[1]);
    EXPECT_GT(texts[0].back().size(), 1U);
  }
  at::set_num_threads(before);
}

TEST(Generate, OneBeamIsGreedyWhateverTheBeamSettings) {
  const auto prompts = random_prompts(6);
  ToyDecoder decoder(kToy);
  const GenerationConfig greedy{.max_new_tokens = 15};
  const GenerationConfig one_beam{
      .max_new_tokens = 15, .length_penalty = 3, .early_stopping = "true"};
  const Texts texts = generate(decoder, prompts, greedy, {.end_tokens = {kToy.end}});
  EXPECT_EQ(generate(decoder, prompts, one_beam, {.end_tokens = {kToy.end}}), texts);
  // A beam search that stops at its first complete text and keeps one candidate in front is not the
  // same thing.
  const GenerationConfig two_beams{.max_new_tokens = 15, .num_beams = 2};
  EXPECT_NE(generate(decoder, prompts, two_beams, {.end_tokens = {kToy.end}}), texts);
}

/// A vocabulary padded to a round number (and with gaps): the texts are those of the model without
/// the ids that have no token, here all from kToy.vocab on.
TEST(Generate, SuppressedTokensAreAsIfTheyWereNotThere) {
  Toy padded = kToy;
  padded.vocab = 4 * kToy.vocab;
  std::vector<int32_t> without_token;
  for (auto id = static_cast<int32_t>(kToy.vocab); id < padded.vocab; ++id)
    without_token.push_back(id);
  const auto prompts = random_prompts(12);
  for (const GenerationConfig& config :
       {GenerationConfig{.max_new_tokens = 20},
        GenerationConfig{.max_new_tokens = 20, .temperature = 1.0},
        GenerationConfig{.max_new_tokens = 20, .temperature = 0.9, .top_k = 7, .top_p = 0.8},
        GenerationConfig{.max_new_tokens = 20, .num_beams = 3},
        GenerationConfig{.max_new_tokens = 20,
        .min_new_tokens = 4,
        .num_beams = 2,
        .no_repeat_ngram_size = 2,
        .repetition_penalty = 1.2}}) {
    ToyDecoder plain(kToy), free(padded), masked(padded), ended(padded);
    const Texts expected = generate(plain, prompts, config, {.end_tokens = {kToy.end}});
    EXPECT_NE(generate(free, prompts, config, {.end_tokens = {kToy.end}}), expected)
        << "the padded rows must be liked";
    EXPECT_EQ(generate(masked, prompts, config,
                       {.end_tokens = {kToy.end}, .suppressed_tokens = without_token}),
              expected);
    // A token that ends a text needs none in the vocabulary.
    without_token.push_back(kToy.end);
    EXPECT_EQ(generate(ended, prompts, config,
                       {.end_tokens = {kToy.end}, .suppressed_tokens = without_token}),
              expected);
    without_token.pop_back();
  }
}

TEST(Generate, TellsWhatIsFinishedAndTakesNoPrompts) {
  const auto prompts = random_prompts(9);
  std::map<size_t, std::vector<int32_t>> told;
  ToyDecoder decoder(kToy);
  const Texts texts = generate(decoder, prompts, {.max_new_tokens = 15},
                               {.end_tokens = {kToy.end},
                                .max_batch_rows = 4,
                                .finished = [&](size_t prompt, const std::vector<int32_t>& tokens) {
                                  EXPECT_TRUE(told.emplace(prompt, tokens).second) << "told twice";
                                }});
  ASSERT_EQ(told.size(), prompts.size());
  for (const auto& [prompt, tokens] : told) EXPECT_EQ(tokens, texts.at(prompt));
  ToyDecoder idle(kToy);
  EXPECT_TRUE(generate(idle, {}, {}, {}).empty());
  EXPECT_EQ(idle.num_starts, 0U);
}

TEST(Generate, LeavesWhatIsNotFinishedWhereItIsToStop) {
  const auto prompts = random_prompts(9);
  const GenerationConfig config{.max_new_tokens = 15};
  ToyDecoder whole(kToy);
  const Texts expected = generate(whole, prompts, config, {.end_tokens = {kToy.end}});
  size_t fewest = prompts.size(), most = 0;
  for (size_t steps = 0; steps < 30; ++steps) {
    size_t asked = 0, finished = 0;
    ToyDecoder decoder(kToy);
    generate(decoder, prompts, config,
             {.end_tokens = {kToy.end},
              .max_batch_rows = 4,
              .finished =
                  [&](size_t prompt, const std::vector<int32_t>& tokens) {
                    EXPECT_EQ(tokens, expected[prompt]);
                    ++finished;
                  },
              .should_stop = [&] { return asked++ >= steps; }});
    EXPECT_LE(decoder.num_steps, steps);
    EXPECT_LE(asked, steps + 2) << "nothing is begun after it";
    fewest = std::min(fewest, finished);
    most = std::max(most, finished);
  }
  EXPECT_EQ(fewest, 0U);
  EXPECT_GT(most, 4U) << "into the second batch";
  EXPECT_LT(most, prompts.size());
}

TEST(PlanBatches, KeepsToItsLimits) {
  std::vector<Prompt> prompts(10);
  for (size_t i = 0; i < prompts.size(); ++i) prompts[i].tokens.assign(i % 5 + 1, 3);
  const GenerationConfig config{.max_new_tokens = 10, .num_beams = 2};
  const auto batches = plan_batches(prompts, config, {.max_batch_rows = 6, .max_batch_tokens = 60});
  // Lengths 5 5 | 4 4 | 3 3 | 2 2 | 1 1: two prompts are four rows of at most 15 positions; three
  // would be over 60.
  const std::vector<std::vector<size_t>> expected{{4, 9}, {3, 8}, {2, 7}, {1, 6}, {0, 5}};
  EXPECT_EQ(batches, expected);
  EXPECT_EQ(plan_batches(prompts, config, {.max_batch_rows = 6, .max_batch_tokens = 1000}).size(),
            4U);
  EXPECT_EQ(plan_batches(prompts, config, {.max_batch_rows = 1, .max_batch_tokens = 1}).size(),
            10U);
}

TEST(GenerationConfig, KnowsWhatHasNoEffect) {
  const auto idle = [](const GenerationConfig& config) {
    std::string keys;
    for (const IdleKey& each : config.idle_keys()) keys += each.key + " ";
    return keys;
  };
  EXPECT_EQ(idle({}), "");
  EXPECT_EQ(idle({.top_k = 5, .top_p = 0.5, .min_p = 0.1, .seed = 1}),
            "generation.top_k generation.top_p generation.min_p generation.seed ");
  EXPECT_EQ(idle({.temperature = 1, .top_k = 5, .top_p = 0.5, .min_p = 0.1, .seed = 1}), "");
  EXPECT_EQ(idle({.length_penalty = 2, .early_stopping = "true"}),
            "generation.length_penalty generation.early_stopping ");
  EXPECT_EQ(idle({.num_beams = 2, .length_penalty = 2, .early_stopping = "true"}), "");
}

TEST(GenerationConfig, RefusesWhatContradictsItself) {
  EXPECT_NO_THROW((GenerationConfig{.num_beams = 4}.validate()));
  EXPECT_NO_THROW((GenerationConfig{.temperature = 1}.validate()));
  EXPECT_THROW((GenerationConfig{.temperature = 0.5, .num_beams = 4}.validate()), ConfigError);
  EXPECT_THROW((GenerationConfig{.max_new_tokens = 5, .min_new_tokens = 6}.validate()),
               ConfigError);
  ToyDecoder decoder(kToy);
  EXPECT_THROW(generate(decoder, random_prompts(1), {.temperature = 0.5, .num_beams = 4}, {}),
               ConfigError);
  EXPECT_EQ(decoder.num_starts, 0U);
}

/// A device with room for so many rows.
class SmallDevice : public ToyDecoder {
 public:
  SmallDevice(const Toy& toy, size_t room) : ToyDecoder(toy), room_(room) {}
  at::Tensor start(std::span<const std::vector<int32_t>> prompts, int64_t max_new_tokens) override {
    if (prompts.size() > room_) C10_THROW_ERROR(OutOfMemoryError, "no memory for so many rows");
    ++starts;
    return ToyDecoder::start(prompts, max_new_tokens);
  }
  int starts = 0;

 private:
  size_t room_;
};

TEST(Generate, DecodesInHalvesWhereTheDeviceHasNoMemory) {
  const auto reference = generate_reference();
  const auto& part = reference.at("sequences").front();
  const Toy toy = toy_of(part.at("toy"));
  const auto prompts = prompts_of(part.at("prompts").get<Texts>());
  ASSERT_GT(prompts.size(), 4U);
  GenerationConfig config;
  config.temperature = 1;
  config.max_new_tokens = 9;
  std::multiset<size_t> told;
  const GenerateOptions options{
      .end_tokens = {toy.end},
      .finished = [&](size_t prompt, const std::vector<int32_t>&) { told.insert(prompt); }};
  ToyDecoder large(toy);
  SmallDevice small(toy, 2);
  const Texts found = generate(small, prompts, config, options);
  EXPECT_EQ(told.size(), prompts.size());
  for (size_t i = 0; i < prompts.size(); ++i) EXPECT_EQ(told.count(i), 1U) << i;
  EXPECT_EQ(found, generate(large, prompts, config, options));
  EXPECT_GE(small.starts, 3);
  SmallDevice none(toy, 0);
  EXPECT_THROW(generate(none, prompts, config, options), c10::OutOfMemoryError);
}

}  // namespace
}  // namespace precis
