#!/usr/bin/env python3
"""The made-up dialogues of the quickstart: what is held back, what a cast changes, and that the committed files are the generator's."""
import csv
import os
import random
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DATA = os.path.join(ROOT, "configs", "quickstart")
sys.path.insert(0, DATA)
sys.dont_write_bytecode = True
import make_dialogues  # noqa: E402
import scenarios  # noqa: E402


def rows_of(folder, name):
    with open(os.path.join(folder, f"{name}.csv"), newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def facts_of(row):
    return dict(fact.split("=", 1) for fact in row["facts"].split("|"))


def stands_in(value, text):
    return re.search(r"(?<!\w)" + re.escape(value) + r"(?!\w)", text) is not None


def make(folder, *options):
    subprocess.run([sys.executable, os.path.join(DATA, "make_dialogues.py"), "--output", folder, *options], check=True)


class CommittedFiles(unittest.TestCase):
    def test_they_are_what_the_generator_makes(self):
        with tempfile.TemporaryDirectory() as folder:
            make(folder)
            for name in ("train.csv", "validation.csv", "test.csv"):
                with open(os.path.join(folder, name), "rb") as made, open(os.path.join(DATA, name), "rb") as committed:
                    self.assertTrue(made.read() == committed.read(), f"{name} differs: run make_dialogues.py again")

    def test_another_seed_makes_other_dialogues(self):
        with tempfile.TemporaryDirectory() as folder:
            make(folder, "--seed", "2", "--rows", "50", "--validation-rows", "20", "--test-rows", "10")
            rows = [rows_of(folder, name) for name in ("train", "validation", "test")]
            self.assertEqual([len(part) for part in rows], [50, 20, 10])
            self.assertEqual(list(rows[2][0]), ["id", "dialogue"])
            committed = {row["dialogue"] for row in rows_of(DATA, "train")}
            self.assertFalse(committed & {row["dialogue"] for row in rows[0]})


class HeldBack(unittest.TestCase):
    """On several seeds, as these shares are a promise of the generator and not of one file."""

    def check(self, folder):
        train, validation = rows_of(folder, "train"), rows_of(folder, "validation")
        known_text = " ".join(row["dialogue"] + " " + row["summary"] for row in train)
        known_words, known_scenarios = set(re.findall(r"\w+", known_text)), {row["scenario"] for row in train}
        new_names = 0
        for row in validation:
            facts = facts_of(row)
            town = max((word for word in facts["place"].split() if word[0].isupper()), key=lambda word: word not in known_words)
            names = [facts["who"], facts["whom"], town, *([facts["third"]] if "third" in facts else [])]
            news = {name not in known_words for name in names}
            new_names += news == {True}
        self.assertGreaterEqual(new_names, len(validation) / 3)
        new_scenarios = [row for row in validation if row["scenario"] not in known_scenarios]
        self.assertGreaterEqual(len(new_scenarios), len(validation) / 5)
        used = 0
        for parts in scenarios.REQUESTS.values():
            wording = "[^.?!]+".join(map(re.escape, re.split(r"\{\w+\}", parts["openings"][-1])))
            self.assertFalse(any(re.search(wording, row["dialogue"]) for row in train), f"{wording!r} is in train.csv")
            used += any(re.search(wording, row["dialogue"]) for row in new_scenarios)
        self.assertGreaterEqual(used, len(scenarios.REQUESTS) / 2)  # chance may leave a request without a held-back topic

    def test_committed_files(self):
        self.check(DATA)

    def test_other_seeds(self):
        for seed in ("7", "8"):
            with tempfile.TemporaryDirectory() as folder:
                make(folder, "--seed", seed, "--rows", "1500", "--validation-rows", "90")
                self.check(folder)


class Rows(unittest.TestCase):
    def test_every_fact_is_in_dialogue_and_summary(self):
        for row in rows_of(DATA, "validation"):
            for role, value in facts_of(row).items():
                self.assertTrue(stands_in(value, row["summary"]), f"{row['id']}: {role}={value} is not in the summary")
                self.assertTrue(stands_in(value, row["dialogue"]), f"{row['id']}: {role}={value} is not in the dialogue")
            self.assertTrue(row["summary"].startswith(facts_of(row)["who"] + " "), row["id"])

    def test_text_is_whole(self):
        for name in ("train", "validation", "test"):
            rows = rows_of(DATA, name)
            self.assertEqual(len({row["dialogue"] for row in rows}), len(rows))
            for row in rows:
                self.assertNotRegex(row["dialogue"] + row.get("summary", ""), r"[{}]|  |\bNone\b")
                for line in row["dialogue"].split("\n"):
                    self.assertRegex(line, r"^[A-Z][a-z]+: [A-Z].*[.?!]$")

    def test_many_different_wordings(self):
        rows = rows_of(DATA, "train")
        openings = {request: set() for request in scenarios.REQUESTS}
        for row in rows:
            openings[row["scenario"].split("/")[0]].add(row["scenario"])
        self.assertTrue(all(len(topics) >= 5 for topics in openings.values()), openings)
        people = {line.split(":")[0] for row in rows for line in row["dialogue"].split("\n")}
        self.assertGreater(len(people), 1000)


class Casts(unittest.TestCase):
    def plans(self):
        rng = random.Random(5)
        known, held_back = make_dialogues.make_pools(rng)
        for number in range(300):
            pools = (known, held_back)[number % 2]
            plan = make_dialogues.make_plan(rng, *rng.choice(pools.scenarios), number % 2 == 1)
            yield plan, make_dialogues.make_cast(rng, pools)

    def test_shuffling_the_names_changes_the_summary_accordingly(self):
        """With the names of a cast passed round, the new summary is the old one with its names passed round, and nothing else."""
        for plan, cast in self.plans():
            names = ["A", "B", "C"]
            shuffled = {**cast, **{role: cast[names[(i + 1) % 3]] for i, role in enumerate(names)}}
            new_name = {cast[role]: shuffled[role] for role in names}
            pattern = re.compile(r"\b(" + "|".join(map(re.escape, new_name)) + r")\b")
            before, after = make_dialogues.fill(plan, cast), make_dialogues.fill(plan, shuffled)
            for column in ("dialogue", "summary", "facts"):
                self.assertEqual(pattern.sub(lambda match: new_name[match[0]], before[column]), after[column])
            self.assertNotEqual(before["summary"], after["summary"])

    def test_times_and_places_of_no_account_stay_out_of_the_summary(self):
        for plan, cast in self.plans():
            other = {**cast, "bad_hour": "midnight", "bad_place": "Nowhere Park", "bad_weekday": "Sunday"}
            self.assertEqual(make_dialogues.fill(plan, cast)["summary"], make_dialogues.fill(plan, other)["summary"])

    def test_a_changed_time_or_place_changes_the_summary(self):
        for plan, cast in self.plans():
            for role, value in (("day", "31 May"), ("hour", "midnight"), ("place", "Nowhere Park")):
                row = make_dialogues.fill(plan, {**cast, role: value})
                self.assertIn(value, row["summary"])
                self.assertIn(value, row["dialogue"])


if __name__ == "__main__":
    unittest.main()
