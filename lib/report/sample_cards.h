// Dialogues with reference and prediction side by side.
#pragma once

#include <string>
#include <vector>

#include "lib/report/html_report.h"

namespace precis {

/// One <article> a sample. Speakers are set apart, and so are the telling words of a prediction
/// that its reference has too.
std::string sample_cards(const std::vector<ReportSample>& samples);

}  // namespace precis
