// The whole config of a run: each section is declared by the module it belongs to; relations
// between sections are checked here.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "lib/base/fields.h"
#include "lib/checkpoint/checkpoint_settings.h"
#include "lib/comm/collectives.h"
#include "lib/config/config_file.h"
#include "lib/data/dataset.h"
#include "lib/eval/eval_settings.h"
#include "lib/generate/generation_config.h"
#include "lib/model/families.h"
#include "lib/model/model_settings.h"
#include "lib/report/report_settings.h"
#include "lib/text/prompt.h"
#include "lib/text/tokenizer_settings.h"
#include "lib/train/train_config.h"

namespace precis {

struct RunSettings {
  Path out_dir{"out"};
  int64_t seed = 1337;
  std::vector<std::string> stages{"train", "evaluate", "predict"};
  Path resume{"auto"};
  std::string device = "auto";
  Fields fields();
};

struct RunConfig {
  RunSettings run;
  DataConfig data;
  PromptConfig prompt;
  TokenizerSettings tokenizer;
  ModelSettings model;
  TrainConfig train;
  EvalSettings eval;
  GenerationConfig generation;
  CheckpointSettings checkpoint;
  ReportSettings report;
  CommConfig comm;

  ModelFamilies families = known_families();  ///< of which the model may be; no setting

  std::set<std::string> explicit_keys;  ///< dotted names that the user set
  std::vector<std::string> warnings;    ///< what is allowed and yet not likely meant, a line each

  /// All sections, bound to this object: it must not move while they are in use.
  Sections sections();
  /// Reads file and overrides, then checks relations between keys (config_relations.h). Throws one
  /// ConfigError for everything that is wrong; fills `warnings`.
  void load(const std::optional<std::filesystem::path>& yaml, std::span<const Override> overrides);
  bool is_set(const std::string& key) const { return explicit_keys.contains(key); }
  bool has_stage(const std::string& stage) const;
  /// Whether the user picked some of the stages: those are then done even where nothing has
  /// changed, and what they lack is an error.
  bool picks_stages() const;

 private:
  void check_relations();
};

}  // namespace precis
