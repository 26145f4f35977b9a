#!/usr/bin/env python3
"""What our kernels take of a GPU, as ptxas noted it when they were compiled: resources_test.py BUILD_FOLDER. Prints a table of all
kernels, and fails where one spills registers, has a stack, or takes more shared memory than it may. No GPU is needed."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(sys.argv.pop(1) if len(sys.argv) > 1 else ROOT / "build").resolve()
MOST_STATIC_SHARED = 48 * 1024  # what a kernel asks for when it is started tests/support/executor.h holds to that of sm_75


def objects():
    """The object files of our kernels' sources, which the build folder has."""
    return sorted(BUILD.glob("lib/CMakeFiles/**/*.cu.o"))


def readable(names):
    """Names of C++ for those of the linker, without what all of ours begin with."""
    text = subprocess.run(["c++filt"], input="\n".join(names), stdout=subprocess.PIPE, universal_newlines=True, check=True).stdout
    plain = []
    for name in text.splitlines():
        name = re.sub(r"^void precis::kernels::run<(.*?) ?>\(.*\)$", r"\1", name)
        plain.append(name.replace("precis::kernels::", "").replace("c10::", ""))
    return plain


def parse(text):
    """{(linker's name, architecture): {"registers", "stack", "spills", "shared"}}. A function that is not inlined has no line of
    registers of its own; it counts with the kernel it follows."""
    found, kernel = {}, None
    for line in text.splitlines():
        entry = re.search(r"Compiling entry function '(\S+)' for 'sm_(\w+)'", line)
        if entry:
            kernel = entry.groups()
            found[kernel] = {"registers": 0, "stack": 0, "spills": 0, "shared": 0}
        sizes = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", line)
        if sizes:
            stack, stores, loads = map(int, sizes.groups())
            found[kernel]["stack"] = max(found[kernel]["stack"], stack)
            found[kernel]["spills"] += stores + loads
        used = re.search(r"Used (\d+) registers(?:.*?, (\d+)(?:\+\d+)? bytes smem)?", line)
        if used:
            found[kernel]["registers"] = int(used[1])
            found[kernel]["shared"] = int(used[2] or 0)
    return found


class Resources(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernels = {}
        cls.objects = objects()
        for each in cls.objects:
            noted = pathlib.Path(f"{each}.resources")
            if not noted.exists():
                raise AssertionError(f"{noted} is missing: build {os.path.relpath(each, BUILD)} anew")
            cls.kernels.update(parse(noted.read_text()))
        names = readable([name for name, _ in cls.kernels])
        cls.table = [(plain, arch, of) for plain, ((_, arch), of) in zip(names, cls.kernels.items())]
        print(f"{'kernel':100} {'sm':>4} {'registers':>9} {'stack':>6} {'spills':>6} {'shared':>6}")
        for name, arch, of in sorted(cls.table, key=lambda row: row[:2]):
            print(f"{name:100} {arch:>4} {of['registers']:9} {of['stack']:6} {of['spills']:6} {of['shared']:6}")
        sys.stdout.flush()

    def failing(self, fails):
        return [f"{name} on sm_{arch}: {of}" for name, arch, of in self.table if fails(of)]

    def test_all_kernels_were_looked_at(self):
        sources = sorted(path.name for path in ROOT.glob("lib/**/*.cu"))
        self.assertEqual(sorted(path.name for path in self.objects), [f"{name}.o" for name in sources])
        launched = {name.partition("<")[0] for name, _, _ in self.table}
        for kernel in ("AttentionForward", "AttentionKeyGradient", "CachedAttention", "CrossEntropy", "Gelu"):
            self.assertIn(kernel, launched)
        architectures = {arch for _, arch, _ in self.table}
        for name in {name for name, _, _ in self.table}:
            self.assertEqual({arch for other, arch, _ in self.table if other == name}, architectures, name)
        self.assertEqual(self.failing(lambda of: of["registers"] == 0), [])

    def test_no_kernel_spills(self):
        self.assertEqual(self.failing(lambda of: of["spills"] > 0), [])

    def test_no_kernel_has_a_stack(self):
        self.assertEqual(self.failing(lambda of: of["stack"] > 0), [])

    def test_shared_memory_is_within_a_block_s(self):
        self.assertEqual(self.failing(lambda of: of["shared"] > MOST_STATIC_SHARED), [])


if __name__ == "__main__":
    unittest.main(verbosity=0)
