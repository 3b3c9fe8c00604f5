#!/usr/bin/env bash
# Prints the axioms behind every theorem of the given Coq modules (logical path: Dagverify) and fails if one of
# them is not on the list below. These are the axioms of Coq's classical real numbers, and nothing else.
#   usage: axioms.sh FOLDER MODULE...
set -euo pipefail

allowed=(
  ClassicalDedekindReals.sig_forall_dec
  ClassicalDedekindReals.sig_not_dec
  FunctionalExtensionality.functional_extensionality_dep
  Classical_Prop.classic
)

folder=$1
shift
query=$(mktemp -d)
trap 'rm -rf "$query"' EXIT
for module in "$@"; do
  echo "Require Import Dagverify.$module."
  sed -nE "s/^ *(Theorem|Corollary) +([A-Za-z0-9_']+).*/Check \"theorem \2\". Print Assumptions Dagverify.$module.\2./p" "$folder/$module.v"
done | sed '1i Require Import String. Local Open Scope string_scope.' >"$query/Query.v"

coqc -w -ambiguous-paths -Q "$folder" Dagverify "$query/Query.v" >"$query/answer"
awk -v allowed="${allowed[*]}" '
  BEGIN { count = split(allowed, names, " "); for (i = 1; i <= count; i++) ok[names[i]] = 1 }
  /^"theorem / { theorem = $2; sub(/"$/, "", theorem); theorems++; next }
  /^Axioms:/ || /^ / || /^Closed under/ { next }
  /^[A-Za-z_.0-9\047]+( |$)/ {
    used[$1]++
    if (!($1 in ok)) { printf "axiom outside the allow-list: theorem=%s axiom=%s\n", theorem, $1 > "/dev/stderr"; bad = 1 }
  }
  END {
    if (!theorems) { print "no theorem found" > "/dev/stderr"; exit 1 }
    for (axiom in used) printf "  %-58s %d of %d theorems\n", axiom, used[axiom], theorems
    exit bad
  }' "$query/answer" | sort
