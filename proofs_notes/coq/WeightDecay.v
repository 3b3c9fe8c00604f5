(** * Weight decay: the iterates stay bounded for ever

    With a penalty [lam/2 |w|^2] a small error forces small weights: the sublevel set of the starting point
    lies in a ball of radius [rho_0 = sqrt (2 E(w_0) / lam)], and no admissible step can leave it. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates.
Open Scope R_scope.

Definition with_decay {n} (lam : R) (E : vec n -> R) (w : vec n) : R := E w + lam / 2 * dot w w.

(** The radius of a ball that holds every point whose decayed error is at most [start]. *)
Definition decay_radius (lam start : R) : R := sqrt (2 * start / lam).

Lemma origin_ball n (w : vec n) : w ⊖ vzero = w.
Proof. vector_ring. Qed.

Lemma sublevel_is_bounded n lam (E : vec n -> R) w start :
  0 < lam -> 0 <= E w -> with_decay lam E w <= start -> norm w <= decay_radius lam start.
Proof.
  intros Hlam HE H. unfold with_decay, decay_radius in *. unfold norm. apply sqrt_le_1_alt.
  apply le_div; [exact Hlam|]. lra.
Qed.

(** A step on which the error never exceeds the starting error stays within [rho_0], if every point of radius
    [rho > rho_0] that it might pass first is known not to exceed it either. *)
Lemma bounded_step_stays n lam (E : vec n -> R) w d start rho :
  0 < lam -> (forall u, 0 <= E u) -> decay_radius lam start < rho -> with_decay lam E w <= start ->
  (forall t, 0 <= t <= 1 -> (forall s, 0 <= s <= t -> ball vzero rho (line w d s)) ->
     with_decay lam E (line w d t) <= start) ->
  segment_in (ball vzero rho) w d.
Proof.
  intros Hlam HE Hrho Hw Hstep. apply segment_stays.
  - rewrite origin_ball. pose proof (sublevel_is_bounded n lam E w start Hlam (HE w) Hw). lra.
  - intros t Ht Hpart. rewrite origin_ball.
    eapply Rle_lt_trans; [|exact Hrho]. apply (sublevel_is_bounded n lam E); auto. apply Hstep; [lra|exact Hpart].
Qed.

(** [E] is the error without its penalty; [G] is the gradient of the error with it, and [L] bounds the latter's
    curvature on a ball that is larger, by however little, than [rho_0]. *)
Theorem weight_decay n L eta tau lam rho (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> sharp_range L eta tau -> 0 < lam -> (forall u, 0 <= E u) ->
  decay_radius lam (with_decay lam E (w O)) < rho ->
  curvature_at_most L (ball vzero rho) (with_decay lam E) G ->
  momentum_forever eta tau G w ->
  forall k,
    norm (w k) <= decay_radius lam (with_decay lam E (w O)) /\
    segment_in (ball vzero rho) (w k) (w (S k) ⊖ w k) /\
    with_decay lam E (w (S k)) <=
      with_decay lam E (w k) - sharp_gain L eta tau * (norm (G (w k)) * norm (G (w k))).
Proof.
  intros HL He Ht HR Hlam HE Hrho HS Hmom.
  assert (Hc : 0 <= sharp_gain L eta tau) by now apply sharp_gain_nonneg_iff.
  set (start := with_decay lam E (w O)) in *.
  assert (Stay : forall k, with_decay lam E (w k) <= start ->
                 segment_in (ball vzero rho) (w k) (w (S k) ⊖ w k)).
  { intros k Hk. apply (bounded_step_stays n lam E _ _ start); try assumption.
    intros t T Hpart. pose proof (decrease_at eta tau G w L _ _ k t HL Ht (Hmom k) HS (proj1 T) Hpart) as HD.
    pose proof (star_shape_range L eta tau t HL He Ht T HR) as Hstar.
    pose proof (dot_pos (G (w k))).
    assert (0 <= t * t * sharp_gain L eta tau) by (apply Rmult_le_pos; nra).
    assert (0 <= sharp_gain L (t * eta) (t * tau) * dot (G (w k)) (G (w k))) by nra. lra. }
  assert (Dec : forall k, with_decay lam E (w k) <= start -> with_decay lam E (w (S k)) <=
      with_decay lam E (w k) - sharp_gain L eta tau * (norm (G (w k)) * norm (G (w k)))).
  { intros k Hk. apply (decrease_of_whole_step eta tau G w L (ball vzero rho)); auto. }
  assert (Inv : forall k, with_decay lam E (w k) <= start).
  { induction k; [unfold start; lra|]. specialize (Dec k IHk). pose proof (norm_pos (G (w k))). nra. }
  intros k. repeat split; auto. now apply (sublevel_is_bounded n lam E).
Qed.
