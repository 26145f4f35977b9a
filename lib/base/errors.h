// The errors a user can meet. Each carries the exit code it ends the program with; only main turns
// it into one.
#pragma once

#include <stdexcept>
#include <string>

namespace precis {

/// Exit codes of every program.
enum class ExitCode : int {
  kDone = 0,
  kOther = 1,
  kConfig = 2,   ///< usage or config
  kData = 3,     ///< bad input: data, vocabulary, checkpoint
  kDevice = 4,   ///< device or communication
  kStopped = 75  ///< stopped by a signal after saving; run the same line again to go on
};

/// Base of all errors that are meant for people: what() says what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

/// Wrong usage or config: names file, line and key.
class ConfigError : public Error {
 public:
  explicit ConfigError(const std::string& message) : Error(ExitCode::kConfig, message) {}
};

/// Bad input: names file and row, column, entry or tensor.
class DataError : public Error {
 public:
  explicit DataError(const std::string& message) : Error(ExitCode::kData, message) {}
};

/// Device or communication failure.
class DeviceError : public Error {
 public:
  explicit DeviceError(const std::string& message) : Error(ExitCode::kDevice, message) {}
};

}  // namespace precis
