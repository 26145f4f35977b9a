#!/usr/bin/env bash
# CONFIG=configs/cluster.yaml bsub < launch/lsf.sh, from the root of the checkout. LSF warns two minutes before the time
# limit (-wa, -wt), and queues the job again when it ends with 75 (-Q). ARGUMENTS="--train.max_iters=50" goes to the
# trainer. To adapt: the #BSUB lines (one slot per GPU: -n all slots, ptile slots a node), `module load` lines.
#BSUB -J precis
#BSUB -o precis-%J.log
#BSUB -n 8
#BSUB -R "span[ptile=4]"
#BSUB -gpu "num=4:mode=shared"
#BSUB -W 4:00
#BSUB -wa USR1
#BSUB -wt 2
#BSUB -Q 75

: "${CONFIG:?usage: CONFIG=configs/cluster.yaml bsub < launch/lsf.sh}"
: "${LSB_DJOB_HOSTFILE:?not in an LSF job}"
cd "${LS_SUBCWD:-.}" || exit 2

# local.sh passes the warning on to the ranks; `exec` makes it the process that LSF signals.
export PRECIS_MPIRUN_OPTIONS="--hostfile $LSB_DJOB_HOSTFILE ${PRECIS_MPIRUN_OPTIONS-}"
# shellcheck disable=SC2086
exec launch/local.sh "$(wc -l <"$LSB_DJOB_HOSTFILE")" "${PRECIS_TRAINER:-./trainer}" "$CONFIG" ${ARGUMENTS-}
