#!/usr/bin/env python3
"""Writes csv_golden.json: what Python's csv module (3.11) reads from awkward bytes, and what it writes for awkward cells.

    python3 tests/golden/csv_golden.py
"""
import csv
import io
import json
import pathlib
import random

rng = random.Random(20)
pieces = ["a", "b c", " ", "", ",", '"', '""', "\n", "\r\n", "\r", "\t", "é", "日本", "🙂", "\u2028", "\u00a0", "\x0b", "\x85", "007", "'", ";", "\\"]
hand_made = [
    'a,b\n1,2\n', 'a,b\r\n1,2\r\n', 'a,b\r1,2\r', 'a,b\n1,2', 'a,b\n1,"2"', '\ufeffa,b\n1,2\n', '\ufeff"a",b\n1,2\n',
    'a,b\n\n\n1,2\n\r\n3,4\n\n', 'a,b\n"x\ny","p\r\nq"\n', 'a,b\n"x\ry",2\n', 'a,b\n"say ""hi""",""""\n', 'a,b\nx"y,"z"\n',
    'a,b\n"x"y,2\n', 'a,b\n"x" ,2\n', 'a,b\n "x",2\n', 'a,b\n"",""\n', 'a,b\n,\n', 'a\n""\n1\n', 'a,b\n"x""",2\n', 'a,b\n"x"y"z",2\n', 'a,b\r\n"1\r\n","\n"\r\n',
]


def read(text):
    return [row for row in csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")) if row]


def is_closed(text):
    try:
        list(csv.reader(io.StringIO(text, newline=""), strict=True))
        return True
    except csv.Error:
        return False


reading = [{"text": t, "rows": read(t)} for t in hand_made]
while len(reading) < 400:  # random soup; kept where our stricter rules have no objection
    if len(reading) % 2:
        text = "a,b\n" + "".join(rng.choice(pieces) for _ in range(rng.randrange(1, 14)))
    else:
        out = io.StringIO(newline="")
        cell = lambda: "".join(rng.choice(pieces) for _ in range(rng.randrange(0, 5)))
        writer = csv.writer(out, lineterminator=rng.choice(("\n", "\r\n", "\r")), quoting=rng.choice((csv.QUOTE_ALL, csv.QUOTE_MINIMAL)))
        writer.writerows([["a", "b"], *([cell(), cell()] for _ in range(rng.randrange(1, 5)))])
        text = out.getvalue()
    rows = read(text)
    if is_closed(text) and len(rows) > 1 and all(len(r) == 2 for r in rows):
        reading.append({"text": text, "rows": rows})

writing = []
for _ in range(100):
    columns = rng.randrange(1, 4)
    rows = [["".join(rng.choice(pieces) for _ in range(rng.randrange(0, 4))) for _ in range(columns)] for _ in range(4)]
    out = io.StringIO(newline="")
    # Minimal quoting looks at the line end in use, so write "\r\n" row ends and take the "\r" off again, row by row.
    text = ""
    for row in rows:
        out = io.StringIO(newline="")
        csv.writer(out).writerow(row)
        text += out.getvalue().removesuffix("\r\n") + "\n"
    writing.append({"rows": rows, "text": text})

path = pathlib.Path(__file__).with_name("csv_golden.json")
path.write_text(json.dumps({"reading": reading, "writing": writing}, indent=0) + "\n")
