#include "lib/base/failure.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <new>
#include <system_error>
#include <utility>

#include "lib/base/errors.h"

namespace precis {
namespace {

bool holds_any(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

/// What stands between two texts; empty if they are not there or far apart.
std::string between(std::string_view text, std::string_view before, std::string_view after) {
  constexpr size_t kLongest = 30;
  const size_t start = text.find(before);
  if (start == std::string_view::npos) return "";
  text.remove_prefix(start + before.size());
  const size_t end = text.find(after);
  return end <= kLongest ? std::string(text.substr(0, end)) : "";
}

/// The first line of another library's message if it is fit for people, else nothing.
std::string readable_line(std::string_view message) {
  constexpr size_t kLongest = 300;
  const std::string_view line = message.substr(0, message.find('\n'));
  if (line.empty() || line.size() > kLongest ||
      holds_any(line, {"::", "yaml-cpp", "nlohmann", "json.exception", "basic_string", "bad_",
                       "vector", "terminate", "c10", "stoi", "stod", "map.at", "__"}))
    return "";
  return std::string(line);
}

Failure other(std::string message) {
  return {static_cast<int>(ExitCode::kOther), std::move(message)};
}

Failure out_of_memory() {
  return {static_cast<int>(ExitCode::kOther),
          "there is not enough memory; use smaller batches or a smaller model, or a machine with "
          "more",
          true};
}

/// An exception of another library, known by its words alone.
Failure describe_foreign(std::string_view what) {
  if (holds_any(what, {"DefaultCPUAllocator: can't allocate memory"})) return out_of_memory();
  if (holds_any(what, {"CUDA out of memory", "CUDA error: out of memory", "_STATUS_ALLOC_FAILED"}))
    return out_of_gpu_memory(what);
  const std::string line = readable_line(what);
  return other("internal error" + (line.empty() ? "" : ": " + line) +
               "; please report it with the command line");
}

}  // namespace

Failure describe_failure(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const Error& known) {
    return {static_cast<int>(known.code()), known.what()};
  } catch (const std::filesystem::filesystem_error& failed) {
    const std::string path = failed.path1().string();
    return other((path.empty() ? "a file" : path) + ": " + failed.code().message());
  } catch (const std::system_error& failed) {
    return other("the system refused a request: " + failed.code().message());
  } catch (const std::bad_alloc&) {
    return out_of_memory();
  } catch (const std::exception& foreign) {
    return describe_foreign(foreign.what());
  } catch (...) {
    return describe_foreign("");
  }
}

Failure out_of_gpu_memory(std::string_view text) {
  const std::string size = between(text, "Tried to allocate ", ". ");
  const std::string gpu = between(text, "GPU ", " has a total capacity");
  const std::string capacity = between(text, "total capacity of ", " of which");
  return {static_cast<int>(ExitCode::kDevice),
          fmt::format("there is not enough memory on {}{}{}: set train.micro_batch_tokens to a "
                      "smaller number, use fewer beams (generation.num_beams) or a smaller model, "
                      "or end what else runs there (nvidia-smi shows it)",
                      gpu.empty() ? "the GPU" : "GPU " + gpu,
                      capacity.empty() ? "" : fmt::format(" ({} in all)", capacity),
                      size.empty() ? "" : fmt::format(" for {} more", size)),
          true};
}

}  // namespace precis
