#include "lib/programs/bench.h"

#include <algorithm>
#include <utility>

#include "lib/programs/bench_bpe.h"
#include "lib/programs/bench_parts.h"
#include "lib/programs/bench_train.h"
#include "lib/run/device_check.h"

namespace precis {

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
      {"step",
       "the same, with where its time goes on a CPU and how near it comes to the rate of its "
       "products, and what it asks of a GPU: launches, bytes, operations",
       bench_step},
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
