#include "lib/train/out_of_memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

namespace precis {

OutOfMemory::OutOfMemory(const MemoryNeed& need)
    : SharedError(ExitCode::kDevice,
                  fmt::format("there is not enough memory for micro-batches of {} tokens: set "
                              "train.micro_batch_tokens to a smaller number, take a smaller "
                              "model, or end what else runs there",
                              need.largest)),
      need_(need) {}

void throw_out_of_memory(const World& world, const MemoryNeed& mine) {
  MemoryNeed most;
  for (const std::string& said : world.all_gather(fmt::format("{} {}", mine.largest, mine.alone))) {
    const size_t blank = said.find(' ');
    most.largest = std::max<int64_t>(most.largest, std::stoll(said.substr(0, blank)));
    most.alone = std::max<int64_t>(most.alone, std::stoll(said.substr(blank)));
  }
  throw OutOfMemory(most);
}

}  // namespace precis
