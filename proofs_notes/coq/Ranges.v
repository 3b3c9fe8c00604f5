(** * The arithmetic of the admissible ranges

    Pure facts about three numbers: the curvature bound [L], the learning rate [eta], the momentum size [tau].
    A gain [c] says that a step decreases the error by at least [c |gradient|^2]; a range says for which
    momentum sizes that gain is not negative. *)

Require Import Reals Lra Psatz.
Open Scope R_scope.

Definition sharp_gain (L eta tau : R) : R :=
  eta - L * (eta * eta) / 2 - Rabs (1 - L * eta) * tau - L * (tau * tau) / 2.
Definition sharp_range (L eta tau : R) : Prop := tau <= Rmin eta (2 / L - eta).

Definition triangle_gain (L eta tau : R) : R :=
  eta - tau - L / 2 * ((eta + tau) * (eta + tau)).
Definition triangle_range (L eta tau : R) : Prop := tau <= (sqrt (1 + 4 * L * eta) - 1) / L - eta.

Lemma le_div a x L : 0 < L -> (x <= a / L <-> L * x <= a).
Proof.
  intros HL. assert (L * (a / L) = a) by (field; lra). split; intros H1.
  - apply (Rmult_le_compat_l L) in H1; lra.
  - apply (Rmult_le_reg_l L); lra.
Qed.

Lemma lt_div a x L : 0 < L -> (x < a / L <-> L * x < a).
Proof.
  intros HL. assert (L * (a / L) = a) by (field; lra). split; intros H1.
  - apply (Rmult_lt_compat_l L) in H1; lra.
  - apply (Rmult_lt_reg_l L); lra.
Qed.

(** The range as two inequalities without division. *)
Lemma sharp_range_iff L eta tau : 0 < L ->
  (sharp_range L eta tau <-> tau <= eta /\ L * (eta + tau) <= 2).
Proof.
  intros HL. unfold sharp_range. rewrite <- (le_div 2 (eta + tau) L HL).
  split.
  - intros H. pose proof (Rmin_l eta (2 / L - eta)). pose proof (Rmin_r eta (2 / L - eta)). lra.
  - intros [H1 H2]. apply Rmin_glb; lra.
Qed.

(** For a short learning rate the gain factors through eta - tau, for a long one through eta + tau. *)
Lemma sharp_gain_short L eta tau : L * eta <= 1 ->
  sharp_gain L eta tau = (eta - tau) * (2 - L * (eta - tau)) / 2.
Proof. intros H. unfold sharp_gain. rewrite Rabs_pos_eq by lra. field. Qed.

Lemma sharp_gain_long L eta tau : 1 <= L * eta ->
  sharp_gain L eta tau = (eta + tau) * (2 - L * (eta + tau)) / 2.
Proof. intros H. unfold sharp_gain. rewrite Rabs_left1 by lra. field. Qed.

Theorem sharp_gain_nonneg_iff L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (0 <= sharp_gain L eta tau <-> sharp_range L eta tau).
Proof.
  intros HL He Ht. rewrite sharp_range_iff by assumption.
  destruct (Rle_lt_dec (L * eta) 1) as [S|S].
  - rewrite sharp_gain_short by lra. assert (0 < 2 - L * (eta - tau)) by nra. split.
    + intros H1. assert (tau <= eta) by (apply Rnot_lt_le; intros F; nra). split; nra.
    + intros [H1 H2]. nra.
  - rewrite sharp_gain_long by lra. split.
    + intros H1. assert (L * (eta + tau) <= 2) by (apply Rnot_lt_le; intros F; nra). split; nra.
    + intros [H1 H2]. nra.
Qed.

Theorem sharp_gain_pos_iff L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (0 < sharp_gain L eta tau <-> tau < eta /\ eta + tau < 2 / L).
Proof.
  intros HL He Ht. rewrite lt_div by assumption.
  destruct (Rle_lt_dec (L * eta) 1) as [S|S].
  - rewrite sharp_gain_short by lra. assert (0 < 2 - L * (eta - tau)) by nra. split.
    + intros H1. assert (tau < eta) by (apply Rnot_le_lt; intros F; nra). split; nra.
    + intros [H1 H2]. nra.
  - rewrite sharp_gain_long by lra. split.
    + intros H1. assert (L * (eta + tau) < 2) by (apply Rnot_le_lt; intros F; nra). split; nra.
    + intros [H1 H2]. nra.
