#include "lib/base/profile.h"

#include <utility>

namespace precis {
namespace {

thread_local Profile* installed = nullptr;

}  // namespace

std::string_view name_of(Part part) {
  constexpr std::array<std::string_view, kNumParts> kNames{
      "embedding", "products",  "attention",     "norm_and_dropout", "gelu",
      "head",      "optimizer", "communication", "waiting"};
  return kNames[static_cast<size_t>(part)];
}

ProfileGuard::ProfileGuard(Profile& profile) : before_(std::exchange(installed, &profile)) {}

ProfileGuard::~ProfileGuard() {
  installed = before_;
}

Profile* profile_of_thread() {
  return installed;
}

void ProfileScope::begin() {
  if (std::exchange(profile_->in_part_, true))
    profile_ = nullptr;
  else
    began_ = std::chrono::steady_clock::now();
}

void ProfileScope::end() {
  profile_->add(part_,
                std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count());
  profile_->in_part_ = false;
}

}  // namespace precis
