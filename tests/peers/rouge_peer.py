"""rouge against rouge_score."""
import json
import unittest

from rouge_score.rouge_scorer import RougeScorer

import common

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
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
    def compare(self, *options, use_stemmer):
        rng = common.random_for("rouge")
        cases = draw_cases(rng)
        references = [[f"n{i}", text] for i, (texts, _) in enumerate(cases) for text in texts]
        common.write_table(common.TMP / "references.csv", ["id", "summary"], references)
        predictions = [[f"n{i}", prediction] for i, (_, prediction) in enumerate(cases)]
        rng.shuffle(predictions)  # joined by id, not by position
        common.write_table(common.TMP / "predictions.csv", ["id", "summary"], predictions)
        means = json.loads(common.run("rouge", "--references", common.TMP / "references.csv", "--predictions", common.TMP / "predictions.csv",
                                      "--per-example", common.TMP / "each.csv", *options))
        each = {r["id"]: r for r in common.read_table(common.TMP / "each.csv")}
        scorer = RougeScorer(TYPES, use_stemmer=use_stemmer)
        wanted = [scorer.score_multi(*case) for case in cases]
        self.assertEqual(len(each), len(wanted))
        for kind in TYPES:
            for part in PARTS:
                mean = sum(getattr(w[kind], part) for w in wanted) / len(wanted)
                self.assertAlmostEqual(means[kind][part], mean, delta=1e-9, msg=f"{kind} {part}")
            if kind not in each["n0"]:
                continue
            for i, (want, case) in enumerate(zip(wanted, cases)):
                self.assertAlmostEqual(float(each[f"n{i}"][kind]), want[kind].fmeasure, delta=1e-9, msg=f"{kind}: {case!a}")

    def test_scores_with_stemmer(self):
        self.compare(use_stemmer=True)

    def test_scores_without_stemmer(self):
        self.compare("--no-stemmer", use_stemmer=False)
