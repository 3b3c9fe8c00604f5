(** * The heavy ball over many steps: horizon, weight decay, convergence

    The same three questions as for adaptive momentum, with the energy in the place of the error. *)

Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates.
From Dagverify Require Import WeightDecay Compactness Convergence HeavyBall.
Open Scope R_scope.

Definition heavy_ball_at {n} eta mu (G : vec n -> vec n) (w : nat -> vec n) k : Prop :=
  w (S k) ⊖ w k = heavy_ball_step eta mu (G (w k)) (previous_step w k).

Definition energy_at {n} eta mu (E : vec n -> R) (w : nat -> vec n) k : R :=
  energy eta mu E (w k) (previous_step w k).

Definition heavy_ball_horizon_range (L eta mu rho start lowest : R) (K : nat) : Prop :=
  sqrt (INR K * (start - lowest) / heavy_ball_gain L eta mu) <= rho.

Section Iterates.
Context {n : nat}.
Variables (L eta mu : R) (S : vec n -> Prop) (E : vec n -> R) (G : vec n -> vec n) (w : nat -> vec n).
Hypothesis eta_pos : 0 < eta.
Hypothesis mu_nonneg : 0 <= mu.
Hypothesis curved : curvature_at_most L S E G.

Let length k := norm (w (Datatypes.S k) ⊖ w k).

Lemma energy_coefficient_nonneg : 0 <= mu / (2 * eta).
Proof. apply Rmult_le_pos; [exact mu_nonneg|]. left; apply Rinv_0_lt_compat; lra. Qed.

Lemma error_below_energy k : E (w k) <= energy_at eta mu E w k.
Proof.
  unfold energy_at, energy.
  pose proof (Rmult_le_pos _ _ energy_coefficient_nonneg (dot_pos (previous_step w k))). lra.
Qed.

(** The algorithm starts without a previous step, so its energy starts as the error. *)
Lemma energy_at_start : energy_at eta mu E w 0 = E (w O).
Proof. unfold energy_at, energy, previous_step, dot, vzero. rewrite (fsum_ext n _ (fun _ => 0)) by (intros; ring).
  rewrite fsum_const. ring. Qed.

Lemma error_along_step k t : heavy_ball_at eta mu G w k -> 0 <= t ->
  (forall s, 0 <= s <= t -> S (line (w k) (w (Datatypes.S k) ⊖ w k) s)) ->
  E (line (w k) (w (Datatypes.S k) ⊖ w k) t) + heavy_ball_gain L eta mu * (t * t) * (length k * length k)
  + t * (1 - t) / eta * (length k * length k) <= energy_at eta mu E w k.
