// Which keys of a run's config cannot be meant together, which are seldom meant so, and which do
// nothing beside others. Limits of a single key stand where it is declared.
//
// What a stage does not need is not looked at: the same file serves for all of them. A config.yaml
// that a run wrote names every key, so a key counts as wished where its value is not the default.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/base/idle_keys.h"
#include "lib/run/config_view.h"

namespace precis {

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
