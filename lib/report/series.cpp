#include "lib/report/series.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

namespace precis {

namespace {

bool finite(const Point& point) {
  return std::isfinite(point.y);
}

bool lower(const Point& a, const Point& b) {
  return a.y < b.y;
}

}  // namespace

Curve curve_of(const std::vector<Record>& records, std::string_view kind, std::string_view key) {
  const std::string name(key);
  const bool null_is_nan = kind == "train";
  Curve curve;
  for (const Record& record : records) {
    const auto iter = iteration_of(record);
    if (!iter || !is_kind(record, kind) || !record.contains(name)) continue;
    const auto value = number_in(record, key);
    if (!value && !(null_is_nan && record[name].is_null())) continue;
    const double y = value.value_or(std::numeric_limits<double>::quiet_NaN());
    curve.push_back({static_cast<double>(*iter),
                     std::isfinite(y) ? y : std::numeric_limits<double>::quiet_NaN()});
  }
  std::stable_sort(curve.begin(), curve.end(),
                   [](const Point& a, const Point& b) { return a.x < b.x; });
  Curve unique;
  for (const Point& point : curve) {
    if (!unique.empty() && unique.back().x == point.x) {
      unique.back() = point;
    } else {
      unique.push_back(point);
    }
  }
  return unique;
}

Curve smoothed(const Curve& curve, double span) {
  const double keep = 1 - 2 / (std::max(span, 1.0) + 1);
  double sum = 0, weight = 0;
  Curve result;
  for (const Point& point : curve) {
    if (!finite(point)) continue;
    sum = keep * sum + (1 - keep) * point.y;
    weight = keep * weight + (1 - keep);
    result.push_back({point.x, sum / weight});
  }
  return result;
}

Curve thinned(const Curve& curve, size_t columns) {
  if (curve.size() <= 2 * columns || columns == 0) return curve;
  Curve result{curve.front()};
  const auto add = [&](const Point& point) {
    if (point.x > result.back().x) result.push_back(point);
  };
  for (size_t column = 0; column < columns; ++column) {
    const auto begin = curve.begin() + static_cast<ptrdiff_t>(column * curve.size() / columns);
    const auto end = curve.begin() + static_cast<ptrdiff_t>((column + 1) * curve.size() / columns);
    Curve values;
    std::copy_if(begin, end, std::back_inserter(values), finite);
    if (values.empty()) {
      add(*begin);
      continue;
    }
    const auto [low, high] = std::minmax_element(values.begin(), values.end(), lower);
    add(low->x <= high->x ? *low : *high);
    add(low->x <= high->x ? *high : *low);
  }
  add(curve.back());
  return result;
}

size_t count_not_finite(const Curve& curve) {
  return curve.size() - static_cast<size_t>(std::count_if(curve.begin(), curve.end(), finite));
}

double median(const Curve& curve) {
  Curve values;
  std::copy_if(curve.begin(), curve.end(), std::back_inserter(values), finite);
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end(), lower);
  return middle->y;
}

}  // namespace precis
