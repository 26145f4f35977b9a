#!/usr/bin/env python3
"""How well a quickstart run summarises: score.py RUN_FOLDER [--rouge1 X] [--margin X] [--in-role X]. Standard library only.

Prints ROUGE-1 of the run beside summaries that need no model, the share of facts (names, times, places) that are right and in
the right role, three summaries beside their references, and where the files are. With bounds, a figure below its bound is named
and the exit status is 1. Exit status 3: a file is missing or does not fit.

A fact of validation.csv counts as right if the predicted summary holds its very words, and as in role if it moreover stands where
that role stands: `who` opens the summary, and any other fact follows the same preposition as in the reference (at, from, to, ...),
or none where there is none ("invites Ben"). So a swap of two people or of two days leaves them right, but not in role.
"""
import argparse
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from typing import Callable, Dict, List, Optional, Set, Tuple

HERE = os.path.dirname(os.path.abspath(__file__))
PREPOSITIONS = {"at", "on", "from", "to", "with", "for", "by", "of"}
KINDS = {"who": "names", "whom": "names", "third": "names", "day": "times", "old_day": "times", "time": "times", "place": "places"}
Row = Dict[str, str]


def read_rows(path: str, columns: Set[str]) -> List[Row]:
    """The rows of a CSV file that must have these columns."""
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        sys.exit(fail(f"{path}: {error.strerror}; has the run finished its evaluate stage?"))
    if not rows or not columns <= set(rows[0]):
        sys.exit(fail(f"{path}: columns {', '.join(sorted(columns))} and at least one row are expected"))
    return rows


def fail(message: str) -> int:
    """Says what is wrong; the exit status for it."""
    print(f"score.py: {message}", file=sys.stderr)
    return 3


def word_counts(text: str) -> Counter:
    """Words as ROUGE counts them, without its stemmer."""
    return Counter(re.findall("[a-z0-9]+", text.lower()))


def rouge1(a: Counter, b: Counter) -> float:
    """F measure of the words in common."""
    return 2 * sum((a & b).values()) / max(1, sum(a.values()) + sum(b.values()))


def mean_rouge1(references: List[str], predictions: List[str]) -> float:
    """By ./rouge where it is built (with the stemmer, as the run is scored), else by the few lines above."""
    program = os.path.join(HERE, "..", "..", "rouge")
    if os.access(program, os.X_OK):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("references.csv", "predictions.csv")]
            for path, texts in zip(paths, (references, predictions)):
                with open(path, "w", newline="", encoding="utf-8") as file:
                    csv.writer(file).writerows([("id", "summary"), *enumerate(texts)])
            done = subprocess.run([program, "--references", paths[0], "--predictions", paths[1]], stdout=subprocess.PIPE, check=False)
        if done.returncode == 0:
            return json.loads(done.stdout)["rouge1"]["fmeasure"]
    scores = [rouge1(word_counts(a), word_counts(b)) for a, b in zip(references, predictions)]
    return sum(scores) / len(scores)


def best_constant(candidates: List[str], references: List[str]) -> str:
    """The one summary that fits all references best: the best fifty on every eighth reference, then the best of those."""
    counted = [word_counts(text) for text in references]

    def fit(text: str, against: List[Counter]) -> float:
        words = word_counts(text)
        return sum(rouge1(words, other) for other in against)

    finalists = sorted(candidates, key=lambda text: fit(text, counted[::8]), reverse=True)[:50]
    return max(finalists, key=lambda text: fit(text, counted))


def word_before(text: str, value: str) -> Optional[str]:
    """The word before the first place where `value` stands in `text`: "" at the beginning, None if it does not stand there."""
    found = re.search(r"(?<!\w)" + re.escape(value) + r"(?!\w)", text)
    return None if found is None else (re.findall(r"\w+", text[:found.start()]) or [""])[-1]


def judge(role: str, value: str, prediction: str, reference: str) -> Tuple[bool, bool]:
    """Whether a fact is right, and whether it is in its role, too."""
    before = word_before(prediction, value)
    if before is None:
        return False, False
    if role == "who" or before == "":
        return True, role == "who" and before == ""
    expected = word_before(reference, value)
    kinds = [word if word in PREPOSITIONS else "" for word in (before, expected or "")]
    return True, kinds[0] == kinds[1]


def facts_of(row: Row) -> List[Tuple[str, str]]:
    """Role and value of each fact of a validation row."""
    return [tuple(fact.split("=", 1)) for fact in row["facts"].split("|")]


class Shares:
    """Counts of facts by a label."""

    def __init__(self) -> None:
        self.total: Counter = Counter()
        self.right: Counter = Counter()
        self.in_role: Counter = Counter()

    def add(self, label: str, verdict: Tuple[bool, bool]) -> None:
        self.total[label] += 1
        self.right[label] += verdict[0]
        self.in_role[label] += verdict[1]

    def line(self, label: str) -> str:
        count = max(1, self.total[label])
        return f"  {label:<28} right {self.right[label] / count:.3f}, in role {self.in_role[label] / count:.3f}, of {self.total[label]} facts"


