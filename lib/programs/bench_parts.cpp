#include "lib/programs/bench_parts.h"

#include <ATen/ATen.h>

#include <utility>

#include "lib/comm/collectives.h"
#include "lib/generate/generate.h"
#include "lib/generate/inference_model.h"
#include "lib/ops/linear.h"
#include "lib/programs/bench_common.h"
#include "lib/train/adamw.h"
#include "lib/train/tf32.h"

namespace precis {

using Json = nlohmann::ordered_json;

Json bench_matmul(World&, const DeviceSetup& setup, const BenchSettings& s) {
  const Tf32Scope tf32(setup.tf32);
  const int64_t n = setup.device.is_cpu() ? 1024 : 8192;  // of which a launch is no part
  const auto options = at::TensorOptions(setup.device).dtype(setup.dtype);
  const at::Tensor a = at::randn({n, n}, options), b = at::randn({n, n}, options),
                   c = at::empty({n, n}, options);
  const double seconds = median_seconds(s.repeats, [&] {
    ops::linear(a, b, {}, c);
    synchronize(setup.device);
  });
  return {{"size", n}, {"gflop_per_s", 2e-9 * n * n * n / seconds}};
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

}  // namespace precis
