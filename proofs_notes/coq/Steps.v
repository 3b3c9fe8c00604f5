(** * One step of gradient descent with momentum

    A step from [w] is [D = - eta g + m]: [g] the gradient, [eta] the learning rate, [m] the momentum term.
    The theorems use one property of the momentum term, [norm m <= tau * norm g]; how it was made does not
    matter. *)

Require Import Reals Lra Psatz FunctionalExtensionality.
From Dagverify Require Import Vectors Gradient Descent Ranges.
Open Scope R_scope.

Definition step {n} (eta : R) (g m : vec n) : vec n := (- eta) ⊙ g ⊕ m.

(** The adaptive rule: momentum along the previous step [p], of length [tau |g|].  If [p] is zero so is the
    product, whatever its first factor: no previous step, no momentum. *)
Definition adaptive_momentum {n} (tau : R) (g p : vec n) : vec n := (tau * norm g / norm p) ⊙ p.

Section OneStep.
Context {n : nat}.
Implicit Types (w g m p : vec n) (E : vec n -> R) (G : vec n -> vec n) (S : vec n -> Prop).

Lemma adaptive_momentum_bounded tau g p : 0 <= tau -> norm (adaptive_momentum tau g p) <= tau * norm g.
Proof.
  intros Ht. unfold adaptive_momentum. pose proof (norm_pos g) as Pg. pose proof (norm_pos p) as Pp.
  assert (Q : 0 <= tau * norm g) by nra.
  rewrite norm_scal. destruct (Req_dec (norm p) 0) as [Z|NZ].
  - rewrite Z at 2. lra.
  - rewrite Rabs_pos_eq; [right; now field|].
    apply Rmult_le_pos; [exact Q|]. left; apply Rinv_0_lt_compat; lra.
Qed.

Lemma step_shorten t eta g m : t ⊙ step eta g m = step (t * eta) g (t ⊙ m).
Proof. unfold step; vector_ring. Qed.

Lemma step_length eta tau g m : 0 <= eta -> norm m <= tau * norm g ->
  norm (step eta g m) <= (eta + tau) * norm g.
Proof.
  intros He Hm. unfold step. eapply Rle_trans; [apply norm_triangle|].
  rewrite norm_scal, Rabs_Ropp, Rabs_pos_eq by assumption. lra.
Qed.

(** The parabola of the descent lemma, evaluated at a step. *)
Lemma parabola_at_step L eta g m :
  dot g (step eta g m) + L / 2 * dot (step eta g m) (step eta g m)
  = (- eta + L * (eta * eta) / 2) * dot g g + (1 - L * eta) * dot g m + L / 2 * dot m m.
Proof.
  unfold step. rewrite !dot_add_r, !dot_add_l, !dot_scal_r, !dot_scal_l, (dot_sym m g). field.
Qed.

(** The quantified decrease behind the sharp range. *)
Theorem sharp_decrease L eta tau E w g m :
  0 < L -> 0 <= tau -> norm m <= tau * norm g ->
  below_parabola L E w g (step eta g m) ->
  E (w ⊕ step eta g m) <= E w - sharp_gain L eta tau * dot g g.
Proof.
  intros HL Ht Hm HQ. unfold below_parabola in HQ.
  rewrite Rplus_assoc, parabola_at_step in HQ. unfold sharp_gain.
  pose proof (cauchy_schwarz g m) as CS.
  pose proof (norm_pos g). pose proof (norm_pos m).
  rewrite <- (norm_sq g), <- (norm_sq m) in HQ. rewrite <- (norm_sq g).
  eapply Rle_trans; [exact HQ|]. clear HQ.
  set (x := norm g) in *; set (y := norm m) in *; set (b := dot g m) in *; clearbody x y b.
  assert (Hb : (1 - L * eta) * b <= Rabs (1 - L * eta) * (tau * x * x)).
  { eapply Rle_trans; [apply Rle_abs|]. rewrite Rabs_mult.
    apply Rmult_le_compat_l; [apply Rabs_pos|]. eapply Rle_trans; [exact CS|]. nra. }
  assert (Hy : L * (y * y) <= L * (tau * x * (tau * x))).
  { apply Rmult_le_compat_l; [lra|]. apply Rmult_le_compat; assumption. }
  set (A := Rabs (1 - L * eta)) in *. clearbody A. nra.
Qed.

(** The same for each initial part of a step, in a region where the curvature is bounded. *)
Theorem decrease_along_step L eta tau S E G w m t :
  0 < L -> 0 <= tau -> norm m <= tau * norm (G w) -> curvature_at_most L S E G -> 0 <= t ->
  (forall s, 0 <= s <= t -> S (line w (step eta (G w) m) s)) ->
  E (line w (step eta (G w) m) t) <= E w - sharp_gain L (t * eta) (t * tau) * dot (G w) (G w).
Proof.
  intros HL Ht Hm HS Ht0 Hseg. unfold line. rewrite step_shorten. apply sharp_decrease; try assumption.
  - nra.
  - rewrite norm_scal, Rabs_pos_eq by assumption. nra.
  - rewrite <- step_shorten. apply HS, segment_shorten; assumption.
Qed.

(** ** The argument by the triangle inequality *)

(** If the momentum size is in the triangle range, the step gains at least
    [triangle_gain = eta - tau - L/2 (eta + tau)^2 >= 0] times the squared gradient. *)
Theorem triangle L eta tau E w g m :
  0 < L -> 0 < eta -> 0 <= tau -> triangle_range L eta tau ->
  norm m <= tau * norm g -> below_parabola L E w g (step eta g m) ->
  0 <= triangle_gain L eta tau /\
  E (w ⊕ step eta g m) <= E w - triangle_gain L eta tau * dot g g.
