// A device that goes on by itself writes the texts that the host would have it write.
#include "lib/generate/recorded_steps.h"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <vector>

#include "lib/generate/generate.h"
#include "lib/generate/inference_model.h"
#include "lib/ops/route.h"
#include "tests/support/small_gpt.h"

namespace precis {
namespace {

using namespace testing;
using Texts = std::vector<std::vector<int32_t>>;

/// What is asked of the graphs of a decoder.
struct Uses {
  int made = 0, recorded = 0, replayed = 0;
  bool refuses = false;
};

class CountingGraph : public DeviceGraph {
 public:
  explicit CountingGraph(Uses& uses) : uses_(uses), graph_(make_device_graph(at::kCPU)) {
    ++uses_.made;
  }
  void record(const std::function<void()>& work) override {
    TORCH_CHECK(!uses_.refuses, "this device records nothing");
    ++uses_.recorded;
    graph_->record(work);
  }
  void cut(std::function<void()> between) override { graph_->cut(std::move(between)); }
  void replay() override {
    ++uses_.replayed;
    graph_->replay();
  }

 private:
  Uses& uses_;
  std::unique_ptr<DeviceGraph> graph_;
};

class RecordedSteps : public ::testing::Test {
 protected:
  Texts texts_of(const GenerationConfig& config, Uses* uses, size_t num_prompts = 21) {
    const InferenceModel inference(model_, weights_);
    CachedDecoder plain(inference),
        recorded(inference, [uses](at::Device) { return std::make_unique<CountingGraph>(*uses); });
    return generate(uses != nullptr ? recorded : plain, prompts(num_prompts), config,
                    {.end_tokens = {3, 7, 14, 26, 32, 43, 65, 83},
                     .suppressed_tokens = {40, 41},
                     .max_batch_rows = 12});
  }
  std::vector<Prompt> prompts(size_t count) const {
    std::vector<Prompt> all;
    RandomStream random(17);
    for (size_t i = 0; i < count; ++i) {
      all.push_back({{}, i});
      const size_t length = 1 + random.below(90);
      while (all.back().tokens.size() < length)
        all.back().tokens.push_back(static_cast<int32_t>(random.below(97)));
    }
    return all;
  }
  static GenerationConfig config(double temperature) {
    GenerationConfig config;
    config.temperature = temperature;
    config.top_k = 20;
    config.max_new_tokens = 29;  // no multiple of the steps that a device takes alone
    return config;
  }

  Gpt2Shape shape_ = small_shape();
  ParameterTable table_ = shape_.parameters();
  Weights weights_ = make_weights(table_, busy_parameters(table_), at::kFloat);
  Gpt2Model model_{shape_, table_, at::kCPU};
};

bool some_end_early(const Texts& texts, size_t most) {
  return std::ranges::any_of(texts, [&](const auto& text) { return text.size() < most; }) &&
         std::ranges::any_of(texts, [&](const auto& text) { return text.size() == most; });
}

TEST_F(RecordedSteps, GreedyAndDrawnTextsAreThoseOfTheHost) {
  for (const double temperature : {0.0, 1.0}) {
    Uses uses;
    const Texts found = texts_of(config(temperature), &uses),
                wanted = texts_of(config(temperature), nullptr);
    EXPECT_EQ(found, wanted) << temperature;
    EXPECT_TRUE(some_end_early(wanted, 29)) << temperature;
    EXPECT_GT(uses.replayed, 5 * uses.recorded);
  }
}

TEST_F(RecordedSteps, BeamsAndRulesOfTheHostAreFedByThem) {
  GenerationConfig beams = config(0), rules = config(1);
  beams.num_beams = 3;
  rules.no_repeat_ngram_size = 2;
  rules.repetition_penalty = 1.3;
  for (const GenerationConfig& each : {beams, rules}) {
    Uses uses;
    EXPECT_EQ(texts_of(each, &uses), texts_of(each, nullptr));
    EXPECT_GT(uses.replayed, 0);
  }
}

TEST_F(RecordedSteps, WhatHasRunIsRecordedOnceForEachNumberOfRows) {
  GenerationConfig all_run_on = config(0);
  all_run_on.max_new_tokens = 33;  // one by the prompt, four times eight
  Uses uses;
  const InferenceModel inference(model_, weights_);
  CachedDecoder decoder(inference,
                        [&](at::Device) { return std::make_unique<CountingGraph>(uses); });
  generate(decoder, prompts(5), all_run_on, {});
  EXPECT_EQ(uses.made, 1);
  EXPECT_EQ(uses.recorded, 1);
  EXPECT_EQ(uses.replayed, 30);  // 32 steps, of which one ran and one was recorded
}

TEST_F(RecordedSteps, ADeviceThatRecordsNothingWritesTheSame) {
  Uses uses{.refuses = true};
  EXPECT_EQ(texts_of(config(0), &uses), texts_of(config(0), nullptr));
  EXPECT_GT(uses.made, 0);
  EXPECT_EQ(uses.replayed, 0);
}

TEST_F(RecordedSteps, WithoutGraphsTheHostChooses) {
  const InferenceModel inference(model_, weights_);
  for (const ops::Route route : {ops::Route::kCpu, ops::Route::kComposed}) {
    const ops::RouteGuard guard(route);
    CachedDecoder decoder(inference, MakeDeviceGraph());
    EXPECT_FALSE(decoder.can_run());
    const Texts found = generate(decoder, prompts(9), config(0), {.end_tokens = {7}});
    CachedDecoder plain(inference);
    EXPECT_EQ(found, generate(plain, prompts(9), config(0), {.end_tokens = {7}}));
  }
}

}  // namespace
}  // namespace precis
