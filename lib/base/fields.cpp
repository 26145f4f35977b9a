// How a setting is read from text, checked, described and written.
#include "lib/base/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "lib/base/utf8.h"
#include "lib/base/words.h"
#include "lib/base/yaml_text.h"

namespace precis {
namespace {

using List = std::vector<std::string>;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;  // older Clangs do not deduce it themselves

/// A number as people write it: 5, 0.5, 1e-08.
std::string number_text(double x) {
  char buffer[40];
  constexpr double kExact = 1e15;
  const auto end = std::fabs(x) < kExact && x == std::floor(x)
                       ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(x))
                       : std::to_chars(buffer, buffer + sizeof buffer, x);
  return {buffer, end.ptr};
}

std::string range_text(const Limits& limits) {
  if (limits.min && limits.max)
    return fmt::format(" from {} to {}", number_text(*limits.min), number_text(*limits.max));
  std::string text;
  const auto add = [&](const char* words, const std::optional<double>& bound) {
    if (bound)
      text += fmt::format("{} {} {}", text.empty() ? "" : " and", words, number_text(*bound));
  };
  add("of at least", limits.min);
  add("above", limits.above);
  add("of at most", limits.max);
  add("below", limits.below);
  return text;
}

bool in_range(const Limits& limits, double x) {
  return !(limits.min && x < *limits.min) && !(limits.max && x > *limits.max) &&
         !(limits.above && x <= *limits.above) && !(limits.below && x >= *limits.below);
}

bool is_choice(const Limits& limits, const std::string& text) {
  return std::find(limits.choices.begin(), limits.choices.end(), text) != limits.choices.end();
}

/// true and false as YAML 1.2's core schema spells them, too, where those are choices.
std::string as_choice(const Limits& limits, const std::string& text) {
  if ((text == "True" || text == "TRUE") && is_choice(limits, "true")) return "true";
  if ((text == "False" || text == "FALSE") && is_choice(limits, "false")) return "false";
  return text;
}

std::string refuse_choice(const Field& field, const std::string& text) {
  const std::string meant = nearest(text, field.limits.choices);
  return mismatch(field, in_quotes(text)) +
         (meant.empty() ? "" : fmt::format("; did you mean {}?", meant));
}

/// The text without a plus sign, which from_chars does not take.
std::string_view unsigned_text(const std::string& text) {
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  return std::string_view(text).substr(plus ? 1 : 0);
}

template <typename Number>
std::string parse_number(const Field& field, const std::string& text, Number& out) {
  const std::string_view digits = unsigned_text(text);
  Number x{};
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), x);
  const bool whole = end == digits.data() + digits.size();
  if (whole && error == std::errc::result_out_of_range)
    return mismatch(field, in_quotes(text)) + ", which 64 bits do not hold";
  if (!whole || error != std::errc() || !std::isfinite(static_cast<double>(x)) ||
      !in_range(field.limits, static_cast<double>(x)))
    return mismatch(field, in_quotes(text));
  out = x;
  return "";
}

std::string parse_bool(const Field& field, const std::string& text, bool& out) {
  const bool yes = text == "true" || text == "True" ||
                   text == "TRUE";  // the spellings of YAML 1.2's core schema
  if (!yes && text != "false" && text != "False" && text != "FALSE")
    return mismatch(field, in_quotes(text));
  out = yes;
  return "";
}

std::string check_text(const Field& field, const std::string& text) {
  if (!is_utf8(text)) return mismatch(field, in_quotes(text) + ", which is not UTF-8");
  return "";
}

std::string parse_text(const Field& field, const std::string& text, std::string& out) {
  if (std::string fault = check_text(field, text); !fault.empty()) return fault;
  const std::string choice = as_choice(field.limits, text);
  if (!field.limits.choices.empty() && !is_choice(field.limits, choice))
    return refuse_choice(field, text);
  out = choice;
  return "";
}

std::string parse_path(const Field& field, const std::string& text, Path& out) {
  std::string path;
  for (size_t i = 0; i < text.size();) {
    if (text.compare(i, 3, "$${") == 0) {
      path += "${";
      i += 3;
    } else if (text.compare(i, 2, "${") == 0) {
      const size_t end = text.find('}', i);
      if (end == std::string::npos) return mismatch(field, in_quotes(text) + ", where ${ has no }");
      const std::string name = text.substr(i + 2, end - i - 2);
      const char* value = name.empty() ? nullptr : std::getenv(name.c_str());
      if (value == nullptr)
        return mismatch(field, fmt::format("{}, and the environment has no variable {}",
                                           in_quotes(text), in_quotes(name)));
      path += value;
      i = end + 1;
    } else {
      path += text[i++];
    }
  }
  if (std::string fault = check_text(field, path); !fault.empty()) return fault;
  if (path.find('\0') != std::string::npos)
    return mismatch(field, in_quotes(path) + ", which holds a zero byte");
  out.value = std::move(path);
  return "";
}

List split_list(std::string_view text) {
  const auto trim = [](std::string_view part) {
    const size_t first = part.find_first_not_of(" \t");
    return first == std::string_view::npos
               ? std::string_view()
               : part.substr(first, part.find_last_not_of(" \t") - first + 1);
  };
  text = trim(text);
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']')
    text = trim(text.substr(1, text.size() - 2));
  List entries;
  for (size_t start = 0; !text.empty() && start <= text.size();) {
    const size_t comma = std::min(text.find(',', start), text.size());
    entries.emplace_back(trim(text.substr(start, comma - start)));
    start = comma + 1;
  }
  return entries;
}

