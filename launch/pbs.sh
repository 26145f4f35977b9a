#!/usr/bin/env bash
# qsub -v CONFIG=configs/cluster.yaml launch/pbs.sh, from the root of the checkout (OpenPBS, PBS Pro, Torque). A job that
# runs into its time limit saves, submits itself again and goes on. ARGUMENTS="--train.max_iters=50" goes to the trainer.
#
# To adapt: the #PBS lines (they count for the resubmission too: put resources here, not on qsub's line), one mpiprocs
# per GPU, or one or two per CPU node without ngpus; queue and account; `module load` lines. Torque writes the
# resources as nodes=2:ppn=4:gpus=4. Where Open MPI knows no PBS (Debian's does not) the ranks on other nodes are started
# by ssh; without ssh between nodes: PRECIS_MPIRUN_OPTIONS="--mca plm_rsh_agent pbs_tmrsh", from Open MPI 5 on
# PRECIS_MPIRUN_OPTIONS="--prtemca plm_ssh_agent pbs_tmrsh".
# Stop a job for good with qdel.
#PBS -N precis
#PBS -j oe
#PBS -l select=2:ncpus=32:ngpus=4:mpiprocs=4
#PBS -l walltime=04:00:00

cd "${PBS_O_WORKDIR:-.}" || exit 2
: "${CONFIG:?usage: qsub -v CONFIG=configs/cluster.yaml launch/pbs.sh}"
: "${PBS_NODEFILE:?not in a PBS job}"

# PBS gives no warning: its TERM at the limit goes to mpirun as well, which then kills the ranks within two seconds. So
# the job stops itself SAVE_SECONDS before.
seconds_left() {
  local limit=${PBS_WALLTIME-} # Torque
  if [[ -z $limit ]]; then
    limit=$(qstat -f "$PBS_JOBID" | awk -F'[=:]' '/Resource_List.walltime/ {print $2 * 3600 + $3 * 60 + $4}')
  fi
  [[ -n $limit ]] && echo $((limit - ${SAVE_SECONDS:-180}))
}

export PRECIS_MPIRUN_OPTIONS="--hostfile $PBS_NODEFILE ${PRECIS_MPIRUN_OPTIONS-}"
# shellcheck disable=SC2086
launch/local.sh "$(wc -l <"$PBS_NODEFILE")" "${PRECIS_TRAINER:-./trainer}" "$CONFIG" ${ARGUMENTS-} &
job=$!
if left=$(seconds_left); then
  (sleep "$left" && kill -USR1 $job) >/dev/null 2>&1 &
  timer=$!
fi

cancelled=no
trap 'cancelled=yes; kill -USR1 $job' TERM
while kill -0 $job 2>/dev/null; do wait $job; done # a signal that was trapped ends `wait` early
wait $job
code=$?
[[ -n ${timer-} ]] && kill "$timer" 2>/dev/null

if ((code == 75)) && [[ $cancelled == no ]]; then
  echo "pbs.sh: saved; submitting the job again to go on"
  qsub -v "CONFIG=$CONFIG${ARGUMENTS:+,ARGUMENTS=$ARGUMENTS}" launch/pbs.sh
fi
exit $code