Qed.

(** Shrinking a step by [t] keeps at least the share [t^2] of the gain, with something to spare before the
    end: every point of the segment that a step travels is itself reached by an admissible step. *)
Theorem star_shape L eta tau t : 0 <= tau -> 0 <= t <= 1 ->
  t * t * sharp_gain L eta tau + t * (1 - t) * (eta - tau) <= sharp_gain L (t * eta) (t * tau).
Proof.
  intros Ht [T0 T1]. unfold sharp_gain.
  assert (A : Rabs (1 - L * (t * eta)) <= (1 - t) + t * Rabs (1 - L * eta)).
  { replace (1 - L * (t * eta)) with ((1 - t) + t * (1 - L * eta)) by ring.
    eapply Rle_trans; [apply Rabs_triang|].
    rewrite Rabs_mult, (Rabs_pos_eq t), (Rabs_pos_eq (1 - t)) by lra. lra. }
  assert (0 <= t * tau) by nra.
  set (a := Rabs (1 - L * (t * eta))) in *. set (b := Rabs (1 - L * eta)) in *. clearbody a b. nra.
Qed.

Corollary star_shape_range L eta tau t : 0 < L -> 0 < eta -> 0 <= tau -> 0 <= t <= 1 ->
  sharp_range L eta tau -> t * t * sharp_gain L eta tau <= sharp_gain L (t * eta) (t * tau).
Proof.
  intros HL He Ht T R. pose proof (star_shape L eta tau t Ht T).
  apply sharp_range_iff in R; [|assumption]. destruct R. assert (0 <= t * (1 - t) * (eta - tau)); [|lra].
  apply Rmult_le_pos; nra.
Qed.

(** ** The triangle-inequality range, and that the sharp one contains it *)

Theorem triangle_gain_nonneg_iff L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (0 <= triangle_gain L eta tau <-> triangle_range L eta tau).
Proof.
  intros HL He Ht. unfold triangle_gain, triangle_range.
  assert (P : 0 <= 1 + 4 * L * eta) by nra.
  pose proof (sqrt_pos (1 + 4 * L * eta)) as S0. pose proof (sqrt_sqrt _ P) as S2.
  set (s := sqrt (1 + 4 * L * eta)) in *. clearbody s.
  transitivity (L * (eta + tau) <= s - 1).
  - assert (E : 2 * L * (eta - tau - L / 2 * ((eta + tau) * (eta + tau)))
                = (s - 1 - L * (eta + tau)) * (s + 1 + L * (eta + tau))) by nra.
    assert (0 < s + 1 + L * (eta + tau)) by nra.
    split; intros K.
    + apply Rnot_lt_le; intros F. assert (0 <= 2 * L * (eta - tau - L / 2 * ((eta + tau) * (eta + tau)))) by nra.
      nra.
    + assert (0 <= 2 * L * (eta - tau - L / 2 * ((eta + tau) * (eta + tau)))) by nra. nra.
  - rewrite <- (le_div (s - 1) (eta + tau) L HL). lra.
Qed.

Theorem triangle_gain_le_sharp_gain L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  triangle_gain L eta tau <= sharp_gain L eta tau.
Proof.
  intros HL He Ht. unfold triangle_gain, sharp_gain.
  assert (Rabs (1 - L * eta) <= 1 + L * eta).
  { apply Rabs_le. nra. }
  nra.
Qed.

Theorem triangle_within_sharp L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  triangle_range L eta tau -> sharp_range L eta tau.
Proof.
  intros HL He Ht H. apply sharp_gain_nonneg_iff; try assumption.
  apply triangle_gain_nonneg_iff in H; try assumption.
  pose proof (triangle_gain_le_sharp_gain L eta tau HL He Ht). lra.
Qed.

