#include "lib/config/describe.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string_view>

namespace precis {
namespace {

constexpr size_t kColumns = 100;

/// The field with an absolute path, where it holds a path: `resolved` keeps the value alive.
Field with_absolute_path(const Field& field, Path& resolved) {
  Path* const* path = std::get_if<Path*>(&field.value);
  if (path == nullptr) return field;
  resolved = **path;
  const auto& words = field.limits.choices;
  const bool is_word = std::find(words.begin(), words.end(), resolved.value) != words.end();
  if (!resolved.value.empty() && !is_word)
    resolved.value = std::filesystem::absolute(resolved.value).lexically_normal().string();
  Field copy = field;
  copy.value = &resolved;
  return copy;
}

std::string default_text(const Field& field) {
  const std::string value = to_yaml(field);
  return value == "null" ? "not set" : value;
}

/// A cell of a Markdown table: a bar would end it.
std::string cell(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

std::string wrap(const std::string& text, size_t width, size_t indent) {
  std::string out;
  size_t column = indent;
  for (size_t start = 0; start < text.size();) {
    const size_t end = std::min(text.find(' ', start), text.size());
    const std::string_view word = std::string_view(text).substr(start, end - start);
    if (column > indent && column + 1 + word.size() > width) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (column > indent) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    start = end + 1;
  }
  return out;
}

std::string dump_yaml(const Sections& sections, bool comments) {
  std::string out;
  for (const Section& section : sections) {
    out += section.name + ":\n";
    for (const Field& field : section.fields) {
      Path resolved;
      out += fmt::format("  {}: {}", field.name, to_yaml(with_absolute_path(field, resolved)));
      out += comments && !field.help.empty() ? fmt::format("  # {}\n", field.help) : "\n";
    }
  }
  return out;
}

std::string help_table(const Sections& sections) {
  std::string out;
  for (const Section& section : sections) {
    size_t width = 0;
    for (const Field& field : section.fields)
      width = std::max(width, dotted(section, field).size());
    if (!out.empty()) out += '\n';
    for (const Field& field : section.fields) {
      const std::string meaning =
          fmt::format("{} ({}; default {})", field.help, accepted(field), default_text(field));
      out += fmt::format("  --{:<{}}  {}\n", dotted(section, field), width,
                         wrap(meaning, kColumns, width + 6));
    }
  }
  return out;
}

std::string markdown_table(const Sections& sections) {
  std::string out;
  for (const Section& section : sections) {
    if (!out.empty()) out += '\n';
    out += fmt::format("### {}\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
                       section.name);
    for (const Field& field : section.fields)
      out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, cell(accepted(field)),
                         cell(default_text(field)), cell(field.help));
  }
  return out;
}

}  // namespace precis
