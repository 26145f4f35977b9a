#include "lib/base/profile.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

namespace precis {
namespace {

void work(double milliseconds) {
  std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(milliseconds));
}

double all_parts(const Profile& profile) {
  double sum = 0;
  for (size_t part = 0; part < kNumParts; ++part) sum += profile.seconds(static_cast<Part>(part));
  return sum;
}

TEST(Profile, PartsAreToldApartAndAddUp) {
  Profile profile;
  const ProfileGuard guard(profile);
  for (int i = 0; i < 2; ++i) {
    const ProfileScope scope(Part::kGelu);
    work(10);
  }
  {
    const ProfileScope scope(Part::kNorm);
    work(5);
  }
  EXPECT_GE(profile.seconds(Part::kGelu), 0.020);
  EXPECT_GE(profile.seconds(Part::kNorm), 0.005);
  EXPECT_EQ(all_parts(profile), profile.seconds(Part::kGelu) + profile.seconds(Part::kNorm));
}

TEST(Profile, TheOutermostScopeCounts) {
  Profile profile;
  const ProfileGuard guard(profile);
  {
    const ProfileScope head(Part::kHead);
    const ProfileScope products(Part::kProducts);
    work(5);
  }
  EXPECT_GE(profile.seconds(Part::kHead), 0.005);
  EXPECT_EQ(profile.seconds(Part::kProducts), 0);
  const ProfileScope after(Part::kProducts);
  EXPECT_EQ(profile_of_thread(), &profile);
}

TEST(Profile, WithoutOneNothingIsRecorded) {
  Profile profile;
  EXPECT_EQ(profile_of_thread(), nullptr);
  {
    const ProfileScope scope(Part::kGelu);
    work(1);
  }
  {
    const ProfileGuard guard(profile);
    std::thread([] {  // another thread reports nothing
      EXPECT_EQ(profile_of_thread(), nullptr);
      const ProfileScope scope(Part::kGelu);
      work(1);
    })
        .join();
    Profile inner;
    {
      const ProfileGuard inner_guard(inner);
      const ProfileScope scope(Part::kNorm);
    }
    EXPECT_GT(inner.seconds(Part::kNorm), 0);
    EXPECT_EQ(profile_of_thread(), &profile);
  }
  EXPECT_EQ(profile_of_thread(), nullptr);
  EXPECT_EQ(all_parts(profile), 0);
}

TEST(Profile, ProductsAreCountedByTheirForm) {
  Profile profile;
  const ProductForm form{ProductKind::kForward, 3, 4, 5};
  ProductForm backward = form;
  backward.kind = ProductKind::kInputGradient;
  profile.add(form);
  profile.add(backward);
  profile.add(form);
  EXPECT_EQ(profile.products().at(form), 2);
  EXPECT_EQ(profile.products().at(backward), 1);
  EXPECT_EQ(form.operations(), 120);
}

TEST(Profile, NamesDiffer) {
  std::set<std::string_view> names;
  for (size_t part = 0; part < kNumParts; ++part) names.insert(name_of(static_cast<Part>(part)));
  EXPECT_EQ(names.size(), kNumParts);
  EXPECT_FALSE(names.contains(""));
}

}  // namespace
}  // namespace precis
