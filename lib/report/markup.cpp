#include "lib/report/markup.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdint>

#include "lib/base/utf8.h"

namespace precis {

namespace {

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
  std::string result;
  result.reserve(text.size() + text.size() / 16);
  while (!text.empty()) {
    const DecodedChar c = decode_utf8(text.data(), text.data() + text.size());
    const std::string_view special = entity(text.front());
    if (!c.valid || is_control(text.front())) {
      result += kReplacement;
    } else if (!special.empty()) {
      result += special;
    } else {
      result += text.substr(0, c.num_bytes);
    }
    text.remove_prefix(c.num_bytes);
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
