// Means of scores and their confidence.
#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

#include "lib/metrics/rouge.h"

namespace precis {
namespace {

constexpr size_t kNumbers = 12;  // four types, three numbers each
using Numbers = std::array<double, kNumbers>;

Numbers to_numbers(const RougeScores& scores) {
  Numbers numbers{};
  size_t at = 0;
  for (const RougeScore* score :
       {&scores.rouge1, &scores.rouge2, &scores.rougeL, &scores.rougeLsum}) {
    numbers[at++] = score->precision;
    numbers[at++] = score->recall;
    numbers[at++] = score->fmeasure;
  }
  return numbers;
}

RougeScores to_scores(const Numbers& numbers) {
  const auto score = [&](size_t at) {
    return RougeScore{numbers[at], numbers[at + 1], numbers[at + 2]};
  };
  return {score(0), score(3), score(6), score(9)};
}

/// As numpy.percentile: linear between the two nearest of sorted values.
double percentile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], place - static_cast<double>(below));
}

}  // namespace

RougeScores mean(std::span<const RougeScores> scores) {
  if (scores.empty()) return {};
  Numbers sum{};
  for (const RougeScores& one : scores) {
    const Numbers numbers = to_numbers(one);
    for (size_t k = 0; k < kNumbers; ++k) sum[k] += numbers[k];
  }
  for (double& number : sum) number /= static_cast<double>(scores.size());
  return to_scores(sum);
}

RougeIntervals bootstrap(std::span<const RougeScores> scores, uint64_t seed) {
  constexpr size_t kResamples = 1000;
  if (scores.empty()) return {};
  std::vector<Numbers> rows;
  rows.reserve(scores.size());
  for (const RougeScores& one : scores) rows.push_back(to_numbers(one));
  std::mt19937_64 generator(seed);
  std::array<std::vector<double>, kNumbers> means;
  for (size_t resample = 0; resample < kResamples; ++resample) {
    Numbers sum{};
    for (size_t i = 0; i < rows.size(); ++i) {
      // The upper half of a product maps 32 random bits to an index; its bias is below rows / 2^32.
      const Numbers& row = rows[(generator() >> 32) * rows.size() >> 32];
      for (size_t k = 0; k < kNumbers; ++k) sum[k] += row[k];
    }
    for (size_t k = 0; k < kNumbers; ++k)
      means[k].push_back(sum[k] / static_cast<double>(rows.size()));
  }
  std::array<Numbers, 3> bounds{};
  for (size_t k = 0; k < kNumbers; ++k) {
    std::sort(means[k].begin(), means[k].end());
    for (size_t bound = 0; bound < bounds.size(); ++bound) {
      bounds[bound][k] = percentile(means[k], std::array{0.025, 0.5, 0.975}[bound]);
    }
  }
  return {to_scores(bounds[0]), to_scores(bounds[1]), to_scores(bounds[2])};
}

}  // namespace precis
