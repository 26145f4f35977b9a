// Runs a fuzz target without a fuzzer: on its seed files and on changed copies of them.
//
//   TARGET [SEED FILE...]: a fixed number of changed copies of each, always the same ones; with
//   PRECIS_FUZZ_SECONDS set, for so long. The changes are flipped bits, overwritten and inserted
//   numbers that matter, cuts, and copied parts.
// With clang's -fsanitize=fuzzer define PRECIS_LIBFUZZER, and libFuzzer brings its own main.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "lib/base/files.h"
#include "lib/base/random.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace precis::fuzz {

inline void run_one(const std::string& input) {
  // A copy of exactly its size, so that the address sanitizer sees the first byte beyond it.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

inline void change(std::string& input, RandomStream& random) {
  static const std::vector<std::string> kParts = {std::string("\xff\xff\xff\xff", 4),
                                                  std::string("\0\0\0\0", 4),
                                                  std::string("\xff\xff\xff\x7f", 4),
                                                  std::string("\0\0\0\0\0\0\0\x80", 8),
                                                  "-1",
                                                  "1e999",
                                                  "\"",
                                                  "{",
                                                  "[",
                                                  "\n",
                                                  ",",
                                                  "\xf0\x9f\x98\x80",
                                                  "99999999999999999999",
                                                  "(",
                                                  "t",
                                                  "\x85",
                                                  "R",
                                                  "h",
                                                  "Q"};
  if (input.empty()) input = " ";
  const size_t at = random.below(input.size());
  switch (random.below(7)) {
    case 0:
      input[at] = static_cast<char>(input[at] ^ (1 << random.below(8)));
      break;
    case 1:
      input[at] = static_cast<char>(random.next());
      break;
    case 2: {
      const std::string& part = kParts[random.below(kParts.size())];
      input.replace(at, part.size(), part);
      break;
    }
    case 3:
      input.insert(at, kParts[random.below(kParts.size())]);
      break;
    case 4:
      input.erase(at, 1 + random.below(16));
      break;
    case 5:
      input.insert(random.below(input.size()), input.substr(at, 1 + random.below(64)));
      break;
    default:
      if (random.below(8) == 0) input.resize(at);
  }
}

inline int run(int argc, char** argv, int changed_copies) {
  const char* seconds = std::getenv("PRECIS_FUZZ_SECONDS");
  const double limit = seconds == nullptr ? 0 : std::atof(seconds);
  std::vector<std::string> seeds{""};
  for (int i = 1; i < argc; ++i) seeds.push_back(read_file(argv[i]));
  for (const std::string& seed : seeds) run_one(seed);
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  uint64_t runs = 0;
  for (uint64_t round = 0;
       limit > 0 ? elapsed() < limit : round < static_cast<uint64_t>(changed_copies); ++round) {
    for (size_t i = 0; i < seeds.size(); ++i, ++runs) {
      RandomStream random(mix_key({round, i}));
      std::string input = seeds[i];
      for (uint64_t changes = 1 + random.below(4); changes > 0; --changes) change(input, random);
      run_one(input);
    }
  }
  std::printf("%llu changed inputs of %zu seeds\n", static_cast<unsigned long long>(runs),
              seeds.size());
  return 0;
}

}  // namespace precis::fuzz

/// The main of a fuzz target.
#ifdef PRECIS_LIBFUZZER
#define PRECIS_FUZZ_MAIN(changed_copies)
#else
#define PRECIS_FUZZ_MAIN(changed_copies)                  \
  int main(int argc, char** argv) {                       \
    return precis::fuzz::run(argc, argv, changed_copies); \
  }
#endif
