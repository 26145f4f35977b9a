#include "lib/programs/bench.h"

#include <ATen/ATen.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "lib/base/random.h"
#include "lib/comm/collectives.h"
#include "lib/data/micro_batches.h"
#include "lib/generate/generate.h"
#include "lib/generate/inference_model.h"
#include "lib/model/families.h"
#include "lib/programs/bench_bpe.h"
#include "lib/run/device_check.h"
#include "lib/run/micro_batch_size.h"
#include "lib/run/recording.h"
#include "lib/train/tf32.h"
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

constexpr int64_t kPositions = 1024;
constexpr double kDropout = 0.1;

AnyShape shape_of(const BenchSettings& s) {
  return known_families().front()->from_settings(s.model, kPositions, s.vocab_size);
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

/// Waits until the device has done what it was given; a CPU has.
void synchronize(at::Device device) {
  if (!device.is_cpu())
    c10::impl::VirtualGuardImpl(device.type()).synchronizeDevice(device.index());
}

Json bench_matmul(World&, const DeviceSetup& setup, const BenchSettings& s) {
  const Tf32Scope tf32(setup.tf32);
  const int64_t n = setup.device.is_cpu() ? 1024 : 8192;  // of which a launch is no part
  const auto options = at::TensorOptions(setup.device).dtype(setup.dtype);
  const at::Tensor a = at::ones({n, n}, options), b = at::ones({n, n}, options);
  at::Tensor c = at::mm(a, b);
  const double seconds = median_seconds(s.repeats, [&] {
    at::mm_out(c, a, b);
    synchronize(setup.device);
  });
  return {{"size", n}, {"gflop_per_s", 2e-9 * n * n * n / seconds}};
}

/// What the made-up samples are to training: the last tokens of each are targets.
DialogueDataset made_up_data(const BenchSettings& s) {
  std::vector<EncodedExample> encoded;
  for (auto& tokens : made_up_samples(s)) {
    const auto prompt = static_cast<int32_t>(static_cast<int64_t>(tokens.size()) - s.target_tokens);
    encoded.push_back({std::move(tokens), prompt});
  }
  return DialogueDataset(std::move(encoded));
}

/// One optimizer step of the made-up samples, cut as the trainer would.
struct MadeUpStep {
  int64_t budget;  // input tokens of a micro-batch
  StepPlan plan;
  std::vector<RaggedBatch> batches;  // of this rank
};

MadeUpStep made_up_step(const World& world, const DeviceSetup& setup, const BenchSettings& s,
                        const ModelShape& shape) {
  const int64_t budget =
      s.micro_batch_tokens > 0 ? s.micro_batch_tokens : automatic_micro_batch_tokens(setup, shape);
  const DialogueDataset data = made_up_data(s);
  const EpochPlan epochs(data.size(), s.samples, /*seed=*/1);
  StepPlan plan = plan_step(epochs.step(0), data, budget, world.size(),
                            shape.cost(setup.element_size()).target_token);
  std::vector<RaggedBatch> batches =
      make_micro_batches(plan, data, world.rank(), /*seed=*/1, setup.device);
  return {budget, std::move(plan), std::move(batches)};
}

Json bench_train(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  const AnyShape shape = shape_of(s);
  const ParameterTable table = shape->parameters();
  const auto collectives = make_collectives(setup.plan.backend, world, setup.device);
  FlatParameters parameters(table, initial_parameters(table, 1), setup.dtype, setup.device,
                            *collectives);
  AdamW optimizer(parameters, TrainConfig{});
  LossScaler scaler(setup.dtype == at::kHalf);
  const auto model = shape->make_model(table, setup.device);
  Log log(world.is_root());
  TrainStep step({*model, parameters, optimizer, scaler, *collectives, world}, 1.0, 16,
                 {.tf32 = setup.tf32, .measure = true},
                 s.cuda_graphs ? recording_on(setup.device, log) : Recording{});
  const auto [budget, plan, batches] = made_up_step(world, setup, s, *shape);
  const double seconds = median_seconds(s.repeats, [&] {
    step.run(batches, {plan.counts, 1e-4, kDropout, false});
  });
  return {{"samples_per_s", static_cast<double>(plan.counts.samples) / seconds},
          {"tokens_per_s", static_cast<double>(plan.counts.tokens) / seconds},
          {"step_ms", seconds * 1e3},
          {"micro_batch_tokens", budget}};
}

/// What this rank's part of a step asks of a GPU, by kinds of operation, and how long the step
/// takes here; with `count` nothing is run, and no GPU is needed.
Json bench_step(World& world, const DeviceSetup& setup, const BenchSettings& s) {
  const AnyShape shape = shape_of(s);
  const MadeUpStep step = made_up_step(world, setup, s, *shape);
  std::vector<OperationCount> totals;
  for (const RaggedBatch& batch : step.batches) {
    const std::vector<OperationCount> counts = shape->operation_counts(
        {batch.num_samples(), batch.num_tokens(), batch.num_targets()}, setup.element_size());
    totals.resize(counts.size());
    for (size_t i = 0; i < counts.size(); ++i) {
      totals[i].operation = counts[i].operation;
      totals[i].launches += counts[i].launches;
      totals[i].bytes += counts[i].bytes;
      totals[i].operations += counts[i].operations;
    }
  }
  Json result = s.count ? Json::object() : bench_train(world, setup, s);
  result["micro_batches"] = step.batches.size();
  int64_t launches = 0;
  for (const OperationCount& total : totals) {
    launches += total.launches;
    result["operations"][total.operation] = {{"launches", total.launches},
                                             {"megabytes", std::round(total.bytes * 1e-6)},
                                             {"gflop", std::round(total.operations * 1e-9)}};
  }
  result["launches"] = launches;
  return result;
}

Json bench_decode(World&, const DeviceSetup& setup, const BenchSettings& s) {
  const AnyShape shape = shape_of(s);
  const ParameterTable table = shape->parameters();
  const auto model = shape->make_model(table, setup.device);
  const InferenceModel inference(
      *model, make_weights(table, initial_parameters(table, 1).to(setup.device), setup.dtype));
  std::vector<Prompt> prompts;
  for (auto& sample : made_up_samples(s)) prompts.push_back({std::move(sample), prompts.size()});
  GenerationConfig config;
  config.max_new_tokens = config.min_new_tokens = 32;
  const GenerateOptions options{.end_tokens = {static_cast<int32_t>(s.vocab_size - 1)}};
  const double seconds = median_seconds(s.repeats, [&] {
    CachedDecoder decoder(inference);
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
  const ParameterTable table = shape_of(s)->parameters();
  const auto collectives = make_collectives(setup.plan.backend, world, setup.device);
  FlatParameters parameters(table, initial_parameters(table, 1), setup.dtype, setup.device,
                            *collectives);
  AdamW optimizer(parameters, TrainConfig{});
  const double seconds = median_seconds(s.repeats, [&] {
    optimizer.step(1e-4, 1.0);
    synchronize(setup.device);
  });
  return {{"parameters", table.numel()}, {"ms", seconds * 1e3}};
}

}  // namespace

BenchSettings::BenchSettings() {
  model.n_layer = model.n_head = 6;
  model.n_embd = 384;
}

Fields BenchSettings::fields() {
  Fields all = model.size_fields();
  for (Field& field : Fields{
           {"vocab_size", &vocab_size, "tokens of the vocabulary", {.min = 2}},
           {"samples", &samples, "samples of a step, or prompts", {.min = 1}},
           {"mean_tokens", &mean_tokens, "tokens of a sample on average", {.min = 16, .max = 900}},
           {"target_tokens", &target_tokens, "of them with a loss", {.min = 1, .max = 500}},
           {"repeats",
            &repeats,
            "runs counted, after one to warm up; the median is given",
            {.min = 1}},
           {"dtype",
            &dtype,
            "of weights and products",
            {.choices = {"float32", "bfloat16", "float16"}}},
           {"device", &device, "auto, cuda or cpu", {.choices = {"auto", "cuda", "cpu"}}},
           {"micro_batch_tokens",
            &micro_batch_tokens,
            "input tokens a rank runs at a time; 0: auto",
            {.min = 0}},
           {"cuda_graphs", &cuda_graphs,
            "train, step: start micro-batches as a whole, as train.cuda_graphs does"},
           {"count",
            &count,
            "step: only count what a GPU would be asked to do; nothing is run",
            {}},
           {"vocab",
            &vocab,
            "bpe: folder of a vocabulary (default: one learnt from the texts)",
            {}},
           {"input",
            &input,
            "bpe: files, as those of `bpe train` (default: the quickstart's dialogues)",
            {}},
       })
    all.push_back(std::move(field));
  return all;
}

std::vector<Benchmark> benchmarks() {
  return {
      {"matmul", "rate of a matrix product: 1024 x 1024, on a GPU 8192 x 8192", bench_matmul},
      {"train", "one optimizer step: forward, backward, sums over ranks, AdamW", bench_train},
      {"step", "the same, with what it asks of a GPU: launches, bytes, operations", bench_step},
      {"decode", "greedy decoding of 32 new tokens a prompt", bench_decode},
      {"allreduce", "sum of 100 MB over ranks", bench_allreduce},
      {"adamw", "the optimizer alone", bench_adamw},
      {"bpe", "texts to token ids, in memory", bench_bpe},
  };
}

ExitCode run_benchmarks(World& world, const BenchSettings& settings,
                        const std::vector<std::string>& wanted) {
  Log log(world.is_root());
  RunConfig config;
  config.run.device = settings.device;
  config.train.dtype = settings.dtype;
  const DeviceSetup setup = set_up_device(world, config, log);
  if (setup.spare) {
    world.wait_as_spare();
    return ExitCode::kDone;
  }
  const auto route = check_device(world, setup, ops::SelfTest::kShort, log);
  for (const Benchmark& benchmark : benchmarks()) {
    if (!wanted.empty() && std::ranges::find(wanted, benchmark.name) == wanted.end()) continue;
    nlohmann::ordered_json line{{"bench", benchmark.name},
                                {"device", setup.device_name},
                                {"ranks", world.size()},
                                {"threads", setup.threads},
                                {"dtype", settings.dtype}};
    line.update(benchmark.run(world, setup, settings));
    log.info(line.dump());
  }
  return ExitCode::kDone;
}

}  // namespace precis
