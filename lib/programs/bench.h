// The project's benchmarks, on made-up data: each returns one JSON object.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "lib/comm/world.h"
#include "lib/model/model_settings.h"
#include "lib/run/device_setup.h"

namespace precis {

struct BenchSettings {
  ModelSettings model;  ///< its sizes; 6 blocks of 6 heads, 384 channels
  int64_t vocab_size = 50257;
  int64_t samples = 32, mean_tokens = 220,
          target_tokens = 28;  ///< of a step; lengths as of real dialogues
  int64_t repeats = 3;
  std::string dtype = "float32", device = "auto";
  int64_t micro_batch_tokens = 0;  ///< 0: auto
  bool cuda_graphs = true;         ///< bench train, step: as train.cuda_graphs
  bool count = false;              ///< bench step: nothing is run
  Path vocab;                      ///< bench bpe: unset: learnt from the texts
  std::vector<std::string> input;  ///< its files; empty: the quickstart's dialogues
  BenchSettings();
  Fields fields();
};

struct Benchmark {
  std::string name, help;
  std::function<nlohmann::ordered_json(World&, const DeviceSetup&, const BenchSettings&)> run;
};

/// All there are: matmul, train, step, decode, allreduce, adamw, bpe.
std::vector<Benchmark> benchmarks();

/// Collective. Runs those of the wanted names, or all where there are none, and prints a line of
/// JSON for each.
ExitCode run_benchmarks(World& world, const BenchSettings& settings,
                        const std::vector<std::string>& wanted);

}  // namespace precis
