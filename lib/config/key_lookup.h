// Finding what a section, key or dotted name means, and what a wrong one was meant to be.
#pragma once

#include <string>

#include "lib/base/fields.h"

namespace precis {

/// The section of that name, or null.
const Section* find_section(const Sections& sections, const std::string& name);

/// The key of a section, or null.
const Field* find_key(const Section& section, const std::string& key);

/// The dotted name most likely meant by a key that its section (null: none) does not have: the same
/// key of another section, else the nearest key of its own section, else of any. Empty if none is
/// near.
std::string meant_key(const Sections& sections, const Section* here, const std::string& key);

/// The dotted name most likely meant by another one, or empty.
std::string meant_dotted(const Sections& sections, const std::string& name);

/// What was most likely meant by the name of a section: a section, "the key max_iters of the
/// section train", or empty.
std::string meant_section(const Sections& sections, const std::string& name);

/// "; did you mean X?", or nothing for an empty X.
std::string did_you_mean(const std::string& meant);

/// A key as it came, for a message: quoted where it does not look like one.
std::string shown_key(const std::string& key);

}  // namespace precis
