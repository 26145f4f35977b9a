// Line charts as inline SVG: no script, no network, the same text size at every width.
#pragma once

#include <string>
#include <vector>

#include "lib/report/series.h"

namespace precis {

/// A curve of a chart.
struct ChartSeries {
  enum class Style { kLine, kFaint, kDots };  ///< kFaint: behind another line; kDots: line and dots

  std::string name;
  std::string short_name;  ///< for the label at the end of the line; may be empty
  int color = 1;           ///< 1, 2 or 3: the page's colours
  Style style = Style::kLine;
  Curve curve;
};

/// What one chart shows.
struct Chart {
  std::string title;
  std::string unit;  ///< behind the title; may be empty
  bool from_zero = false;
  std::vector<ChartSeries> series;
};

/// A <figure> with title, legend, grid, axes, curves, a label at the end of each line and the
/// values under the pointer as SVG titles. Where a few values are a hundred times the median or
/// more (and all are positive), the vertical axis is logarithmic. Empty where no series has a
/// finite value.
std::string chart_figure(const Chart& chart);

}  // namespace precis
