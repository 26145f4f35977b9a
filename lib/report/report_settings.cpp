#include "lib/report/report_settings.h"

namespace precis {

Fields ReportSettings::fields() {
  return {
      {"log_interval",
       &log_interval,
       "iterations between two lines on the console and records in metrics.jsonl",
       {.min = 1}},
      {"tensorboard", &tensorboard, "write event files for TensorBoard"},
      {"html", &html, "write report.html"},
  };
}

}  // namespace precis
