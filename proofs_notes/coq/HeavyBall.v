(** * The classical heavy ball

    A step is [D' = - eta g + mu D] with a constant [mu]: the form found in common software.  The error itself
    may rise for a while; the energy [V = E + mu/(2 eta) |D|^2] does not. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges.
Open Scope R_scope.

Definition heavy_ball_step {n} (eta mu : R) (g d : vec n) : vec n := (- eta) ⊙ g ⊕ mu ⊙ d.
Definition energy {n} (eta mu : R) (E : vec n -> R) (w d : vec n) : R := E w + mu / (2 * eta) * dot d d.

Section OneStep.
Context {n : nat}.
Implicit Types (w g d : vec n) (E : vec n -> R).

(** After the share [t] of the step: the kept terms [t (1 - t)] and [|t D' - D|^2] are what the horizon and
    the cited theorem on limits live on. *)
Theorem heavy_ball_along_step L eta mu E w g d t :
  0 < eta -> below_parabola L E w g (t ⊙ heavy_ball_step eta mu g d) ->
  E (w ⊕ t ⊙ heavy_ball_step eta mu g d)
  + (mu / (2 * eta) + heavy_ball_gain L eta mu) * (t * t) * dot (heavy_ball_step eta mu g d) (heavy_ball_step eta mu g d)
  + t * (1 - t) / eta * dot (heavy_ball_step eta mu g d) (heavy_ball_step eta mu g d)
  + mu / (2 * eta) * dot (t ⊙ heavy_ball_step eta mu g d ⊖ d) (t ⊙ heavy_ball_step eta mu g d ⊖ d)
  <= energy eta mu E w d.
Proof.
  intros He HQ. unfold below_parabola in HQ. unfold energy, heavy_ball_gain.
  set (d' := heavy_ball_step eta mu g d) in *.
  assert (Hg : dot g d' = (mu * dot d d' - dot d' d') / eta).
  { assert (I : dot d' d' = - eta * dot g d' + mu * dot d d').
    { unfold d' at 1. unfold heavy_ball_step. now rewrite dot_add_l, !dot_scal_l. }
    rewrite I. field. lra. }
  rewrite !dot_scal_r, !dot_scal_l, Hg in HQ.
  rewrite !dot_sub_l, !dot_sub_r, !dot_scal_l, !dot_scal_r, (dot_sym d' d).
  eapply Rle_trans; [repeat apply Rplus_le_compat_r; exact HQ|]. right. field. lra.
Qed.

Corollary heavy_ball_decrease L eta mu E w g d :
  0 < eta -> below_parabola L E w g (heavy_ball_step eta mu g d) ->
  let d' := heavy_ball_step eta mu g d in
  energy eta mu E (w ⊕ d') d' + heavy_ball_gain L eta mu * dot d' d' + mu / (2 * eta) * dot (d' ⊖ d) (d' ⊖ d)
    <= energy eta mu E w d.
Proof.
  intros He HQ d'. pose proof (heavy_ball_along_step L eta mu E w g d 1 He) as H. fold d' in H. fold d' in HQ.
  replace (1 ⊙ d') with d' in H by vector_ring. specialize (H HQ). unfold energy at 1.
  replace (1 * (1 - 1) / eta) with 0 in H by (field; lra). lra.
Qed.
End OneStep.

(** The energy decreases by [S |D'|^2] with [S = 1/eta - L/2 - mu/eta]; the range is exactly where [S] is not
    negative; and it is exactly where the energy never increases, for any L-smooth error and previous step. *)
Theorem heavy_ball (n : nat) L eta mu : 0 < L -> 0 < eta -> 0 <= mu ->
  (forall E (w g d : vec n), below_parabola L E w g (heavy_ball_step eta mu g d) ->
     let d' := heavy_ball_step eta mu g d in
     energy eta mu E (w ⊕ d') d' <= energy eta mu E w d - heavy_ball_gain L eta mu * dot d' d') /\
  (0 <= heavy_ball_gain L eta mu <-> heavy_ball_range L eta mu) /\
  (heavy_ball_range L eta mu <->
   forall (E : vec (S n) -> R) G, smooth L E G -> forall w d,
     let d' := heavy_ball_step eta mu (G w) d in energy eta mu E (w ⊕ d') d' <= energy eta mu E w d).
Proof.
  intros HL He Hm.
  assert (Hcoef : 0 <= mu / (2 * eta)).
  { apply Rmult_le_pos; [lra|]. left; apply Rinv_0_lt_compat; lra. }
  assert (Dec : forall n E (w g d : vec n), below_parabola L E w g (heavy_ball_step eta mu g d) ->
     let d' := heavy_ball_step eta mu g d in
     energy eta mu E (w ⊕ d') d' <= energy eta mu E w d - heavy_ball_gain L eta mu * dot d' d').
  { intros p E w g d HQ d'. pose proof (heavy_ball_decrease L eta mu E w g d He HQ) as H. cbv zeta in H. fold d' in H.
    pose proof (Rmult_le_pos _ _ Hcoef (dot_pos (d' ⊖ d))). lra. }
  split; [apply Dec|]. split; [now apply heavy_ball_gain_nonneg_iff|]. split.
  - intros HR E G HS w d d'. apply (heavy_ball_gain_nonneg_iff L eta mu He) in HR.
    pose proof (Dec _ E w (G w) d (smooth_curvature L E G HS _ _ (fun _ _ => I))) as H. cbv zeta in H. fold d' in H.
    pose proof (Rmult_le_pos _ _ HR (dot_pos d')). lra.
  - (* A step that repeats itself: on the paraboloid, from  w = k d  with  - eta L k + mu = 1. *)
    intros H. set (d := (fun _ => 1) : vec (S n)).
    assert (Pd : 0 < dot d d).
    { assert (d <> vzero) as N.
      { intros Z. assert (d Fin.F1 = vzero Fin.F1) by now rewrite Z. unfold d, vzero in *; lra. }
      apply norm_nonzero in N. rewrite <- norm_sq. nra. }
    set (k := - (1 - mu) / (eta * L)).
    specialize (H _ _ (paraboloid_smooth L HL) (k ⊙ d) d). cbv zeta in H.
    assert (I : heavy_ball_step eta mu (L ⊙ (k ⊙ d)) d = d).
    { unfold heavy_ball_step, k. coordinatewise. field. lra. }
    rewrite I in H. unfold energy in H. rewrite paraboloid_exact, !dot_scal_l in H.
    assert (Q : dot d d * (L * k + L / 2) <= 0) by lra.
    assert (Q2 : L * k + L / 2 <= 0) by (apply Rnot_lt_le; intros F; assert (0 < dot d d * (L * k + L / 2)) by nra; lra).
    unfold heavy_ball_range. apply (Rmult_le_compat_l eta) in Q2; [|lra].
    replace (eta * (L * k + L / 2)) with (- (1 - mu) + L * eta / 2) in Q2 by (unfold k; field; lra). lra.
Qed.
