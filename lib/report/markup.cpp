#include "lib/report/markup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace precis {

namespace {

/// The length of the UTF-8 sequence at the beginning (RFC 3629); 0 if there is none.
size_t utf8_length(std::string_view text) {
  const auto byte = [&](size_t i) {
    return i < text.size() ? static_cast<uint8_t>(text[i]) : uint8_t{0};
  };
  const uint8_t first = byte(0);
  if (first < 0x80) return 1;
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xC0) != 0x80) return 0;
  const uint8_t second = byte(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second > 0x9F;
  const bool too_large = first == 0xF4 && second > 0x8F;
  return overlong || surrogate || too_large ? 0 : length;
}

std::string_view entity(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

bool is_control(char c) {
  return (static_cast<uint8_t>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7F;
}

}  // namespace

std::string escape_html(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string result;
  result.reserve(text.size() + text.size() / 16);
  while (!text.empty()) {
    const size_t length = utf8_length(text);
    const std::string_view special = entity(text.front());
    if (length == 0 || is_control(text.front())) {
      result += kReplacement;
    } else if (!special.empty()) {
      result += special;
    } else {
      result += text.substr(0, length);
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

std::string grouped(double value) {
  const std::string digits = fmt::format("{:.0f}", std::abs(value));
  std::string text;
  if (value <= -0.5) text.push_back('-');
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text.push_back(',');
    text.push_back(digits[i]);
  }
  return text;
}

std::string short_number(double value, int digits) {
  if (!std::isfinite(value)) return "n/a";
  if (std::abs(value) >= std::pow(10, digits - 1) && std::abs(value) < 1e7) return grouped(value);
  std::string text = fmt::format("{:.{}g}", value, digits);
  // 5.9e-05 as 5.9e-5, 1e+08 as 1e8
  if (const size_t e = text.find('e'); e != std::string::npos) {
    const int exponent = std::stoi(text.substr(e + 1));
    text = fmt::format("{}e{}", text.substr(0, e), exponent);
  }
  return text;
}

}  // namespace precis
