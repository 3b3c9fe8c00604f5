(** * Constants that cannot be improved

    Three tempting statements, each a true one with one number changed, and the counterexample that refutes it. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps HeavyBall.
Open Scope R_scope.

Definition one : vec 1 := fun _ => 1.

Lemma one_nonzero : one <> vzero.
Proof. intros Z. assert (one Fin.F1 = vzero Fin.F1) by now rewrite Z. unfold one, vzero in *; lra. Qed.

Lemma dot_one : dot one one = 1.
Proof. unfold dot, one. simpl. ring. Qed.

(** The range with 2.1/L instead of 2/L contains a setting that makes the error grow. *)
Theorem wider_range_fails L : 0 < L -> exists eta tau p,
  0 < eta /\ 0 <= tau /\ tau <= Rmin eta (21 / 10 / L - eta) /\
  paraboloid L one < paraboloid L (one ⊕ step eta (L ⊙ one) (adaptive_momentum tau (L ⊙ one) p)).
Proof.
  intros HL. set (x := 21 / 20 / L). assert (Hx : L * x = 21 / 20) by (unfold x; field; lra).
  assert (0 < x) by nra.
  destruct (increase_outside_range L x x one one_nonzero HL) as [p Hp]; try lra.
  - rewrite sharp_range_iff by assumption. lra.
  - exists x, x, p. repeat split; try lra. apply Rmin_glb; [lra|].
    right. unfold x. field. lra.
Qed.

(** The gain with L/4 instead of L/2 promises more than plain gradient descent gains on a parabola. *)
Theorem larger_gain_fails : exists L eta, 0 < L /\ 0 < eta /\
  paraboloid L one - (eta - L / 4 * (eta * eta)) * dot (L ⊙ one) (L ⊙ one)
    < paraboloid L (one ⊕ step eta (L ⊙ one) vzero).
Proof.
  exists 1, 1. repeat split; try lra. rewrite paraboloid_exact.
  replace (step 1 (1 ⊙ one) vzero) with ((-1) ⊙ one) by (unfold step; vector_ring).
  unfold paraboloid. rewrite !dot_scal_l, !dot_scal_r, dot_one. lra.
Qed.

(** The energy with mu/(3 eta) instead of mu/(2 eta) grows at an admissible setting. *)
Theorem smaller_energy_fails : exists L eta mu (w d : vec 1),
  0 < L /\ 0 < eta /\ 0 <= mu < 1 /\ heavy_ball_range L eta mu /\
  let d' := heavy_ball_step eta mu (L ⊙ w) d in
  paraboloid L w + mu / (3 * eta) * dot d d < paraboloid L (w ⊕ d') + mu / (3 * eta) * dot d' d'.
Proof.
  exists 1, 1, (1 / 2), ((-1 / 4) ⊙ one), one. unfold heavy_ball_range. repeat split; try lra. cbv zeta.
  replace (heavy_ball_step 1 (1 / 2) (1 ⊙ ((-1 / 4) ⊙ one)) one) with ((3 / 4) ⊙ one)
    by (unfold heavy_ball_step; coordinatewise; field).
  rewrite paraboloid_exact. unfold paraboloid. rewrite !dot_scal_l, !dot_scal_r, dot_one. lra.
Qed.