Proof.
  intros HL He Ht HR Hm HQ. split; [now apply triangle_gain_nonneg_iff|].
  unfold below_parabola in HQ. unfold triangle_gain.
  assert (P : dot g (step eta g m) <= (- eta + tau) * dot g g).
  { unfold step. rewrite dot_add_r, dot_scal_r. pose proof (dot_le_norms g m).
    pose proof (norm_pos g). rewrite <- (norm_sq g). nra. }
  assert (Q : dot (step eta g m) (step eta g m) <= (eta + tau) * (eta + tau) * dot g g).
  { rewrite <- (norm_sq g). eapply Rle_trans; [apply sq_le_norm, (step_length eta tau); [lra|exact Hm]|]. lra. }
  nra.
Qed.

End OneStep.

(** ** The sharp range *)

Section Sharpness.
Context {n : nat}.
Implicit Types w p : vec n.

Lemma paraboloid_step L eta a w :
  paraboloid L (w ⊕ step eta (L ⊙ w) (a ⊙ w)) = (1 - L * eta + a) * (1 - L * eta + a) * paraboloid L w.
Proof.
  replace (w ⊕ step eta (L ⊙ w) (a ⊙ w)) with ((1 - L * eta + a) ⊙ w) by (unfold step; vector_ring).
  unfold paraboloid. rewrite dot_scal_l, dot_scal_r. ring.
Qed.

Lemma adaptive_momentum_along L tau s w : 0 < L -> s * s = 1 -> w <> vzero ->
  adaptive_momentum tau (L ⊙ w) (s ⊙ w) = (L * tau * s) ⊙ w.
Proof.
  intros HL Hs Hw. pose proof (norm_nonzero w Hw). unfold adaptive_momentum.
  rewrite !norm_scal, (Rabs_pos_eq L) by lra.
  assert (Rabs s = 1) as -> by (unfold Rabs; destruct (Rcase_abs s); nra).
  coordinatewise. field. lra.
Qed.

(** Outside the range the paraboloid and a previous step along +w or -w make the error grow. *)
Theorem increase_outside_range L eta tau w :
  w <> vzero -> 0 < L -> 0 < eta -> 0 <= tau -> ~ sharp_range L eta tau ->
  exists p, paraboloid L w < paraboloid L (w ⊕ step eta (L ⊙ w) (adaptive_momentum tau (L ⊙ w) p)).
Proof.
  intros Hw HL He Ht Hout.
  assert (Pw : 0 < paraboloid L w).
  { unfold paraboloid. rewrite <- norm_sq. pose proof (norm_nonzero w Hw).
    assert (0 < norm w * norm w) by nra. nra. }
  rewrite sharp_range_iff in Hout by assumption.
  destruct (Rlt_le_dec eta tau) as [Hb|Hb].
  - exists (1 ⊙ w). rewrite adaptive_momentum_along by (assumption || ring). rewrite paraboloid_step.
    assert (1 < 1 - L * eta + L * tau * 1) by nra.
    assert (1 < (1 - L * eta + L * tau * 1) * (1 - L * eta + L * tau * 1)) by nra. nra.
  - exists ((-1) ⊙ w). rewrite adaptive_momentum_along by (assumption || ring). rewrite paraboloid_step.
    assert (2 < L * (eta + tau)) by lra.
    assert (1 - L * eta + L * tau * -1 < -1) by nra.
    assert (1 < (1 - L * eta + L * tau * -1) * (1 - L * eta + L * tau * -1)) by nra. nra.
Qed.
End Sharpness.

(** The gain, the range as exactly those settings for which the gain is not negative, and the range as
    exactly those settings for which the adaptive rule never increases any L-smooth error, whatever the
    dimension: no wider range is true for every previous step. *)
Theorem sharp (n : nat) L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (forall E (w g m : vec n), norm m <= tau * norm g -> below_parabola L E w g (step eta g m) ->
     E (w ⊕ step eta g m) <= E w - sharp_gain L eta tau * dot g g) /\
  (0 <= sharp_gain L eta tau <-> sharp_range L eta tau) /\
  (sharp_range L eta tau <->
   forall (E : vec (S n) -> R) G, smooth L E G -> forall w p,
     E (w ⊕ step eta (G w) (adaptive_momentum tau (G w) p)) <= E w).
Proof.
  intros HL He Ht. repeat split.
  - intros E w g m Hm HQ. now apply sharp_decrease.
  - now apply sharp_gain_nonneg_iff.
  - now apply sharp_gain_nonneg_iff.
  - intros HR E G HS w p.
    pose proof (smooth_curvature L E G HS) as HC.
    pose proof (sharp_decrease L eta tau E w (G w) (adaptive_momentum tau (G w) p) HL Ht
                  (adaptive_momentum_bounded tau _ p Ht) (HC _ _ (fun _ _ => I))) as HD.
    apply sharp_gain_nonneg_iff in HR; try assumption. pose proof (dot_pos (G w)). nra.
  - intros H. destruct (Rle_lt_dec tau (Rmin eta (2 / L - eta))) as [R|R]; [exact R|exfalso].
    set (ones := (fun _ => 1) : vec (S n)).
    assert (Hones : ones <> vzero).
    { intros F. assert (ones Fin.F1 = vzero Fin.F1) by now rewrite F. unfold ones, vzero in *; lra. }
    assert (Hout : ~ sharp_range L eta tau) by (unfold sharp_range; lra).
    destruct (increase_outside_range L eta tau ones Hones HL He Ht Hout) as (p & Hp).
    specialize (H _ _ (paraboloid_smooth L HL) ones p). lra.
Qed.
