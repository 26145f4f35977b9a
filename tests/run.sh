#!/usr/bin/env bash
# tests/run.sh [--all] [NAME...]: sets up, builds and runs the tests; NAME...: those whose ctest name matches one.
#   --all   also the slow tier: address and undefined-behaviour sanitizers on the torch-free part, long fuzzing, and, with
#           PRECIS_PEERS=1, the controls of the comparisons (each must fail for a program with a known mistake)
# PRECIS_PEERS=1 makes a Python environment with the reference implementations (transformers, tiktoken, ...) in .peers/
# and runs the comparisons of tests/peers after the other tests; NAME peers: them alone. BUILD_DIR: another build folder.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${BUILD_DIR:-$PWD/build}

all=no names=() options=()
for argument in "$@"; do
  case $argument in
    --all) all=yes ;;
    -D?*) options+=("$argument") ;;
    -*) sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
    *) names+=("$argument") ;;
  esac
done
pattern=$(IFS='|' && echo "${names[*]-}")

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

# run_ctest FOLDER: its tests, two at a time where there are two cores; the closing line goes to $closing.
closing=()
run_ctest() {
  local code=0 cores
  cores=$(nproc)
  ctest --test-dir "$1" --output-on-failure --no-tests=error -j $((cores < 2 ? 1 : 2)) ${pattern:+-R "$pattern"} |
    tee "$1/ctest.log" || code=$?
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
  [[ peers =~ $pattern ]] || return 0
  local code=0
  "$PEER_PYTHON" tests/peers/run_peers.py "$build/bin" 2>&1 | tee "$build/peers.log" || code=$?
  closing+=("peers: $(tail -n 400 "$build/peers.log" | grep -E '^(OK|FAILED)|^Ran ' | tr '\n' ' ' || echo 'did not run')")
  if [[ $all == yes ]]; then
    "$PEER_PYTHON" tests/peers/controls.py "$build/bin" 2>&1 | tee "$build/controls.log" || code=$?
    closing+=("controls: $(tail -n 1 "$build/controls.log")")
  fi
  return $code
}

[[ $pattern != peers ]] || PRECIS_PEERS=1
[[ ${PRECIS_PEERS-} != 1 ]] || install_peers
[[ $all == yes ]] && export PRECIS_FUZZ_SECONDS=${PRECIS_FUZZ_SECONDS:-60}

launch/setup.sh --tests --build "${options[@]}"
failed=0
check_format || failed=1
[[ $pattern == peers ]] || run_ctest "$build" || failed=1
[[ ${PRECIS_PEERS-} != 1 ]] || run_peers || failed=1
if [[ $all == yes ]]; then
  sanitizers='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
  cmake -S . -B "$build-sanitize" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPRECIS_TORCH=OFF -DPRECIS_ROOT_LINKS=OFF \
    -DCMAKE_CXX_FLAGS="$sanitizers" >"$build/sanitize.log" 2>&1 || { cat "$build/sanitize.log" >&2 && exit 1; }
  ninja -C "$build-sanitize"
  run_ctest "$build-sanitize" || failed=1
fi
printf '%s\n' "${closing[@]}"
exit $failed
