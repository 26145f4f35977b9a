"""rouge against rouge_score."""
import json
import math
import unittest

import numpy
from rouge_score.rouge_scorer import RougeScorer
from rouge_score.scoring import BootstrapAggregator

import common

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
BOUND = 1e-12
PARTS = ("precision", "recall", "fmeasure")
ODD = ["\u212a", "\u212aing", "\u0130t", "ı", "ſ", "ﬁ", "É", "ß", "Ω", "１２", "²", "日本", "🙂", "_", "-", "'", "\u0301", "\n", "\r\n", "\t", "\xa0",
       "\u2028", "a", "I", "x1", "4th", "running", "Runs", "dies", "THE", "sky", '"', ","]
SUFFIXES = ["", "s", "ed", "ing", "ly", "ational", "iveness", "ies", "ement", "ization", "y", "ful", "icate"]


def draw_cases(rng):
    """(references, prediction) of many kinds."""
    rows = common.draw_rows(rng, 120)
    words = sorted({w for r in rows for w in r["dialogue"].split()})

    def odd_text():
        return "".join(rng.choice(ODD) + rng.choice(("", " ", " ")) for _ in range(rng.randrange(40)))

    def inflected():
        return " ".join(rng.choice(words[:60]) + rng.choice(SUFFIXES) + rng.choice(("", "", "\n")) for _ in range(rng.randrange(60)))

    cases = [([r["summary"], r["summary"].split(".")[0], s["summary"]], s["dialogue"]) for r, s in zip(rows, rows[1:])]
    cases += [([odd_text() for _ in range(rng.randrange(1, 4))], odd_text()) for _ in range(200)]
    cases += [([inflected() for _ in range(rng.randrange(1, 4))], inflected()) for _ in range(200)]
    return cases + [([""], "a"), (["a"], ""), ([""], ""), (["a b\nc"], "c\na b")]


class RougePeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = common.random_for("rouge")
        cls.cases = draw_cases(rng)
        references = [[f"n{i}", text] for i, (texts, _) in enumerate(cls.cases) for text in texts]
        common.write_table(common.TMP / "references.csv", ["id", "summary"], references)
        predictions = [[f"n{i}", prediction] for i, (_, prediction) in enumerate(cls.cases)]
        rng.shuffle(predictions)  # joined by id, not by position
        common.write_table(common.TMP / "predictions.csv", ["id", "summary"], predictions)

    def rouge(self, *options):
        return json.loads(common.run("rouge", "--references", common.TMP / "references.csv", "--predictions", common.TMP / "predictions.csv",
                                     "--per-example", common.TMP / "each.csv", *options))

    def wanted(self, use_stemmer):
        scorer = RougeScorer(TYPES, use_stemmer=use_stemmer)
        return [scorer.score_multi(*case) for case in self.cases]

    def compare(self, *options, use_stemmer):
        means, wanted = self.rouge(*options), self.wanted(use_stemmer)
        each = {r["id"]: r for r in common.read_table(common.TMP / "each.csv")}
        self.assertEqual(len(each), len(wanted))
        worst = 0.0
        for kind in TYPES:
            for i, (want, case) in enumerate(zip(wanted, self.cases)):
                gap = abs(float(each[f"n{i}"][kind]) - want[kind].fmeasure)
                self.assertLess(gap, BOUND, f"score {kind} of {case!a}")
                worst = max(worst, gap)
            for part in PARTS:
                gap = abs(means[kind][part] - math.fsum(getattr(w[kind], part) for w in wanted) / len(wanted))
                self.assertLess(gap, BOUND, f"mean {kind} {part}")
                worst = max(worst, gap)
        common.show(f"{worst:.1e}")

    def test_scores_with_stemmer(self):
        self.compare(use_stemmer=True)

    def test_scores_without_stemmer(self):
        self.compare("--no-stemmer", use_stemmer=False)

    def test_confidence(self):
        """Bounds against those of rouge_score's aggregator from ten times as many resamples.

        A percentile at 2.5 % from 1,000 resamples has the standard error sqrt(0.025 * 0.975 / 1000) / 0.0584 = 0.085 in standard
        errors of the mean (0.0584: density of the normal distribution there); half the width between two such has 0.060. The
        bounds are some 5 of each: intervals of 80 % would be 0.68 narrower.
        """
        ours, wanted = self.rouge("--confidence"), self.wanted(True)
        numpy.random.seed(common.SEED % 2**32)
        aggregator = BootstrapAggregator(confidence_interval=0.95, n_samples=10000)
        for scores in wanted:
            aggregator.add_scores(scores)
        theirs, worst = aggregator.aggregate(), [0.0, 0.0]
        for kind in TYPES:
            for part in PARTS:
                error = numpy.std([getattr(w[kind], part) for w in wanted]) / len(wanted)**0.5
                low, high = (abs(ours[kind][side][part] - getattr(getattr(theirs[kind], side), part)) / error for side in ("low", "high"))
                width = abs((ours[kind]["high"][part] - ours[kind]["low"][part])
                            - (getattr(theirs[kind].high, part) - getattr(theirs[kind].low, part))) / 2 / error
                self.assertLess(max(low, high), 0.45, f"bound of {kind} {part}")
                self.assertLess(width, 0.30, f"width of {kind} {part}")
                worst = [max(worst[0], low, high), max(worst[1], width)]
        common.show(f"bounds {worst[0]:.2f}, half widths {worst[1]:.2f} standard errors of the mean apart")
