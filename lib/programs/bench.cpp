#include "lib/programs/bench.h"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "lib/base/random.h"
#include "lib/comm/collectives.h"
#include "lib/generate/generate.h"
#include "lib/generate/gpt_decoder.h"
#include "lib/model/ragged_batch.h"
#include "lib/train/train_step.h"

namespace precis {
namespace {

using Json = nlohmann::ordered_json;

/// Median wall seconds of some runs after one to warm up.
double median_seconds(int64_t repeats, const std::function<void()>& work) {
  work();
  std::vector<double> seconds;
  for (int64_t i = 0; i < repeats; ++i) {
    const auto began = std::chrono::steady_clock::now();
    work();
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  }
  std::ranges::nth_element(seconds, seconds.begin() + static_cast<int64_t>(seconds.size() / 2));
  return seconds[seconds.size() / 2];
}

GptShape shape_of(const BenchSettings& s) {
  GptShape shape;
  shape.n_layer = s.n_layer;
  shape.n_head = s.n_head;
  shape.n_embd = s.n_embd;
  shape.vocab_size = s.vocab_size;
  return shape;
}

/// Samples of made-up tokens whose lengths spread around the mean as those of dialogues do.
std::vector<std::vector<int32_t>> made_up_samples(const BenchSettings& s) {
  RandomStream random(1);
  std::vector<std::vector<int32_t>> samples(static_cast<size_t>(s.samples));
  for (auto& sample : samples) {
    const auto length =
        static_cast<int64_t>(static_cast<double>(s.mean_tokens) * (0.5 + random.uniform()));
    for (int64_t t = 0; t < std::clamp<int64_t>(length, s.target_tokens + 8, 1000); ++t)
      sample.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(s.vocab_size))));
  }
  return samples;
}

Json bench_matmul(World&, const DeviceSetup& setup, const BenchSettings& s) {
  const int64_t n = 1024;
  const auto options = at::TensorOptions(setup.device).dtype(setup.dtype);
  const at::Tensor a = at::ones({n, n}, options), b = at::ones({n, n}, options);
  at::Tensor c = at::mm(a, b);
  const double seconds = median_seconds(s.repeats, [&] {
    at::mm_out(c, a, b);
    c.select(0, 0).select(0, 0).item<float>();
  });
  return {{"gflop_per_s", 2e-9 * n * n * n / seconds}};
}

Json bench_train(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  const ParameterLayout layout(shape_of(s));
  const auto collectives = make_collectives(setup.plan.backend, world, setup.device);
  FlatParameters parameters(layout, initial_parameters(layout, 1), setup.dtype, setup.device,
                            *collectives);
  TrainConfig config;
  AdamW optimizer(parameters, config);
  LossScaler scaler(setup.dtype == at::kHalf);
  Gpt model(layout, setup.device);
  TrainStep step({model, parameters, optimizer, scaler, *collectives, world}, 1.0, 16);
  const int64_t budget =
      s.micro_batch_tokens > 0 ? s.micro_batch_tokens : automatic_micro_batch_tokens(setup, layout);
  const auto samples = made_up_samples(s);
  std::vector<RaggedBatch> batches;
  std::vector<RaggedSample> rows;
  int64_t tokens = 0, total = 0;
  const auto flush = [&] {
    if (!rows.empty()) batches.push_back(make_ragged_batch(rows, true).to(setup.device));
    rows.clear();
    tokens = 0;
  };
  for (size_t i = 0; i < samples.size(); ++i) {
    total += static_cast<int64_t>(samples[i].size()) - 1;
    if (static_cast<int>(i) % world.size() != world.rank()) continue;
    if (tokens + static_cast<int64_t>(samples[i].size()) > budget) flush();
    rows.push_back({samples[i], static_cast<int64_t>(samples[i].size()) - s.target_tokens, i});
    tokens += static_cast<int64_t>(samples[i].size()) - 1;
  }
  flush();
  const double seconds = median_seconds(s.repeats, [&] {
    step.run(batches, {s.samples * s.target_tokens, 1e-4, 0.1, false});
  });
  return {{"samples_per_s", static_cast<double>(s.samples) / seconds},
          {"tokens_per_s", static_cast<double>(total) / seconds},
          {"step_ms", seconds * 1e3},
          {"micro_batch_tokens", budget}};
}

