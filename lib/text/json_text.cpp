#include "lib/text/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"

namespace precis {

namespace {

/// Bytes that stand for themselves inside a JSON string: printable ASCII but '"' and '\'.
constexpr std::array<bool, 256> kPlain = [] {
  std::array<bool, 256> plain{};
  for (size_t b = 0x20; b < 0x80; ++b) plain[b] = b != '"' && b != '\\';
  return plain;
}();

const char* skip_plain(const char* p, const char* end) {
  while (p < end && kPlain[static_cast<uint8_t>(*p)]) ++p;
  return p;
}

/// What stands at p, for an error message: printable, short, in quotes.
std::string excerpt(const char* p, const char* end) {
  if (p == end) return "the end of the text";
  constexpr std::ptrdiff_t kShown = 20;
  std::string shown;
  append_json_string(shown, std::string_view(p, static_cast<size_t>(std::min(end - p, kShown))));
  shown.front() = shown.back() = '\'';
  return shown;
}

}  // namespace

void JsonReader::fail(const char* where, const std::string& what) const {
  const auto line = first_line_ + std::count(begin_, where, '\n');
  const char* line_start = where;
  while (line_start > begin_ && line_start[-1] != '\n') --line_start;
  throw DataError(
      fmt::format("{}, line {}, column {}: {}", name_, line, where - line_start + 1, what));
}

void JsonReader::fail_expected(const std::string& what) const {
  fail(at_, fmt::format("expected {}, got {}", what, excerpt(at_, end_)));
}

void JsonReader::fail_at_last(const std::string& what) const {
  fail(last_, what);
}

void JsonReader::skip_blanks() {
  while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
}

bool JsonReader::at_end() {
  skip_blanks();
  return at_ == end_;
}

bool JsonReader::take(char token) {
  skip_blanks();
  if (at_ == end_ || *at_ != token) return false;
  ++at_;
  return true;
}

void JsonReader::expect(char token) {
  if (!take(token)) fail_expected(fmt::format("'{}'", token));
}

void JsonReader::expect_end() {
  if (!at_end()) fail_expected("nothing more");
}

void JsonReader::read_string(std::string& out) {
  out.clear();
  skip_blanks();
  last_ = at_;
  if (at_ == end_ || *at_ != '"') fail_expected("a string");
  ++at_;
  for (;;) {
    const char* stop = skip_plain(at_, end_);
    out.append(at_, stop);
    at_ = stop;
    if (at_ == end_) fail(last_, "expected a string, got one without a closing quote");
    if (*at_ == '"') break;
    if (*at_ == '\\') {
      read_escape(out);
    } else {
      copy_character(out);
    }
  }
  ++at_;
}

void JsonReader::copy_character(std::string& out) {
  const DecodedChar c = decode_utf8(at_, end_);
  if (!c.valid) fail(at_, fmt::format("byte 0x{:02X} is not UTF-8", static_cast<uint8_t>(*at_)));
  if (c.code_point < 0x20)
    fail(at_, fmt::format("control character 0x{:02X} in a string must be escaped", c.code_point));
  out.append(at_, c.num_bytes);
  at_ += c.num_bytes;
}

void JsonReader::read_escape(std::string& out) {
  const char* escape = at_;
  const char kind = end_ - at_ > 1 ? at_[1] : '\0';
  at_ += std::min<std::ptrdiff_t>(2, end_ - at_);
  switch (kind) {
    case 'n':
      out.push_back('\n');
      return;
    case 't':
      out.push_back('\t');
      return;
    case 'r':
      out.push_back('\r');
      return;
    case 'b':
      out.push_back('\b');
      return;
    case 'f':
      out.push_back('\f');
      return;
    case '"':
    case '\\':
    case '/':
      out.push_back(kind);
      return;
    case 'u':
      break;
    default:
      fail(escape,
           fmt::format("expected an escape as \\n or \\u00e9, got {}", excerpt(escape, end_)));
  }
  const uint32_t c = read_hex4(escape);
  if (is_high_surrogate(c) && end_ - at_ >= 2 && at_[0] == '\\' && at_[1] == 'u') {
    const char* second = at_;
    at_ += 2;
    const uint32_t low = read_hex4(second);
    if (is_low_surrogate(low)) {
      append_utf8(out, 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00));
      return;
    }
    at_ = second;  // no pair: the second escape stands for itself
  }
  if (is_high_surrogate(c) || is_low_surrogate(c)) {
    out.append(kReplacement);
  } else {
    append_utf8(out, c);
  }
}

