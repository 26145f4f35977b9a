// A run of a model of a few channels in a folder of its own, for tests of lib/run.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "lib/comm/world.h"
#include "lib/formats/pt_file.h"
#include "lib/report/json_lines.h"
#include "lib/run/coordinator.h"
#include "lib/run/device_setup.h"
#include "lib/run/inputs.h"
#include "lib/run/train_stage.h"
#include "lib/run/training_state.h"
#include "tests/formats/made_files.h"

namespace precis::testing {

/// MPI starts once a process.
inline World& the_world() {
  static World world;
  return world;
}

using Settings = std::map<std::string, std::string>;

/// A folder with data, and the config of a run in it: 257 tokens (the bytes), 32 positions, one
/// block of 8 channels. Every summary is "aaaa".
struct SmallRun {
  explicit SmallRun(const Settings& changes = {}) {
    std::string pairs = "id,dialogue,summary\n", test = "id,dialogue\n";
    for (const char* id : {"1", "2", "3"}) {
      pairs += id + std::string(",A: hello ") + id + ",aaaa\n";
      test += id + std::string(",B: hello ") + id + "\n";
    }
    write_file(folder / "train.csv", pairs);
    write_file(folder / "validation.csv", pairs);
    write_file(folder / "test.csv", test);
    load(changes);
    log.open(folder / "log.txt");
  }

  /// The config anew, as another start of the program has it.
  void load(const Settings& changes) {
    Settings all{{"run.out_dir", (folder / "out").string()},
                 {"data.train_csv", (folder / "train.csv").string()},
                 {"data.validation_csv", (folder / "validation.csv").string()},
                 {"data.test_csv", (folder / "test.csv").string()},
                 {"data.block_size", "32"},
                 {"prompt.dialogue_start", ""},
                 {"prompt.summary_start", "\n"},
                 {"tokenizer.train_vocab_size", "257"},
                 {"model.n_layer", "1"},
                 {"model.n_head", "1"},
                 {"model.n_embd", "8"},
                 {"train.max_iters", "8"},
                 {"train.global_batch_size", "2"},
                 {"train.micro_batch_tokens", "64"},
                 {"train.min_lr", "0"},
                 {"eval.samples", "0"},
                 {"generation.max_new_tokens", "4"},
                 {"report.tensorboard", "false"}};
    for (const auto& [key, value] : changes) all[key] = value;
    std::vector<Override> overrides;
    for (const auto& [key, value] : all) overrides.push_back({key, value});
    config = std::make_unique<RunConfig>();
    config->load(std::nullopt, overrides);
  }

  RunInputs read() { return read_inputs(*config, log); }
  std::filesystem::path out(const std::string& name) const { return folder / "out" / name; }
  ModelFile checkpoint(const std::string& name) const { return read_checkpoint(out(name)); }
  /// The records of a kind.
  std::vector<Record> records(const std::string& kind) const {
    std::vector<Record> found;
    for (const Record& record : read_json_lines(out("metrics.jsonl")))
      if (is_kind(record, kind)) found.push_back(record);
    return found;
  }

  TemporaryFolder folder;
  std::unique_ptr<RunConfig> config;
  Log log;
};

/// A world of one on the CPU.
inline DeviceSetup on_cpu() {
  DeviceSetup setup;
  setup.plan.backend = "local";
  return setup;
}

/// How often a word stands in a text.
inline size_t count_of(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

/// `model` as it could be after `iter` steps, with moments.
inline ModelFile model_at(int64_t iter, const ModelFile& model) {
  ModelFile state = model;
  const int64_t numel = model.table().trainable_numel();
  state.optimizer = OptimizerMoments{at::zeros({numel}), at::zeros({numel})};
  state.progress.iter = state.progress.optimizer_steps = iter;
  return state;
}

/// That as a checkpoint of the run's folder.
inline void put_checkpoint(const SmallRun& run, const std::string& name, const ModelFile& model,
                           int64_t iter) {
  std::filesystem::create_directories(run.folder / "out");
  write_pt(run.out(name), checkpoint_value(model_at(iter, model), run.config->train, 1e-3, ""));
}

/// A training that has been set up but not begun: its parts, for observers.
struct SmallTraining {
  explicit SmallTraining(SmallRun& of)
      : run(of),
        read(of.read()),
        setup(on_cpu()),
        collectives(make_collectives("local", the_world(), at::kCPU)),
        coordinator(*of.config, true, of.log),
        context{*of.config, setup, the_world(), coordinator},
        resumed_at(read.inputs.resumed ? read.inputs.iter : -1),
        state(std::move(read.model), of.config->train, setup, *collectives),
        validation(read.inputs.split.validation, *read.inputs.prompt, read.inputs.shape->block_size,
                   false) {
    coordinator.open(read.inputs, true);
    state.progress.micro_batch_tokens = 64;  // what train_stage chooses
  }

  /// Weights that say `letter` and nothing else, whatever they read. The larger `strength`, the
  /// surer: with 1 the loss is near that of chance, with 100 everything else has a loss of 100.
  void let_it_say(char letter, float strength) {
    const ParameterTable& table = state.parameters.table();
    at::Tensor& flat = state.parameters.master();
    flat.zero_();
    const auto view = [&](const std::string& name) {
      return table.view(flat, *std::ranges::find(table.slots(), name, &ParameterSlot::name));
    };
    const int32_t token = read.inputs.tokenizer->encode(std::string(1, letter)).at(0);
    view("transformer.wte.weight")[token][0] = 1;
    view("transformer.ln_f.bias")[0] = strength;
    state.parameters.refresh();
  }

  SmallRun& run;
  RunInputs read;
  DeviceSetup setup;
  std::unique_ptr<Collectives> collectives;
  Coordinator coordinator;
  RunContext context;
  int64_t resumed_at;
  TrainingState state;
  DialogueDataset validation;
};

}  // namespace precis::testing
