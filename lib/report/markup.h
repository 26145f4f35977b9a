// Texts and numbers on a page.
#pragma once

#include <string>
#include <string_view>

namespace precis {

/// Safe between tags and in quoted attributes, of HTML and of SVG: & < > " ' are escaped; bytes
/// that are no UTF-8 and control characters (but line ends and tabs) become U+FFFD.
std::string escape_html(std::string_view text);

/// A number for people, with `digits` digits that matter: 12,345, 0.0417, 5.9e-5; n/a if not
/// finite.
std::string short_number(double value, int digits = 4);

/// A whole number with its thousands apart: 12,345.
std::string grouped(double value);

}  // namespace precis
