#include "lib/ops/product_plans.h"

#include <algorithm>
#include <bit>

namespace precis::ops {

int64_t ProductPlans::row_class(int64_t rows) {
  constexpr int kBits = 4;  // the leading one, and three that tell eighths
  const int width = static_cast<int>(std::bit_width(static_cast<uint64_t>(rows)));
  if (width <= kBits) return rows;
  const int64_t step = int64_t{1} << (width - kBits);
  return (rows + step - 1) / step * step;
}

ProductPlans::Key ProductPlans::key_of(const Product& product) {
  ProductShape shape = product.shape;
  shape.batch() = row_class(shape.batch());
  return {shape,
          {alignment_of(product.a), alignment_of(product.b), alignment_of(product.out),
           alignment_of(product.bias), alignment_of(product.aux)}};
}

const ProductAlgorithm* ProductPlans::choose(const Product& product, bool measure) {
  Plan& plan = plans_[key_of(product)];
  measure = measure && !plan.measured && !library_.is_recording();
  if (!plan.decided || measure) decide(plan, product, measure);
  if (!plan.best) return nullptr;
  if (const int64_t rows = product.shape.batch(); rows != plan.rows) {
    plan.rows = rows;
    plan.now = plan.best;
    if (!library_.accepts(product, *plan.best)) {
      const auto others = library_.algorithms(product, 1);
      plan.now = others.empty() ? std::nullopt : std::optional(others.front());
    }
  }
  return plan.now ? &*plan.now : nullptr;
}

void ProductPlans::give_up(const Product& product) {
  Plan& plan = plans_[key_of(product)];
  plan = {};
  plan.decided = plan.measured = true;
}

void ProductPlans::decide(Plan& plan, const Product& product, bool measure) {
  constexpr int kTried = 8;
  const auto offered = library_.algorithms(product, measure ? kTried : 1);
  plan.decided = true;
  plan.measured = measure || offered.empty();
  plan.rows = product.shape.batch();
  plan.best = offered.empty() ? std::nullopt
                              : std::optional(measure ? fastest(product, offered) : offered[0]);
  plan.now = plan.best;
}

/// The first of those that are about as fast as the fastest, so that one run takes what the next
/// one does; the first of all where none could be measured.
const ProductAlgorithm& ProductPlans::fastest(const Product& product,
                                              const std::vector<ProductAlgorithm>& offered) {
  constexpr double kAboutAsFast = 1.02;
  if (offered.size() == 1) return offered.front();
  std::vector<double> seconds;
  for (const ProductAlgorithm& algorithm : offered)
    seconds.push_back(library_.seconds(product, algorithm));
  const double limit = *std::min_element(seconds.begin(), seconds.end()) * kAboutAsFast;
  const auto first =
      std::find_if(seconds.begin(), seconds.end(), [&](double s) { return s <= limit; });
  return offered[static_cast<size_t>(first - seconds.begin())];
}

}  // namespace precis::ops
