// Curves: points taken from records, smoothed, and thinned to what a chart can show.
#pragma once

#include <string_view>
#include <vector>

#include "lib/report/record.h"

namespace precis {

/// A point of a curve; y is NaN where the value was not finite.
struct Point {
  double x = 0;
  double y = 0;
  bool operator==(const Point&) const = default;
};
using Curve = std::vector<Point>;

/// `key` over `iter` of all records of that kind, by rising iter; of records with the same iter the
/// last counts. A field that is absent gives no point. Null gives NaN in train records, which have
/// all their fields; elsewhere it means "was not asked for" and gives no point.
Curve curve_of(const std::vector<Record>& records, std::string_view kind, std::string_view key);

/// Exponential running mean, without bias to zero at the beginning; `span` points weigh about as
/// much as in a plain mean of so many. Points that are not finite are left out.
Curve smoothed(const Curve& curve, double span);

/// At most about 2 * columns points, with the smallest and the largest value of each of `columns`
/// stretches, so that every spike stays; first and last point stay, and so does a stretch without
/// finite values, as one NaN.
Curve thinned(const Curve& curve, size_t columns);

/// The number of points whose value is not finite.
size_t count_not_finite(const Curve& curve);

/// The middle one of the finite values; NaN where there is none.
double median(const Curve& curve);

}  // namespace precis
