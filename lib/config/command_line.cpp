#include "lib/config/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/program_options/cmdline.hpp>
#include <boost/program_options/options_description.hpp>
#include <boost/program_options/parsers.hpp>
#include <boost/program_options/value_semantic.hpp>
#include <cstdio>
#include <variant>

#include "lib/base/errors.h"
#include "lib/base/words.h"
#include "lib/config/describe.h"
#include "lib/config/key_lookup.h"
#include "lib/config/version.h"

namespace precis {
namespace {

namespace po = boost::program_options;
using Tokens = std::vector<std::string>;

constexpr const char* kHelp = "show this text";
constexpr const char* kVersion = "show version, commit and libraries";

const ProgramOption* find_option(const ProgramDescription& program, const std::string& name) {
  for (const ProgramOption& option : program.options)
    if (option.name == name) return &option;
  return nullptr;
}

/// What was typed behind the program's name.
Tokens tokens_of(int argc, const char* const* argv) {
  return {argv + std::min(argc, 1), argv + argc};
}

/// Splits the token that is next: `--key=value`, `--key value` or `--flag`. Boost's own splitting
/// refuses an empty value, guesses abbreviations, and stops at the first error.
class TokenParser {
 public:
  TokenParser(const ProgramDescription& program, const Sections& sections, Tokens& errors)
      : program_(program), sections_(sections), errors_(errors) {}

  /// Takes tokens off the front; none if the next one is positional.
  std::vector<po::option> operator()(Tokens& tokens) const {
    const std::string token = tokens.front();
    if (token.size() < 2 || token[0] != '-' || token == "--") return {};
    tokens.erase(tokens.begin());
    if (token[1] != '-') {
      errors_.push_back(
          fmt::format("{}: unknown option; options begin with two dashes", shown_key(token)));
      return {ignored(token)};
    }
    const size_t equals = std::min(token.find('='), token.size());
    po::option option;
    option.string_key = token.substr(2, equals - 2);
    option.original_tokens = {token};
    if (equals < token.size()) option.value = {token.substr(equals + 1)};
    const ProgramOption* own = find_option(program_, option.string_key);
    const Field* field = find_field(sections_, option.string_key);
    const bool is_key = !sections_.empty() && option.string_key.find('.') != std::string::npos;
    if (own != nullptr ? !own->takes_value : !is_key) return {flag(std::move(option), own)};
    if (option.value.empty()) take_value(option, tokens, field);
    return {option};
  }

 private:
  static po::option ignored(const std::string& token) {
    po::option option;
    option.string_key = token;
    option.original_tokens = {token};
    return option;
  }

  po::option flag(po::option option, const ProgramOption* own) const {
    const std::string name = "--" + shown_key(option.string_key);
    if (own == nullptr) {
      Tokens names = {"help", "version"};
      for (const ProgramOption& each : program_.options) names.push_back(each.name);
      std::string meant = nearest(option.string_key, names);
      if (meant.empty()) meant = meant_dotted(sections_, option.string_key);
      errors_.push_back(name + ": unknown option" +
                        did_you_mean(meant.empty() ? "" : "--" + meant));
    } else if (!option.value.empty()) {
      errors_.push_back(
          fmt::format("{}: expected no value, got {}", name, in_quotes(option.value[0])));
    }
    option.value.clear();
    return option;
  }

  /// A value of its own token. A config key that is true or false may do without.
  void take_value(po::option& option, Tokens& tokens, const Field* field) const {
    const bool is_bool =
        field != nullptr && (std::holds_alternative<bool*>(field->value) ||
                             std::holds_alternative<std::optional<bool>*>(field->value));
    const bool there = !tokens.empty() && !tokens.front().starts_with("--");
    const bool fits =
        !is_bool || (there && (tokens.front() == "true" || tokens.front() == "false"));
    if (there && fits) {
      option.value = {tokens.front()};
      tokens.erase(tokens.begin());
    } else {
      option.value = {"true"};
      if (is_bool) return;
      const std::string name = "--" + shown_key(option.string_key);
      errors_.push_back(fmt::format("{0}: expected a value, as {0}=VALUE", name));
    }
  }

