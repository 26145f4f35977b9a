#include "lib/base/yaml_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string_view>

namespace precis {
namespace {

/// Whether YAML readers take it for that very text without quotes, in a list as well.
bool is_plain(const std::string& text) {
  static constexpr const char* kWords[] = {"null", "true", "false", "yes", "no",
                                           "on",   "off",  "y",     "n"};
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  const auto inner = [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' || c == '/';
  };
  if (text.empty() || !(letter(text[0]) || text[0] == '/' || text[0] == '_')) return false;
  if (!std::all_of(text.begin(), text.end(), inner)) return false;
  std::string lower;
  for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::none_of(std::begin(kWords), std::end(kWords),
                      [&](const char* word) { return lower == word; });
}

}  // namespace

std::string yaml_text(const std::string& text) {
  if (is_plain(text)) return text;
  std::string out = "\"";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const std::string_view rest = std::string_view(text).substr(i);
    if (byte == '"' || byte == '\\') {
      out += {'\\', text[i]};
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (byte == 0xC2 && rest.size() > 1 &&
               static_cast<unsigned char>(rest[1]) < 0xA0) {  // U+0080 to U+009F
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[++i]));
    } else if (rest.starts_with("\u2028") || rest.starts_with("\u2029") ||
               rest.starts_with("\uFEFF")) {
      // Line separators and the byte order mark: invisible, and other readers break lines there or
      // refuse them.
      out += byte == 0xEF ? "\\ufeff" : rest[2] == '\xA8' ? "\\u2028" : "\\u2029";
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out + "\"";
}

/// fraction.
std::string yaml_number(double x) {
  if (!std::isfinite(x)) return std::isnan(x) ? ".nan" : x > 0 ? ".inf" : "-.inf";
  char buffer[40];
  std::string text(buffer, std::to_chars(buffer, buffer + sizeof buffer, x).ptr);
  if (text.find('.') == std::string::npos) text.insert(std::min(text.find('e'), text.size()), ".0");
  return text;
}

}  // namespace precis
