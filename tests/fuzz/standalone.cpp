// The main of a fuzz target without libFuzzer: TARGET [RUNS [SEED]] mutates the seeds; TARGET FILE
// runs one input. A crash leaves the input in fuzz-crash.bin of the working directory.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>

#include "lib/base/files.h"
#include "lib/base/random.h"
#include "tests/fuzz/fuzz.h"

namespace precis {
namespace {

/// Inputs grow no larger than the largest seed, or this.
constexpr size_t kLargest = 4096;

size_t largest() {
  size_t size = kLargest;
  for (const std::string& seed : fuzz_seeds()) size = std::max(size, seed.size());
  return size;
}

std::string current;  // for the handler below, which is given nothing but a number

void write_down(int signal) {
  if (std::FILE* file = std::fopen("fuzz-crash.bin", "wb")) {
    std::fwrite(current.data(), 1, current.size(), file);
    std::fclose(file);
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

/// One small change: a bit, a byte, a piece removed, doubled, or taken from another seed.
void mutate(std::string& bytes, RandomStream& random) {
  const size_t at = random.below(bytes.size() + 1);
  const size_t length = std::min<size_t>(1 + random.below(16), bytes.size() - at);
  const std::string& other = fuzz_seeds()[random.below(fuzz_seeds().size())];
  const size_t from = random.below(other.size() + 1);
  switch (random.below(7)) {
    case 0:
      if (at < bytes.size()) bytes[at] = static_cast<char>(bytes[at] ^ (1 << random.below(8)));
      break;
    case 1:
      if (at < bytes.size()) bytes[at] = static_cast<char>(random.below(256));
      break;
    case 2:
      bytes.insert(at, 1, static_cast<char>(random.below(256)));
      break;
    case 3:
      bytes.erase(at, length);
      break;
    case 4:
      bytes.insert(at, bytes.substr(at, length));
      break;
    case 5:
      bytes.insert(at, other, from, 1 + random.below(40));
      break;
    default:
      bytes = bytes.substr(0, at) + other.substr(from);
      break;
  }
  static const size_t most = largest();
  if (bytes.size() > most) bytes.resize(most);
}

void run(const std::string& input) {
  current = input;
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(input.data()), input.size());
}

/// At least `runs` inputs, and for at least so many seconds; returns how many there were.
uint64_t run_mutations(uint64_t runs, uint64_t seed, double seconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  for (const std::string& input : fuzz_seeds()) run(input);
  uint64_t i = 0;
  for (; i < runs || std::chrono::steady_clock::now() < end; ++i) {
    RandomStream random(mix_key({seed, i}));
    std::string input = fuzz_seeds()[random.below(fuzz_seeds().size())];
    for (uint64_t k = 1 + random.below(8); k > 0; --k) mutate(input, random);
    run(input);
  }
  return i + fuzz_seeds().size();
}

}  // namespace
}  // namespace precis

int main(int argc, char** argv) {
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGILL, SIGBUS})
    std::signal(signal, precis::write_down);
  if (argc > 1 && std::filesystem::exists(argv[1])) {
    precis::run(precis::read_file(argv[1]));
    return 0;
  }
  const uint64_t runs = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000;
  const char* asked = std::getenv("PRECIS_FUZZ_SECONDS");  // tests/run.sh --all sets it
  const double seconds = asked != nullptr ? std::strtod(asked, nullptr) : 2;
  const uint64_t done =
      precis::run_mutations(runs, argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 1, seconds);
  std::printf("%llu inputs\n", static_cast<unsigned long long>(done));
  return 0;
}