(** ** The best settings of each range *)

Theorem triangle_largest_momentum L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  triangle_range L eta tau -> tau <= 1 / (4 * L).
Proof.
  intros HL He Ht H. apply triangle_gain_nonneg_iff in H; try assumption. unfold triangle_gain in H.
  apply (Rmult_le_reg_l (4 * L)); [lra|]. replace (4 * L * (1 / (4 * L))) with 1 by (field; lra).
  pose proof (Rle_0_sqr (L * (eta + tau) - 1)) as Q. unfold Rsqr in Q. nra.
Qed.

Theorem triangle_largest_momentum_reached L : 0 < L -> triangle_range L (3 / (4 * L)) (1 / (4 * L)).
Proof.
  intros HL.
  assert (0 < / L) by now apply Rinv_0_lt_compat.
  apply triangle_gain_nonneg_iff; try assumption.
  - unfold Rdiv. rewrite Rinv_mult. nra.
  - unfold Rdiv. rewrite Rinv_mult. nra.
  - unfold triangle_gain. right. field. lra.
Qed.

Theorem sharp_largest_momentum L eta tau : 0 < L -> sharp_range L eta tau -> tau <= 1 / L.
Proof. intros HL H. apply sharp_range_iff in H; [|assumption]. apply le_div; [assumption|]. nra. Qed.

Theorem sharp_largest_momentum_reached L : 0 < L -> sharp_range L (1 / L) (1 / L).
Proof.
  intros HL. apply sharp_range_iff; [assumption|]. split; [lra|]. right. field. lra.
Qed.

(** No setting gains more than 1/(2L); the recommended one keeps three quarters of that. *)
Theorem sharp_best_gain L eta tau : 0 < L -> 0 < eta -> 0 <= tau -> sharp_gain L eta tau <= 1 / (2 * L).
Proof.
  intros HL He Ht. unfold sharp_gain.
  apply (Rmult_le_reg_l (2 * L)); [lra|]. replace (2 * L * (1 / (2 * L))) with 1 by (field; lra).
  pose proof (Rle_0_sqr (L * eta - 1)) as Q. unfold Rsqr in Q.
  assert (0 <= Rabs (1 - L * eta) * tau) by (apply Rmult_le_pos; [apply Rabs_pos|lra]).
  assert (0 <= L * tau * (L * tau)) by nra. nra.
Qed.

Theorem sharp_recommended_gain L : 0 < L -> sharp_gain L (1 / L) (1 / (2 * L)) = 3 / (8 * L).
Proof.
  intros HL. unfold sharp_gain. replace (1 - L * (1 / L)) with 0 by (field; lra). rewrite Rabs_R0. field. lra.
Qed.

(** ** The heavy ball *)

Definition heavy_ball_gain (L eta mu : R) : R := 1 / eta - L / 2 - mu / eta.
Definition heavy_ball_range (L eta mu : R) : Prop := mu <= 1 - L * eta / 2.

Theorem heavy_ball_gain_nonneg_iff L eta mu : 0 < eta ->
  (0 <= heavy_ball_gain L eta mu <-> heavy_ball_range L eta mu).
Proof.
  intros He. unfold heavy_ball_gain, heavy_ball_range.
  assert (E : eta * (1 / eta - L / 2 - mu / eta) = 1 - L * eta / 2 - mu) by (field; lra). split; nra.
Qed.

Theorem heavy_ball_gain_pos_iff L eta mu : 0 < eta ->
  (0 < heavy_ball_gain L eta mu <-> mu < 1 - L * eta / 2).
Proof.
  intros He. unfold heavy_ball_gain.
  assert (E : eta * (1 / eta - L / 2 - mu / eta) = 1 - L * eta / 2 - mu) by (field; lra). split; nra.
Qed.

(** The same range, read as a bound on the learning rate. *)
Theorem heavy_ball_range_as_rate L eta mu : 0 < L ->
  (heavy_ball_range L eta mu <-> eta <= 2 * (1 - mu) / L).
Proof. intros HL. unfold heavy_ball_range. rewrite le_div by assumption. split; lra. Qed.
