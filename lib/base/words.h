// What messages for people need: quoting of what came, and the nearest word that was meant.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace precis {

/// The text in single quotes, on one line: control characters are escaped, a long text is cut (at a
/// character border) and its length told.
std::string in_quotes(std::string_view text);

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other,
/// in bytes (optimal string alignment: Damerau, CACM 7(3), 1964).
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate that was most likely meant by `word`: the nearest within a third of its length
/// (the first one of equals), else the only one that `word` is a part of; empty if nothing comes
/// near.
std::string nearest(std::string_view word, std::span<const std::string> candidates);

}  // namespace precis
