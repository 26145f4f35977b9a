// The digest that tells whether weights are the same.
#include "lib/tensor/digest.h"
#include "lib/base/digest_text.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "lib/base/digest_text.h"

namespace precis {
namespace {

TEST(Digest, DoesNotDependOnOrderButOnEveryBit) {
  const at::Tensor a = at::randn({1000});
  at::Tensor changed = a.clone();
  changed[17] = std::nextafter(changed[17].item<float>(), 10.0F);
  EXPECT_EQ(digest_of(a), digest_of(a.flip(0)));
  EXPECT_NE(digest_of(a), digest_of(changed));
}

TEST(Digest, IsWrittenWithAllItsDigits) {
  EXPECT_EQ(digest_text(0xAB), "00000000000000ab");
}

}  // namespace
}  // namespace precis
