#include "lib/report/html_report.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <set>

#include "lib/report/sample_cards.h"

namespace precis {
namespace {

bool has(const std::string& page, const std::string& part) {
  return page.find(part) != std::string::npos;
}

Record train(int64_t iter) {
  return {{"kind", "train"}, {"iter", iter},           {"loss", 2 + std::exp(-0.01 * double(iter))},
          {"lr", 1e-4},      {"grad_norm", 1.5},       {"samples_per_s", 40.0},
          {"step_ms", 800},  {"tokens_per_s", 7000.0}, {"time", 1.7e9 + double(iter)}};
}
Record eval(int64_t iter, double loss, bool best) {
  return {{"kind", "eval"}, {"iter", iter},  {"val_loss", loss}, {"rouge1", 0.4},
          {"rouge2", 0.2},  {"rougeL", 0.3}, {"best", best}};
}

ReportInput small_run() {
  ReportInput input;
  input.title = "quickstart";
  for (int64_t iter = 0; iter < 100; ++iter) input.records.push_back(train(iter));
  input.records.push_back(eval(50, 2.25, true));
  input.records.push_back(eval(100, 2.5, false));
  const Record scores = {{"precision", 0.11}, {"recall", 0.22}, {"fmeasure", 0.33}};
  input.evaluation = {{"iter", 50},       {"val_loss", 2.125}, {"num_examples", 592},
                      {"rouge1", scores}, {"rouge2", scores},  {"rougeL", scores}};
  input.samples = {{"dev_0", "#Person1#: Hello there\r\n#Person2#: Hi", "Tom greets Ann.",
                    "Ann says hello.", 0.5, 0.25, 0.125}};
  input.facts = {{"Model", "gpt2"}};
  input.config_yaml = "train:\n  max_iters: 100\n";
  return input;
}

/// Every tag that is opened is closed, in the right order.
void expect_well_formed(const std::string& page) {
  const std::set<std::string> single = {"meta", "!DOCTYPE"};
  std::vector<std::string> open;
  const std::regex tag("<(/?)([!a-zA-Z][a-zA-Z0-9]*)[^>]*?(/?)>");
  for (std::sregex_iterator it(page.begin(), page.end(), tag), end; it != end; ++it) {
    const std::string name = (*it)[2];
    if ((*it)[3].length() > 0 || single.count(name) > 0) continue;
    if ((*it)[1].length() == 0) {
      open.push_back(name);
    } else {
      ASSERT_FALSE(open.empty()) << name;
      ASSERT_EQ(open.back(), name);
      open.pop_back();
    }
  }
  EXPECT_TRUE(open.empty());
}

TEST(HtmlReport, ShowsWhatTheRunDid) {
  const std::string page = html_report(small_run());
  expect_well_formed(page);
  for (const char* chart :
       {"Loss", "ROUGE", "Learning rate", "Gradient norm", "Speed", "Throughput"})
    EXPECT_TRUE(has(page, fmt::format("<figcaption><b>{}</b>", chart))) << chart;
  EXPECT_TRUE(has(page, "train, smoothed") && has(page, "train, each iteration"));
  EXPECT_TRUE(has(page,
                  "<td class=\"n\">0.1100</td><td class=\"n\">0.2200</td>"
                  "<td class=\"n\">0.3300</td>"));
  EXPECT_TRUE(has(page, "Weights after 50 iterations, 592 dialogues, validation loss 2.1250"));
  EXPECT_TRUE(has(page, "best, after 50 iterations; perplexity 9.49"));
  EXPECT_TRUE(has(page, "40/s"));
  EXPECT_TRUE(has(page, "<th scope=\"row\">Model</th><td>gpt2</td>"));
  EXPECT_TRUE(has(page, "<pre>train:\n  max_iters: 100\n</pre>"));
  EXPECT_TRUE(has(page, "Tom greets Ann."));
  EXPECT_TRUE(has(page, "All evaluations (2)"));
}

TEST(HtmlReport, NeedsNothingElse) {
  const std::string page = html_report(small_run());
  for (const char* part : {"http:", "https:", "<script", "<link", "src=", "url(", "@import"})
    EXPECT_FALSE(has(page, part)) << part;
  // Nor would a browser run or load anything that came in with a text.
  const size_t policy =
      page.find("http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src");
  EXPECT_LT(policy, page.find("<title>"));
  EXPECT_FALSE(has(page, "script-src"));
  EXPECT_TRUE(has(page, "prefers-color-scheme: dark"));
  EXPECT_TRUE(has(page, "@media print"));
  EXPECT_TRUE(has(page, "width=device-width"));
}

TEST(HtmlReport, WithoutAnyDataItIsStillAPage) {
  const std::string page = html_report({});
  expect_well_formed(page);
  EXPECT_FALSE(has(page, "<figure"));
  EXPECT_FALSE(has(page, "<h2>"));
}

TEST(HtmlReport, OddRecordsDoNoHarm) {
  ReportInput input;
  input.records = {Record(),
                   Record(5),
                   {{"kind", 3}},
                   {{"kind", "train"}, {"iter", "x"}, {"loss", 1.0}},
                   {{"kind", "train"}, {"iter", 0}, {"loss", nullptr}},
                   {{"kind", "eval"}, {"iter", 0}, {"val_loss", nullptr}, {"best", "yes"}}};
  input.evaluation = {{"rouge1", 3}, {"rouge2", {{"fmeasure", 0.5}}}};
  const std::string page = html_report(input);
  expect_well_formed(page);
  EXPECT_FALSE(has(page, "<figure"));
  EXPECT_TRUE(
      has(page, "<td class=\"n\">n/a</td><td class=\"n\">n/a</td><td class=\"n\">0.5000</td>"));
}

TEST(HtmlReport, AllTextsAreEscaped) {
  const std::string evil = "</pre></title><img src=x onerror=\"alert('1')\">&";
  ReportInput input = small_run();
  input.title = evil;
  input.facts = {{evil, evil}};
  input.config_yaml = evil;
  input.samples = {{evil, evil + "\n" + evil, evil, evil, 0, 0, 0}};
  const std::string page = html_report(input);
  expect_well_formed(page);
  EXPECT_FALSE(has(page, "<img"));
  EXPECT_FALSE(has(page, "alert('1')"));
  EXPECT_TRUE(has(page, "&lt;img src="));
}

TEST(HtmlReport, AHugeRunMakesASmallPage) {
  ReportInput input = small_run();
  input.records.clear();
  for (int64_t iter = 0; iter < 10000; ++iter) input.records.push_back(train(iter));
  for (int64_t iter = 0; iter < 3000; ++iter) input.records.push_back(eval(iter, 2.0, false));
  const std::string page = html_report(input);
  EXPECT_LT(page.size(), 1000000U);
  EXPECT_TRUE(has(page, "All evaluations (3000)"));
  EXPECT_TRUE(has(page, "2000 more are in metrics.jsonl."));
}

TEST(SampleCards, SpeakersAndSharedWordsAreSetApart) {
  const std::string html = sample_cards(
      {{"dev_0", "#Person1#: At 3: yes\nno speaker", "Ann met the doctor at 3 on Monday",
        "ann and the Doctor met on monday 3 times", 0.5, 0.25, 0.125}});
  EXPECT_TRUE(has(html, "<p><b>#Person1#:</b> At 3: yes</p><p>no speaker</p>")) << html;
  EXPECT_TRUE(has(html, "<p>ann and the <u>Doctor</u> met on <u>monday</u> <u>3</u> times</p>"))
      << html;
  EXPECT_TRUE(has(html, "ROUGE-1 <b>0.500</b>") && has(html, "ROUGE-2 <b>0.250</b>") &&
              has(html, "ROUGE-L <b>0.125</b>"));
}

}  // namespace
}  // namespace precis
