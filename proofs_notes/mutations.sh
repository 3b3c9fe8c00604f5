#!/usr/bin/env bash
# Do the proofs notice a wrong number? Each mutation changes one constant of one definition or statement, and
# nothing else; the files must then fail to compile, and fail because the arithmetic no longer works out, not
# because a name, a type or the syntax is wrong.
#   usage: mutations.sh [FILE.v...]        of these files only (check.sh must have compiled the proofs)
set -euo pipefail
cd "$(dirname "$0")/coq"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
survived=0
wanted=" $* "

# mutate FILE OLD NEW: OLD is a fixed string; its first occurrence becomes NEW.
mutate() {
  local file=$1 old=$2 new=$3
  [[ $wanted == "  " || $wanted == *" $file "* ]] || return 0
  rm -rf "$work/coq"
  cp -rp . "$work/coq"
  if ! OLD=$old NEW=$new perl -0pi -e 's/\Q$ENV{OLD}\E/$ENV{NEW}/ or die "no match\n"' "$work/coq/$file"; then
    echo "mutation cannot be applied: file=$file text='$old'" >&2
    survived=1
    return
  fi
  local log
  if log=$(make --no-print-directory -C "$work/coq" -f Makefile.coq 2>&1); then
    echo "SURVIVED  $file: $old -> $new" >&2
    survived=1
  elif grep -qE 'Cannot find witness|No applicable tactic|not a valid (ring|field) equation' <<<"$log" &&
    ! grep -qE 'was not found|[Ss]yntax error|Cannot find a physical path|has type .* while' <<<"$log"; then
    echo "rejected  $file: $old -> $new  ($(grep -m1 -oE 'File "[^,]*, line [0-9]+' <<<"$log"))"
  else
    echo "rejected for another reason than arithmetic: $file: $old -> $new" >&2
    tail -5 <<<"$log" >&2
    survived=1
  fi
}

mutate Gradient.v   'L / 2 * dot d d'                   'L / 4 * dot d d'
mutate Ranges.v     'Rmin eta (2 / L - eta)'            'Rmin eta (21 / 10 / L - eta)'
mutate Ranges.v     'eta - L * (eta * eta) / 2'         'eta - L * (eta * eta) / 4'
mutate Ranges.v     'eta - tau - L / 2 *'               'eta - tau - L / 4 *'
mutate Ranges.v     'sqrt (1 + 4 * L * eta)'            'sqrt (1 + 5 * L * eta)'
mutate Ranges.v     't * t * sharp_gain L eta tau + t'  't * sharp_gain L eta tau + t'
mutate Ranges.v     '1 / eta - L / 2 - mu / eta'        '1 / eta - L / 4 - mu / eta'
mutate Ranges.v     'mu <= 1 - L * eta / 2'             'mu <= 1 - L * eta / 3'
mutate Variants.v   '(1 - L * eta) * r * tau'           '(1 - L * eta) * r * (2 * tau)'
mutate Variants.v   'tau * (norm estimate - err)'       'tau * (norm estimate + err)'
mutate Staying.v    'speed * sqrt (K * drop / c)'       'speed * sqrt (K * drop / (2 * c))'
mutate WeightDecay.v 'sqrt (2 * start / lam)'           'sqrt (start / lam)'
mutate Sums.v       '<= (e O - floor) / c'              '<= (e O - floor) / (2 * c)'
mutate HeavyBall.v  'mu / (2 * eta) * dot d d'          'mu / (3 * eta) * dot d d'
mutate Downhill.v  'Rmin (sqrt (2 * eta / L - eta * eta))' 'Rmin (sqrt (3 * eta / L - eta * eta))'
mutate Downhill.v  'Rmin (sqrt (eta / L - eta * eta))' 'Rmin (sqrt (2 * eta / L - eta * eta))'
mutate Downhill.v  'Rmin (eta - L * (eta * eta + tau * tau) / 2)' 'Rmin (eta - L * (eta * eta + tau * tau) / 3)'
mutate Downhill.v  '(downhill_curvature eta tau - L / 2)) <= rho' '(downhill_curvature eta tau - L / 3)) <= rho'
mutate HeavyBallForever.v 'mu / (2 * eta) * (bound * bound)' 'mu / (3 * eta) * (bound * bound)'
mutate FromRest.v  'sqrt (2 * INR K * (start - lowest) / L)' 'sqrt (INR K * (start - lowest) / L)'
mutate Downhill.v  'eta / 2 <= from_rest_gain L eta tau.' 'eta <= from_rest_gain L eta tau.'
mutate FromRest.v  'dot (G w) d + L * dot d d' 'dot (G w) d + L / 2 * dot d d'
mutate Nesterov.v  'sqrt (1 / (1 + L * eta))' 'sqrt (1 / (1 + L * eta / 2))'
mutate Nesterov.v  'eta / 2 * (1 - L * eta)' 'eta * (1 - L * eta)'
mutate Nesterov.v  'E w + / (2 * eta) * dot d d' 'E w + / (3 * eta) * dot d d'
mutate PL.v        'norm (w k ⊖ w O) <= (eta + tau) * sum_below k g' 'norm (w k ⊖ w O) <= eta * sum_below k g'
mutate LocalMinimum.v 'norm (w k ⊖ x)) <= 2 * (E (w k) - E x)' 'norm (w k ⊖ x)) <= E (w k) - E x'
mutate LocalMinimum.v 'm * norm (x ⊖ u) <= norm (G u)' '2 * m * norm (x ⊖ u) <= norm (G u)'
mutate Graph.v     'dot (pull u) d = dot u (along J d)' 'dot (pull u) d = 2 * dot u (along J d)'
mutate Graph.v     'x (b i) ⊙ unit_at (a i)'            '(2 * x (b i)) ⊙ unit_at (a i)'
mutate Epoch.v      '(1 + q) * epoch_path'              '(1 + q / 2) * epoch_path'
mutate Epoch.v      'L * (eta + tau) * sum_below K (epoch_travel' 'L * eta * sum_below K (epoch_travel'
mutate Epoch.v      '+ tau * sum_below K a +'           '+ tau / 2 * sum_below K a +'
mutate Epoch.v      'mu * (v + epoch_speed eta tau mu'  'mu * (v + epoch_speed eta tau mu / 2'
mutate SecondDerivative.v 'q = dot (newest (backward rest' 'q = 2 * dot (newest (backward rest'
mutate SecondDerivative.v '=> 2 * (d (a i) * d (b i))'  '=> d (a i) * d (b i)'
mutate SecondDerivative.v "g'' (x (k i)) * (d (k i) * d (k i))."  "2 * g'' (x (k i)) * (d (k i) * d (k i))."
mutate SecondDerivative.v 'q t <= L * dot d d'       'q t <= 2 * L * dot d d'
mutate Alignment.v  'square P <= 1 -> square Q <= 1' 'square P <= 2 -> square Q <= 1'
mutate Alignment.v  'top_at_most tau y (b * b)'      'top_at_most tau y (2 * b * b)'
mutate Bounds.v     'reach * (g0 + L * farthest L reach g0 j)' 'reach * (g0 + L / 2 * farthest L reach g0 j)'
mutate Bounds.v     'c -> d O = 0'                      'c -> d O = 1'
mutate Bounds.v     '0 < L -> L * eta <= 2'             '0 < L -> L * eta <= 3'
mutate Bounds.v     'rate + tau <= eta ->'              'rate + tau <= 2 * eta ->'
mutate Bounds.v     '<= r) ->
  phi t'                    '<= 2 * r) ->
  phi t'

exit $survived
