(** * One limit, without assuming finitely many stationary points

    For analytic errors a theorem of Absil, Mahony and Andrews (SIAM J. Optim. 16 (2005) 531-547, Theorem 3.2)
    says that a bounded sequence with enough descent converges.  That theorem is not proved here: it stands in
    the hypotheses, under its name, wherever it is used.  What is proved is that the iterates meet its
    conditions. *)

Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates.
From Dagverify Require Import WeightDecay Compactness Convergence.
Open Scope R_scope.

(** ** Analytic functions *)

(** [homogeneous j p]: [p] is a homogeneous polynomial of degree [j] in the coordinates. *)
Inductive homogeneous {n} : nat -> (vec n -> R) -> Prop :=
  | homogeneous_zero j : homogeneous j (fun _ => 0)
  | homogeneous_constant a : homogeneous 0 (fun _ => a)
  | homogeneous_times j p i : homogeneous j p -> homogeneous (S j) (fun d => d i * p d)
  | homogeneous_plus j p q : homogeneous j p -> homogeneous j q -> homogeneous j (fun d => p d + q d).

(** Around every point the function is the sum of its homogeneous parts, which shrink geometrically. *)
Definition real_analytic {n} (f : vec n -> R) : Prop :=
  forall x, exists (part : nat -> vec n -> R) r M, 0 < r /\
    (forall j, homogeneous j (part j)) /\
    (forall j d, Rabs (part j d) <= M * (norm d / r) ^ j) /\
    (forall d, norm d < r -> is_series (fun j => part j d) (f (x ⊕ d))).

(** ** The cited theorem *)

Definition strong_descent {n} (phi : vec n -> R) (grad : vec n -> vec n) (x : nat -> vec n) : Prop :=
  (exists sigma, 0 < sigma /\
     forall k, sigma * (norm (grad (x k)) * norm (x (S k) ⊖ x k)) <= phi (x k) - phi (x (S k))) /\
  (forall k, phi (x (S k)) = phi (x k) -> x (S k) = x k).

Definition absil_mahony_andrews : Prop :=
  forall n (phi : vec n -> R) grad x,
    real_analytic phi -> (forall u, is_grad phi u (grad u)) -> strong_descent phi grad x ->
    is_lim_seq (fun k => norm (x k)) p_infty \/ exists y, converges x y.

Lemma bounded_not_to_infinity n (x : nat -> vec n) B :
  (forall k, norm (x k) <= B) -> ~ is_lim_seq (fun k => norm (x k)) p_infty.
Proof.
  intros HB H. apply is_lim_seq_spec in H. destruct (H B) as [N HN].
  specialize (HN N (Nat.le_refl N)). specialize (HB N). lra.
Qed.

Lemma limit_of_field n (G : vec n -> vec n) x y :
  continuous_on everywhere G -> converges x y -> is_lim_seq (fun k => norm (G (x k))) 0 -> G y = vzero.
Proof.
  intros Hct Hx HG. apply norm_zero_eq, Rle_antisym; [|apply norm_pos]. apply Rnot_lt_le; intros F.
  destruct (Hct y I (norm (G y) / 3)) as (del & Hdel & H); [lra|].
  destruct (Hx del Hdel) as [M HM].
  destruct (vanishes_below n (fun k => G (x k)) (norm (G y) / 3) HG) as [M2 HM2]; [lra|].
  specialize (HM (Nat.max M M2) ltac:(lia)). specialize (HM2 (Nat.max M M2) ltac:(lia)).
  specialize (H _ I HM). rewrite norm_opp_sub in H.
  pose proof (norm_difference (G y) (G (x (Nat.max M M2)))). lra.
Qed.

(** ** The iterates descend strongly *)

