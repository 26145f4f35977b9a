"""CSV files of awkward cells, as Python's csv and pandas write them, through our programs and back into both readers."""
import csv
import io
import itertools
import unittest

import pandas
from rouge_score.rouge_scorer import RougeScorer

import common
import models

# What a reader that takes cells for numbers, missing values or trimmed words would change. A carriage return stands beside what is
# quoted anyway: alone, Python's csv (before 3.13) leaves it bare where lines end in "\n", and cannot read it itself.
PIECES = ["007", " 7", "7 ", "NA", "nan", "null", "None", "1e3", "0x1F", "TRUE", "1.00", "1_000", "inf", "-", "=1+2", "#", "'", '"', '""', ",",
          "\n", "\r\n", "\r,", "\n\n", "\t", "  ", "\\", "\\n", '\\"', ";", "|", "Ω", "日本", "🙂", "\u2028", "\x85", "\xa0", "\ufeff", "e\u0301", "word", ""]
TAME = [p for p in PIECES if not set(p) & set(',"\r\n')]
QUOTING = {"minimal": csv.QUOTE_MINIMAL, "all": csv.QUOTE_ALL, "texts": csv.QUOTE_NONNUMERIC}
COLUMNS = ("id", "dialogue", "summary", "extra")


def draw_cells(rng, pieces):
    """Rows of COLUMNS with ids that differ; every piece is an id by itself."""
    ids = list(pieces)
    while len(ids) < len(pieces) + 20:
        ids = list(dict.fromkeys([*ids, "".join(rng.choice(pieces) for _ in range(4))]))
    rng.shuffle(ids)

    def text():
        return " ".join(rng.choice((*pieces, "we", "meet", "there")) for _ in range(rng.randrange(12)))

    return [[i, text(), text(), rng.choice(pieces)] for i in ids]


def csv_bytes(columns, rows, quoting, line_end="\n", mark=False, last=True):
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=line_end).writerows([columns, *rows])
    text = text.getvalue() if last else text.getvalue().removesuffix(line_end)
    return ("\ufeff" * mark + text).encode()


def csv_forms(rng, rows, quotings):
    """(name, file's bytes) of everything that Python's csv may write, with columns in another order each."""
    for (name, quoting), line_end, mark, last in itertools.product(quotings.items(), ("\n", "\r\n"), (False, True), (False, True)):
        order = rng.sample(range(4), 4)
        yield (f"{name} {line_end!r}{' mark' * mark}{' open' * (not last)}",
               csv_bytes([COLUMNS[k] for k in order], [[row[k] for k in order] for row in rows], quoting, line_end, mark, last))


def pandas_forms(rows):
    """The same of pandas, with its defaults first, which make a column without a name."""
    frame = pandas.DataFrame(rows, columns=COLUMNS)
    for options in ({}, {"index": False}, {"quoting": csv.QUOTE_ALL}, {"index": False, "quoting": csv.QUOTE_NONNUMERIC},
                    {"lineterminator": "\r\n"}, {"encoding": "utf-8-sig"}):
        path = common.TMP / "pandas.csv"
        frame.to_csv(path, **options)
        yield f"pandas {options}", path.read_bytes()


def read_by_both(path):
    """Rows with the header, as Python's csv and as pandas read them."""
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    frame = pandas.read_csv(path, dtype=str, keep_default_na=False)
    return rows, [list(frame.columns), *frame.to_numpy().tolist()]


class CsvPeer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        rng = common.random_for("csv")
        cls.rows, tame = draw_cells(rng, PIECES), draw_cells(rng, TAME)
        cls.csv = [(name, form, cls.rows) for name, form in csv_forms(rng, cls.rows, QUOTING)]
        cls.csv += [(name, form, tame) for name, form in csv_forms(rng, tame, {"none": csv.QUOTE_NONE})]
        cls.pandas = [(name, form, cls.rows) for name, form in pandas_forms(cls.rows)]
        cls.drawn = [*rng.sample(cls.csv, 2), *rng.sample(cls.pandas[1:], 1), cls.pandas[0]]
        scorer = RougeScorer(["rougeLsum"])
        cls.scores = {id(rows): [scorer.score(row[1], row[2])["rougeLsum"].fmeasure for row in rows] for rows in (cls.rows, tame)}
        cls.folder = models.make_folder("csv")

    def check(self, path, columns, rows):
        """Both readers find these rows (their first columns) in a file of ours."""
        for reader, found in zip(("csv", "pandas"), read_by_both(path), strict=True):
            found = [row[:len(columns)] for row in found]
            for ours, wanted in zip(found, [columns, *rows]):
                self.assertEqual(ours, wanted, f"cells, by {reader}")
            self.assertEqual(len(found), len(rows) + 1, f"rows, by {reader}")

    def through_rouge(self, forms):
        """Ids come through; texts do, as far as the scores of dialogue against summary tell: ROUGE-Lsum also sees line ends."""
        files = {name: common.TMP / f"{name}.csv" for name in ("references", "predictions", "each")}
        for name, form, rows in forms:
            with self.subTest(form=name):
                files["predictions"].write_bytes(form)
                files["references"].write_bytes(form.replace(b"summary", b"other").replace(b"dialogue", b"summary"))
                common.run("rouge", "--no-stemmer", "--references", files["references"], "--predictions", files["predictions"],
                           "--per-example", files["each"])
                self.check(files["each"], ["id"], [[row[0]] for row in rows])
                for row, score in zip(common.read_table(files["each"]), self.scores[id(rows)], strict=True):
                    self.assertAlmostEqual(float(row["rougeLsum"]), score, delta=1e-12, msg="text")

    def test_files_of_csv(self):
        self.through_rouge(self.csv)

    def test_files_of_pandas(self):
        self.through_rouge(self.pandas)

    def test_evaluation(self):
        """Ids and summaries, byte for byte."""
        for i, (name, form, rows) in enumerate(self.drawn):
            with self.subTest(form=name):
                table = common.TMP / f"evaluation-{i}.csv"
                table.write_bytes(form)
                out = models.evaluate(self.folder, table, f"csv-{i}")
                self.check(out / "evaluation.csv", ["id", "reference"], [[row[0], row[2]] for row in rows])

    def test_summaries(self):
        for i, (name, form, rows) in enumerate(self.drawn):
            with self.subTest(form=name):
                table, said = common.TMP / f"ask-{i}.csv", common.TMP / f"said-{i}.csv"
                table.write_bytes(form)
                models.summarize(self.folder, table, said, max_new_tokens=4)
                self.check(said, ["id"], [[row[0]] for row in rows])
