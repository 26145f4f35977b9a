#include "lib/report/chart.h"

#include <gtest/gtest.h>

#include <cmath>

namespace precis {
namespace {

using Style = ChartSeries::Style;

size_t count(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(Chart, LineGridAxesLabelAndValuesUnderThePointer) {
  const std::string html = chart_figure(
      {"Loss", "nats", false, {{"train", "", 1, Style::kLine, {{0, 4}, {5, 2}, {10, 3}}}}});
  EXPECT_EQ(count(html, "<path class=\"line s1\" d=\"M0.0 0.0L500.0 1000.0L1000.0 500.0\"/>"), 1U)
      << html;
  EXPECT_EQ(count(html, "class=\"ytick\""), 5U);  // 2.0 to 4.0
  EXPECT_EQ(count(html, "class=\"xtick\""), 6U);  // 0 to 10
  EXPECT_EQ(count(html, "class=\"grid\""), 11U);
  EXPECT_EQ(count(html, "<title>iteration 5\ntrain: 2</title>"), 1U);
  EXPECT_EQ(count(html, "style=\"top:50.00%\"><b>3</b>"), 1U);
  EXPECT_EQ(count(html, "class=\"legend\""), 0U);  // one line needs none
}

TEST(Chart, SeveralSeriesHaveALegendAndLabelsApart) {
  const std::string html =
      chart_figure({"Loss",
                    "",
                    false,
                    {{"train", "train", 1, Style::kLine, {{0, 4}, {10, 2}}},
                     {"validation", "val", 2, Style::kDots, {{0, 4}, {10, 2.01}}}}});
  EXPECT_EQ(count(html, "<li>"), 2U);
  EXPECT_EQ(count(html, "<path class=\"dot s2\""), 2U);
  EXPECT_EQ(count(html, "<title>validation: 2.01 after 10 iterations</title>"), 1U);
  EXPECT_EQ(count(html, "class=\"end\" style=\"top:100.00%\""), 1U);
  EXPECT_EQ(count(html, "class=\"end\" style=\"top:92.00%\""), 1U);
}

TEST(Chart, LabelsNearTheTopMoveDown) {
  const std::string html = chart_figure({"Loss",
                                         "",
                                         false,
                                         {{"a", "a", 1, Style::kLine, {{0, 2}, {10, 4}}},
                                          {"b", "b", 2, Style::kLine, {{0, 2}, {10, 3.99}}}}});
  EXPECT_EQ(count(html, "class=\"end\" style=\"top:0.00%\""), 1U);
  EXPECT_EQ(count(html, "class=\"end\" style=\"top:8.00%\""), 1U);
}

TEST(Chart, NotFiniteValuesAreGapsAndCounted) {
  const std::string html =
      chart_figure({"Loss",
                    "",
                    false,
                    {{"train", "", 1, Style::kLine, {{0, 4}, {1, 4}, {2, NAN}, {3, 2}, {4, 2}}}}});
  EXPECT_EQ(count(html, "d=\"M0.0 0.0L250.0 0.0M750.0 1000.0L1000.0 1000.0\""), 1U) << html;
  EXPECT_EQ(count(html, "train: 1 of 5 values are not finite."), 1U);
  EXPECT_EQ(count(html, "nan"), 0U);
  EXPECT_EQ(chart_figure({"Loss", "", false, {{"train", "", 1, Style::kLine, {{0, NAN}}}}}), "");
  EXPECT_EQ(chart_figure({"Loss", "", false, {}}), "");
  EXPECT_EQ(count(chart_figure({"Loss", "", false, {{"t", "", 1, Style::kDots, {{0, 3}}}}}), "nan"),
            0U);
}

TEST(Chart, AFewValuesFarOutMakeTheAxisLogarithmic) {
  Curve curve;
  for (int i = 0; i < 50; ++i) curve.push_back({double(i), 1.0});
  ChartSeries series{"norm", "", 1, Style::kLine, curve};
  EXPECT_EQ(count(chart_figure({"Norm", "", true, {series}}), "Logarithmic"), 0U);
  series.curve[7].y = 1e4;
  const std::string html = chart_figure({"Norm", "", true, {series}});
  EXPECT_EQ(count(html, "Logarithmic scale."), 1U);
  EXPECT_EQ(count(html, ">10k</span>") + count(html, ">10,000</span>"), 1U) << html;
}

TEST(Chart, NamesAreEscaped) {
  const std::string html = chart_figure({"<T>",
                                         "<U>",
                                         false,
                                         {{"<N>", "<S>", 1, Style::kDots, {{0, NAN}, {1, 1}}},
                                          {"b", "", 2, Style::kLine, {{0, 1}}}}});
  for (const char* raw : {"<T>", "<U>", "<N>", "<S>"}) EXPECT_EQ(count(html, raw), 0U) << raw;
  for (const char* safe : {"&lt;T&gt;", "&lt;U&gt;", "&lt;N&gt;", "&lt;S&gt;"})
    EXPECT_GE(count(html, safe), 1U) << safe;
}

TEST(Chart, ItsSizeIsBounded) {
  Curve curve;
  for (int i = 0; i < 100000; ++i) curve.push_back({double(i), std::sin(i * 0.7)});
  const std::string html =
      chart_figure({"Loss", "", false, {{"train", "", 1, Style::kDots, curve}}});
  EXPECT_LT(html.size(), 100000U);
}

}  // namespace
}  // namespace precis
