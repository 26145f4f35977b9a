#!/usr/bin/env bash
# launch/local.sh RANKS PROGRAM [ARGS...]: mpirun on this machine, with what containers, root and few cores need.
# SIGTERM, SIGINT and SIGUSR1 reach the ranks as SIGUSR1, so that they save and leave with exit code 75 (SIGTERM to
# mpirun itself would kill them after two seconds and be answered with 1). Returns mpirun's exit code.
# PRECIS_MPIRUN_OPTIONS: more options for mpirun.
if [[ ! ${1-} =~ ^[1-9][0-9]*$ || $# -lt 2 ]]; then
  echo "usage: launch/local.sh RANKS PROGRAM [ARGS...]" >&2
  exit 2
fi
bundle=${BASH_SOURCE[0]%/*}/../build-bundle/env.sh  # of launch/setup.sh --from-bundle
# shellcheck source=/dev/null
[[ -f $bundle ]] && . "$bundle"
if ! command -v mpirun >/dev/null; then
  echo "local.sh: mpirun is not in PATH; launch/setup.sh installs it (openmpi-bin)" >&2
  exit 4
fi
ranks=$1
shift

# As root mpirun starts nothing without these two.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
# Without ssh mpirun does not start even on one machine; any command that exists will do there.
if ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
  export OMPI_MCA_plm_rsh_agent=${OMPI_MCA_plm_rsh_agent:-cat}
fi
# A container that filters system calls and withholds CAP_SYS_PTRACE (bit 19) may forbid process_vm_readv.
seccomp=0 capabilities=0
while read -r key value; do
  case $key in
    CapEff:) capabilities=$((16#$value)) ;;
    Seccomp:) seccomp=$value ;;
  esac
done </proc/self/status
if ((seccomp == 2 && !(capabilities >> 19 & 1))); then
  export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism:-none}
fi

# --bind-to none: with 1 or 2 ranks mpirun would bind each to one core. --oversubscribe: more ranks than cores (hardware
# threads do not count as cores there) are refused otherwise. -q: the program says itself why it ends.
# shellcheck disable=SC2086
mpirun -q --bind-to none --oversubscribe ${PRECIS_MPIRUN_OPTIONS-} -np "$ranks" "$@" <&0 &
mpirun=$!
trap 'kill -USR1 $mpirun 2>/dev/null' USR1 TERM INT
wait $mpirun
code=$?
while kill -0 $mpirun 2>/dev/null; do  # a signal that was trapped ends `wait` early
  wait $mpirun
  code=$?
done
if ((code > 128 && code < 160)); then
  echo "local.sh: a rank was ended by signal $((code - 128)) ($(kill -l $((code - 128))))" >&2
fi
exit $code
