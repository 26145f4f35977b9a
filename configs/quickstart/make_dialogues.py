#!/usr/bin/env python3
"""Makes the quickstart's dialogues: train.csv, validation.csv and test.csv from a seed. Python 3.9, standard library only.

A dialogue is drawn in two steps: a Plan (who says what, with {A}, {day}, ... for the things that vary) and a cast (the names,
times and places). The summary is a function of both, so another cast in the same plan changes dialogue and summary alike.
Validation and test hold back whole sets: names and places that no training row has, and scenarios (a request about a topic)
that no training row has, worded in ways that no training row has.
"""
import argparse
import csv
import itertools
import os
import random
from dataclasses import dataclass
from typing import Dict, List, Tuple

import scenarios as words

COLUMNS = {
    "train": ["id", "dialogue", "summary", "scenario"],
    "validation": ["id", "dialogue", "summary", "facts", "scenario"],
    "test": ["id", "dialogue"],
}
UNSEEN_NAMES_SHARE = 0.5  # of validation and test rows; at least a third is promised
UNSEEN_SCENARIO_SHARE = 0.3  # likewise; at least a fifth is promised


@dataclass(frozen=True)
class Plan:
    """A dialogue without its names, times and places."""

    scenario: str  # "request/topic"
    lines: Tuple[Tuple[str, str], ...]  # speaker "A" or "B", text with placeholders
    summary: str

    def text(self) -> str:
        """All that is said and summarised, for looking up placeholders."""
        return " ".join(text for _, text in self.lines) + " " + self.summary


@dataclass(frozen=True)
class Pools:
    """Names and scenarios that one part of the rows may use."""

    people: List[str]
    towns: List[str]
    scenarios: List[Tuple[str, str]]


def split_in_two(rng: random.Random, things: List, share: float) -> Tuple[List, List]:
    """Shuffles and cuts; `share` of the things go to the second list."""
    shuffled = list(things)
    rng.shuffle(shuffled)
    cut = len(shuffled) - round(len(shuffled) * share)
    return shuffled[:cut], shuffled[cut:]


def make_pools(rng: random.Random) -> Tuple[Pools, Pools]:
    """The pools of known and of held-back names and scenarios; they have nothing in common."""
    people = ["".join(parts) for parts in itertools.product(words.PERSON_BEGINNINGS, words.PERSON_ENDINGS)]
    towns = ["".join(parts) for parts in itertools.product(words.PLACE_BEGINNINGS, words.PLACE_ENDINGS)]
    pairs = [(request, topic) for request, parts in words.REQUESTS.items() for topic in parts["topics"]]
    split = [split_in_two(rng, things, 0.2) for things in (people, towns, pairs)]
    return Pools(*(known for known, _ in split)), Pools(*(held_back for _, held_back in split))


def make_plan(rng: random.Random, request: str, topic: str, held_back: bool) -> Plan:
    """Draws the lines of one dialogue about a scenario; `held_back` takes the opening that training never has."""
    parts = words.REQUESTS[request]
    with_c = "{C}" in parts["summary"]  # somebody who matters there must not also be waiting in the car

    def pick(choices: List) -> List:
        return rng.choice([c for c in choices if not (with_c and "{C}" in str(c))])

    opening = parts["openings"][-1] if held_back else rng.choice(parts["openings"][:-1])
    greeting = pick(words.GREETINGS_BY_A + words.GREETINGS_BY_B)
    lines = list(greeting) + [("A", opening), ("B", rng.choice(parts["answers"]))]
    settled = parts.get("settled")
    first = rng.choice("AB")
    roles = {"p": first, "q": "B" if first == "A" else "A", "A": "A", "B": "B"}
    if settled == "told":
        arrangement, closing = pick(words.TOLD), pick(words.CLOSINGS)
    elif settled == "agreed before":
        arrangement, closing = pick(words.AGREED_BEFORE), pick(words.CANCEL_CLOSINGS)
    else:
        corrected = rng.random() < 0.5
        forms = words.CORRECTED_ARRANGEMENTS if corrected else words.ARRANGEMENTS
        if request == "move":  # its {bad_day} is the old day, part of the summary
            forms = [form for form in forms if "{bad_day}" not in str(form)]
        arrangement, closing = pick(forms), pick(words.CLOSINGS)
    lines += [(roles[speaker], text) for speaker, text in arrangement]
    if rng.random() < 0.4:
        at = rng.choice([len(greeting), len(greeting) + 2])
        lines.insert(at, (rng.choice("AB"), pick(words.SMALL_TALK)))
    lines += [(roles[speaker], text) for speaker, text in closing]
    merged = []
    for speaker, text in lines:
        if merged and merged[-1][0] == speaker:
            merged[-1] = (speaker, merged[-1][1] + " " + text)
        else:
            merged.append((speaker, text))
    filled = tuple((speaker, text.replace("{t}", topic)) for speaker, text in merged)
    return Plan(f"{request}/{topic}", filled, parts["summary"].replace("{t}", topic))


