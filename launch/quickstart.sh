#!/usr/bin/env bash
# launch/quickstart.sh [TRAINER ARGUMENTS...]: from a fresh machine to a trained model and its report in a few minutes:
# sets up and builds what is missing, then trains, evaluates and predicts on the dialogues that ship with Precis.
# PRECIS_RANKS: how many processes, 2 unless told.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
config=configs/quickstart.yaml

launch/setup.sh --build

out_dir=$(awk '/^[a-z]/ {section = $1} section == "run:" && $1 == "out_dir:" {print $2; exit}' "$config")
previous=''
for argument in "$@"; do
  [[ $previous == --run.out_dir ]] && out_dir=$argument
  [[ $argument == --run.out_dir=* ]] && out_dir=${argument#*=}
  previous=$argument
done

# A signal to this script alone would end it and leave the run; a terminal's reach local.sh as well. In the background
# bash ignores SIGINT, unless told otherwise.
run=''
for signal in USR1 TERM INT HUP; do
  # shellcheck disable=SC2064
  trap "kill -$signal \$run 2>/dev/null || true" $signal
done
code=0
(trap - INT && exec launch/local.sh "${PRECIS_RANKS:-2}" ./trainer "$config" "$@") &
run=$!
while kill -0 $run 2>/dev/null; do wait $run || true; done # a signal that was trapped ends `wait` early
wait $run || code=$?
trap - USR1 TERM INT HUP
if ((code == 75)); then
  echo "quickstart: stopped; run the same line again to go on"
elif ((code == 0)); then
  if command -v python3 >/dev/null && [[ -f configs/quickstart/score.py ]]; then
    python3 configs/quickstart/score.py "$out_dir" || code=$?
  fi
  if [[ -f $out_dir/report.html ]]; then
    echo "quickstart: the report is $(realpath "$out_dir")/report.html"
  fi
fi
exit $code
