(** * Steps whose momentum points downhill

    Where [g . m <= 0] the curvature of a step is paid for by its slope, for much more momentum than in file Steps: a
    long momentum that points downhill shortens the way.  Two rules have such momentum in every step: the adaptive
    rule from rest (file FromRest), and one that drops what points uphill (theorem [restart]). *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates WeightDecay.
Open Scope R_scope.

Definition from_rest_range (L eta tau : R) : Prop := tau <= Rmin (sqrt (eta / L - eta * eta)) (1 / L - eta).
Definition restart_range (L eta tau : R) : Prop := tau <= Rmin (sqrt (2 * eta / L - eta * eta)) (2 / L - eta).

Definition restart_gain (L eta tau : R) : R :=
  Rmin (eta - L * (eta * eta + tau * tau) / 2) ((eta + tau) * (1 - L * (eta + tau) / 2)).
Definition from_rest_gain (L eta tau : R) : R :=
  Rmin (eta - L * (eta * eta + tau * tau) / 2) ((eta + tau) * (1 - L * (eta + tau) / 2)).

(** The largest curvature that the slope of a downhill step pays for. *)
Definition downhill_curvature (eta tau : R) : R := Rmin (eta / (eta * eta + tau * tau)) (1 / (eta + tau)).

(** Both ranges are this one, with [a] = 1 and [a] = 2. *)
Lemma range_without_roots a L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (tau <= Rmin (sqrt (a * eta / L - eta * eta)) (a / L - eta) <->
   L * (eta * eta + tau * tau) <= a * eta /\ L * (eta + tau) <= a).
Proof.
  intros HL He Ht.
  assert (Side : tau <= a / L - eta <-> L * (eta + tau) <= a) by (rewrite <- (le_div a (eta + tau) L HL); lra).
  assert (Z : a * eta / L - eta * eta = eta * (a / L - eta)) by (field; lra).
  assert (Root : tau <= a / L - eta ->
    (tau <= sqrt (a * eta / L - eta * eta) <-> L * (eta * eta + tau * tau) <= a * eta)).
  { intros H. assert (P : 0 <= a * eta / L - eta * eta) by (rewrite Z; apply Rmult_le_pos; lra).
    pose proof (sqrt_pos (a * eta / L - eta * eta)) as R0. pose proof (sqrt_sqrt _ P) as R2.
    assert (Q : L * (a * eta / L - eta * eta) = a * eta - L * (eta * eta)) by (field; lra).
    set (r := sqrt (a * eta / L - eta * eta)) in *. clearbody r.
    rewrite <- R2 in Q. split; intros K.
    - assert (tau * tau <= r * r) by nra. nra.
    - apply Rnot_lt_le. intros F. assert (r * r < tau * tau) by nra. nra. }
  split.
  - intros H. pose proof (Rmin_l (sqrt (a * eta / L - eta * eta)) (a / L - eta)).
    pose proof (Rmin_r (sqrt (a * eta / L - eta * eta)) (a / L - eta)).
    assert (S : tau <= a / L - eta) by lra. split; [apply Root; lra|now apply Side].
  - intros [H1 H2]. apply Side in H2. apply Rmin_glb; [apply Root; assumption|assumption].
Qed.

Lemma from_rest_range_iff L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (from_rest_range L eta tau <-> L * (eta * eta + tau * tau) <= eta /\ L * (eta + tau) <= 1).
Proof.
  intros HL He Ht. unfold from_rest_range.
  match goal with |- context [sqrt ?z] => replace z with (1 * eta / L - eta * eta) by (field; lra) end.
  rewrite (range_without_roots 1 L eta tau HL He Ht), Rmult_1_l. reflexivity.
Qed.

Lemma restart_range_iff L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (restart_range L eta tau <-> L * (eta * eta + tau * tau) <= 2 * eta /\ L * (eta + tau) <= 2).
Proof.
  intros HL He Ht. unfold restart_range.
  match goal with |- context [sqrt ?z] => replace z with (2 * eta / L - eta * eta) by (field; lra) end.
  now apply range_without_roots.
Qed.

Theorem restart_gain_nonneg_iff L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (0 <= restart_gain L eta tau <-> restart_range L eta tau).
Proof.
  intros HL He Ht. rewrite restart_range_iff by assumption. unfold restart_gain. split.
  - intros H. pose proof (Rmin_l (eta - L * (eta * eta + tau * tau) / 2) ((eta + tau) * (1 - L * (eta + tau) / 2))).
    pose proof (Rmin_r (eta - L * (eta * eta + tau * tau) / 2) ((eta + tau) * (1 - L * (eta + tau) / 2))).
    split; [lra|]. apply Rnot_lt_le. intros F.
    assert (0 < (eta + tau) * (L * (eta + tau) / 2 - 1)) by (apply Rmult_lt_0_compat; lra). lra.
  - intros [H1 H2]. apply Rmin_glb; [lra|]. apply Rmult_le_pos; lra.
Qed.

Theorem from_rest_gain_at_least L eta tau : 0 < L -> 0 < eta -> 0 <= tau -> from_rest_range L eta tau ->
  eta / 2 <= from_rest_gain L eta tau.
Proof.
  intros HL He Ht H. apply from_rest_range_iff in H; try assumption. destruct H as [H1 H2].
  unfold from_rest_gain. apply Rmin_glb; [lra|].
  assert (0 <= (eta + tau) * (1 - L * (eta + tau))) by (apply Rmult_le_pos; lra). lra.
Qed.

Theorem from_rest_within_restart L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  from_rest_range L eta tau -> restart_range L eta tau.
Proof.
  intros HL He Ht H. apply restart_gain_nonneg_iff; try assumption.
  pose proof (from_rest_gain_at_least L eta tau HL He Ht H). change (from_rest_gain L eta tau) with (restart_gain L eta tau) in *. lra.
Qed.

Lemma downhill_curvature_paid eta tau M : 0 < eta -> 0 <= tau ->
  (M <= downhill_curvature eta tau <-> M * (eta * eta + tau * tau) <= eta /\ M * (eta + tau) <= 1).
Proof.
  intros He Ht. assert (P : 0 < eta * eta + tau * tau) by nra. assert (Q : 0 < eta + tau) by lra.
  assert (A : M <= eta / (eta * eta + tau * tau) <-> M * (eta * eta + tau * tau) <= eta)
    by (rewrite (le_div eta M _ P); split; lra).
  assert (B : M <= 1 / (eta + tau) <-> M * (eta + tau) <= 1) by (rewrite (le_div 1 M _ Q); split; lra).
  rewrite <- A, <- B. unfold downhill_curvature. split.
  - intros H. pose proof (Rmin_l (eta / (eta * eta + tau * tau)) (1 / (eta + tau))).
    pose proof (Rmin_r (eta / (eta * eta + tau * tau)) (1 / (eta + tau))). lra.
  - intros [H1 H2]. now apply Rmin_glb.
Qed.

Section OneStep.
Context {n : nat}.
Implicit Types (w g m : vec n) (E : vec n -> R).

(** The slope pays for the curvature [M]. *)
Lemma downhill_step eta tau M g m : 0 <= M -> 0 < eta -> 0 <= tau ->
  M * (eta * eta + tau * tau) <= eta -> M * (eta + tau) <= 1 -> norm m <= tau * norm g -> dot g m <= 0 ->
  M * dot (step eta g m) (step eta g m) <= - dot g (step eta g m).
Proof.
  intros HM He Ht R0 R1 Hm Hdown.
  unfold step. rewrite !dot_add_r, !dot_add_l, !dot_scal_r, !dot_scal_l, (dot_sym m g).
  pose proof (norm_pos g) as X. pose proof (norm_pos m) as Y. pose proof (cauchy_schwarz g m) as CS.
  rewrite <- (norm_sq g), <- (norm_sq m).
  set (x := norm g) in *; set (y := norm m) in *; set (b := dot g m) in *; clearbody x y b.
  assert (Hb : - b <= x * y) by (pose proof (Rle_abs (- b)); rewrite Rabs_Ropp in *; lra).
  assert (At0 : M * (eta * eta * (x * x) + y * y) <= eta * (x * x)).
  { assert (y * y <= tau * tau * (x * x)) by nra. assert (0 <= x * x) by nra. nra. }
  assert (At1 : M * ((eta * x + y) * (eta * x + y)) <= (eta * x + y) * x).
  { assert (M * (eta * x + y) <= x) by nra. assert (0 <= eta * x + y) by nra. nra. }
  destruct (Rle_lt_dec (2 * M * eta) 1) as [Q|Q].
  - assert (0 <= (1 - 2 * M * eta) * (- b)) by (apply Rmult_le_pos; lra). nra.
  - assert (0 <= (2 * M * eta - 1) * (x * y + b)) by (apply Rmult_le_pos; lra). nra.
Qed.

(** What the step gains by its gradient. *)
Lemma downhill_decrease L eta tau E w g m : 0 < L -> 0 < eta -> 0 <= tau -> norm m <= tau * norm g -> dot g m <= 0 ->
  below_parabola L E w g (step eta g m) ->
  E (w ⊕ step eta g m) <= E w - restart_gain L eta tau * dot g g.
Proof.
  intros HL He Ht Hm Hdown HQ. unfold below_parabola in HQ. rewrite Rplus_assoc, parabola_at_step in HQ.
  eapply Rle_trans; [exact HQ|]. clear HQ. unfold restart_gain.
  set (c0 := eta - L * (eta * eta + tau * tau) / 2). set (c1 := (eta + tau) * (1 - L * (eta + tau) / 2)).
  pose proof (Rmin_l c0 c1) as M0. pose proof (Rmin_r c0 c1) as M1. set (c := Rmin c0 c1) in *. clearbody c.
  pose proof (norm_pos g) as X. pose proof (norm_pos m) as Y. pose proof (cauchy_schwarz g m) as CS.
  rewrite <- (norm_sq g), <- (norm_sq m).
  set (x := norm g) in *; set (y := norm m) in *; set (b := dot g m) in *; clearbody x y b.
  assert (Hb : - b <= x * y) by (pose proof (Rle_abs (- b)); rewrite Rabs_Ropp in *; lra).
  assert (Hyy : y * y <= tau * tau * (x * x)) by nra. assert (Hxx : 0 <= x * x) by nra.
  destruct (Rle_lt_dec (L * eta) 1) as [Q|Q].
  - assert (0 <= (1 - L * eta) * (- b)) by (apply Rmult_le_pos; lra).
    assert (c * (x * x) <= c0 * (x * x)) by (apply Rmult_le_compat_r; lra). unfold c0 in *.
    assert (L * (y * y) <= L * (tau * tau * (x * x))) by (apply Rmult_le_compat_l; lra). lra.
  - assert (0 <= (L * eta - 1) * (x * y + b)) by (apply Rmult_le_pos; lra).
    assert (c * (x * x) <= c1 * (x * x)) by (apply Rmult_le_compat_r; lra). unfold c1 in *.
    assert (0 <= (L * eta - 1) * (x * (tau * x - y))) by (apply Rmult_le_pos; [lra|apply Rmult_le_pos; lra]).
    assert (L * (y * y) <= L * (tau * tau * (x * x))) by (apply Rmult_le_compat_l; lra). lra.
Qed.

(** What the step gains by its length. *)
Lemma decrease_by_length L M E w g d : below_parabola L E w g d -> M * dot d d <= - dot g d ->
  E (w ⊕ d) <= E w - (M - L / 2) * dot d d.
Proof. unfold below_parabola. intros. lra. Qed.
End OneStep.

(** ** Many steps, each of them downhill *)

Definition downhill_at {n} eta (G : vec n -> vec n) (w : nat -> vec n) k : Prop :=
  dot (G (w k)) (momentum_term eta G w k) <= 0.

Section Downhill.
Context {n : nat}.
Variables (L M eta tau : R) (S : vec n -> Prop) (E : vec n -> R) (G : vec n -> vec n) (w : nat -> vec n).
Hypotheses (L_pos : 0 < L) (eta_pos : 0 < eta) (tau_nonneg : 0 <= tau).
Hypotheses (M_above : L / 2 <= M) (paid : M <= downhill_curvature eta tau).
Hypothesis curved : curvature_at_most L S E G.

Let length k := norm (w (Datatypes.S k) ⊖ w k).

Lemma slope_pays k : momentum_at eta tau G w k -> downhill_at eta G w k ->
  M * dot (w (Datatypes.S k) ⊖ w k) (w (Datatypes.S k) ⊖ w k) <= - dot (G (w k)) (w (Datatypes.S k) ⊖ w k).
Proof.
  intros Hm Hd. pose proof paid as P. apply downhill_curvature_paid in P; [|assumption|assumption]. destruct P as [P0 P1].
  rewrite <- (step_is_difference eta G w k). apply downhill_step with tau; try assumption. lra.
Qed.

Lemma downhill_along k t : momentum_at eta tau G w k -> downhill_at eta G w k -> 0 <= t ->
  (forall s, 0 <= s <= t -> S (line (w k) (w (Datatypes.S k) ⊖ w k) s)) ->
  E (line (w k) (w (Datatypes.S k) ⊖ w k) t) + (M - L / 2) * (t * t) * (length k * length k)
  + t * (1 - t) * M * (length k * length k) <= E (w k).
Proof.
  intros Hm Hd Ht Hpart. unfold length. rewrite norm_sq.
  pose proof (curved _ _ (segment_shorten S _ _ t Hpart Ht)) as HQ. unfold below_parabola in HQ.
  rewrite !dot_scal_r, !dot_scal_l in HQ. pose proof (slope_pays k Hm Hd) as HP. unfold line.
  set (q := dot (w (Datatypes.S k) ⊖ w k) (w (Datatypes.S k) ⊖ w k)) in *.
  set (s := dot (G (w k)) (w (Datatypes.S k) ⊖ w k)) in *. assert (t * (M * q) <= t * (- s)) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Lemma downhill_whole k : momentum_at eta tau G w k -> downhill_at eta G w k ->
  segment_in S (w k) (w (Datatypes.S k) ⊖ w k) ->
  E (w (Datatypes.S k)) + (M - L / 2) * (length k * length k) <= E (w k) /\
  E (w (Datatypes.S k)) <= E (w k) - restart_gain L eta tau * dot (G (w k)) (G (w k)).
Proof.
  intros Hm Hd Hseg. split.
  - pose proof (downhill_along k 1 Hm Hd Rle_0_1 Hseg) as H. rewrite line_1 in H.
    replace (w k ⊕ (w (Datatypes.S k) ⊖ w k)) with (w (Datatypes.S k)) in H by vector_ring. lra.
  - pose proof (curved _ _ Hseg) as HQ. rewrite <- (step_is_difference eta G w k) in HQ.
    pose proof (downhill_decrease L eta tau E (w k) _ _ L_pos eta_pos tau_nonneg Hm Hd HQ) as H.
    now rewrite <- next_iterate in H.
Qed.
End Downhill.

Definition downhill_horizon_range (L eta tau rho start lowest : R) (K : nat) : Prop :=
  sqrt (INR K * (start - lowest) / (downhill_curvature eta tau - L / 2)) <= rho.

(** Each step may use what the earlier ones have shown: their segments lie in the ball. *)
Theorem downhill_horizon n L eta tau rho lowest K (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> L / 2 < downhill_curvature eta tau -> 0 < rho ->
  curvature_at_most L (ball (w O) rho) E G ->
  (forall u, ball (w O) rho u -> lowest <= E u) ->
  momentum_until K eta tau G w ->
  (forall k, (k < K)%nat -> (forall j, (j < k)%nat -> segment_in (ball (w O) rho) (w j) (w (S j) ⊖ w j)) ->
     downhill_at eta G w k) ->
  downhill_horizon_range L eta tau rho (E (w O)) lowest K ->
  (forall k, (k <= K)%nat -> ball (w O) rho (w k)) /\
  (forall k, (k < K)%nat -> segment_in (ball (w O) rho) (w k) (w (S k) ⊖ w k) /\
     E (w (S k)) <= E (w k) - restart_gain L eta tau * dot (G (w k)) (G (w k))).
Proof.
  intros HL He Ht HS Hrho HC Hlow Hmom Hdown Hreach. unfold downhill_horizon_range in Hreach.
  set (M := downhill_curvature eta tau) in *. assert (HM : M <= downhill_curvature eta tau) by (unfold M; lra).
  assert (M0 : L / 2 <= M) by lra. assert (Mpos : 0 < M) by lra.
  set (c := M - L / 2) in *. assert (Hc : 0 < c) by (unfold c; lra).
  assert (Reach : 1 * sqrt (INR K * (E (w O) - lowest) / c) <= rho) by lra. set (q := fun k => norm (w (S k) ⊖ w k)).
  assert (Hq : forall k, 0 <= q k) by (intros; apply norm_pos).
  assert (Hinball : ball (w O) rho (w O)).
  { unfold ball. replace (w O ⊖ w O) with (@vzero n) by vector_ring. rewrite norm_vzero. lra. }
  assert (Stay : forall k, (k < K)%nat -> downhill_at eta G w k -> norm (w k ⊖ w O) <= sum_below k q ->
      c * sum_below k (fun j => q j * q j) <= E (w O) - E (w k) ->
      ball (w O) rho (w k) -> segment_in (ball (w O) rho) (w k) (w (S k) ⊖ w k)).
  { intros k Hk Hd Hpath Hcost Hb. apply segment_stays; [exact Hb|]. intros t [T0 T1] Hpart.
    pose proof (downhill_along L M eta tau _ E G w HL He Ht M0 HM HC k t (Hmom k Hk) Hd T0 Hpart) as HD.
    cbv beta in HD. fold c in HD. change (norm (w (S k) ⊖ w k)) with (q k) in HD.
    assert (Hend : lowest <= E (line (w k) (w (S k) ⊖ w k) t)) by (apply Hlow, Hpart; lra).
    pose proof (distance_along_line (w k) (w O) (w (S k) ⊖ w k) 0 t) as Hdist.
    rewrite line_0, Rminus_0_r, (Rabs_pos_eq t) in Hdist by assumption.
    change (norm (w (S k) ⊖ w k)) with (q k) in Hdist.
    apply Rle_lt_trans with (1 * (sum_below k q + t * q k)); [lra|].
    apply (strictly_inside c 1 (E (w O) - lowest) rho (sum_below k q) (sum_below k (fun j => q j * q j))
             (t * q k) (t * (1 - t) * M * (q k * q k)) (INR k) (INR K)); try assumption; try lra.
    - rewrite <- S_INR. apply le_INR. lia.
    - apply pos_INR.
    - now apply sum_below_pos.
    - apply Rmult_le_pos; auto.
    - apply sum_below_pos. intros j. specialize (Hq j). nra.
    - apply square_of_sum.
    - specialize (Hlow _ Hinball). lra.
    - assert (S1 : 0 <= t * (1 - t) * M) by (apply Rmult_le_pos; nra).
      destruct (Req_dec t 0) as [->|Nt]; [left; split; [ring|apply Rmult_le_pos; [exact S1|nra]]|].
      destruct (Req_dec (q k) 0) as [Z|Ng]; [rewrite Z; left; split; [ring|rewrite !Rmult_0_r; lra]|].
      right. specialize (Hq k). assert (0 < t) by lra. assert (0 < q k) by lra.
      apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat; [nra|assumption]|nra]. }
  assert (Inv : forall k, (k <= K)%nat ->
    norm (w k ⊖ w O) <= sum_below k q /\
    c * sum_below k (fun j => q j * q j) <= E (w O) - E (w k) /\ ball (w O) rho (w k) /\
    (forall j, (j < k)%nat -> segment_in (ball (w O) rho) (w j) (w (S j) ⊖ w j))).
  { induction k; intros Hk.
    - replace (w O ⊖ w O) with (@vzero n) by vector_ring. rewrite norm_vzero. simpl.
      repeat split; try lra; [exact Hinball|]. intros j Hj. lia.
    - destruct IHk as (I1 & I2 & I3 & I4); [lia|]. assert (HkK : (k < K)%nat) by lia.
      pose proof (Hdown k HkK I4) as Hd. pose proof (Stay k HkK Hd I1 I2 I3) as Hseg.
      pose proof (proj1 (downhill_whole L M eta tau _ E G w HL He Ht M0 HM HC k (Hmom k HkK) Hd Hseg)) as HD.
      cbv beta in HD. fold c in HD. change (norm (w (S k) ⊖ w k)) with (q k) in HD. simpl sum_below. repeat split.
      + pose proof (norm_sub_le (w (S k)) (w k) (w O)) as T.
        change (norm (w (S k) ⊖ w k)) with (q k) in T. lra.
      + lra.
      + replace (w (S k)) with (line (w k) (w (S k) ⊖ w k) 1) by (rewrite line_1; vector_ring). apply Hseg; lra.
      + intros j Hj. destruct (Nat.eq_dec j k) as [->|]; [exact Hseg|]. apply I4. lia. }
  split; [intros k Hk; now apply Inv|]. intros k Hk. destruct (Inv k) as (I1 & I2 & I3 & I4); [lia|].
  pose proof (Hdown k Hk I4) as Hd. pose proof (Stay k Hk Hd I1 I2 I3) as Hseg. split; [exact Hseg|].
  now apply (downhill_whole L M eta tau _ E G w HL He Ht M0 HM HC k (Hmom k Hk) Hd).
Qed.

Theorem downhill_weight_decay n L eta tau lam rho (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> L / 2 <= downhill_curvature eta tau -> 0 < lam -> (forall u, 0 <= E u) ->
  decay_radius lam (with_decay lam E (w O)) < rho ->
  curvature_at_most L (ball vzero rho) (with_decay lam E) G ->
  momentum_forever eta tau G w ->
  (forall k, (forall j, (j < k)%nat -> segment_in (ball vzero rho) (w j) (w (S j) ⊖ w j)) -> downhill_at eta G w k) ->
  forall k,
    norm (w k) <= decay_radius lam (with_decay lam E (w O)) /\
    segment_in (ball vzero rho) (w k) (w (S k) ⊖ w k) /\
    with_decay lam E (w (S k)) <= with_decay lam E (w k) - restart_gain L eta tau * dot (G (w k)) (G (w k)).
Proof.
  intros HL He Ht M0 Hlam HE Hrho HC Hmom Hdown.
  set (start := with_decay lam E (w O)) in *. set (M := downhill_curvature eta tau) in *.
  assert (HM : M <= downhill_curvature eta tau) by (unfold M; lra). assert (0 <= M - L / 2) by lra.
  assert (Stay : forall k, downhill_at eta G w k -> with_decay lam E (w k) <= start ->
                 segment_in (ball vzero rho) (w k) (w (S k) ⊖ w k)).
  { intros k Hd Hk. apply (bounded_step_stays n lam E _ _ start); try assumption.
    intros t [T0 T1] Hpart.
    pose proof (downhill_along L M eta tau _ _ G w HL He Ht M0 HM HC k t (Hmom k) Hd T0 Hpart) as HD. cbv beta in HD.
    set (q := norm (w (S k) ⊖ w k)) in *. assert (0 <= q * q) by nra.
    assert (0 <= t * (1 - t) * M) by (apply Rmult_le_pos; nra).
    assert (0 <= (M - L / 2) * (t * t)) by nra.
    assert (0 <= t * (1 - t) * M * (q * q)) by nra.
    assert (0 <= (M - L / 2) * (t * t) * (q * q)) by nra. lra. }
  assert (Inv : forall k, with_decay lam E (w k) <= start /\
    (forall j, (j < k)%nat -> segment_in (ball vzero rho) (w j) (w (S j) ⊖ w j))).
  { induction k; [split; [unfold start; lra|intros; lia]|]. destruct IHk as [I1 I2].
    pose proof (Hdown k I2) as Hd. pose proof (Stay k Hd I1) as Hseg. split.
    - pose proof (proj1 (downhill_whole L M eta tau _ _ G w HL He Ht M0 HM HC k (Hmom k) Hd Hseg)) as HD. cbv beta in HD.
      pose proof (norm_pos (w (S k) ⊖ w k)) as Pq. pose proof (Rmult_le_pos _ _ Pq Pq). nra.
    - intros j Hj. destruct (Nat.eq_dec j k) as [->|]; [exact Hseg|]. apply I2. lia. }
  intros k. destruct (Inv k) as [I1 I2]. pose proof (Hdown k I2) as Hd. pose proof (Stay k Hd I1) as Hseg.
  split; [now apply (sublevel_is_bounded n lam E)|]. split; [exact Hseg|].
  now apply (downhill_whole L M eta tau _ _ G w HL He Ht M0 HM HC k (Hmom k) Hd).
Qed.

(** ** Momentum that is dropped where it points uphill *)

Theorem restart n L eta tau A (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> curvature_at_most L A E G -> momentum_forever eta tau G w ->
  (forall k, segment_in A (w k) (w (S k) ⊖ w k)) -> (forall k, downhill_at eta G w k) ->
  (0 <= restart_gain L eta tau <-> restart_range L eta tau) /\
  forall k, E (w (S k)) <= E (w k) - restart_gain L eta tau * dot (G (w k)) (G (w k)).
Proof.
  intros HL He Ht HC Hmom Hseg Hd. split; [now apply restart_gain_nonneg_iff|]. intros k.
  pose proof (HC _ _ (Hseg k)) as HQ. rewrite <- (step_is_difference eta G w k) in HQ.
  pose proof (downhill_decrease L eta tau E (w k) _ _ HL He Ht (Hmom k) (Hd k) HQ) as H.
  now rewrite <- next_iterate in H.
Qed.

(** The rule: the adaptive momentum of file Steps, but none where the previous step points uphill. *)
Definition restarted_momentum {n} (tau : R) (g p : vec n) : vec n :=
  if Rle_dec (dot g p) 0 then adaptive_momentum tau g p else vzero.

Lemma restarted_momentum_is_downhill n tau (g p : vec n) : 0 <= tau ->
  norm (restarted_momentum tau g p) <= tau * norm g /\ dot g (restarted_momentum tau g p) <= 0.
Proof.
  intros Ht. unfold restarted_momentum. pose proof (norm_pos g). pose proof (norm_pos p).
  destruct (Rle_dec (dot g p) 0) as [D|D].
  - split; [now apply adaptive_momentum_bounded|]. unfold adaptive_momentum. rewrite dot_scal_r.
    assert (0 <= tau * norm g / norm p); [|nra].
    unfold Rdiv. apply Rmult_le_pos; [nra|]. destruct (Req_dec (norm p) 0) as [Z|NZ].
    + rewrite Z, Rinv_0. lra.
    + left. apply Rinv_0_lt_compat. lra.
  - rewrite norm_vzero. split; [nra|]. unfold dot, vzero. rewrite (fsum_ext n _ (fun _ => 0)) by (intros; ring).
    rewrite fsum_const. lra.
Qed.

(** No wider range holds for every previous step: on [L/2 |w|^2] momentum across the gradient, or along it downhill,
    increases the error outside. *)
Lemma restart_is_widest_across n L eta tau (w m : vec n) : 0 < dot (L ⊙ w) (L ⊙ w) ->
  2 * eta < L * (eta * eta + tau * tau) -> dot (L ⊙ w) m = 0 -> dot m m = tau * tau * dot (L ⊙ w) (L ⊙ w) ->
  paraboloid L w < paraboloid L (w ⊕ step eta (L ⊙ w) m).
Proof.
  intros Hg Hout Hm Hmm. rewrite paraboloid_exact, Rplus_assoc, parabola_at_step, Hm, Hmm.
  set (a := dot (L ⊙ w) (L ⊙ w)) in *. assert (0 < (L * (eta * eta + tau * tau) - 2 * eta) * a) by (apply Rmult_lt_0_compat; lra). lra.
Qed.

Lemma restart_is_widest_along n L eta tau (w : vec n) : 0 < dot (L ⊙ w) (L ⊙ w) -> 0 < eta + tau ->
  2 < L * (eta + tau) -> paraboloid L w < paraboloid L (w ⊕ step eta (L ⊙ w) ((- tau) ⊙ (L ⊙ w))).
Proof.
  intros Hg Hs Hout. rewrite paraboloid_exact, Rplus_assoc, parabola_at_step.
  rewrite (dot_scal_r (- tau) (L ⊙ w) (L ⊙ w)), (dot_scal_l (- tau) (L ⊙ w)), (dot_scal_r (- tau) (L ⊙ w) (L ⊙ w)).
  set (a := dot (L ⊙ w) (L ⊙ w)) in *.
  assert (0 < (eta + tau) * (L * (eta + tau) - 2) * a) by (apply Rmult_lt_0_compat; [apply Rmult_lt_0_compat|]; lra). lra.
Qed.
