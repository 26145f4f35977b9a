#!/usr/bin/env python3
"""configs/quickstart/score.py on predictions whose merits are known."""
import csv
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
DATA = os.path.join(ROOT, "configs", "quickstart")
sys.path.insert(0, DATA)
sys.dont_write_bytecode = True
import score  # noqa: E402

REFERENCE = "Marina moves the dinner with Belen at Oakford Park from Monday to 12 June at 7 pm."


class Facts(unittest.TestCase):
    def judge(self, role, value, prediction):
        return score.judge(role, value, prediction, REFERENCE)

    def test_reference_itself(self):
        for role, value in (("who", "Marina"), ("whom", "Belen"), ("place", "Oakford Park"), ("old_day", "Monday"), ("day", "12 June"), ("time", "7 pm")):
            self.assertEqual(self.judge(role, value, REFERENCE), (True, True), role)

    def test_swapped_people_are_right_but_not_in_role(self):
        swapped = "Belen moves the dinner with Marina at Oakford Park from Monday to 12 June at 7 pm."
        self.assertEqual(self.judge("who", "Marina", swapped), (True, False))
        self.assertEqual(self.judge("whom", "Belen", swapped), (True, False))

    def test_swapped_days_are_right_but_not_in_role(self):
        swapped = "Marina moves the dinner with Belen at Oakford Park from 12 June to Monday at 7 pm."
        self.assertEqual(self.judge("old_day", "Monday", swapped), (True, False))
        self.assertEqual(self.judge("day", "12 June", swapped), (True, False))

    def test_parts_of_words_and_numbers_do_not_count(self):
        for value, prediction in (("7 pm", "at 17 pm"), ("Belen", "with Belena"), ("9:15", "at 19:15"), ("2 May", "on 12 May")):
            self.assertEqual(self.judge("time", value, "Marina comes " + prediction), (False, False), value)

    def test_another_verb_before_a_person_is_no_other_role(self):
        self.assertEqual(score.judge("whom", "Belen", "Marina asks Belen to sing.", "Marina invites Belen to sing."), (True, True))


class Program(unittest.TestCase):
    def run_on(self, change, *options):
        """score.py on a run that predicts change(row) for each validation row."""
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(DATA, "validation.csv"), newline="", encoding="utf-8") as file:
                rows = list(csv.DictReader(file))
            predictions = [change(row) for row in rows]
            with open(os.path.join(folder, "evaluation.csv"), "w", newline="", encoding="utf-8") as file:
                csv.writer(file).writerows([("id", "reference", "prediction"),
                                            *((row["id"], row["summary"], text) for row, text in zip(rows, predictions))])
            fmeasure = score.mean_rouge1([row["summary"] for row in rows], predictions)
            with open(os.path.join(folder, "evaluation.json"), "w", encoding="utf-8") as file:
                json.dump({"rouge1": {"fmeasure": fmeasure}}, file)
            return subprocess.run([sys.executable, os.path.join(DATA, "score.py"), folder, *options], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, universal_newlines=True, check=False)

    def test_perfect_run(self):
        done = self.run_on(lambda row: row["summary"], "--rouge1", "0.999", "--margin", "0.25", "--in-role", "1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"all +right 1.000, in role 1.000")
        for label in ("names new to the model", "names known from training", "scenario new to the model", "scenario known from training"):
            self.assertGreater(int(re.search(label + r".* of (\d+) facts", done.stdout)[1]), 50)
        for value in re.findall(r"(?:summary|utterance) +(0\.\d+)", done.stdout):
            self.assertLess(float(value), 0.5)

    def test_a_run_that_gets_the_words_but_not_the_names(self):
        def with_other_names(row):
            facts = dict(fact.split("=", 1) for fact in row["facts"].split("|"))
            return row["summary"].replace(facts["who"], "Nobody").replace(facts["whom"], "Someone")
        done = self.run_on(with_other_names, "--rouge1", "0.7", "--in-role", "0.8")
        self.assertEqual(done.returncode, 1)
        self.assertIn("share of facts in role", done.stderr)
        self.assertNotIn("ROUGE-1 F is", done.stderr)
        self.assertRegex(done.stdout, r"times +right 1.000, in role 1.000")

    def test_a_run_that_copies_the_first_line_has_no_lead(self):
        done = self.run_on(lambda row: row["dialogue"].split("\n")[0], "--margin", "0.25")
        self.assertEqual(done.returncode, 1)
        self.assertIn("lead over the best baseline", done.stderr)

    def test_missing_files_are_named(self):
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([sys.executable, os.path.join(DATA, "score.py"), folder], stderr=subprocess.PIPE,
                                  universal_newlines=True, check=False)
            self.assertEqual(done.returncode, 3)
            self.assertIn("evaluation.json", done.stderr)
            self.assertNotIn("Traceback", done.stderr)


if __name__ == "__main__":
    unittest.main()
