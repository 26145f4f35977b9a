#include "lib/report/axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "lib/report/markup.h"

namespace precis {

namespace {

/// 1, 2 or 5 times a power of ten, so that about `count` of them make up `range`.
double round_step(double range, int count) {
  const double rough = range / std::max(count, 1);
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double ratio = rough / power;
  return power * (ratio <= 1.001 ? 1 : ratio <= 2.001 ? 2 : ratio <= 5.001 ? 5 : 10);
}

}  // namespace

double Axis::place(double value) const {
  if (logarithmic) return std::log(value / low) / std::log(high / low);
  return (value - low) / (high - low);
}

Axis linear_axis(double low, double high, int count) {
  // A flat curve, or one whose range drowns in the precision of its numbers, still needs a height.
  const double smallest = std::max(std::abs(low), std::abs(high)) * 1e-9;
  if (!(high - low > smallest)) {
    const double margin = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= low == 0 ? 0 : margin;
    high += margin;
  }
  const double step = round_step(high - low, count);
  const double first = std::floor(low / step + 1e-6), last = std::ceil(high / step - 1e-6);
  Axis axis{first * step, last * step, false, {}};
  for (double i = first; i <= last; ++i) axis.ticks.push_back(i * step);
  return axis;
}

Axis iteration_axis(double low, double high, int count) {
  if (!(high > low)) high = low + 1;
  const double step = std::max(1.0, round_step(high - low, count));
  Axis axis{low, high, false, {}};
  for (double i = std::ceil(low / step - 1e-6); i * step <= high * (1 + 1e-12); ++i)
    axis.ticks.push_back(i * step);
  return axis;
}

Axis logarithmic_axis(double low, double high) {
  const double first = std::floor(std::log10(low) + 1e-9);
  const double last = std::max(std::ceil(std::log10(high) - 1e-9), first + 1);
  const double step = std::ceil((last - first) / 5);
  Axis axis{std::pow(10, first), std::pow(10, last), true, {}};
  for (double i = first; i <= last; i += step) axis.ticks.push_back(std::pow(10, i));
  return axis;
}

std::string tick_text(const Axis& axis, double tick) {
  double step = tick, largest = tick;
  if (!axis.logarithmic && axis.ticks.size() > 1) {
    step = axis.ticks[1] - axis.ticks[0];
    largest = std::max(std::abs(axis.low), std::abs(axis.high));
  }
  if (tick == 0) return "0";
  if (largest < 1e-3 || largest >= 1e7) return short_number(tick, 3);
  if (step >= (axis.logarithmic ? 9999 : 999)) return grouped(tick / 1000) + "k";
  if (step >= 0.999) return grouped(tick);
  const int decimals = static_cast<int>(std::ceil(-std::log10(step) - 1e-6));
  return fmt::format("{:.{}f}", tick, decimals);
}

}  // namespace precis
