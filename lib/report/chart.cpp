// The plot is an SVG that is stretched to the width of its place (its strokes are not); all texts
// are HTML, placed by percentages. So a phone and a wide screen show the same text sizes.
#include "lib/report/chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "lib/report/axis.h"
#include "lib/report/markup.h"

namespace precis {

namespace {

constexpr double kSide = 1000;  // of the SVG's own square
constexpr size_t kColumns = 400;
constexpr size_t kBands = 100;
constexpr double kLabelDistance = 8;  // per cent of the height, about one line of text

struct Axes {
  Axis x, y;

  double px(double value) const { return kSide * x.place(value); }
  double py(double value) const { return kSide * (1 - y.place(value)); }
};

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void take(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// Linear, unless a few values are so far out that they would press all others flat.
Axis value_axis(const Chart& chart, const Range& range) {
  double typical = 0;
  for (const ChartSeries& series : chart.series) {
    const double middle = median(series.curve);
    if (std::isfinite(middle)) typical = std::max(typical, middle);
  }
  constexpr double kFarOut = 100;
  if (range.low > 0 && range.high > kFarOut * typical)
    return logarithmic_axis(range.low, range.high);
  return linear_axis(chart.from_zero ? std::min(range.low, 0.0) : range.low, range.high, 5);
}

std::optional<Axes> axes_of(const Chart& chart) {
  Range x, y;
  for (const ChartSeries& series : chart.series) {
    for (const Point& point : series.curve) {
      x.take(point.x);
      if (std::isfinite(point.y)) y.take(point.y);
    }
  }
  if (!(y.low <= y.high)) return std::nullopt;
  return Axes{iteration_axis(x.low, x.high, 5), value_axis(chart, y)};
}

std::string grid(const Axes& axes) {
  std::string svg;
  for (const double tick : axes.y.ticks)
    svg += fmt::format("<path class=\"grid\" d=\"M0 {:.1f}H{}\"/>", axes.py(tick), kSide);
  for (const double tick : axes.x.ticks)
    svg += fmt::format("<path class=\"grid\" d=\"M{:.1f} 0V{}\"/>", axes.px(tick), kSide);
  return svg;
}

/// The line, with a gap where values are not finite.
std::string line(const Axes& axes, const ChartSeries& series) {
  std::string path;
  bool pen_down = false;
  for (const Point& point : thinned(series.curve, kColumns)) {
    if (std::isfinite(point.y))
      path +=
          fmt::format("{}{:.1f} {:.1f}", pen_down ? 'L' : 'M', axes.px(point.x), axes.py(point.y));
    pen_down = std::isfinite(point.y);
  }
  return fmt::format("<path class=\"line s{}{}\" d=\"{}\"/>", series.color,
                     series.style == ChartSeries::Style::kFaint ? " faint" : "", path);
}

/// Dots are lines of no length with round ends, since a circle would be stretched.
std::string dots(const Axes& axes, const ChartSeries& series) {
  const Curve shown = thinned(series.curve, kBands);
  std::string svg;
  for (const Point& point : shown)
    if (std::isfinite(point.y))
      svg += fmt::format(
          "<path class=\"dot s{}\" d=\"M{:.1f} {:.1f}h0\"><title>{}: {} after {} "
          "iterations</title></path>",
          series.color, axes.px(point.x), axes.py(point.y), escape_html(series.name),
          short_number(point.y), grouped(point.x));
  return svg;
}

/// The point of the curve nearest to x, if it is less than `reach` away.
const Point* nearest(const Curve& curve, double x, double reach) {
  auto right = std::lower_bound(curve.begin(), curve.end(), x,
                                [](const Point& point, double at) { return point.x < at; });
  if (right == curve.end() || (right != curve.begin() && x - (right - 1)->x < right->x - x))
    --right;
  return std::abs(right->x - x) <= reach ? &*right : nullptr;
}

/// Upright stretches that show the values at their middle.
std::string bands(const Axes& axes, const Chart& chart) {
  const ChartSeries& densest = *std::max_element(
      chart.series.begin(), chart.series.end(),
      [](const ChartSeries& a, const ChartSeries& b) { return a.curve.size() < b.curve.size(); });
  const Curve& points = densest.curve;
  const size_t count = std::min(points.size(), kBands);
  std::vector<double> middles(count);
  for (size_t i = 0; i < count; ++i)
    middles[i] = points[count < 2 ? 0 : i * (points.size() - 1) / (count - 1)].x;
  std::string svg;
  for (size_t i = 0; i < count; ++i) {
    const double left = i == 0 ? axes.x.low : (middles[i - 1] + middles[i]) / 2;
    const double right = i + 1 == count ? axes.x.high : (middles[i] + middles[i + 1]) / 2;
    std::string text = fmt::format("iteration {}", grouped(middles[i]));
    for (const ChartSeries& series : chart.series) {
      if (series.curve.empty()) continue;
      if (const Point* point = nearest(series.curve, middles[i], (right - left) / 2))
        text += fmt::format("\n{}: {}", escape_html(series.name), short_number(point->y));
    }
    svg += fmt::format(
        "<rect class=\"band\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" height=\"{}\"><title>{}</title>"
        "</rect>",
        axes.px(left), axes.px(right) - axes.px(left), kSide, text);
  }
  return svg;
}

std::string tick_texts(const Axes& axes) {
  std::string html;
  for (const double tick : axes.y.ticks)
    html += fmt::format("<span class=\"ytick\" style=\"top:{:.2f}%\">{}</span>",
                        100 * (1 - axes.y.place(tick)), tick_text(axes.y, tick));
  for (const double tick : axes.x.ticks)
    html += fmt::format("<span class=\"xtick\" style=\"left:{:.2f}%\">{}</span>",
                        100 * axes.x.place(tick), grouped(tick));
  return html;
}

struct EndLabel {
  double top;  ///< per cent
  const ChartSeries* series;
  double value;
};

/// The last value of each line but the faint ones, moved apart where they would overlap.
std::string end_labels(const Axes& axes, const Chart& chart) {
  std::vector<EndLabel> labels;
  for (const ChartSeries& series : chart.series) {
    if (series.style == ChartSeries::Style::kFaint) continue;
    const auto last = std::find_if(series.curve.rbegin(), series.curve.rend(),
                                   [](const Point& point) { return std::isfinite(point.y); });
    if (last != series.curve.rend())
      labels.push_back({100 * (1 - axes.y.place(last->y)), &series, last->y});
  }
  std::sort(labels.begin(), labels.end(),
            [](const EndLabel& a, const EndLabel& b) { return a.top < b.top; });
  for (size_t i = 1; i < labels.size(); ++i)
    labels[i].top = std::max(labels[i].top, labels[i - 1].top + kLabelDistance);
  double lowest = 100;
  for (auto label = labels.rbegin(); label != labels.rend(); ++label) {
    label->top = std::min(label->top, lowest);
    lowest = label->top - kLabelDistance;
  }
  std::string html;
  for (const EndLabel& label : labels) {
    const std::string name = label.series->short_name.empty()
                                 ? std::string()
                                 : fmt::format("<i class=\"key s{}\"></i>{} ", label.series->color,
                                               escape_html(label.series->short_name));
    html += fmt::format("<span class=\"end\" style=\"top:{:.2f}%\">{}<b>{}</b></span>", label.top,
                        name, short_number(label.value));
  }
  return html;
}

std::string legend(const Chart& chart) {
  if (chart.series.size() < 2) return {};
  std::string html = "<ul class=\"legend\">";
  for (const ChartSeries& series : chart.series)
    html += fmt::format("<li><i class=\"key s{}{}\"></i>{}</li>", series.color,
                        series.style == ChartSeries::Style::kFaint ? " faint" : "",
                        escape_html(series.name));
  return html + "</ul>";
}

/// A sentence about values that no curve can show.
std::string note(const Chart& chart, const Axes& axes) {
  std::string html;
  for (const ChartSeries& series : chart.series)
    if (const size_t count = count_not_finite(series.curve); count > 0)
      html += fmt::format("<p class=\"note warn\">{}: {} of {} values are not finite.</p>",
                          escape_html(series.name), grouped(static_cast<double>(count)),
                          grouped(static_cast<double>(series.curve.size())));
  if (axes.y.logarithmic) html += "<p class=\"note\">Logarithmic scale.</p>";
  return html;
}

}  // namespace

std::string chart_figure(const Chart& chart) {
  const std::optional<Axes> axes = axes_of(chart);
  if (!axes) return {};
  std::string lines, points;
  for (const ChartSeries& series : chart.series) {
    lines += line(*axes, series);
    if (series.style == ChartSeries::Style::kDots) points += dots(*axes, series);
  }
  const std::string title = escape_html(chart.title);
  const std::string unit =
      chart.unit.empty() ? std::string()
                         : fmt::format(" <span class=\"unit\">{}</span>", escape_html(chart.unit));
  return fmt::format(
      "<figure class=\"card chart\"><figcaption><b>{}</b>{}</figcaption>{}"
      "<div class=\"plot\"><svg viewBox=\"0 0 {} {}\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"{} over iterations\">{}{}{}{}</svg>{}{}</div>{}</figure>\n",
      title, unit, legend(chart), kSide, kSide, title, grid(*axes), lines, bands(*axes, chart),
      points, tick_texts(*axes), end_labels(*axes, chart), note(chart, *axes));
}

}  // namespace precis
