#include "lib/generate/token_choice.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <limits>

#include "lib/generate/host_logits.h"

namespace precis {
namespace {

at::Tensor draw(const at::Tensor& logits, const TokenChoice& choice, const at::Tensor& uniforms) {
  const int64_t k = std::min(choice.top_k, logits.size(1)),
                found = std::min(choice.top_k + kPossibleTies, logits.size(1));
  const auto [best, where] = at::topk(logits, found, 1);
  const at::Tensor kept = best.ge(best.narrow(1, k - 1, 1)),
                   scores = best.sub(best.narrow(1, 0, 1)).mul_(choice.scale).exp_().mul_(kept),
                   order = at::argsort(where, /*dim=*/int64_t{1}, /*descending=*/false),
                   ids = where.gather(1, order), weights = scores.gather(1, order).to(at::kDouble),
                   sums = weights.cumsum(1),
                   target = sums.narrow(1, found - 1, 1).mul(uniforms.unsqueeze(1));
  // The last that may be drawn, where rounding lets no sum exceed the target.
  const at::Tensor last = at::arange(found, where.options()).mul(weights.gt(0)).amax(1),
                   first = sums.le(target).sum(1);
  return ids.gather(1, at::minimum(first, last).unsqueeze(1)).squeeze(1);
}

}  // namespace

void suppress_tokens(const at::Tensor& logits, const at::Tensor& ids) {
  logits.index_fill_(1, ids, -std::numeric_limits<double>::infinity());
}

at::Tensor choose_tokens(const at::Tensor& logits, const TokenChoice& choice,
                         const at::Tensor& uniforms) {
  if (choice.suppressed.defined()) suppress_tokens(logits, choice.suppressed);
  return choice.draws() ? draw(logits, choice, uniforms) : at::argmax(logits, 1);
}

}  // namespace precis
