// A config as the rules about several of its keys look at it.
#pragma once

#include <map>
#include <string>

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

}  // namespace precis
