#include "lib/text/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

#include "lib/base/errors.h"
#include "lib/base/utf8.h"
#include "lib/text/plain_run.h"

namespace precis {

namespace {

/// What stands at p, for an error message: printable, short, in quotes.
std::string excerpt(const char* p, const char* end) {
  if (p == end) return "the end of the text";
  constexpr std::ptrdiff_t kShown = 20;
  std::string shown;
  append_json_string(shown, std::string_view(p, static_cast<size_t>(std::min(end - p, kShown))));
  shown.front() = shown.back() = '\'';
  return shown;
}

/// Appends a byte that does not stand for itself.
void append_escape(std::string& out, char byte) {
  constexpr std::string_view kEscaped = "\"\\\n\r\t", kLetters = "\"\\nrt";
  if (const size_t found = kEscaped.find(byte); found != std::string_view::npos) {
    out.push_back('\\');
    out.push_back(kLetters[found]);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<uint8_t>(byte));
  }
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
    const PlainRun run = plain_run(at_, end_);
    if (!run.ascii) require_utf8(run.end);
    out.append(at_, run.end);
    at_ = run.end;
    if (at_ == end_) fail(last_, "expected a string, got one without a closing quote");
    if (*at_ == '"') break;
    if (*at_ != '\\')
      fail(at_, fmt::format("control character 0x{:02X} in a string must be escaped",
                            static_cast<uint8_t>(*at_)));
    read_escape(out);
  }
  ++at_;
}

/// Throws about the first byte before `end` that is no UTF-8.
void JsonReader::require_utf8(const char* end) {
  const std::string_view bytes(at_, static_cast<size_t>(end - at_));
  const size_t good = valid_utf8_length(bytes);
  if (good == bytes.size()) return;
  at_ += good;
  fail(at_, fmt::format("byte 0x{:02X} is not UTF-8", static_cast<uint8_t>(*at_)));
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
  const char* const end = text.data() + text.size();
  out.push_back('"');
  for (const char* p = text.data();; ++p) {
    const PlainRun run = plain_run(p, end);
    const std::string_view bytes(p, static_cast<size_t>(run.end - p));
    if (run.ascii || is_utf8(bytes))
      out.append(bytes);
    else
      out.append(replace_invalid_utf8(bytes));
    p = run.end;
    if (p == end) break;
    append_escape(out, *p);
  }
  out.push_back('"');
}

}  // namespace precis
