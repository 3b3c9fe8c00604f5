(** * Nesterov's variant with a constant coefficient

    [y = w + mu D], [D' = mu D - eta grad E(y)], [w' = w + D'].  With curvature between [-l] and [L] and
    [L eta <= 1] the energy [E(w) + |D|^2 / (2 eta)] does not increase if [mu^2 (1 + l eta) <= 1].  Nothing is convex. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges.
Open Scope R_scope.

Definition nesterov_energy {n} (eta : R) (E : vec n -> R) (w d : vec n) : R := E w + / (2 * eta) * dot d d.

Definition nesterov_step {n} (eta mu : R) (g d : vec n) : vec n := mu ⊙ d ⊖ eta ⊙ g.

(** With curvature at most [L] from above and from below. *)
Definition nesterov_range (L eta mu : R) : Prop := mu <= sqrt (1 / (1 + L * eta)).

(** Per squared length of the gradient at the point [y]. *)
Definition nesterov_gain (L eta mu : R) : R := eta / 2 * (1 - L * eta).

Lemma nesterov_range_iff L eta mu : 0 <= L * eta -> 0 <= mu ->
  (nesterov_range L eta mu <-> mu * mu * (1 + L * eta) <= 1).
Proof.
  intros HL Hm. unfold nesterov_range. assert (P : 0 < 1 + L * eta) by lra.
  assert (Q : 0 <= 1 / (1 + L * eta)) by (left; apply Rdiv_lt_0_compat; lra).
  pose proof (sqrt_pos (1 / (1 + L * eta))) as R0. pose proof (sqrt_sqrt _ Q) as R2.
  assert (I : 1 / (1 + L * eta) * (1 + L * eta) = 1) by (field; lra).
  set (r := sqrt (1 / (1 + L * eta))) in *. rewrite <- R2 in I. clearbody r. split; intros K.
  - assert (mu * mu <= r * r) by nra. nra.
  - apply Rnot_lt_le. intros F. assert (r * r < mu * mu) by nra. nra.
Qed.

Theorem nesterov_decrease n L l eta mu (E : vec n -> R) (w d g : vec n) :
  0 < eta -> mu * mu * (1 + l * eta) <= 1 ->
  let y := w ⊕ mu ⊙ d in let d' := nesterov_step eta mu g d in
  below_parabola L E y g ((- eta) ⊙ g) ->
  below_parabola l (fun u => - E u) y ((-1) ⊙ g) ((- mu) ⊙ d) ->
  nesterov_energy eta E (w ⊕ d') d' <= nesterov_energy eta E w d - nesterov_gain L eta mu * dot g g.
Proof.
  intros He Hmu y d' H1 H2. unfold below_parabola in H1, H2. unfold nesterov_energy, nesterov_gain.
  replace (y ⊕ (- eta) ⊙ g) with (w ⊕ d') in H1 by (unfold y, d', nesterov_step; vector_ring).
  replace (y ⊕ (- mu) ⊙ d) with w in H2 by (unfold y; vector_ring).
  rewrite !dot_scal_l, !dot_scal_r in H1. rewrite !dot_scal_l, !dot_scal_r in H2.
  assert (Q : dot d' d' = mu * (mu * dot d d) - mu * (eta * dot d g) - (eta * (mu * dot d g) - eta * (eta * dot g g))).
  { unfold d', nesterov_step. rewrite !dot_sub_l, !dot_sub_r, !dot_scal_l, !dot_scal_r, (dot_sym g d). ring. }
  rewrite Q. clear Q. set (x := E (w ⊕ d')) in *. rewrite (dot_sym g d) in H2. pose proof (dot_pos d) as Pd.
  set (a := dot d d) in *. set (b := dot d g) in *. set (c := dot g g) in *. clearbody a b c.
  assert (I : 0 < / (2 * eta)) by (apply Rinv_0_lt_compat; lra).
  assert (K : / (2 * eta) * (mu * mu * (1 + l * eta) * a) <= / (2 * eta) * a).
  { apply Rmult_le_compat_l; [lra|]. rewrite <- (Rmult_1_l a) at 2. now apply Rmult_le_compat_r. }
  replace (/ (2 * eta) * (mu * mu * (1 + l * eta) * a)) with (/ (2 * eta) * (mu * mu * a) + l / 2 * (mu * mu * a)) in K by (field; lra).
  replace (/ (2 * eta) * (mu * (mu * a) - mu * (eta * b) - (eta * (mu * b) - eta * (eta * c))))
    with (/ (2 * eta) * (mu * mu * a) - mu * b + eta / 2 * c) by (field; lra).
  lra.
Qed.

(** No wider range holds for this energy: two functions of curvature [-L] and [L]. *)
Definition bowl {n} (a : R) (u : vec n) : R := a / 2 * dot u u.

Lemma nesterov_coefficient_is_widest n L eta mu (d : vec n) : 0 < eta -> 1 < mu * mu * (1 + L * eta) -> 0 < dot d d ->
  let w := (- mu) ⊙ d in let g := (- L) ⊙ (w ⊕ mu ⊙ d) in let d' := nesterov_step eta mu g d in
  nesterov_energy eta (bowl (- L)) w d < nesterov_energy eta (bowl (- L)) (w ⊕ d') d'.
Proof.
  intros He Hmu Hd w g d'. unfold nesterov_energy, bowl.
  replace (w ⊕ d') with (0 ⊙ d) by (unfold d', nesterov_step, g, w; vector_ring).
  replace d' with (mu ⊙ d) by (unfold d', nesterov_step, g, w; vector_ring). unfold w.
  rewrite !dot_scal_l, !dot_scal_r. set (a := dot d d) in *. clearbody a.
  assert (I : 0 < / (2 * eta)) by (apply Rinv_0_lt_compat; lra).
  assert (K : / (2 * eta) * (1 * a) < / (2 * eta) * (mu * mu * (1 + L * eta) * a))
    by (apply Rmult_lt_compat_l; [exact I|apply Rmult_lt_compat_r; assumption]).
  replace (/ (2 * eta) * (mu * mu * (1 + L * eta) * a)) with (/ (2 * eta) * (mu * mu * a) + L / 2 * (mu * mu * a)) in K by (field; lra).
  lra.
Qed.

Lemma nesterov_rate_is_widest n L eta mu (w : vec n) : 0 < L -> 0 < eta -> 1 < L * eta -> 0 < dot w w ->
  let g := L ⊙ w in let d' := nesterov_step eta mu g vzero in
  nesterov_energy eta (bowl L) w vzero < nesterov_energy eta (bowl L) (w ⊕ d') d'.
Proof.
  intros HL He Hrate Hw g d'. unfold nesterov_energy, bowl.
  replace (w ⊕ d') with ((1 - L * eta) ⊙ w) by (unfold d', nesterov_step, g; vector_ring).
  replace d' with ((- (L * eta)) ⊙ w) by (unfold d', nesterov_step, g; vector_ring).
  replace (@vzero n) with (0 ⊙ w) by vector_ring.
  rewrite !dot_scal_l, !dot_scal_r. set (a := dot w w) in *. clearbody a.
  replace (/ (2 * eta) * (- (L * eta) * (- (L * eta) * a))) with (L * (L * eta) / 2 * a) by (field; lra).
  assert (0 < L / 2 * (L * eta) * (L * eta - 1) * a).
  { apply Rmult_lt_0_compat; [|exact Hw]. apply Rmult_lt_0_compat; [|lra]. apply Rmult_lt_0_compat; nra. }
  lra.
Qed.

Theorem nesterov n L eta mu S (E : vec n -> R) G (w d : vec n) :
  0 < L -> 0 < eta -> 0 <= mu -> nesterov_range L eta mu -> L * eta <= 1 ->
  curvature_at_most L S E G -> curvature_at_most L S (fun u => - E u) (fun u => (-1) ⊙ G u) ->
  let y := w ⊕ mu ⊙ d in let d' := nesterov_step eta mu (G y) d in
  segment_in S y ((- eta) ⊙ G y) -> segment_in S y ((- mu) ⊙ d) ->
  nesterov_energy eta E (w ⊕ d') d' <= nesterov_energy eta E w d - nesterov_gain L eta mu * dot (G y) (G y) /\
  0 <= nesterov_gain L eta mu.
Proof.
  intros HL He Hm HR Hrate HA HB y d' S1 S2. split.
  - apply (nesterov_decrease n L L); [exact He| |now apply HA|now apply (HB y)].
    apply nesterov_range_iff in HR; [exact HR|nra|exact Hm].
  - unfold nesterov_gain. apply Rmult_le_pos; lra.
Qed.