template <typename Value, typename Parse>
std::string parse_optional(const std::string& text, std::optional<Value>& out, Parse parse) {
  if (text == "null") {
    out.reset();
    return "";
  }
  Value value{};
  std::string fault = parse(text, value);
  if (fault.empty()) out = value;
  return fault;
}

template <typename Parse>
std::string parse_auto(const std::string& text, AutoCount& out, Parse parse) {
  int64_t count = 0;
  std::string fault = text == "auto" ? "" : parse(text, count);
  if (fault.empty()) out.count = text == "auto" ? std::nullopt : std::optional(count);
  return fault;
}

std::string yaml_list(const List& entries) {
  std::string out = "[";
  for (const std::string& entry : entries) out += (out.size() > 1 ? ", " : "") + yaml_text(entry);
  return out + "]";
}

}  // namespace

std::string type_name(const Field& field) {
  return std::visit(
      Overloaded{
          [](bool*) { return "true or false"; },
          [](std::optional<bool>*) { return "true or false"; }, [](int64_t*) { return "integer"; },
          [](std::optional<int64_t>*) { return "integer"; },
          [](AutoCount*) { return "auto or integer"; }, [](double*) { return "number"; },
          [](std::optional<double>*) { return "number"; }, [](std::string*) { return "text"; },
          [](Path*) { return "path"; }, [](List*) { return "list"; }},
      field.value);
}

bool takes_null(const Field& field) {
  return std::visit(Overloaded{[](const auto*) { return false; }, [](const Path*) { return true; },
                               []<typename Value>(const std::optional<Value>*) { return true; }},
                    field.value);
}

std::string accepted(const Field& field) {
  const std::string choices = fmt::format("{}", fmt::join(field.limits.choices, ", "));
  std::string phrase = type_name(field);
  if (!choices.empty())
    phrase = phrase == "list"   ? "list of " + choices
             : phrase == "path" ? "path or one of " + choices
                                : "one of " + choices;
  phrase += range_text(field.limits);
  return takes_null(field) && !std::holds_alternative<Path*>(field.value) ? phrase + " or null"
                                                                          : phrase;
}

std::string mismatch(const Field& field, const std::string& got) {
  std::string phrase = accepted(field);
  if (constexpr std::string_view kAuto = "auto or "; phrase.starts_with(kAuto))
    phrase.insert(kAuto.size(), "an ");
  const bool bare = phrase.starts_with("true") || phrase.starts_with("auto or") ||
                    phrase.starts_with("text") || phrase.starts_with("one of");
  const char* article = bare ? "" : phrase.starts_with("integer") ? "an " : "a ";
  return fmt::format("expected {}{}, got {}", article, phrase, got);
}

std::string to_yaml(const Field& field) {
  return std::visit(Overloaded{[](const bool* x) { return std::string(*x ? "true" : "false"); },
                               [](const int64_t* x) { return fmt::format("{}", *x); },
                               [](const double* x) { return yaml_number(*x); },
                               [&](const std::string* x) {
                                 // A choice may be true or false, which would get quotes.
                                 return is_choice(field.limits, *x) ? *x : yaml_text(*x);
                               },
                               [](const AutoCount* x) {
                                 return x->count ? fmt::format("{}", *x->count) : "auto";
                               },
                               [](const List* x) { return yaml_list(*x); },
                               [](const Path* x) {
                                 std::string escaped;
                                 for (size_t i = 0; i < x->value.size(); ++i) {
                                   if (x->value.compare(i, 2, "${") == 0) escaped += '$';
                                   escaped += x->value[i];
                                 }
                                 return escaped.empty() ? std::string("null") : yaml_text(escaped);
                               },
                               []<typename Value>(const std::optional<Value>* x) {
                                 if (!*x) return std::string("null");
                                 Value copy = **x;
                                 return to_yaml(Field{.name = "", .value = &copy, .help = ""});
                               }},
                    field.value);
}

std::string assign(const Field& field, const std::string& text) {
  const auto to_bool = [&](const std::string& from, bool& to) {
    return parse_bool(field, from, to);
  };
  const auto to_int = [&](const std::string& from, int64_t& to) {
    return parse_number(field, from, to);
  };
  const auto to_double = [&](const std::string& from, double& to) {
    return parse_number(field, from, to);
  };
  return std::visit(
      Overloaded{[&](bool* x) { return to_bool(text, *x); },
                 [&](int64_t* x) { return to_int(text, *x); },
                 [&](double* x) { return to_double(text, *x); },
                 [&](std::string* x) { return parse_text(field, text, *x); },
                 [&](Path* x) { return parse_path(field, text == "null" ? "" : text, *x); },
                 [&](List*) { return assign_list(field, split_list(text)); },
                 [&](std::optional<bool>* x) { return parse_optional(text, *x, to_bool); },
                 [&](std::optional<int64_t>* x) { return parse_optional(text, *x, to_int); },
                 [&](std::optional<double>* x) { return parse_optional(text, *x, to_double); },
                 [&](AutoCount* x) { return parse_auto(text, *x, to_int); }},
      field.value);
}

std::string assign_list(const Field& field, const List& entries) {
  auto* const* list = std::get_if<List*>(&field.value);
  if (list == nullptr) return mismatch(field, "a list");
  for (const std::string& entry : entries) {
    if (entry.empty()) return mismatch(field, "an empty entry");
    if (std::string fault = check_text(field, entry); !fault.empty()) return fault;
    if (!field.limits.choices.empty() && !is_choice(field.limits, entry))
      return refuse_choice(field, entry);
  }
  **list = entries;
  return "";
}

const Field* find_field(const Sections& sections, std::string_view dotted_name) {
  for (const Section& section : sections)
    for (const Field& field : section.fields)
      if (dotted(section, field) == dotted_name) return &field;
  return nullptr;
}

}  // namespace precis