Json bench_decode(World&, const DeviceSetup& setup, const BenchSettings& s) {
  const ParameterLayout layout(shape_of(s));
  Gpt model(layout, setup.device);
  const GptWeights weights =
      make_weights(layout, initial_parameters(layout, 1).to(setup.device), setup.dtype);
  std::vector<Prompt> prompts;
  for (auto& sample : made_up_samples(s)) prompts.push_back({std::move(sample), prompts.size()});
  GenerationConfig config;
  config.max_new_tokens = config.min_new_tokens = 32;
  const GenerateOptions options{.end_tokens = {static_cast<int32_t>(s.vocab_size - 1)}};
  const double seconds = median_seconds(s.repeats, [&] {
    GptDecoder decoder(model, weights);
    generate(decoder, prompts, config, options);
  });
  return {{"samples_per_s", static_cast<double>(s.samples) / seconds},
          {"new_tokens_per_s", static_cast<double>(s.samples * config.max_new_tokens) / seconds}};
}

Json bench_allreduce(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  constexpr int64_t kNumel = 25'000'000;
  const auto collectives = make_collectives(setup.plan.backend, world, setup.device);
  const at::Tensor buffer = collectives->allocate(kNumel, setup.device);
  const double seconds = median_seconds(s.repeats, [&] {
    collectives->start_all_reduce(buffer);
    collectives->wait();
  });
  return {{"backend", collectives->name()},
          {"megabytes", kNumel * 4e-6},
          {"ms", seconds * 1e3},
          {"gb_per_s", kNumel * 4e-9 / seconds}};
}

Json bench_adamw(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  const ParameterLayout layout(shape_of(s));
  const auto collectives = make_collectives(setup.plan.backend, world, setup.device);
  FlatParameters parameters(layout, initial_parameters(layout, 1), setup.dtype, setup.device,
                            *collectives);
  AdamW optimizer(parameters, TrainConfig{});
  const double seconds = median_seconds(s.repeats, [&] { optimizer.step(1e-4, 1.0); });
  return {{"parameters", layout.numel()}, {"ms", seconds * 1e3}};
}

}  // namespace

Fields BenchSettings::fields() {
  return {
      {"n_layer", &n_layer, "blocks", {.min = 1}},
      {"n_head", &n_head, "attention heads", {.min = 1}},
      {"n_embd", &n_embd, "channels", {.min = 1}},
      {"vocab_size", &vocab_size, "tokens of the vocabulary", {.min = 2}},
      {"samples", &samples, "samples of a step, or prompts", {.min = 1}},
      {"mean_tokens", &mean_tokens, "tokens of a sample on average", {.min = 16, .max = 900}},
      {"target_tokens", &target_tokens, "of them with a loss", {.min = 1, .max = 500}},
      {"repeats", &repeats, "runs counted, after one to warm up; the median is given", {.min = 1}},
      {"dtype", &dtype, "of weights and products", {.choices = {"float32", "bfloat16", "float16"}}},
      {"device", &device, "auto, cuda or cpu", {.choices = {"auto", "cuda", "cpu"}}},
      {"micro_batch_tokens",
       &micro_batch_tokens,
       "input tokens a rank runs at a time; 0: auto",
       {.min = 0}},
  };
}

std::vector<Benchmark> benchmarks() {
  return {
      {"matmul", "rate of a 1024 x 1024 matrix product", bench_matmul},
      {"train", "one optimizer step: forward, backward, sums over ranks, AdamW", bench_train},
      {"decode", "greedy decoding of 32 new tokens a prompt", bench_decode},
      {"allreduce", "sum of 100 MB over ranks", bench_allreduce},
      {"adamw", "the optimizer alone", bench_adamw},
  };
}

}  // namespace precis