  const ProgramDescription& program_;
  const Sections& sections_;
  Tokens& errors_;
};

po::parsed_options parse(const ProgramDescription& program, const Tokens& tokens,
                         const TokenParser& parser) {
  po::options_description known;
  for (const ProgramOption& option : program.options) {
    if (option.takes_value && option.multiple)
      known.add_options()(option.name.c_str(), po::value<Tokens>()->multitoken());
    else if (option.takes_value)
      known.add_options()(option.name.c_str(), po::value<Tokens>());
    else
      known.add_options()(option.name.c_str(), "");
  }
  return po::command_line_parser(tokens)
      .options(known)
      .style(po::command_line_style::allow_long | po::command_line_style::long_allow_adjacent)
      .extra_style_parser(parser)
      .allow_unregistered()
      .run();
}

}  // namespace

CommandLine::CommandLine(const ProgramDescription& program, const Sections& sections, int argc,
                         const char* const* argv) {
  if (const std::string asked = information_option(program, argc, argv); !asked.empty()) {
    values_[asked];
    return;
  }
  const Tokens tokens = tokens_of(argc, argv);
  Tokens errors;
  for (const po::option& option :
       parse(program, tokens, TokenParser(program, sections, errors)).options) {
    const std::string& name = option.string_key;
    if (option.position_key >= 0) {
      positionals_.insert(positionals_.end(), option.value.begin(), option.value.end());
    } else if (const ProgramOption* own = find_option(program, name)) {
      Tokens& values = values_[name];
      values.insert(values.end(), option.value.begin(), option.value.end());
      if (!own->stands_for.empty()) overrides_.push_back({own->stands_for, values.back(), name});
    } else if (!option.value.empty()) {
      overrides_.push_back({name, option.value.front()});
    }
  }
  if (positionals_.size() > program.max_positionals && errors.empty()) {
    const std::string& first = positionals_[program.max_positionals];
    errors.push_back(fmt::format("{}: one argument too many; the usage is {} {}", in_quotes(first),
                                 program.name, program.usage));
  }
  if (!errors.empty()) throw ConfigError(fmt::format("{}", fmt::join(errors, "\n")));
}

std::optional<std::string> CommandLine::value(const std::string& option) const {
  const auto found = values_.find(option);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second.back();
}

std::vector<std::string> CommandLine::values(const std::string& option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? Tokens() : found->second;
}

std::string information_option(const ProgramDescription& program, int argc,
                               const char* const* argv) {
  Tokens tokens = tokens_of(argc, argv);
  tokens.erase(std::find(tokens.begin(), tokens.end(), "--"), tokens.end());
  const auto stands = [&](const std::string& token) {
    return std::find(tokens.begin(), tokens.end(), token) != tokens.end();
  };
  if (stands("--help") || stands("-h")) return "help";
  if (stands("--version")) return "version";
  for (const ProgramOption& option : program.options)
    if (option.prints != nullptr && stands("--" + option.name)) return option.name;
  return "";
}

bool print_information(const ProgramDescription& program, const Sections& sections, int argc,
                       const char* const* argv, std::span<const std::string> libraries) {
  const std::string asked = information_option(program, argc, argv);
  if (asked.empty()) return false;
  const std::string text = asked == "help"      ? usage_text(program, sections)
                           : asked == "version" ? version_text(libraries)
                                                : find_option(program, asked)->prints(sections);
  std::fputs(text.c_str(), stdout);
  return true;
}

std::string usage_text(const ProgramDescription& program, const Sections& sections) {
  std::vector<std::pair<std::string, std::string>> lines;
  for (const ProgramOption& option : program.options) {
    const std::string value =
        option.takes_value ? " " + option.value_name + (option.multiple ? "..." : "") : "";
    lines.emplace_back("--" + option.name + value, option.help);
  }
  lines.emplace_back("--help", kHelp);
  lines.emplace_back("--version", kVersion);
  size_t width = 0;
  for (const auto& [left, help] : lines) width = std::max(width, left.size());

  constexpr size_t kColumns = 100;
  std::string out = fmt::format("Usage: {} {}\n{}\n\nOptions:\n", program.name, program.usage,
                                wrap(program.summary, kColumns, 0));
  for (const auto& [left, help] : lines)
    out += fmt::format("  {:<{}}  {}\n", left, width, wrap(help, kColumns, width + 4));
  if (sections.empty()) return out;
  return out +
         "\nConfig keys (in YAML \"section:\", below it \"  key: value\"; here "
         "--section.key=value, which wins):\n" +
         help_table(sections);
}

}  // namespace precis
