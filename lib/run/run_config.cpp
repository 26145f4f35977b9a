#include "lib/run/run_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "lib/base/errors.h"
#include "lib/base/idle_keys.h"
#include "lib/run/config_relations.h"

namespace precis {

Fields RunSettings::fields() {
  return {
      {"out_dir", &out_dir, "run folder: everything a run writes goes there"},
      {"seed", &seed, "seed of initial weights, order of samples and dropout", {.min = 0}},
      {"stages",
       &stages,
       "what to do, in this order",
       {.choices = {"train", "evaluate", "predict"}}},
      {"resume",
       &resume,
       "auto (go on from last.pt in out_dir; where it is damaged or missing, from the newest whole "
       "one beside it), never, or the path of a checkpoint to start from",
       {.choices = {"auto", "never"}}},
      {"device",
       &device,
       "auto (GPUs where there are any), cuda or cpu",
       {.choices = {"auto", "cuda", "cpu"}}},
  };
}

Sections RunConfig::sections() {
  return {
      {"run", run.fields()},
      {"data", data.fields()},
      {"prompt", prompt.fields()},
      {"tokenizer", tokenizer.fields()},
      {"model", model.fields()},
      {"train", train.fields()},
      {"eval", eval.fields()},
      {"generation", generation.fields()},
      {"checkpoint", checkpoint.fields()},
      {"report", report.fields()},
      {"comm", comm.fields()},
  };
}

bool RunConfig::has_stage(const std::string& stage) const {
  return std::ranges::find(run.stages, stage) != run.stages.end();
}

bool RunConfig::picks_stages() const {
  return is_set("run.stages") && run.stages.size() < RunSettings{}.stages.size();
}

void RunConfig::load(const std::optional<std::filesystem::path>& yaml,
                     std::span<const Override> overrides) {
  explicit_keys = load_config(sections(), yaml, overrides);
  check_relations();
}

void RunConfig::check_relations() {
  const ConfigView view(*this);
  std::vector<std::string> wrong;
  for (const Relation& relation : relations()) {
    const std::string message = relation.broken(view);
    if (message.empty()) continue;
    (relation.is_error ? wrong : warnings).push_back(message);
  }
  if (!wrong.empty()) throw ConfigError(fmt::format("{}", fmt::join(wrong, "\n")));
  for (std::string& line : idle_lines(idle_keys(view))) warnings.push_back(std::move(line));
}

}  // namespace precis
