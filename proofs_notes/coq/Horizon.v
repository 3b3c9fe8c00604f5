(** * A finite horizon: how many steps are certain to stay in the ball

    The bound [L] on the curvature is computed on a ball around the starting point.  The theorem gives the
    number of steps for which the iterates cannot have left it; nothing about them is assumed. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates.
Open Scope R_scope.

(** [lowest] is any lower bound of [E] on the ball. *)
Definition horizon_range (L eta tau rho start lowest : R) (K : nat) : Prop :=
  (eta + tau) * sqrt (INR K * (start - lowest) / sharp_gain L eta tau) <= rho.

(** A smaller gain, such as the triangle inequality's, needs a larger radius and proves the same. *)
Theorem horizon_range_of_smaller_gain L eta tau rho start lowest K gain :
  0 <= eta + tau -> 0 < gain <= sharp_gain L eta tau -> lowest <= start ->
  (eta + tau) * sqrt (INR K * (start - lowest) / gain) <= rho -> horizon_range L eta tau rho start lowest K.
Proof.
  intros Hs [Hg Hle] Hdrop H. unfold horizon_range. eapply Rle_trans; [|exact H].
  apply Rmult_le_compat_l; [exact Hs|]. apply sqrt_le_1_alt. apply Rmult_le_compat_l.
  - apply Rmult_le_pos; [apply pos_INR|lra].
  - now apply Rinv_le_contravar.
Qed.

Theorem horizon n L eta tau rho lowest K (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> 0 < sharp_gain L eta tau -> 0 < rho ->
  curvature_at_most L (ball (w O) rho) E G ->
  (forall u, ball (w O) rho u -> lowest <= E u) ->
  momentum_until K eta tau G w ->
  horizon_range L eta tau rho (E (w O)) lowest K ->
  (forall k, (k <= K)%nat -> ball (w O) rho (w k)) /\
  (forall k, (k < K)%nat ->
     segment_in (ball (w O) rho) (w k) (w (S k) ⊖ w k) /\
     E (w (S k)) <= E (w k) - sharp_gain L eta tau * (norm (G (w k)) * norm (G (w k)))).
Proof.
  intros HL He Ht Hc Hrho HS Hlow Hmom Hreach. unfold horizon_range in Hreach.
  set (c := sharp_gain L eta tau) in *.
  assert (Htau : tau < eta) by now apply (sharp_gain_pos_iff L).
  set (g := fun k => norm (G (w k))) in *.
  assert (Hg : forall k, 0 <= g k) by (intros; apply norm_pos).
  assert (Hinball : ball (w O) rho (w O)).
  { unfold ball. replace (w O ⊖ w O) with (@vzero n) by vector_ring. rewrite norm_vzero. lra. }
  (* What is known after k steps: where we are, and what it has cost. *)
  assert (Inv : forall k, (k <= K)%nat ->
    norm (w k ⊖ w O) <= (eta + tau) * sum_below k g /\
    c * sum_below k (fun j => g j * g j) <= E (w O) - E (w k) /\
    ball (w O) rho (w k) /\
    ((k < K)%nat -> segment_in (ball (w O) rho) (w k) (w (S k) ⊖ w k))).
  { assert (Stay : forall k, (k < K)%nat ->
      norm (w k ⊖ w O) <= (eta + tau) * sum_below k g ->
      c * sum_below k (fun j => g j * g j) <= E (w O) - E (w k) ->
      ball (w O) rho (w k) -> segment_in (ball (w O) rho) (w k) (w (S k) ⊖ w k)).
    { intros k Hk Hpath Hcost Hb. apply segment_stays; [exact Hb|]. intros t [T0 T1] Hpart.
      pose proof (decrease_at eta tau G w L _ E k t HL Ht (Hmom k Hk) HS T0 Hpart) as HD.
      pose proof (star_shape L eta tau t Ht (conj T0 (Rlt_le _ _ T1))) as Hstar. fold c in Hstar.
      rewrite <- norm_sq in HD. fold (g k) in HD.
      assert (Hend : lowest <= E (line (w k) (w (S k) ⊖ w k) t)) by (apply Hlow, Hpart; lra).
      pose proof (distance_along_line (w k) (w O) (w (S k) ⊖ w k) 0 t) as Hd.
      rewrite line_0, Rminus_0_r, (Rabs_pos_eq t) in Hd by assumption.
      pose proof (step_length_at eta tau G w k (Rlt_le _ _ He) (Hmom k Hk)) as Hlen. fold (g k) in Hlen.
      apply Rle_lt_trans with ((eta + tau) * (sum_below k g + t * g k)); [nra|].
      apply (strictly_inside c (eta + tau) (E (w O) - lowest) rho (sum_below k g)
               (sum_below k (fun j => g j * g j)) (t * g k) (t * (1 - t) * (eta - tau) * (g k * g k))
               (INR k) (INR K)); try assumption; try lra.
      - rewrite <- S_INR. apply le_INR. lia.
      - apply pos_INR.
      - now apply sum_below_pos.
      - apply Rmult_le_pos; auto.
      - apply sum_below_pos. intros j. specialize (Hg j). nra.
      - apply square_of_sum.
      - assert ((t * t * c + t * (1 - t) * (eta - tau)) * (g k * g k)
                <= sharp_gain L (t * eta) (t * tau) * (g k * g k)).
        { apply Rmult_le_compat_r; [specialize (Hg k); nra|exact Hstar]. }
        nra.
      - specialize (Hlow _ Hinball). lra.
      - assert (S1 : 0 <= t * (1 - t) * (eta - tau)) by (apply Rmult_le_pos; nra).
        destruct (Req_dec t 0) as [->|Nt]; [left; split; [ring|nra]|].
        destruct (Req_dec (g k) 0) as [Z|Ng]; [rewrite Z; left; split; [ring|nra]|].
        right. specialize (Hg k). assert (0 < t) by lra. assert (0 < g k) by lra.
        apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat|]; nra. }
    induction k; intros Hk.
    - assert (norm (w O ⊖ w O) <= (eta + tau) * sum_below 0 g).
      { replace (w O ⊖ w O) with (@vzero n) by vector_ring. rewrite norm_vzero. simpl. lra. }
      assert (c * sum_below 0 (fun j => g j * g j) <= E (w O) - E (w O)) by (simpl; lra).
      repeat split; try assumption. intros HK. now apply Stay.
    - destruct IHk as (I1 & I2 & I3 & I4); [lia|]. assert (HkK : (k < K)%nat) by lia. specialize (I4 HkK).
      pose proof (decrease_of_whole_step eta tau G w L _ E k HL Ht (Hmom k HkK) HS I4) as HD.
      fold c in HD. fold (g k) in HD.
      assert (J1 : norm (w (S k) ⊖ w O) <= (eta + tau) * sum_below (S k) g).
      { pose proof (norm_sub_le (w (S k)) (w k) (w O)).
        pose proof (step_length_at eta tau G w k (Rlt_le _ _ He) (Hmom k HkK)) as Hlen. fold (g k) in Hlen.
        simpl. nra. }
      assert (J2 : c * sum_below (S k) (fun j => g j * g j) <= E (w O) - E (w (S k))) by (simpl; lra).
      assert (J3 : ball (w O) rho (w (S k))).
      { replace (w (S k)) with (line (w k) (w (S k) ⊖ w k) 1) by (rewrite line_1; vector_ring). apply I4; lra. }
      repeat split; try assumption. intros HK. now apply Stay. }
  split.
  - intros k Hk. now apply Inv.
  - intros k Hk. destruct (Inv k) as (_ & _ & _ & I4); [lia|]. split; [now apply I4|].
    apply (decrease_of_whole_step eta tau G w L (ball (w O) rho)); auto.
Qed.

(** A lower bound of [E] on the ball that beats zero on small balls: the parabola below [E]. *)
Theorem lowest_on_ball n L rho (E : vec n -> R) G w0 u :
  0 <= L -> curvature_at_most L (ball w0 rho) (fun v => - E v) (fun v => (-1) ⊙ G v) -> 0 <= E u ->
  ball w0 rho u -> Rmax 0 (E w0 - norm (G w0) * rho - L / 2 * (rho * rho)) <= E u.
Proof.
  intros HL HS Hpos Hu. apply Rmax_lub; [exact Hpos|]. unfold ball in Hu.
  assert (Hseg : segment_in (ball w0 rho) w0 (u ⊖ w0)).
  { intros t Ht. unfold ball. rewrite line_minus_start, norm_scal, Rabs_pos_eq by lra.
    pose proof (norm_pos (u ⊖ w0)). nra. }
  specialize (HS _ _ Hseg). unfold below_parabola in HS.
  replace (w0 ⊕ (u ⊖ w0)) with u in HS by vector_ring. rewrite dot_scal_l in HS.
  pose proof (dot_le_norms ((-1) ⊙ G w0) (u ⊖ w0)) as CS.
  rewrite dot_scal_l, norm_scal, Rabs_left in CS by lra.
  pose proof (norm_pos (G w0)). pose proof (sq_le_norm _ _ Hu). nra.
Qed.
