// What a program was asked on its command line: its own options, positionals, and dotted overrides
// of the config.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lib/base/fields.h"
#include "lib/config/config_file.h"

namespace precis {

/// One of a program's own options; `--help` and `--version` are there without being declared.
struct ProgramOption {
  std::string name;  ///< without dashes
  bool takes_value = false;
  std::string help;
  bool multiple = false;             ///< several values: `--input A B`, or repeated
  std::string value_name = "VALUE";  ///< in the help: `--input FILE...`
  std::string stands_for =
      {};  ///< a dotted key: the value becomes an override of it (`run.stages`)
  /// What it prints instead of the program's work, as --help does; such an option takes no value.
  std::string (*prints)(const Sections&) = nullptr;
};

/// What a program is and takes.
struct ProgramDescription {
  std::string name;
  std::string usage;    ///< what follows the name: "[CONFIG] [options]"
  std::string summary;  ///< one sentence
  std::vector<ProgramOption> options;
  size_t max_positionals = 0;
};

/// The parsed command line. Values come as `--key=value` or `--key value`; a key that is true or
/// false may stand alone for true. What follows `--` is positional. Values of config keys are not
/// judged here, load_config does that together with the file; nor are unknown dotted keys, where
/// there are sections at all.
class CommandLine {
 public:
  /// Throws ConfigError, a line for each: unknown options with the nearest one, values that are
  /// missing or too many, too many positionals. Where information_option() finds one, only that is
  /// looked at.
  CommandLine(const ProgramDescription& program, const Sections& sections, int argc,
              const char* const* argv);

  bool has(const std::string& option) const { return values_.contains(option); }
  /// The option's last value; unset if it was not given.
  std::optional<std::string> value(const std::string& option) const;
  std::vector<std::string> values(const std::string& option) const;
  const std::vector<std::string>& positionals() const { return positionals_; }
  const std::vector<Override>& overrides() const { return overrides_; }

 private:
  std::map<std::string, std::vector<std::string>> values_;
  std::vector<std::string> positionals_;
  std::vector<Override> overrides_;
};

/// The option that asks for a text instead of the program's work, wherever it stands before a lone
/// `--`: "help", "version" or one that `prints`; empty if there is none.
std::string information_option(const ProgramDescription& program, int argc,
                               const char* const* argv);

/// Prints to stdout what such an option asks for; false if there is none. `libraries`: further
/// lines for --version.
bool print_information(const ProgramDescription& program, const Sections& sections, int argc,
                       const char* const* argv, std::span<const std::string> libraries = {});

/// The text for --help: usage, options, and every key of the config with type, default and meaning.
std::string usage_text(const ProgramDescription& program, const Sections& sections);

}  // namespace precis
