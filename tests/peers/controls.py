#!/usr/bin/env python3
"""Shows that each comparison of tests/peers can fail: controls.py PROGRAM_FOLDER [NAME...]

Each control runs one comparison on programs of which one makes a known mistake (controls_list.py): the comparison must fail, by an
assertion that names what is wrong and not because a program ended badly. A comparison that no control makes fail is an error.
NAME...: only controls with it in their test or mistake. Environment and seed are those of run_peers.py.
"""
import contextlib
import io
import os
import pathlib
import sys
import tempfile
import time
import unittest

import run_peers


def tests_by_name(suite):
    """{Class.test: the test} of a suite of suites."""
    if isinstance(suite, unittest.TestCase):
        return {".".join(suite.id().split(".")[-2:]): suite}
    return {name: test for part in suite for name, test in tests_by_name(part).items()}


def judge(result, wanted):
    """(as it should be, what the test did)."""
    if result.errors or result.testsRun != 1 or result.skipped:
        return False, f"does not run: {result.errors}"
    if not result.failures:
        return wanted is None, "passes"
    said = " ".join(result.failures[0][1].rpartition("AssertionError")[2].split()).lstrip(": ")
    return wanted is not None and wanted in said, f"fails: {said if len(said) < 160 else said[:60] + ' ... ' + said[-90:]}"


def run_control(test, mistake_name, wanted, programs):
    import common
    import controls_list
    import sabotage
    with tempfile.TemporaryDirectory(prefix="precis-controls-") as folder:
        sabotage.write_wrapper(pathlib.Path(folder), programs, mistake_name, controls_list.MISTAKES[mistake_name])
        common.use_programs(folder)
        result = unittest.TestResult()
        with contextlib.redirect_stdout(io.StringIO()):
            unittest.TestSuite([test]).run(result)
    return judge(result, wanted)


def main():
    tests = tests_by_name(run_peers.load(__doc__))
    import controls_list
    programs = pathlib.Path(os.environ["PRECIS_PROGRAMS"])
    began, wrong = time.time(), 0
    for name in sorted(tests.keys() - {test for test, _, wanted in controls_list.CONTROLS if wanted}):
        print(f"WRONG  {name}: no control makes it fail")
        wrong += 1
    chosen = [c for c in controls_list.CONTROLS if not sys.argv[2:] or any(n in c[0] or n in c[1] for n in sys.argv[2:])]
    for name, mistake, wanted in chosen:
        right, said = run_control(tests[name], mistake, wanted, programs)
        wrong += not right
        print(f"{'ok   ' if right else 'WRONG'}  {name} with {mistake}: {said}", flush=True)
    print(f"controls: {len(chosen)} on {len(tests)} comparisons in {time.time() - began:.0f} s, {wrong} wrong")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