Proof.
  intros Hk Ht Hpart. unfold length, energy_at. rewrite norm_sq. rewrite Hk in *.
  pose proof (curved _ _ (segment_shorten S _ _ t Hpart Ht)) as HQ.
  pose proof (heavy_ball_along_step L eta mu E (w k) (G (w k)) (previous_step w k) t eta_pos HQ) as H.
  set (d' := heavy_ball_step eta mu (G (w k)) (previous_step w k)) in *.
  pose proof (Rmult_le_pos _ _ energy_coefficient_nonneg (dot_pos (t ⊙ d' ⊖ previous_step w k))).
  pose proof (Rmult_le_pos _ _ energy_coefficient_nonneg (dot_pos d')).
  unfold line. set (V := energy _ _ _ _ _) in *. set (q := dot d' d') in *. set (a := mu / (2 * eta)) in *.
  assert (0 <= a * q * (t * t)) by (apply Rmult_le_pos; nra). nra.
Qed.

Lemma energy_drop k : heavy_ball_at eta mu G w k -> segment_in S (w k) (w (Datatypes.S k) ⊖ w k) ->
  energy_at eta mu E w (Datatypes.S k) + heavy_ball_gain L eta mu * (length k * length k)
  + mu / (2 * eta) * dot (w (Datatypes.S k) ⊖ w k ⊖ previous_step w k) (w (Datatypes.S k) ⊖ w k ⊖ previous_step w k)
    <= energy_at eta mu E w k.
Proof.
  intros Hk Hseg. unfold length, energy_at. rewrite norm_sq. simpl previous_step. rewrite Hk in *.
  pose proof (heavy_ball_decrease L eta mu E (w k) (G (w k)) (previous_step w k) eta_pos (curved _ _ Hseg)) as H.
  cbv zeta in H. rewrite <- Hk in H at 1.
  replace (w k ⊕ (w (Datatypes.S k) ⊖ w k)) with (w (Datatypes.S k)) in H by vector_ring. exact H.
Qed.

Lemma energy_decreases k : heavy_ball_at eta mu G w k -> segment_in S (w k) (w (Datatypes.S k) ⊖ w k) ->
  energy_at eta mu E w (Datatypes.S k) <= energy_at eta mu E w k - heavy_ball_gain L eta mu * (length k * length k).
Proof.
  intros Hk Hseg. pose proof (energy_drop k Hk Hseg) as H.
  pose proof (Rmult_le_pos _ _ energy_coefficient_nonneg
                (dot_pos (w (Datatypes.S k) ⊖ w k ⊖ previous_step w k))). lra.
Qed.

(** The gradient is recovered from two successive steps. *)
Lemma gradient_from_steps k : heavy_ball_at eta mu G w k ->
  norm (G (w k)) <= (mu * norm (previous_step w k) + length k) / eta.
Proof.
  intros Hk. unfold length.
  replace (G (w k)) with (/ eta ⊙ (mu ⊙ previous_step w k ⊕ (-1) ⊙ (w (Datatypes.S k) ⊖ w k))).
  - rewrite norm_scal, Rabs_pos_eq by (left; now apply Rinv_0_lt_compat).
    unfold Rdiv. rewrite Rmult_comm. apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat|].
    eapply Rle_trans; [apply norm_triangle|]. rewrite !norm_scal, (Rabs_left (-1)), (Rabs_pos_eq mu) by lra. lra.
  - rewrite Hk. unfold heavy_ball_step. coordinatewise. field. lra.
Qed.
End Iterates.

(** From the step of any index [s] on: with [s = 1] after a previous step, from [w 0] to [w 1], whose energy the
    training starts with; with [s = 0] from rest. *)
Theorem heavy_ball_horizon_from n L eta mu rho lowest K s (E : vec n -> R) G w :
  0 < eta -> 0 <= mu -> 0 < heavy_ball_gain L eta mu -> 0 < rho ->
  curvature_at_most L (ball (w s) rho) E G ->
  (forall u, ball (w s) rho u -> lowest <= E u) ->
  (forall k, (k < K)%nat -> heavy_ball_at eta mu G w (k + s)%nat) ->
  heavy_ball_horizon_range L eta mu rho (energy_at eta mu E w s) lowest K ->
  (forall k, (k <= K)%nat -> ball (w s) rho (w (k + s)%nat)) /\
  (forall k, (k < K)%nat -> energy_at eta mu E w (S (k + s)) <= energy_at eta mu E w (k + s)%nat).
Proof.
  intros He Hm HS Hrho HC Hlow Hit Hreach. unfold heavy_ball_horizon_range in Hreach.
  set (c := heavy_ball_gain L eta mu) in *. set (q := fun k => norm (w (S (k + s)) ⊖ w (k + s)%nat)).
  assert (Hq : forall k, 0 <= q k) by (intros; apply norm_pos).
  assert (Hinball : ball (w s) rho (w s)).
  { unfold ball. replace (w s ⊖ w s) with (@vzero n) by vector_ring. rewrite norm_vzero. lra. }
  assert (Stay : forall k, (k < K)%nat -> norm (w (k + s)%nat ⊖ w s) <= sum_below k q ->
      c * sum_below k (fun j => q j * q j) <= energy_at eta mu E w s - energy_at eta mu E w (k + s)%nat ->
      ball (w s) rho (w (k + s)%nat) -> segment_in (ball (w s) rho) (w (k + s)%nat) (w (S (k + s)) ⊖ w (k + s)%nat)).
  { intros k Hk Hpath Hcost Hb. apply segment_stays; [exact Hb|]. intros t [T0 T1] Hpart.
    pose proof (error_along_step L eta mu _ E G w He Hm HC (k + s)%nat t (Hit k Hk) T0 Hpart) as HD.
    cbv beta in HD. fold c in HD. change (norm (w (S (k + s)) ⊖ w (k + s)%nat)) with (q k) in HD.
    assert (Hend : lowest <= E (line (w (k + s)%nat) (w (S (k + s)) ⊖ w (k + s)%nat) t)) by (apply Hlow, Hpart; lra).
    pose proof (distance_along_line (w (k + s)%nat) (w s) (w (S (k + s)) ⊖ w (k + s)%nat) 0 t) as Hd.
    rewrite line_0, Rminus_0_r, (Rabs_pos_eq t) in Hd by assumption.
    change (norm (w (S (k + s)) ⊖ w (k + s)%nat)) with (q k) in Hd.
    apply Rle_lt_trans with (1 * (sum_below k q + t * q k)); [lra|].
    assert (0 < / eta) by now apply Rinv_0_lt_compat.
    apply (strictly_inside c 1 (energy_at eta mu E w s - lowest) rho (sum_below k q) (sum_below k (fun j => q j * q j))
             (t * q k) (t * (1 - t) / eta * (q k * q k)) (INR k) (INR K)); try assumption; try lra.
    - rewrite <- S_INR. apply le_INR. lia.
    - apply pos_INR.
    - now apply sum_below_pos.
    - apply Rmult_le_pos; auto.
    - apply sum_below_pos. intros j. specialize (Hq j). nra.
    - apply square_of_sum.
    - pose proof (Hlow _ Hinball). pose proof (error_below_energy eta mu E w He Hm s). lra.
    - assert (S1 : 0 <= t * (1 - t) / eta) by (apply Rmult_le_pos; nra).
      destruct (Req_dec t 0) as [->|Nt]; [left; split; [ring|apply Rmult_le_pos; [exact S1|nra]]|].
      destruct (Req_dec (q k) 0) as [Z|Ng]; [rewrite Z; left; split; [ring|rewrite !Rmult_0_r; lra]|].
      right. specialize (Hq k). assert (0 < t) by lra. assert (0 < q k) by lra.
      apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; [nra|assumption]|nra]. }
  assert (Inv : forall k, (k <= K)%nat ->
    norm (w (k + s)%nat ⊖ w s) <= sum_below k q /\
    c * sum_below k (fun j => q j * q j) <= energy_at eta mu E w s - energy_at eta mu E w (k + s)%nat /\
    ball (w s) rho (w (k + s)%nat)).
  { induction k; intros Hk.
    - change (0 + s)%nat with s. replace (w s ⊖ w s) with (@vzero n) by vector_ring. rewrite norm_vzero. simpl.
      repeat split; try lra. exact Hinball.
    - change (S k + s)%nat with (S (k + s)). destruct IHk as (I1 & I2 & I3); [lia|]. assert (HkK : (k < K)%nat) by lia.
      pose proof (Stay k HkK I1 I2 I3) as Hseg.
      pose proof (energy_decreases L eta mu _ E G w He Hm HC (k + s)%nat (Hit k HkK) Hseg) as HD.
      cbv beta in HD. fold c in HD. change (norm (w (S (k + s)) ⊖ w (k + s)%nat)) with (q k) in HD.
      simpl sum_below. repeat split.
      + pose proof (norm_sub_le (w (S (k + s))) (w (k + s)%nat) (w s)) as T.
        change (norm (w (S (k + s)) ⊖ w (k + s)%nat)) with (q k) in T. lra.
      + lra.
      + replace (w (S (k + s))) with (line (w (k + s)%nat) (w (S (k + s)) ⊖ w (k + s)%nat) 1) by (rewrite line_1; vector_ring).
        apply Hseg; lra. }
  split; [intros k Hk; now apply Inv|]. intros k Hk. destruct (Inv k) as (I1 & I2 & I3); [lia|].
  pose proof (energy_decreases L eta mu _ E G w He Hm HC (k + s)%nat (Hit k Hk) (Stay k Hk I1 I2 I3)) as HD.
  cbv beta in HD. fold c in HD. pose proof (norm_pos (w (S (k + s)) ⊖ w (k + s)%nat)). nra.
Qed.

Theorem heavy_ball_weight_decay_from n L eta mu lam rho s (E : vec n -> R) G w :
  0 < eta -> 0 <= mu -> heavy_ball_range L eta mu -> 0 < lam -> (forall u, 0 <= E u) ->
  decay_radius lam (energy_at eta mu (with_decay lam E) w s) < rho ->
  curvature_at_most L (ball vzero rho) (with_decay lam E) G ->
  (forall k, heavy_ball_at eta mu G w (k + s)%nat) ->
  forall k,
    norm (w (k + s)%nat) <= decay_radius lam (energy_at eta mu (with_decay lam E) w s) /\
    segment_in (ball vzero rho) (w (k + s)%nat) (w (S (k + s)) ⊖ w (k + s)%nat) /\
    energy_at eta mu (with_decay lam E) w (S (k + s)) <= energy_at eta mu (with_decay lam E) w (k + s)%nat.
Proof.
  intros He Hm HR Hlam HE Hrho HC Hit. apply (heavy_ball_gain_nonneg_iff L eta mu He) in HR.
  set (V := energy_at eta mu (with_decay lam E) w) in *. set (start := V s) in *.
  assert (Stay : forall k, V (k + s)%nat <= start ->
    segment_in (ball vzero rho) (w (k + s)%nat) (w (S (k + s)) ⊖ w (k + s)%nat)).
  { intros k Hk. apply (bounded_step_stays n lam E _ _ start); try assumption.
    - pose proof (error_below_energy eta mu (with_decay lam E) w He Hm (k + s)%nat). unfold V in Hk. lra.
    - intros t [T0 T1] Hpart.
      pose proof (error_along_step L eta mu _ _ G w He Hm HC (k + s)%nat t (Hit k) T0 Hpart) as HD.
      cbv beta in HD. fold V in HD.
      set (q := norm (w (S (k + s)) ⊖ w (k + s)%nat)) in *. assert (0 <= q * q) by nra.
      assert (0 < / eta) by now apply Rinv_0_lt_compat.
      assert (0 <= t * (1 - t) / eta) by (apply Rmult_le_pos; nra).
      assert (0 <= heavy_ball_gain L eta mu * (t * t)) by nra.
      assert (0 <= t * (1 - t) / eta * (q * q)) by nra.
      assert (0 <= heavy_ball_gain L eta mu * (t * t) * (q * q)) by nra. lra. }
  assert (Dec : forall k, V (k + s)%nat <= start -> V (S (k + s)) <= V (k + s)%nat).
  { intros k Hk. pose proof (energy_decreases L eta mu _ _ G w He Hm HC (k + s)%nat (Hit k) (Stay k Hk)) as HD.
    cbv beta in HD. fold V in HD.
    pose proof (norm_pos (w (S (k + s)) ⊖ w (k + s)%nat)) as Pq. pose proof (Rmult_le_pos _ _ Pq Pq).
    pose proof (Rmult_le_pos _ _ HR H). unfold V in *. lra. }
  assert (Inv : forall k, V (k + s)%nat <= start).
  { induction k; [change (0 + s)%nat with s; unfold start; lra|].
    change (S k + s)%nat with (S (k + s)). specialize (Dec k IHk). lra. }
  intros k. repeat split; auto. apply (sublevel_is_bounded n lam E); auto.
  pose proof (error_below_energy eta mu (with_decay lam E) w He Hm (k + s)%nat). specialize (Inv k). unfold V in Inv. lra.
Qed.

Theorem heavy_ball_horizon n L eta mu rho lowest K (E : vec n -> R) G w :
  0 < eta -> 0 <= mu -> 0 < heavy_ball_gain L eta mu -> 0 < rho ->
  curvature_at_most L (ball (w O) rho) E G ->
  (forall u, ball (w O) rho u -> lowest <= E u) ->
  (forall k, (k < K)%nat -> heavy_ball_at eta mu G w k) ->
  heavy_ball_horizon_range L eta mu rho (E (w O)) lowest K ->
  (forall k, (k <= K)%nat -> ball (w O) rho (w k)) /\
  (forall k, (k < K)%nat -> energy_at eta mu E w (S k) <= energy_at eta mu E w k).
Proof.
  intros He Hm HS Hrho HC Hlow Hit Hreach. rewrite <- (energy_at_start eta mu E w) in Hreach.
  assert (Hit0 : forall k, (k < K)%nat -> heavy_ball_at eta mu G w (k + 0)) by (intros; rewrite Nat.add_0_r; auto).
  destruct (heavy_ball_horizon_from n L eta mu rho lowest K 0 E G w He Hm HS Hrho HC Hlow Hit0 Hreach) as [H1 H2].
  split; intros k Hk; [specialize (H1 k Hk)|specialize (H2 k Hk)]; now rewrite Nat.add_0_r in *.
Qed.

Theorem heavy_ball_weight_decay n L eta mu lam rho (E : vec n -> R) G w :
  0 < eta -> 0 <= mu -> heavy_ball_range L eta mu -> 0 < lam -> (forall u, 0 <= E u) ->
  decay_radius lam (with_decay lam E (w O)) < rho ->
  curvature_at_most L (ball vzero rho) (with_decay lam E) G ->
  (forall k, heavy_ball_at eta mu G w k) ->
  forall k,
    norm (w k) <= decay_radius lam (with_decay lam E (w O)) /\
    segment_in (ball vzero rho) (w k) (w (S k) ⊖ w k) /\
    energy_at eta mu (with_decay lam E) w (S k) <= energy_at eta mu (with_decay lam E) w k.
Proof.
  intros He Hm HR Hlam HE Hrho HC Hit k. rewrite <- (energy_at_start eta mu (with_decay lam E) w) in *.
  assert (Hit0 : forall k, heavy_ball_at eta mu G w (k + 0)) by (intros; rewrite Nat.add_0_r; auto).
  pose proof (heavy_ball_weight_decay_from n L eta mu lam rho 0 E G w He Hm HR Hlam HE Hrho HC Hit0 k) as H.
  now rewrite Nat.add_0_r in H.
Qed.

(** What the energy is after a previous step [d]: [E + mu/(2 eta) |d|^2], and no more if it is shorter. *)
Lemma energy_after_step n eta mu (E : vec n -> R) w bound : 0 < eta -> 0 <= mu -> norm (w 1%nat ⊖ w O) <= bound ->
  energy_at eta mu E w 1 <= E (w 1%nat) + mu / (2 * eta) * (bound * bound).
Proof.
  intros He Hm Hb. unfold energy_at, energy. simpl previous_step. rewrite <- norm_sq.
  pose proof (norm_pos (w 1%nat ⊖ w O)). pose proof (energy_coefficient_nonneg eta mu He Hm) as Hc.
  set (d := norm (w 1%nat ⊖ w O)) in *. assert (Sq : d * d <= bound * bound) by nra.
  pose proof (Rmult_le_compat_l _ _ _ Hc Sq). lra.
Qed.

(** The squared gradients add up too, to (1 + mu)^2/eta^2 times what the squared steps do. *)
Lemma squared_gradients n eta mu (G : vec n -> vec n) w K : 0 < eta -> 0 <= mu ->
  (forall k, heavy_ball_at eta mu G w k) ->
  sum_below K (fun k => norm (G (w k)) * norm (G (w k)))
    <= (1 + mu) * (1 + mu) / (eta * eta) * sum_below K (fun k => norm (w (S k) ⊖ w k) * norm (w (S k) ⊖ w k)).
Proof.
  intros He Hm Hit.
  set (p := fun k => norm (previous_step w k)). set (q := fun k => norm (w (S k) ⊖ w k)).
  assert (Hprev : sum_below K (fun k => p k * p k) <= sum_below K (fun k => q k * q k)).
  { assert (forall J, sum_below (S J) (fun k => p k * p k) = sum_below J (fun k => q k * q k)) as Shift.
    { induction J; [simpl; unfold p; simpl; rewrite norm_vzero; ring|].
      change (sum_below (S (S J)) (fun k => p k * p k)) with (sum_below (S J) (fun k => p k * p k) + q J * q J).
      rewrite IHJ. reflexivity. }
    destruct K; [simpl; lra|]. rewrite Shift. simpl. pose proof (norm_pos (w (S K) ⊖ w K)). unfold q. nra. }
  assert (Hone : forall k, norm (G (w k)) * norm (G (w k)) <= (1 + mu) / (eta * eta) * (mu * (p k * p k) + q k * q k)).
  { intros k. pose proof (gradient_from_steps eta mu G w He Hm k (Hit k)) as H. cbv beta in H. fold (p k) (q k) in H.
    pose proof (norm_pos (G (w k))) as Pg. set (g := norm (G (w k))) in *.
    assert (He2 : 0 < / (eta * eta)) by (apply Rinv_0_lt_compat; nra).
    assert (g * g <= (mu * p k + q k) / eta * ((mu * p k + q k) / eta)) by (apply Rmult_le_compat; lra).
    replace ((mu * p k + q k) / eta * ((mu * p k + q k) / eta)) with (/ (eta * eta) * ((mu * p k + q k) * (mu * p k + q k))) in H0 by (field; lra).
    replace ((1 + mu) / (eta * eta) * (mu * (p k * p k) + q k * q k)) with (/ (eta * eta) * ((1 + mu) * (mu * (p k * p k) + q k * q k))) by (field; lra).
    eapply Rle_trans; [exact H0|]. apply Rmult_le_compat_l; [lra|].
    pose proof (Rle_0_sqr (p k - q k)) as K0. unfold Rsqr in K0. nra. }
  eapply Rle_trans; [apply sum_below_le; intros k _; apply Hone|].
  assert (Hsum : forall J, sum_below J (fun k => (1 + mu) / (eta * eta) * (mu * (p k * p k) + q k * q k))
            = (1 + mu) / (eta * eta) * (mu * sum_below J (fun k => p k * p k) + sum_below J (fun k => q k * q k))).
  { induction J; simpl; [ring|]. rewrite IHJ. ring. }
  rewrite Hsum. replace ((1 + mu) * (1 + mu) / (eta * eta)) with ((1 + mu) / (eta * eta) * (1 + mu)) by (field; lra).
  rewrite Rmult_assoc. apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; nra|]. unfold q in *. nra.
Qed.

Theorem heavy_ball_convergence n L eta mu lowest (W : vec n -> Prop) (E : vec n -> R) G w :
  0 < eta -> 0 <= mu -> 0 < heavy_ball_gain L eta mu ->
  convex_set W -> curvature_at_most L W E G -> (forall u, W u -> lowest <= E u) ->
  (forall k, heavy_ball_at eta mu G w k) -> (forall k, W (w k)) ->
  (forall K, sum_below K (fun k => norm (w (S k) ⊖ w k) * norm (w (S k) ⊖ w k))
               <= (E (w O) - lowest) / heavy_ball_gain L eta mu) /\
  (forall K, sum_below K (fun k => norm (G (w k)) * norm (G (w k)))
               <= (1 + mu) * (1 + mu) / (eta * eta * heavy_ball_gain L eta mu) * (E (w O) - lowest)) /\
  is_lim_seq (fun k => norm (w (S k) ⊖ w k)) 0 /\
  is_lim_seq (fun k => norm (G (w k))) 0 /\
  (bounded_set W -> closed_set W -> continuous_on W G -> finitely_many_stationary W G ->
   exists x, W x /\ G x = vzero /\ converges w x).
Proof.
  intros He Hm HS Hconv HC Hlow Hit HW.
  set (q := fun k => norm (w (S k) ⊖ w k)).
  assert (Dec : forall k, energy_at eta mu E w (S k) <= energy_at eta mu E w k - heavy_ball_gain L eta mu * (q k * q k)).
  { intros k. apply (energy_decreases L eta mu W E G); auto. intros t T. now apply Hconv. }
  assert (Low : forall k, lowest <= energy_at eta mu E w k).
  { intros k. pose proof (error_below_energy eta mu E w He Hm k). pose proof (Hlow _ (HW k)). lra. }
  assert (Van : is_lim_seq q 0) by exact (terms_vanish _ lowest _ q HS Dec Low).
  assert (VanPrev : is_lim_seq (fun k => norm (previous_step w k)) 0).
  { apply is_lim_seq_incr_1. exact Van. }
  assert (VanG : is_lim_seq (fun k => norm (G (w k))) 0).
  { apply (is_lim_seq_le_le (fun _ => 0) _ (fun k => / eta * (mu * norm (previous_step w k) + q k))).
    - intros k. split; [apply norm_pos|].
      pose proof (gradient_from_steps eta mu G w He Hm k (Hit k)) as H. unfold Rdiv in H. unfold q. lra.
    - apply is_lim_seq_const.
    - replace (Finite 0) with (Rbar_mult (/ eta) 0) by (simpl; f_equal; ring).
      apply is_lim_seq_scal_l. replace 0 with (mu * 0 + 0) by ring.
      apply is_lim_seq_plus'; [|exact Van].
      apply (is_lim_seq_scal_l _ mu 0) in VanPrev. exact VanPrev. }
  assert (Sum : forall K, sum_below K (fun k => q k * q k) <= (E (w O) - lowest) / heavy_ball_gain L eta mu).
  { pose proof (sum_of_squares_bounded _ lowest _ q HS Dec Low) as H. rewrite energy_at_start in H. exact H. }
  split; [exact Sum|]. split; [|split; [exact Van|split; [exact VanG|]]].
  - intros K. eapply Rle_trans; [now apply squared_gradients with (eta := eta) (mu := mu)|].
    apply Rle_trans with ((1 + mu) * (1 + mu) / (eta * eta) * ((E (w O) - lowest) / heavy_ball_gain L eta mu)).
    + apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; nra|apply Sum].
    + right. field. split; lra.
  - intros Hb Hcl Hct Hfin. now apply (settles_at_stationary_point n W).
Qed.

(** Without momentum the heavy ball is plain gradient descent, and the theorems of adaptive momentum apply. *)
Theorem heavy_ball_without_momentum n L eta (G : vec n -> vec n) w :
  (forall k, heavy_ball_at eta 0 G w k) ->
  momentum_forever eta 0 G w /\ (0 < eta -> sharp_gain L eta 0 = eta * eta * heavy_ball_gain L eta 0).
Proof.
  intros Hit. split.
  - intros k. unfold momentum_at, momentum_term. rewrite (Hit k). unfold heavy_ball_step.
    replace ((- eta) ⊙ G (w k) ⊕ 0 ⊙ previous_step w k ⊕ eta ⊙ G (w k)) with (@vzero n) by vector_ring.
    rewrite norm_vzero. lra.
  - intros He. unfold sharp_gain, heavy_ball_gain. field. lra.
Qed.
