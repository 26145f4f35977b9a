#!/usr/bin/env bash
# tests/run.sh [--all] [--label LABEL] [-DOPTION=VALUE...] [NAME...] [-- ARGUMENTS...]: sets up, builds and runs the tests.
#   NAME...        those whose ctest name contains one (config/yaml_tree), --label: those of unit, mpi, gpu, slow or peers.
#                  Then only what they start is built, what is set up already is left alone, and the format is not checked
#   -- ARGUMENTS   for the programs of these tests: tests/run.sh config/yaml_tree -- --gtest_filter=*Aliases*
#   --all          also the slow tier: address and undefined-behaviour sanitizers on the torch-free part and on the kernels of
#                  GPUs, known faults put back one at a time, every call for a file failing once, long fuzzing, and, with
#                  PRECIS_PEERS=1, the controls of the comparisons (each must fail for a program with a known mistake)
# PRECIS_PEERS=1 makes a Python environment with the reference implementations (transformers, tiktoken, ...) in .peers/
# and runs the comparisons of tests/peers after the other tests; NAME peers: them alone. BUILD_DIR: another build folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${BUILD_DIR:-$PWD/build}

usage() { sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2; }
all=no names=() options=() label='' arguments=()
while (($#)); do
  case $1 in
    --all) all=yes ;;
    --label)
      label=${2-}
      [[ $label =~ ^(unit|mpi|gpu|slow|peers)$ ]] || usage
      shift
      ;;
    --) shift && arguments=("$@") && break ;;
    -D?*) options+=("$1") ;;
    -*) usage ;;
    *) names+=("$1") ;;
  esac
  shift
