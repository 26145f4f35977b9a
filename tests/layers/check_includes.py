"""Checks that every #include of lib/ and apps/ points downward, to a folder that the line in CMakeLists.txt names, and that
every folder named there is included: what is declared is what is drawn. MPI, NCCL, yaml-cpp and LibTorch stay in the folders
that may use them, and the shape of a model family in its own."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[2]).resolve()
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
ONLY_IN = {r"mpi\.h": "comm", r"nccl\.h": "comm", r"yaml-cpp/": "config"}
FAMILIES = "lib/model/families.cpp"  # the one file outside lib/model/FAMILY that includes what is in there
TORCH = re.compile(r"(ATen|torch|c10|caffe2)/")


def declared(path, command):
    """NAME -> what it names, of each `command(NAME what...)` line."""
    lines = re.findall(rf"^\s*{command}\(([^)]*)\)", path.read_text(), re.M)
    return {words[0]: set(words[1:]) for words in map(str.split, lines)}


def closure(names, libraries):
    reached, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in reached:
            reached.add(name)
            todo += libraries.get(name, ())
    return reached


def used_folders(paths):
    """The folders of lib that these files include."""
    targets = [target for path in paths for _, target in INCLUDE.findall(path.read_text(errors="replace"))]
    return {target.split("/")[1] for target in targets if target.startswith("lib/") and "/" in target[4:]}


def problems_in(path, allowed, folder):
    for bracket, target in INCLUDE.findall(path.read_text(errors="replace")):
        family = re.match(r"lib/model/\w+/", target)
        if family and not str(path.relative_to(ROOT)).startswith(family[0]) and str(path.relative_to(ROOT)) != FAMILIES:
            yield f"{path.relative_to(ROOT)} includes {target}: only {family[0]} and {FAMILIES} may"
        where = f"{path.relative_to(ROOT)} includes {target}"
        if bracket == '"' and not target.startswith("lib/"):
            yield f"{where}: write it from the root of the checkout, \"lib/FOLDER/FILE.h\""
        elif target.startswith("lib/"):
            if target.split("/")[1] not in allowed:
                yield f"{where}: {folder} may use {', '.join(sorted(n for n in allowed if n.isalpha()))}"
            elif not (ROOT / target).is_file():
                yield f"{where}: there is no such file"
        for pattern, home in ONLY_IN.items():
            if re.match(pattern, target) and folder != f"lib/{home}":
                yield f"{where}: only lib/{home} may"
        if TORCH.match(target):
            if "precis_torch" not in allowed:
                yield f"{where}: {folder} does not use LibTorch"
            elif target == "torch/torch.h":
                yield f"{where}: it costs 15 s a file; include the ATen or torch/csrc header that is meant"


def main():
    libraries = declared(ROOT / "lib/CMakeLists.txt", "precis_library")
    programs = declared(ROOT / "apps/CMakeLists.txt", "precis_program")
    if not libraries or not programs:
        sys.exit("no precis_library or precis_program lines were found")
    problems, num_files = [], 0
    for name, used in libraries.items():
        if name in closure(used, libraries):
            problems.append(f"lib/{name}, by way of what it names, uses itself")
        for path in sorted((ROOT / "lib" / name).rglob("*")):
            if path.suffix in {".h", ".cpp", ".cu", ".cuh"}:
                num_files += 1
                problems += problems_in(path, used | {name}, f"lib/{name}")
        included = used_folders(p for p in (ROOT / "lib" / name).rglob("*") if p.suffix in {".h", ".cpp", ".cu", ".cuh"})
        problems += [f"lib/CMakeLists.txt: {name} names {other}, which none of its files includes"
                     for other in sorted((used & set(libraries)) - included)]
    for path in sorted((ROOT / "apps").glob("*.cpp")):
        num_files += 1
        if path.stem in programs:
            problems += problems_in(path, programs[path.stem], f"apps/{path.name}")
            problems += [f"apps/CMakeLists.txt: {path.stem} names {other}, which it does not include"
                         for other in sorted(programs[path.stem] - used_folders([path]))]
        else:
            problems.append(f"apps/{path.name} is not in apps/CMakeLists.txt")
    undeclared = {p.name for p in (ROOT / "lib").iterdir() if p.is_dir()} - set(libraries) - {"cmake"}
    problems += [f"lib/{name} is not in lib/CMakeLists.txt" for name in sorted(undeclared)]
    print("\n".join(problems) or f"{num_files} files: every include points downward, and every arrow that is declared is used")
    return 1 if problems else 0


sys.exit(main())
