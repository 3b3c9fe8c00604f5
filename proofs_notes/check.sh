#!/usr/bin/env bash
# Checks every proof of this folder: compiles the Coq files, has them re-checked by Coq's independent checker,
# and lists the axioms they rest on. Fails on an unfinished proof and on any axiom beyond those of the reals.
# Installs Coq from Debian's packages when it is missing.
#   usage: check.sh             everything
#          check.sh --compile   only compile (what the tests need)
set -euo pipefail
cd "$(dirname "$0")/coq"

mapfile -t modules < <(sed -n 's/\.v$//p' _CoqProject)

if grep -nE '\b(Admitted|admit|Axioms?|Parameters?|Conjectures?|give_up|Unset (Guard|Positivity|Universe) Checking|bypass_check)\b' ./*.v; then
  echo "unfinished or assumed: see the lines above" >&2
  exit 1
fi
for file in *.v; do
  grep -qx "$file" _CoqProject || { echo "not compiled: file=$file is missing in _CoqProject" >&2; exit 1; }
done

if ! command -v coqc >/dev/null || [ ! -d "$(coqc -where)/user-contrib/Interval" ]; then
  echo "Coq is missing: installing coq, libcoq-coquelicot and libcoq-interval with apt-get" >&2
  apt-get update -q >&2
  apt-get install -y -q coq libcoq-coquelicot libcoq-interval >&2
fi

coq_makefile -f _CoqProject -o Makefile.coq
start=$SECONDS
make --no-print-directory -f Makefile.coq -j2
echo "compiled: ${#modules[@]} files in $((SECONDS - start)) s"
[ "${1:-}" = --compile ] && exit 0

start=$SECONDS
coqchk -silent -Q . Dagverify $(printf -- '-norec Dagverify.%s ' "${modules[@]}")
echo "coqchk: accepted in $((SECONDS - start)) s"

echo "axioms:"
../axioms.sh . "${modules[@]}"
