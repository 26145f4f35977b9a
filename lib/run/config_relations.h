// Which keys of a run's config cannot be meant together, which are seldom meant so, and which do
// nothing beside others. Limits of a single key stand where it is declared.
//
// What a stage does not need is not looked at: the same file serves for all of them. A config.yaml
// that a run wrote names every key, so a key counts as wished where its value is not the default.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/idle_keys.h"
#include "lib/run/run_config.h"

namespace precis {

/// A config for reading, and its keys in words.
class ConfigView {
 public:
  /// `config` is used, not owned.
  explicit ConfigView(RunConfig& config);

  const RunConfig& operator*() const { return config_; }
  const RunConfig* operator->() const { return &config_; }
  bool trains() const { return config_.has_stage("train"); }
  /// "train.min_lr 6.0e-06", and " (its default)" behind it where the user did not set it.
  std::string shown(const std::string& key) const;
  /// Whether the key has another value than the default.
  bool is_wished(const std::string& key) const { return values_.at(key) != defaults_.at(key); }

 private:
  const RunConfig& config_;
  std::map<std::string, std::string> values_, defaults_;  // as YAML, by dotted name
};

/// Something that must hold between keys (or, for a warning, mostly does).
struct Relation {
  std::string_view keys;  ///< that it is about, blanks between them; no two relations have the same
  bool is_error = true;   ///< else a warning
  std::string (*broken)(const ConfigView&);  ///< what is wrong and what to do; empty: it holds
};
std::span<const Relation> relations();

/// All keys that were wished and have no effect.
std::vector<IdleKey> idle_keys(const ConfigView& config);

}  // namespace precis
