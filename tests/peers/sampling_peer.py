"""Sampling against the distribution that transformers' own warpers leave."""
import collections
import itertools
import json
import math
import shutil
import unittest

import torch
from transformers import MinPLogitsWarper, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

import common
import models

DRAWS = 12000
ROW = {"id": "x", "dialogue": "#Person1#: Hi!", "summary": ""}
# Total variation from the expected distribution, in multiples of what fair draws have on average.
BOUND = 1.8


def expected_distance(probabilities):
    """(mean, standard deviation) of the total variation between a distribution and the frequencies of DRAWS fair draws from it.

    A frequency is normal with variance q = p (1 - p) / DRAWS, its absolute error has mean sqrt(2 q / pi) and variance (1 - 2 / pi) q.
    """
    variances = [p * (1 - p) / DRAWS for p in probabilities]
    return (0.5 * sum(math.sqrt(2 * q / math.pi) for q in variances), 0.5 * math.sqrt((1 - 2 / math.pi) * sum(variances)))


class SamplingPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = models.make_folder("sampling", std=0.12)
        common.write_table(common.TMP / "many.csv", ["id", "dialogue"], [[f"n{i}", ROW["dialogue"]] for i in range(DRAWS)])
        with torch.inference_mode():
            cls.logits = models.load_model(cls.folder)(torch.tensor([models.prompt_ids(ROW)])).logits[:, -1]

    def kept(self, temperature, top_k, top_p, min_p):
        """Text -> probability of the tokens that the warpers keep; None where rounding decides which these are."""
        scores = TemperatureLogitsWarper(temperature)(None, self.logits)
        if top_k:
            scores = TopKLogitsWarper(top_k)(None, scores)
        if top_p < 1:
            sums = scores.softmax(-1).sort().values.cumsum(-1)
            if (sums - (1 - top_p)).abs().min() < 1e-5:
                return None
            scores = TopPLogitsWarper(top_p)(None, scores)
        if min_p:
            probabilities = scores.softmax(-1)
            if (probabilities / probabilities.max() / min_p - 1).abs().min() < 1e-4:
                return None
            scores = MinPLogitsWarper(min_p)(None, scores)
        texts = collections.Counter()
        for token, probability in enumerate(scores.softmax(-1)[0].tolist()):
            if probability > 0:
                texts[models.text_of([token])] += probability
        return texts

    def draw_settings(self, rng, top_k=False, top_p=False, min_p=False):
        """Settings and what they keep: something, but not all, so spread that BOUND is six standard deviations off."""
        for hottest in itertools.count(2.0, 0.5):  # a model of few likely tokens needs it hotter
            settings = {"temperature": round(rng.uniform(0.6, hottest), 2), "top_k": rng.randrange(40, 200) if top_k else 0,
                        "top_p": round(rng.uniform(0.6, 0.97), 3) if top_p else 1.0,
                        "min_p": round(rng.uniform(0.02, 0.2), 3) if min_p else 0.0}
            kept = self.kept(**settings)
            if kept is None or not 20 < len(kept) < models.end_of_text() * 0.8:
                continue
            mean, deviation = expected_distance(kept.values())
            if mean + 6 * deviation < BOUND * mean:
                return settings, kept, mean

    def compare(self, **warpers):
        rng = common.random_for(f"sampling {warpers}")
        settings, kept, mean = self.draw_settings(rng, **warpers)
        answers = models.summarize(self.folder, common.TMP / "many.csv", common.TMP / "drawn.csv", max_new_tokens=1, seed=rng.randrange(10**6),
                                   **settings)
        self.check_draws(answers, settings, kept, mean)

    def check_draws(self, answers, settings, kept, mean):
        drawn = collections.Counter(models.plain(r["summary"]) for r in answers)
        self.assertEqual(drawn.total(), DRAWS)
        self.assertEqual(drawn.keys() - kept.keys(), set(), f"drawn, though cut off by {settings}")
        distance = 0.5 * sum(abs(drawn[text] / DRAWS - p) for text, p in kept.items())
        common.show(f"{len(kept)} texts, {distance / mean:.2f} times as far as fair draws")
        self.assertLess(distance, BOUND * mean, f"distance with {settings}")

    def test_temperature_and_top_k(self):
        self.compare(top_k=True)

    def test_temperature_and_top_p(self):
        self.compare(top_p=True)

    def test_temperature_top_k_and_top_p(self):
        self.compare(top_k=True, top_p=True)

    def test_temperature_and_min_p(self):
        self.compare(min_p=True)

    def test_temperature_top_k_top_p_and_min_p(self):
        self.compare(top_k=True, top_p=True, min_p=True)

    def test_folder_that_only_asks_for_sampling(self):
        """What its generation_config.json leaves out is as in transformers: temperature 1, and the 50 likeliest tokens."""
        folder = common.TMP / "sampling-folder"
        shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        (folder / "generation_config.json").write_text(json.dumps({"do_sample": True, "max_new_tokens": 1, "eos_token_id": models.end_of_text()}))
        drawn = common.TMP / "drawn.csv"
        common.run("summarize", "--model", folder, "--input", common.TMP / "many.csv", "--output", drawn, "--run.device=cpu")
        settings = {"temperature": 1.0, "top_k": 50, "top_p": 1.0, "min_p": 0.0}
        kept = self.kept(**settings)
        self.check_draws(common.read_table(drawn), settings, kept, expected_distance(kept.values())[0])
