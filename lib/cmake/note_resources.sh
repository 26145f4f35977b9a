#!/bin/sh
# note_resources.sh COMMAND... -o OBJECT ...: runs nvcc, and keeps what its ptxas -v says of each kernel (registers, stack,
# spills, shared memory) in OBJECT.resources; tests/gpu/resources_test.py reads it. All else that nvcc says is shown.
object='' before=''
for word in "$@"; do
  [ "$before" != -o ] || object=$word
  before=$word
done
[ -n "$object" ] || exec "$@"
"$@" 2>"$object.resources"
code=$?
grep -vE '^ptxas info |^ +[0-9]+ bytes (stack frame|cumulative stack)' "$object.resources" >&2
exit $code