Lemma momentum_descends_strongly n L eta tau (W : vec n -> Prop) (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> 0 < sharp_gain L eta tau -> curvature_at_most L W E G ->
  momentum_forever eta tau G w -> (forall k, segment_in W (w k) (w (S k) ⊖ w k)) ->
  strong_descent E G w.
Proof.
  intros HL He Ht Hc HS Hmom Hseg. set (c := sharp_gain L eta tau) in *.
  assert (Dec : forall k, E (w (S k)) <= E (w k) - c * (norm (G (w k)) * norm (G (w k)))).
  { intros k. apply (decrease_of_whole_step eta tau G w L W); auto. }
  split.
  - exists (c / (eta + tau)). split; [apply Rdiv_lt_0_compat; lra|]. intros k.
    pose proof (step_length_at eta tau G w k (Rlt_le _ _ He) (Hmom k)) as Hlen. specialize (Dec k).
    pose proof (norm_pos (G (w k))) as Pg. set (g := norm (G (w k))) in *.
    assert (c / (eta + tau) * (g * norm (w (S k) ⊖ w k)) <= c * (g * g)); [|lra].
    replace (c * (g * g)) with (c / (eta + tau) * (g * ((eta + tau) * g))) by (field; lra).
    apply Rmult_le_compat_l; [|apply Rmult_le_compat_l; assumption].
    apply Rmult_le_pos; [lra|]. left; apply Rinv_0_lt_compat; lra.
  - intros k Heq. specialize (Dec k). rewrite Heq in Dec.
    pose proof (norm_pos (G (w k))) as Pg. pose proof (norm_pos (w (S k) ⊖ w k)).
    assert (norm (G (w k)) = 0).
    { apply Rle_antisym; [apply Rnot_lt_le; intros F|exact Pg].
      assert (0 < c * (norm (G (w k)) * norm (G (w k)))) by (apply Rmult_lt_0_compat; nra). lra. }
    pose proof (step_length_at eta tau G w k (Rlt_le _ _ He) (Hmom k)) as Hlen.
    assert (Z : w (S k) ⊖ w k = vzero) by (apply norm_zero_eq; nra).
    replace (w (S k)) with ((w (S k) ⊖ w k) ⊕ w k) by vector_ring. rewrite Z. vector_ring.
Qed.

(** [W] is the bounded convex region of assumption A2. *)
Theorem single_limit (cited : absil_mahony_andrews) n L eta tau lowest (W : vec n -> Prop) (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> 0 < sharp_gain L eta tau ->
  real_analytic E -> (forall u, is_grad E u (G u)) -> continuous_on everywhere G ->
  convex_set W -> bounded_set W -> curvature_at_most L W E G -> (forall u, W u -> lowest <= E u) ->
  momentum_forever eta tau G w -> (forall k, W (w k)) ->
  exists x, G x = vzero /\ converges w x.
Proof.
  intros HL He Ht Hc Han HG Hct Hconv [B HB] HS Hlow Hmom HW.
  destruct (cited n E G w Han HG) as [Inf|[x Hx]].
  - apply (momentum_descends_strongly n L eta tau W); try assumption. intros k t T. now apply Hconv.
  - exfalso. apply (bounded_not_to_infinity n w B); [|exact Inf]. auto.
  - exists x. split; [|exact Hx]. apply (limit_of_field n G w); try assumption.
    now apply (convergence n L eta tau lowest W E G w).
Qed.

(** With weight decay nothing is left to assume about the iterates. *)
Theorem weight_decay_single_limit (cited : absil_mahony_andrews) n L eta tau lam rho (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> 0 < sharp_gain L eta tau -> 0 < lam -> (forall u, 0 <= E u) ->
  real_analytic (with_decay lam E) -> (forall u, is_grad (with_decay lam E) u (G u)) ->
  continuous_on everywhere G ->
  decay_radius lam (with_decay lam E (w O)) < rho ->
  curvature_at_most L (ball vzero rho) (with_decay lam E) G ->
  momentum_forever eta tau G w ->
  exists x, G x = vzero /\ converges w x.
Proof.
  intros HL He Ht Hc Hlam HE Han HG Hct Hrho HS Hmom.
  assert (HR : sharp_range L eta tau) by (apply sharp_gain_nonneg_iff; lra).
  pose proof (weight_decay n L eta tau lam rho E G w HL He Ht HR Hlam HE Hrho HS Hmom) as Stay.
  apply (single_limit cited n L eta tau 0 (ball vzero rho) (with_decay lam E) G w); try assumption.
  - intros u v t Hu Hv T. unfold ball in *. rewrite origin_ball in *.
    replace (line u (v ⊖ u) t) with ((1 - t) ⊙ u ⊕ t ⊙ v) by (unfold line; vector_ring).
    eapply Rle_trans; [apply norm_triangle|]. rewrite !norm_scal, !Rabs_pos_eq by lra. nra.
  - exists rho. intros u Hu. unfold ball in Hu. now rewrite origin_ball in Hu.
  - intros u _. unfold with_decay. pose proof (HE u). pose proof (dot_pos u). nra.
  - intros k. unfold ball. rewrite origin_ball. destruct (Stay k). lra.
Qed.
