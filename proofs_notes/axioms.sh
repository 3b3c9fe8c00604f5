#!/usr/bin/env bash
# Prints the axioms behind the theorems of the given Coq modules (logical path: Dagverify) and fails if one of them is
# not on the list below. These are the axioms of Coq's classical real numbers, and nothing else.
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
{
  echo "Require Import String."
  for module in "$@"; do
    echo "Require Dagverify.$module."
    for theorem in $(sed -nE "s/^ *(Theorem|Corollary) +([A-Za-z0-9_']+).*/\2/p" "$folder/$module.v"); do
      echo "Check \"theorem $theorem\"%string. Print Assumptions Dagverify.$module.$theorem."
    done
  done
} >"$query/Query.v"

coqc -w -ambiguous-paths -Q "$folder" Dagverify "$query/Query.v" >"$query/answer"
awk -v allowed="${allowed[*]}" '
  BEGIN { count = split(allowed, names, " "); for (i = 1; i <= count; i++) ok[names[i]] = 1 }
  /^"theorem / { theorem = $2; sub(/"(%string)?$/, "", theorem); theorems++; seen[theorem]; next }
  /^Axioms:/ || /^ / || /^Closed under/ { next }
  /^[A-Za-z_.0-9\047]+( |$)/ {
    short = $1
    sub(/.*\./, "", short)
    used[theorem] = used[theorem] " " short
    if (!($1 in ok)) { printf "axiom outside the allow-list: theorem=%s axiom=%s\n", theorem, $1 > "/dev/stderr"; bad = 1 }
  }
  END {
    if (!theorems) { print "no theorem found" > "/dev/stderr"; exit 1 }
    for (theorem in seen) if (!(theorem in used)) used[theorem] = " none"
    for (theorem in used) printf "  %-26s%s\n", theorem, used[theorem]
    exit bad
  }' "$query/answer" | sort
