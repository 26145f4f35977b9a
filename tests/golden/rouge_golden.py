#!/usr/bin/env python3
"""Writes rouge_golden.json and rouge_stems.txt: scores of rouge_score 0.1.2 and stems of NLTK 3.10.4 (Python 3.11).

    pip install rouge-score==0.1.2 nltk==3.10.4 && python3 tests/golden/rouge_golden.py
"""
import itertools
import json
import pathlib
import random

from nltk.stem.porter import PorterStemmer
from rouge_score.rouge_scorer import RougeScorer

TYPES = ("rouge1", "rouge2", "rougeL", "rougeLsum")
here = pathlib.Path(__file__).parent
rng = random.Random(7)

odd = ["\u212a", "\u212aing", "\u0130", "\u0130t", "ı", "ſ", "ﬁ", "É", "ß", "Ω", "１２", "²", "日本", "🙂", "_", "-", "'", "\u0301",
       "\n", "\r\n", "\t", "\xa0", "\u2028", "\x85", "\x1c", "a", "I", "no", "x1", "4th", "running", "Runs", "dies", "THE", "sky", '"', ","]
words = "the a of running runs runner happily happy relational relate cats cat national nation dying die skies agreed feed".split()
line = [" "] * 6 + ["\n"]


def text(kind, length):
    pick = {
        "odd": lambda: rng.choice(odd) + rng.choice(("", " ", " ")),
        "two letters": lambda: rng.choice("ab") + rng.choice(line),
        "eight letters": lambda: rng.choice("abcdefgh") + rng.choice(line),
        "one line": lambda: rng.choice("abcdefghijkl") + " ",
        "words": lambda: rng.choice(words) + rng.choice(line),
    }[kind]
    return "".join(pick() for _ in range(rng.randrange(length)))


scorers = {use: RougeScorer(TYPES, use_stemmer=use) for use in (True, False)}
hand_made = [([""], "a"), (["a"], ""), ([""], ""), (["\n\n"], "a\nb"), (["a"], "a"), (["a b"], "b a"), (["a\nb"], "a b"), (["", "a", "a b"], "a b"),
             (["x"], "y"), (["a b c d"], "d c b a"), (["a b\n\na b"], "a b\n"), (["\u212a"], "k"), (["\u0130x"], "i x"), (["b a", "a b"], "a c b")]
cases = [{"stemmer": use, "references": r, "prediction": p} for r, p in hand_made for use in (True, False)]
kinds = ["odd", "two letters", "eight letters", "one line", "words"]
for kind, length in itertools.product(kinds, (5, 20, 60, 90, 200)):
    for _ in range(12):
        references = [text(kind, length) for _ in range(rng.choice((1, 1, 2, 3)))]
        prediction = text(kind, length)
        if rng.random() < 0.3:  # much in common, in another order
            parts = references[0].split(" ")
            cut = rng.randrange(len(parts) + 1)
            prediction = " ".join(p for p in parts[cut:] + parts[:cut] if rng.random() < 0.8)
        cases.append({"stemmer": rng.random() < 0.5, "references": references, "prediction": prediction})
for case in cases:
    scores = scorers[case["stemmer"]].score_multi(case["references"], case["prediction"])
    case["scores"] = {t: [float(x) for x in scores[t]] for t in TYPES}  # precision, recall, F measure
(here / "rouge_golden.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")

stemmer = PorterStemmer()
suffixes = """ational tional enci anci izer bli abli alli entli eli ousli ization ation ator alism iveness fulness ousness aliti iviti biliti fulli
logi icate ative alize iciti ical ful ness al ance ence er ic able ible ant ement ment ent ion sion tion ou ism ate iti ous ive ize ed ing eed ied
ies sses ss s y ly e l ll""".split()
irregular = list(stemmer.pool)
made = {"".join(p) for n in (1, 2, 3) for p in itertools.product("abyes", repeat=n)}
while len(made) < 5000:
    start = "".join(rng.choice("aeiouybcdfglnrstwxz1") for _ in range(rng.randrange(6)))
    made.add(start + "".join(rng.choice(suffixes) for _ in range(rng.randrange(1, 3))))
stems = [(w, stemmer.stem(w)) for w in sorted({*made, *irregular, *words, "y" * 40, "ay" * 20})]
(here / "rouge_stems.txt").write_text("".join(f"{w} {s}\n" for w, s in stems))