uint32_t JsonReader::read_hex4(const char* escape) {
  uint32_t value = 0;
  const char* stop = at_ + std::min<std::ptrdiff_t>(4, end_ - at_);
  const auto [parsed, error] = std::from_chars(at_, stop, value, 16);
  if (error != std::errc() || parsed - at_ != 4)
    fail(escape,
         fmt::format("expected \\u and four hexadecimal digits, got {}", excerpt(escape, end_)));
  at_ = parsed;
  return value;
}

int32_t JsonReader::read_integer() {
  skip_blanks();
  last_ = at_;
  int32_t value = 0;
  const auto [parsed, error] = std::from_chars(at_, end_, value);
  const bool whole = parsed == end_ || (*parsed != '.' && *parsed != 'e' && *parsed != 'E');
  if (error != std::errc() || !whole) fail_expected("an integer of 32 bits");
  at_ = parsed;
  return value;
}

std::string_view JsonReader::skip_value() {
  skip_blanks();
  last_ = at_;
  int64_t depth = 0;
  do {
    if (at_ == end_) fail_expected("a value");
    if (*at_ == '"') {
      skip_string();
    } else if (*at_ == '{' || *at_ == '[') {
      ++depth;
      ++at_;
    } else if (*at_ == '}' || *at_ == ']') {
      if (--depth < 0) fail_expected("a value");
      ++at_;
    } else if (depth > 0) {
      ++at_;
    } else {
      skip_scalar();
    }
  } while (depth > 0);
  return {last_, static_cast<size_t>(at_ - last_)};
}

void JsonReader::skip_string() {
  const char* begin = at_++;
  while (at_ < end_ && *at_ != '"')
    at_ += std::min<std::ptrdiff_t>(*at_ == '\\' ? 2 : 1, end_ - at_);
  if (at_ == end_) fail(begin, "expected a string, got one without a closing quote");
  ++at_;
}

void JsonReader::skip_scalar() {
  const char* begin = at_;
  while (at_ < end_ && std::string_view(",:]} \t\r\n").find(*at_) == std::string_view::npos) ++at_;
  if (at_ == begin) fail_expected("a value");
}

int64_t JsonReader::line_of_last() const {
  return first_line_ + std::count(begin_, last_, '\n');
}

std::vector<JsonMember> json_members(std::string_view object, std::string_view name,
                                     int64_t first_line) {
  std::vector<JsonMember> members;
  JsonReader reader(object, name, first_line);
  reader.expect('{');
  if (!reader.take('}')) {
    do {
      JsonMember& member = members.emplace_back();
      reader.read_string(member.key);
      reader.expect(':');
      member.text = reader.skip_value();
      member.line = reader.line_of_last();
    } while (reader.take(','));
    reader.expect('}');
  }
  reader.expect_end();
  return members;
}

void append_json_string(std::string& out, std::string_view text) {
  const char* end = text.data() + text.size();
  out.push_back('"');
  for (const char* p = text.data(); p < end;) {
    const char* stop = skip_plain(p, end);
    out.append(p, stop);
    p = stop;
    if (p == end) break;
    const DecodedChar c = decode_utf8(p, end);
    if (!c.valid) {
      out.append(kReplacement);
      p += invalid_prefix_bytes(p, end);
      continue;
    }
    switch (c.code_point) {
      case '"':
        out.append("\\\"");
        break;
      case '\\':
        out.append("\\\\");
        break;
      case '\n':
        out.append("\\n");
        break;
      case '\r':
        out.append("\\r");
        break;
      case '\t':
        out.append("\\t");
        break;
      default:
        if (c.code_point < 0x20) {
          fmt::format_to(std::back_inserter(out), "\\u{:04x}", c.code_point);
        } else {
          out.append(p, c.num_bytes);
        }
    }
    p += c.num_bytes;
  }
  out.push_back('"');
}

}  // namespace precis