done
[[ $label != peers ]] || names+=(peers)
pattern=$(IFS='|' && echo "${names[*]-}")
[[ -n $pattern$label ]] || ((${#arguments[@]} == 0)) || usage

# The layout of clang-format differs between its major versions; ours is that of 14 (Debian 12).
check_format() {
  local tool files
  for tool in clang-format-14 clang-format; do
    if [[ $("$tool" --version 2>/dev/null) == *"version 14."* ]]; then
      mapfile -t files < <(git ls-files '*.cpp' '*.h' '*.cu')
      "$tool" --dry-run --Werror "${files[@]}" || { echo "run.sh: these files are not formatted: $tool -i FILE" >&2 && return 1; }
      return 0
    fi
  done
}

# Whether the build folder is there with the tests in it, and nothing else is asked of it.
is_set_up() {
  ((${#options[@]} == 0)) && [[ -f $build/build.ninja ]] && grep -q '^PRECIS_TESTS:BOOL=ON' "$build/CMakeCache.txt"
}

# What ctest is told to choose the tests by. The comparisons with the references are run apart; tests that need a GPU are built, and
# run where one is visible or their label is asked for.
left_out='^peers$'
[[ $label == gpu ]] || nvidia-smi -L >/dev/null 2>&1 || left_out='^(peers|gpu)$'
selection=(${pattern:+-R "$pattern"} ${label:+-L "^$label\$"} -LE "$left_out")

# One line a chosen test: the words of its command, separated by tabs. (ctest itself tells none that is not built.)
chosen_commands() {
  ctest --test-dir "$build" --show-only=json-v1 "${selection[@]}" 2>/dev/null >"$build/chosen.json"
  python3 - "$build" <<'PYTHON'
import json, pathlib, re, shlex, sys
build = pathlib.Path(sys.argv[1])
chosen = {test["name"]: next((p["value"] for p in test["properties"] if p["name"] == "ENVIRONMENT"), [])
          for test in json.loads((build / "chosen.json").read_text())["tests"]}
for file in sorted(build.glob("tests/**/CTestTestfile.cmake")):
    for name, command in re.findall(r"^add_test\(\[=\[(.*?)\]=\] (.*)\)$", file.read_text(), re.M):
        if name in chosen:
            print("\t".join(["env", *chosen[name], *shlex.split(command)]))
PYTHON
}

# Builds the programs that the chosen tests start, and no others.
build_chosen() {
  is_set_up || launch/setup.sh --tests --configure "${options[@]}"
  ninja -C "$build" build.ninja >/dev/null
  mapfile -t commands < <(chosen_commands)
  ((${#commands[@]})) || { echo "run.sh: no test is called ${pattern:-anything} with the label ${label:-any} (ctest --test-dir $build -N)" >&2 && exit 1; }
  mapfile -t targets < <(printf '%s\n' "${commands[@]}" | tr '\t' '\n' | sed -n "s|^$build/||p" | sort -u)
  ((${#targets[@]} == 0)) || ninja -C "$build" "${targets[@]}"
}

# Runs the programs of the chosen tests with the arguments of the command line.
run_with_arguments() {
  local command words code=0
  for command in "${commands[@]}"; do
    IFS=$'\t' read -ra words <<<"$command"
    "${words[@]}" "${arguments[@]}" || code=1
  done
  return $code
}

# run_ctest FOLDER: its tests, two at a time where there are two cores; the closing line goes to $closing.
closing=()
run_ctest() {
  local code=0 cores
  cores=$(nproc)
  ctest --test-dir "$1" --output-on-failure --no-tests=error -j $((cores < 2 ? 1 : 2)) "${selection[@]}" | tee "$1/ctest.log" || code=$?
  closing+=("$(grep 'tests passed' "$1/ctest.log" || echo "no test ran in $1")")
  return $code
}

# The environment .peers with the references; what is installed already, by the list of it, is left alone.
install_peers() {
  local packages="torch==2.11.0 numpy==2.4.6 transformers==5.24.0 tiktoken==0.14.0 rouge-score==0.1.2 ctranslate2==4.8.5 pandas==3.1.1"
  [[ -x .peers/bin/python ]] || python3 -m venv .peers
  if [[ $(cat .peers/installed 2>/dev/null) != "$packages" ]]; then
    # shellcheck disable=SC2086  # a list of words
    .peers/bin/pip install -q $packages
    echo "$packages" >.peers/installed
  fi
  export PEER_PYTHON=$PWD/.peers/bin/python
}

# run_peers: the comparisons with the references; left out where only tests of other names are asked for.
run_peers() {
  [[ peers =~ $pattern && $label =~ ^(peers)?$ ]] || return 0
  local code=0
  "$PEER_PYTHON" tests/peers/run_peers.py "$build/bin" 2>&1 | tee "$build/peers.log" || code=$?
  closing+=("peers: $(tail -n 400 "$build/peers.log" | grep -E '^(OK|FAILED)|^Ran ' | tr '\n' ' ' || echo 'did not run')")
  if [[ $all == yes ]]; then
    "$PEER_PYTHON" tests/peers/controls.py "$build/bin" 2>&1 | tee "$build/controls.log" || code=$?
    closing+=("controls: $(tail -n 1 "$build/controls.log")")
  fi
  return $code
}

run_sanitized() {
  local sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
  cmake -S . -B "$build-sanitize" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPRECIS_TORCH=OFF -DPRECIS_ROOT_LINKS=OFF \
    -DPRECIS_TESTS=ON -DCMAKE_CXX_FLAGS="$sanitizers" >"$build/sanitize.log" 2>&1 || { cat "$build/sanitize.log" >&2 && exit 1; }
  ninja -C "$build-sanitize"
  run_ctest "$build-sanitize"
}

# The kernels of GPUs, which the CPU runs, with sanitizers too; LibTorch itself has none.
run_kernels_sanitized() {
  local sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' folder=$build-sanitize-kernels code=0
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPRECIS_CUDA=off -DPRECIS_ROOT_LINKS=OFF "${options[@]}" \
    -DPRECIS_TESTS=ON -DCMAKE_CXX_FLAGS="$sanitizers" >"$build/sanitize.log" 2>&1 || { cat "$build/sanitize.log" >&2 && exit 1; }
  ninja -C "$folder" ops_device_test
  ASAN_OPTIONS=detect_leaks=0 "$folder/tests/ops_device_test" >"$build/kernels.log" 2>&1 || code=$?
  closing+=("kernels with sanitizers: $(grep -E 'PASSED|FAILED' "$build/kernels.log" | head -n 1 || tail -n 1 "$build/kernels.log")")
  return $code
}

# Known faults put back into the code: a test must notice each.
run_faults() {
  local code=0
  python3 tests/faults/put_back.py "$build" | tee "$build/faults.log" || code=$?
  closing+=("$(tail -n 1 "$build/faults.log")")
  return $code
}

# Every call that a run makes for its files fails once, and kills it once.
run_every_call() {
  local ranks code=0
  for ranks in 1 2; do
    python3 tests/faults/every_call.py "$build/tests/faults_shim.so" "$build/bin/trainer" --ranks $ranks | tee "$build/every_call.log" || code=$?
    closing+=("$(tail -n 1 "$build/every_call.log"), $ranks rank(s)")
  done
  return $code
}

[[ $pattern != peers ]] || PRECIS_PEERS=1
[[ ${PRECIS_PEERS-} != 1 ]] || install_peers
[[ $all == yes ]] && export PRECIS_FUZZ_SECONDS=${PRECIS_FUZZ_SECONDS:-60}

failed=0
if [[ $pattern == peers ]]; then
  is_set_up || launch/setup.sh --tests --configure "${options[@]}"
  ninja -C "$build" programs
elif [[ -n $pattern$label ]]; then
  build_chosen
else
  launch/setup.sh --tests --build "${options[@]}"
  check_format || failed=1
fi
if ((${#arguments[@]})); then
  run_with_arguments || exit 1
  exit 0
fi
[[ $pattern == peers ]] || run_ctest "$build" || failed=1
[[ ${PRECIS_PEERS-} != 1 ]] || run_peers || failed=1
if [[ $all == yes ]]; then
  run_sanitized || failed=1
  run_kernels_sanitized || failed=1
  run_faults || failed=1
  run_every_call || failed=1
fi
printf '%s\n' "${closing[@]}"
exit $failed
