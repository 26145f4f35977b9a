// Which keys do nothing beside others.
#include <array>

#include "lib/run/config_relations.h"

namespace precis {
namespace {

using View = ConfigView;

/// A key that does nothing while something else holds.
struct IdleRule {
  const char* key;
  bool (*is_idle)(const View&);
  const char* reason;
};

bool constant_rate(const View& c) {
  return c.trains() && !c->train.decay_lr;
}
bool given_validation(const View& c) {
  return !c->data.validation_csv.value.empty();
}
bool trains_nothing(const View& c) {
  return !c.trains();
}

constexpr const char* kConstantRate = "train.decay_lr is false, so that the rate is constant";
constexpr const char* kGivenValidation = "data.validation_csv is set, so that nothing is split off";

constexpr std::array kIdleRules{
    IdleRule{"train.min_lr", constant_rate, kConstantRate},
    IdleRule{"train.warmup_iters", constant_rate, kConstantRate},
    IdleRule{"train.lr_decay_iters", constant_rate, kConstantRate},
    IdleRule{"data.validation_fraction", given_validation, kGivenValidation},
    IdleRule{"data.split_seed", given_validation, kGivenValidation},
    IdleRule{"run.resume", trains_nothing,
             "train is not among run.stages; the other stages use the checkpoint in run.out_dir, "
             "or model.init_from where there is none"},
};

}  // namespace

std::vector<IdleKey> idle_keys(const ConfigView& config) {
  std::vector<IdleKey> idle = config->generation.idle_keys();
  for (const IdleRule& rule : kIdleRules)
    if (config.is_wished(rule.key) && rule.is_idle(config)) idle.push_back({rule.key, rule.reason});
  return idle;
}

}  // namespace precis
