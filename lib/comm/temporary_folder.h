// Where Open MPI keeps the files of a running program, and whether it can.
#pragma once

namespace precis {

/// Looks whether the folder in which Open MPI is going to keep its files can be used, and makes it
/// where it is missing, as Open MPI does. A variable that is set to nothing is unset: Open MPI
/// would take / for it. For a program that is started without mpirun, whose MPI_Init would
/// otherwise end the process with words that name neither folder nor remedy; the folder of mpirun
/// itself is looked at by launch/mpirun.sh.
///
/// Throws DeviceError that names the folder and the variable it comes from.
void prepare_temporary_folder();

}  // namespace precis
