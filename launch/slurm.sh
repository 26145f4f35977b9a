#!/usr/bin/env bash
# sbatch [OPTIONS] launch/slurm.sh CONFIG [TRAINER ARGUMENTS...], from the root of the checkout. A job that runs into its
# time limit saves, is queued again and goes on. One task per GPU, or one or two per CPU node:
#
#   sbatch --nodes=2 --gpus-per-node=4 --ntasks-per-node=4 --cpus-per-task=8 launch/slurm.sh configs/cluster.yaml
#   sbatch --nodes=2 --ntasks-per-node=1 --cpus-per-task=16 launch/slurm.sh configs/cluster.yaml --run.device=cpu
#
# Options on sbatch's line go before those below. To adapt: partition, account and time limit; `module load` lines where
# the libraries come from modules; PRECIS_TRAINER, where the program is not ./trainer. Stop a job for good with
# `scancel JOB`; make it save and queue again at once with `scancel --batch --signal=USR1 JOB`.
#SBATCH --job-name=precis
#SBATCH --time=04:00:00
#SBATCH --output=precis-%j.log
#SBATCH --open-mode=append
#SBATCH --requeue
#SBATCH --signal=B:USR1@120

config=${1:?usage: sbatch launch/slurm.sh CONFIG [TRAINER ARGUMENTS...]}
shift
cd "${SLURM_SUBMIT_DIR:-.}" || exit 2
trainer=${PRECIS_TRAINER:-./trainer}

# srun starts the tasks itself where its PMIx plug-in is there; else mpirun does, in the same allocation.
if [[ $(srun --mpi=list 2>&1) == *pmix* ]]; then
  export SRUN_CPUS_PER_TASK=${SLURM_CPUS_PER_TASK:-1} # srun takes it from nowhere else since 22.05
  srun --mpi=pmix --kill-on-bad-exit=1 "$trainer" "$config" "$@" &
else
  launch/local.sh "${SLURM_NTASKS:?not in a Slurm job}" "$trainer" "$config" "$@" &
fi
job=$!

# USR1 comes from Slurm 120 s before the limit (up to a minute earlier), TERM from scancel. Both reach the ranks as USR1.
cancelled=no
trap 'kill -USR1 $job' USR1
trap 'cancelled=yes; kill -USR1 $job' TERM
while kill -0 $job 2>/dev/null; do wait $job; done # a signal that was trapped ends `wait` early
wait $job
code=$?

if ((code == 75)) && [[ $cancelled == no ]]; then
  echo "slurm.sh: saved; queueing job $SLURM_JOB_ID again to go on"
  scontrol requeue "$SLURM_JOB_ID" || echo "slurm.sh: it could not be queued again; submit the same line to go on"
fi
exit $code
