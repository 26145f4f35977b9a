#!/usr/bin/env bash
# launch/local.sh RANKS PROGRAM [ARGS...]: mpirun on this machine, with what containers, root and few cores need.
# SIGTERM, SIGINT, SIGHUP (a terminal that closes) and SIGUSR1 reach the ranks as SIGUSR1, so that they save and leave with
# exit code 75 (SIGTERM to mpirun itself would kill them after two seconds and be answered with 1). A SIGINT after one of
# these ends the run at once, with 130. Under nohup the run outlives its terminal. Returns mpirun's exit code; 4 where mpirun cannot be started.
# PRECIS_MPIRUN_OPTIONS: more options for mpirun. PRECIS_SESSION_NICE: see session_nice.
if [[ ! ${1-} =~ ^[1-9][0-9]*$ || $# -lt 2 ]]; then
  echo "usage: launch/local.sh RANKS PROGRAM [ARGS...]" >&2
  exit 2
fi
ranks=$1
shift
here=$(dirname "${BASH_SOURCE[0]}")
# shellcheck source=launch/mpirun.sh
. "$here/mpirun.sh"
bundle=$here/../build-bundle/env.sh # of launch/setup.sh --from-bundle
# shellcheck source=/dev/null
[[ -f $bundle ]] && . "$bundle"

stopping=no at_once=no asked_at=0 mpirun=''
pass_on() { [[ -z $mpirun ]] || kill "-$1" "$mpirun" 2>/dev/null; }
ask_to_stop() {
  [[ $stopping == yes ]] || asked_at=${EPOCHREALTIME/[.,]/} # microseconds
  stopping=yes
  pass_on USR1
}
# From somebody who does not want to wait: mpirun kills the ranks within two seconds. A terminal sends SIGINT to a script
# and to its caller, who may pass it on: that is one.
interrupt() {
  if [[ $stopping == yes ]] && ((${EPOCHREALTIME/[.,]/} - asked_at > 300000)); then
    at_once=yes
    pass_on TERM
  else
    ask_to_stop
  fi
}
trap ask_to_stop USR1 TERM HUP # HUP: not where it is ignored, as nohup has it
trap interrupt INT
trap 'pass_on TSTP; kill -STOP $$; pass_on CONT' TSTP # a trap of CONT's own would eat a HUP that comes with it

fail() {
  echo "local.sh: $*" >&2
  exit 4
}
command -v mpirun >/dev/null || fail "mpirun is not in PATH; launch/setup.sh installs it (openmpi-bin)"
major=$(open_mpi_major)
[[ -n $major ]] || fail "$(command -v mpirun) is not Open MPI's; put that of Open MPI 4, 5 or 6 first in PATH"
fault=$(temporary_folder_fault "$major")
[[ -z $fault ]] || fail "$fault"
open_mpi_environment "$major"

# Linux shares cores out among sessions first (autogroup(7)): ranks on every core would together get what one busy process
# of another session gets. So the session weighs as much as it has cores, 1.25 for each step of nice, where that is
# allowed (CAP_SYS_NICE). Not where the user asked for less by `nice`; PRECIS_SESSION_NICE says another figure, 0 none.
session_nice() {
  local cores weight=1000 steps=0
  cores=$(nproc)
  while ((weight * 5 / 4 <= cores * 1100 && steps < 20)); do
    weight=$((weight * 5 / 4))
    steps=$((steps + 1))
  done
  if (($(nice) > 0)); then steps=0; fi
  echo "${PRECIS_SESSION_NICE:-$((-steps))}"
}
# shellcheck disable=SC2016
in_session='{ [ "$1" = 0 ] || echo "$1" >/proc/self/autogroup; } 2>/dev/null; shift; exec mpirun "$@"'

# A session of its own: what a terminal sends when it closes, at Ctrl-C and at Ctrl-Z comes to this script alone. From
# another session mpirun would not read a terminal, and its ranks would wait for ever.
[[ -t 0 ]] && exec </dev/null
exec {errors}> >(trap '' HUP INT TERM USR1 && quiet_errors "$major")
filter=$!
# shellcheck disable=SC2086
setsid sh -c "$in_session" sh "$(session_nice)" ${PRECIS_MPIRUN_OPTIONS-} -np "$ranks" "$@" <&0 2>&$errors {errors}>&- &
mpirun=$!
exec {errors}>&-
[[ $stopping == no ]] || pass_on USR1
while kill -0 $mpirun 2>/dev/null; do wait $mpirun; done # a signal that was trapped ends `wait` early
wait $mpirun
code=$?
# What mpirun said last comes before what is said here; but a process that it left behind may hold the pipe.
for ((i = 0; i < 100; ++i)); do
  kill -0 $filter 2>/dev/null || break
  sleep 0.02
done
kill -KILL $filter 2>/dev/null
if [[ $at_once == yes ]] && ((code != 0 && code != 75)); then
  code=130
elif ((code > 128 && code < 160)); then
  signal=$((code - 128))
  if [[ $stopping == yes ]] && ((signal == $(kill -l USR1))); then
    echo "local.sh: stopped before the program could save" >&2
  else
    echo "local.sh: a rank was ended by signal $signal ($(kill -l $signal))" >&2
  fi
fi
exit $code