def draw_two(rng: random.Random, draw) -> Tuple[str, str]:
    """Two different results of `draw`."""
    first = second = draw()
    while second == first:
        second = draw()
    return first, second


def draw_day(rng: random.Random) -> str:
    """A weekday or a date."""
    return rng.choice(words.WEEKDAYS) if rng.random() < 0.6 else f"{rng.randint(1, 28)} {rng.choice(words.MONTHS)}"


def draw_hour(rng: random.Random) -> str:
    """A time of the day as people say or write it."""
    word = rng.choice(words.CLOCK_WORDS)
    return rng.choice([
        f"{rng.randint(1, 11)} pm", f"{rng.randint(6, 11)} am", f"{rng.randint(8, 21)}:{rng.choice(['15', '30', '45'])}",
        f"half past {word}", f"a quarter to {word}", f"{word} o'clock", "noon"])


def make_cast(rng: random.Random, pools: Pools) -> Dict[str, str]:
    """The names, times and places of one dialogue, by placeholder."""
    a, b, c = rng.sample(pools.people, 3)
    town, bad_town = rng.sample(pools.towns, 2)
    day, bad_day = draw_two(rng, lambda: draw_day(rng))
    hour, bad_hour = draw_two(rng, lambda: draw_hour(rng))
    return {"A": a, "B": b, "C": c, "day": day, "bad_day": bad_day, "hour": hour, "bad_hour": bad_hour,
            "place": rng.choice(words.PLACE_KINDS).format(town), "bad_place": rng.choice(words.PLACE_KINDS).format(bad_town),
            "bad_weekday": rng.choice([d for d in words.WEEKDAYS if d != day])}


def fill(plan: Plan, cast: Dict[str, str]) -> Dict[str, str]:
    """The row (without its id) that a plan and a cast make."""
    dialogue = "\n".join(f"{cast[speaker]}: {text.format(**cast)}" for speaker, text in plan.lines)
    facts = {"who": cast["A"], "whom": cast["B"]}
    if "{C}" in plan.summary:
        facts["third"] = cast["C"]
    if "{bad_day}" in plan.summary:
        facts["old_day"] = cast["bad_day"]
    facts.update(day=cast["day"], time=cast["hour"], place=cast["place"])
    return {"dialogue": dialogue, "summary": plan.summary.format(**cast),
            "facts": "|".join(f"{role}={value}" for role, value in facts.items()), "scenario": plan.scenario}


def make_rows(rng: random.Random, count: int, known: Pools, held_back: Pools, new_share: Tuple[float, float]) -> List[Dict[str, str]]:
    """Rows with exactly these shares (names, scenarios) from the held-back pools, no two dialogues alike."""
    new_names = [i < count * new_share[0] for i in range(count)]
    new_scenarios = [i < count * new_share[1] for i in range(count)]
    rng.shuffle(new_names)
    rng.shuffle(new_scenarios)
    rows, seen = [], set()
    for with_new_names, with_new_scenario in zip(new_names, new_scenarios):
        while True:
            request, topic = rng.choice((held_back if with_new_scenario else known).scenarios)
            plan = make_plan(rng, request, topic, with_new_scenario)
            row = fill(plan, make_cast(rng, held_back if with_new_names else known))
            if row["dialogue"] not in seen:
                break
        seen.add(row["dialogue"])
        rows.append(row)
    return rows


def write_csv(path: str, prefix: str, rows: List[Dict[str, str]], columns: List[str]) -> None:
    """One CSV file with ids like train-17."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({"id": f"{prefix}-{number}", **row})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1, help="same seed, same files (default 1)")
    parser.add_argument("--rows", type=int, default=4000, help="rows of train.csv (default 4000)")
    parser.add_argument("--validation-rows", type=int, default=300, help="rows of validation.csv (default 300)")
    parser.add_argument("--test-rows", type=int, default=100, help="rows of test.csv (default 100)")
    parser.add_argument("--output", required=True, metavar="DIR", help="folder to write the three files to")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    known, held_back = make_pools(rng)
    shares = (UNSEEN_NAMES_SHARE, UNSEEN_SCENARIO_SHARE)
    os.makedirs(options.output, exist_ok=True)
    for name, count, share in (
            ("train", options.rows, (0.0, 0.0)), ("validation", options.validation_rows, shares), ("test", options.test_rows, shares)):
        rows = make_rows(rng, count, known, held_back, share)
        write_csv(os.path.join(options.output, f"{name}.csv"), name, rows, COLUMNS[name])


if __name__ == "__main__":
    main()
