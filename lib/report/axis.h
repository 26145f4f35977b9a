// The vertical and horizontal scales of a chart.
#pragma once

#include <string>
#include <vector>

namespace precis {

/// Where an axis begins and ends, its ticks, and how values are placed between the ends.
struct Axis {
  double low = 0;
  double high = 1;
  bool logarithmic = false;
  std::vector<double> ticks;

  /// 0 at low, 1 at high.
  double place(double value) const;
};

/// An axis from a round number at or below `low` to one at or above `high`, with about `count`
/// ticks at multiples of 1, 2 or 5 times a power of ten.
Axis linear_axis(double low, double high, int count);

/// As above, but with the ends just as they are and whole numbers as ticks: for iterations.
Axis iteration_axis(double low, double high, int count);

/// Powers of ten around 0 < low <= high; every second or third one where there are many.
Axis logarithmic_axis(double low, double high);

/// The text of a tick, with as many decimals as the distance of the ticks asks for.
std::string tick_text(const Axis& axis, double tick);

}  // namespace precis