def count_facts(rows: List[Row], train: List[Row]) -> Shares:
    """Judges every fact of the rows; a row's names are new if no training row has any of them."""
    known_words = set(re.findall(r"\w+", " ".join(row["dialogue"] for row in train)))
    known_scenarios = {row["scenario"] for row in train}
    shares = Shares()
    for row in rows:
        facts = facts_of(row)
        names = [value for role, value in facts if role in ("who", "whom", "place")]
        new_names = all(set(re.findall(r"\w+", name)) - known_words for name in names)
        new_scenario = row["scenario"] not in known_scenarios
        for role, value in facts:
            verdict = judge(role, value, row["prediction"], row["summary"])
            shares.add("all", verdict)
            shares.add(KINDS.get(role, role), verdict)
            shares.add("names new to the model" if new_names else "names known from training", verdict)
            shares.add("scenario new to the model" if new_scenario else "scenario known from training", verdict)
    return shares


def joined_rows(run: str, validation: str) -> List[Row]:
    """The evaluated validation rows, each with its prediction."""
    by_id = {row["id"]: row for row in read_rows(validation, {"id", "dialogue", "summary", "facts", "scenario"})}
    predictions = read_rows(os.path.join(run, "evaluation.csv"), {"id", "reference", "prediction"})
    strangers = [row["id"] for row in predictions if row["id"] not in by_id]
    if strangers:
        sys.exit(fail(f"{run}/evaluation.csv: id {strangers[0]} is not in {validation}; was the run on other data?"))
    return [{**by_id[row["id"]], "prediction": row["prediction"]} for row in predictions]


def baselines(rows: List[Row], train: List[Row]) -> Dict[str, float]:
    """ROUGE-1 F of three ways to summarise without a model."""
    references = [row["summary"] for row in rows]
    constant = best_constant([row["summary"] for row in train], references)

    def of_lines(pick: Callable[[List[str]], str]) -> float:
        return mean_rouge1(references, [pick(row["dialogue"].split("\n")) for row in rows])

    return {
        "best constant summary": mean_rouge1(references, [constant] * len(rows)),
        "first utterance": of_lines(lambda lines: lines[0]),
        "longest utterance": of_lines(lambda lines: max(lines, key=len)),
    }


def run_rouge1(run: str) -> float:
    """The figure the trainer wrote."""
    path = os.path.join(run, "evaluation.json")
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)["rouge1"]["fmeasure"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(fail(f"{path}: {getattr(error, 'strerror', None) or 'rouge1.fmeasure is missing'}"))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", metavar="RUN_FOLDER", help="run.out_dir of the run")
    parser.add_argument("--validation", default=os.path.join(HERE, "validation.csv"), help="default: the one beside this script")
    parser.add_argument("--train", default=os.path.join(HERE, "train.csv"), help="default: the one beside this script")
    parser.add_argument("--rouge1", type=float, help="lowest ROUGE-1 F allowed")
    parser.add_argument("--margin", type=float, help="lowest allowed lead over the best baseline")
    parser.add_argument("--in-role", type=float, help="lowest allowed share of facts that are right and in role")
    return parser.parse_args()


def main() -> int:
    options = parse_options()
    score = run_rouge1(options.run)
    rows = joined_rows(options.run, options.validation)
    train = read_rows(options.train, {"dialogue", "summary", "scenario"})
    others = baselines(rows, train)
    margin = score - max(others.values())
    shares = count_facts(rows, train)

    print(f"ROUGE-1 F on {len(rows)} dialogues the model has not seen: {score:.3f}")
    for name, value in others.items():
        print(f"  {name:<28} {value:.3f}")
    print(f"  lead over the best of them   {margin:.3f}")
    print("Names, times and places in the summaries:")
    for label in sorted(shares.total, key=lambda label: (label not in KINDS.values() and label != "all", label)):
        print(shares.line(label))
    print("Three of the summaries:")
    for row in rows[:: max(1, len(rows) // 3)][:3]:
        print(f"  {row['id']}\n    reference  {row['summary']}\n    prediction {row['prediction']}")
    print("Files:")
    for name in ("evaluation.csv", "submission.csv", "metrics.jsonl", "ckpt.pt", "report.html"):
        path = os.path.abspath(os.path.join(options.run, name))
        if os.path.exists(path):
            print(f"  {path}")

    in_role = shares.in_role["all"] / shares.total["all"]
    bounds = [("ROUGE-1 F", score, options.rouge1), ("lead over the best baseline", margin, options.margin),
              ("share of facts in role", in_role, options.in_role)]
    missed = [f"{name} is {value:.3f}, at least {bound} is expected" for name, value, bound in bounds if bound is not None and value < bound]
    for line in missed:
        print(f"score.py: {line}", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
