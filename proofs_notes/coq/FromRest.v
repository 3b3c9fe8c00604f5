(** * Momentum from rest

    Started without a previous step, the adaptive rule never runs uphill while [L (eta^2 + tau^2) <= eta] and
    [L (eta + tau) <= 1]: so [tau] may be as large as [sqrt (eta / L - eta^2)], many times [eta] where [eta] is small.
    Only curvature from above enters.  The momentum term has to be a multiple of the whole previous step, hence norms
    over all weights. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates WeightDecay Downhill.
Open Scope R_scope.

(** The momentum term is a multiple of the previous step, and points the same way. *)
Definition momentum_along_previous_step {n} eta (G : vec n -> vec n) (w : nat -> vec n) k : Prop :=
  exists beta, 0 <= beta /\ momentum_term eta G w k = beta ⊙ previous_step w k.

(** The slope along a step grows by at most [L |D|^2]: the parabolas at both of its ends. *)
Lemma slope_after n L S (E : vec n -> R) G w d : curvature_at_most L S E G -> segment_in S w d ->
  dot (G (w ⊕ d)) d <= dot (G w) d + L * dot d d.
Proof.
  intros HC Hseg. pose proof (HC w d Hseg) as H1.
  assert (Hback : segment_in S (w ⊕ d) ((-1) ⊙ d)).
  { intros t Ht. replace (line (w ⊕ d) ((-1) ⊙ d) t) with (line w d (1 - t)) by (unfold line; vector_ring). apply Hseg; lra. }
  pose proof (HC (w ⊕ d) ((-1) ⊙ d) Hback) as H2. unfold below_parabola in *.
  replace ((w ⊕ d) ⊕ (-1) ⊙ d) with w in H2 by vector_ring.
  rewrite !dot_scal_r, !dot_scal_l in H2. lra.
Qed.

Lemma adaptive_momentum_is_along_previous_step n eta tau (G : vec n -> vec n) w k : 0 <= tau ->
  momentum_term eta G w k = adaptive_momentum tau (G (w k)) (previous_step w k) ->
  momentum_along_previous_step eta G w k.
Proof.
  intros Ht H. exists (tau * norm (G (w k)) / norm (previous_step w k)). split; [|exact H].
  pose proof (norm_pos (G (w k))). pose proof (norm_pos (previous_step w k)). unfold Rdiv. apply Rmult_le_pos; [nra|].
  destruct (Req_dec (norm (previous_step w k)) 0) as [Z|NZ]; [rewrite Z, Rinv_0; lra|]. left. apply Rinv_0_lt_compat. lra.
Qed.

Section FromRest.
Context {n : nat}.
Variables (L eta tau : R) (S : vec n -> Prop) (E : vec n -> R) (G : vec n -> vec n) (w : nat -> vec n).
Hypotheses (L_pos : 0 < L) (eta_pos : 0 < eta) (tau_nonneg : 0 <= tau) (in_range : from_rest_range L eta tau).
Hypothesis curved : curvature_at_most L S E G.

Lemma curvature_is_paid : L <= downhill_curvature eta tau.
Proof. apply downhill_curvature_paid; try assumption. now apply from_rest_range_iff. Qed.

(** A stored step, whatever rounding made of it, keeps the next momentum downhill where [L |D|^2 <= - g . D]. *)
Lemma next_is_downhill k : segment_in S (w k) (w (Datatypes.S k) ⊖ w k) ->
  L * dot (w (Datatypes.S k) ⊖ w k) (w (Datatypes.S k) ⊖ w k) <= - dot (G (w k)) (w (Datatypes.S k) ⊖ w k) ->
  dot (G (w (Datatypes.S k))) (previous_step w (Datatypes.S k)) <= 0.
Proof.
  intros Hseg Hpays. simpl. pose proof (slope_after n L S E G (w k) _ curved Hseg) as H.
  replace (w k ⊕ (w (Datatypes.S k) ⊖ w k)) with (w (Datatypes.S k)) in H by vector_ring. lra.
Qed.

(** As far as the steps are known to stay in the region, momentum never points uphill. *)
Lemma never_uphill k :
  (forall j, (j < k)%nat -> momentum_at eta tau G w j) ->
  (forall j, (j < k)%nat -> momentum_along_previous_step eta G w j) ->
  (forall j, (j < k)%nat -> segment_in S (w j) (w (Datatypes.S j) ⊖ w j)) ->
  dot (G (w k)) (previous_step w k) <= 0.
Proof.
  pose proof curvature_is_paid as Paid.
  induction k; intros Hm Ha Hs.
  - simpl. unfold dot, vzero. rewrite (fsum_ext n _ (fun _ => 0)) by (intros; ring). rewrite fsum_const. lra.
  - apply next_is_downhill; [apply Hs; lia|].
    apply (slope_pays L L eta tau G w); try assumption; try lra; [apply Hm; lia|].
    unfold downhill_at. destruct (Ha k) as (beta & Hb & ->); [lia|]. rewrite dot_scal_r.
    assert (dot (G (w k)) (previous_step w k) <= 0) by (apply IHk; intros; [apply Hm|apply Ha|apply Hs]; lia). nra.
Qed.

Lemma momentum_is_downhill k : momentum_along_previous_step eta G w k ->
  dot (G (w k)) (previous_step w k) <= 0 -> downhill_at eta G w k.
Proof. intros (beta & Hb & H) Hd. unfold downhill_at. rewrite H, dot_scal_r. nra. Qed.
End FromRest.

Theorem from_rest n L eta tau A (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> from_rest_range L eta tau -> curvature_at_most L A E G ->
  momentum_forever eta tau G w -> (forall k, momentum_along_previous_step eta G w k) ->
  (forall k, segment_in A (w k) (w (S k) ⊖ w k)) ->
  forall k, dot (G (w k)) (previous_step w k) <= 0 /\
    L * dot (w (S k) ⊖ w k) (w (S k) ⊖ w k) <= - dot (G (w k)) (w (S k) ⊖ w k) /\
    E (w (S k)) <= E (w k) - from_rest_gain L eta tau * dot (G (w k)) (G (w k)) /\
    E (w (S k)) <= E (w k) - (downhill_curvature eta tau - L / 2) * dot (w (S k) ⊖ w k) (w (S k) ⊖ w k) /\
    eta / 2 <= from_rest_gain L eta tau /\ L / 2 <= downhill_curvature eta tau - L / 2.
Proof.
  intros HL He Ht HR HC Hmom Ha Hseg k.
  pose proof (curvature_is_paid L eta tau HL He Ht HR) as Paid.
  assert (Down : dot (G (w k)) (previous_step w k) <= 0) by (apply (never_uphill L eta tau A E G w); auto).
  assert (Hd : downhill_at eta G w k) by now apply momentum_is_downhill.
  assert (Half : L / 2 <= downhill_curvature eta tau) by lra.
  destruct (downhill_whole L (downhill_curvature eta tau) eta tau A E G w HL He Ht Half (Rle_refl _) HC k (Hmom k) Hd (Hseg k))
    as [H1 H2]. rewrite norm_sq in H1.
  repeat split; try assumption; try lra.
  - apply (slope_pays L L eta tau G w); try assumption; try lra. apply Hmom.
  - now apply from_rest_gain_at_least.
Qed.

(** Nothing is assumed about the iterates: the ball holds [K] steps. *)
Theorem from_rest_horizon n L eta tau rho lowest K (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> from_rest_range L eta tau -> 0 < rho ->
  curvature_at_most L (ball (w O) rho) E G -> (forall u, ball (w O) rho u -> lowest <= E u) ->
  momentum_until K eta tau G w -> (forall k, (k < K)%nat -> momentum_along_previous_step eta G w k) ->
  downhill_horizon_range L eta tau rho (E (w O)) lowest K ->
  (forall k, (k <= K)%nat -> ball (w O) rho (w k)) /\
  (forall k, (k < K)%nat -> segment_in (ball (w O) rho) (w k) (w (S k) ⊖ w k) /\
     E (w (S k)) <= E (w k) - from_rest_gain L eta tau * dot (G (w k)) (G (w k))).
Proof.
  intros HL He Ht HR Hrho HC Hlow Hmom Ha Hreach. pose proof (curvature_is_paid L eta tau HL He Ht HR) as Paid.
  apply (downhill_horizon n L eta tau rho lowest K E G w); try assumption; [lra|].
  intros k Hk Hsegs. apply momentum_is_downhill; [now apply Ha|].
  apply (never_uphill L eta tau (ball (w O) rho) E G w); try assumption; intros; [apply Hmom|apply Ha]; lia.
Qed.

(** The simpler radius [sqrt (2 K (E(w_0) - lowest) / L)] is never smaller. *)
Lemma from_rest_simpler_radius L eta tau rho start lowest K : 0 < L -> 0 < eta -> 0 <= tau ->
  from_rest_range L eta tau -> lowest <= start ->
  sqrt (2 * INR K * (start - lowest) / L) <= rho -> downhill_horizon_range L eta tau rho start lowest K.
Proof.
  intros HL He Ht HR Hdrop H. pose proof (curvature_is_paid L eta tau HL He Ht HR) as Paid.
  unfold downhill_horizon_range. eapply Rle_trans; [|exact H]. apply sqrt_le_1_alt.
  replace (2 * INR K * (start - lowest) / L) with (INR K * (start - lowest) / (L / 2)) by (field; lra).
  unfold Rdiv. apply Rmult_le_compat_l; [apply Rmult_le_pos; [apply pos_INR|lra]|].
  apply Rinv_le_contravar; lra.
Qed.

Theorem from_rest_weight_decay n L eta tau lam rho (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> from_rest_range L eta tau -> 0 < lam -> (forall u, 0 <= E u) ->
  decay_radius lam (with_decay lam E (w O)) < rho ->
  curvature_at_most L (ball vzero rho) (with_decay lam E) G ->
  momentum_forever eta tau G w -> (forall k, momentum_along_previous_step eta G w k) ->
  forall k,
    norm (w k) <= decay_radius lam (with_decay lam E (w O)) /\
    segment_in (ball vzero rho) (w k) (w (S k) ⊖ w k) /\
    with_decay lam E (w (S k)) <= with_decay lam E (w k) - from_rest_gain L eta tau * dot (G (w k)) (G (w k)).
Proof.
  intros HL He Ht HR Hlam HE Hrho HC Hmom Ha. pose proof (curvature_is_paid L eta tau HL He Ht HR) as Paid.
  apply (downhill_weight_decay n L eta tau lam rho E G w); try assumption; [lra|].
  intros k Hsegs. apply momentum_is_downhill; [apply Ha|].
  apply (never_uphill L eta tau (ball vzero rho) (with_decay lam E) G w); auto.
Qed.
