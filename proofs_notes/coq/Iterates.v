(** * The iterates of gradient descent with momentum

    The momentum term of a step is, by definition, what remains of the step after the gradient part.  So the
    theorems about [momentum_until] and [momentum_forever] speak of the adaptive rule, of its block-wise form
    and of stored floating-point weights alike. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants.
Open Scope R_scope.

Definition momentum_term {n} eta (G : vec n -> vec n) (w : nat -> vec n) k : vec n :=
  w (S k) ⊖ w k ⊕ eta ⊙ G (w k).

Definition momentum_at {n} eta tau (G : vec n -> vec n) (w : nat -> vec n) k : Prop :=
  norm (momentum_term eta G w k) <= tau * norm (G (w k)).

Definition momentum_until {n} (K : nat) eta tau (G : vec n -> vec n) w : Prop :=
  forall k, (k < K)%nat -> momentum_at eta tau G w k.

Definition momentum_forever {n} eta tau (G : vec n -> vec n) w : Prop :=
  forall k, momentum_at eta tau G w k.

Section Iterates.
Context {n : nat}.
Variables (eta tau : R) (G : vec n -> vec n) (w : nat -> vec n).

(** The previous step, D_k = w_k - w_(k-1); none before the first. *)
Definition previous_step k : vec n := match k with O => vzero | S j => w (S j) ⊖ w j end.

Lemma next_iterate k : w (S k) = w k ⊕ step eta (G (w k)) (momentum_term eta G w k).
Proof. unfold step, momentum_term. vector_ring. Qed.

Lemma step_is_difference k : step eta (G (w k)) (momentum_term eta G w k) = w (S k) ⊖ w k.
Proof. unfold step, momentum_term. vector_ring. Qed.

(** The algorithm of the paper satisfies the definition ... *)
Lemma adaptive_rule_is_momentum : 0 <= tau ->
  (forall k, w (S k) = w k ⊕ step eta (G (w k)) (adaptive_momentum tau (G (w k)) (previous_step k))) ->
  momentum_forever eta tau G w.
Proof.
  intros Ht H k. unfold momentum_at, momentum_term. rewrite H.
  replace (w k ⊕ step eta (G (w k)) (adaptive_momentum tau (G (w k)) (previous_step k)) ⊖ w k ⊕ eta ⊙ G (w k))
    with (adaptive_momentum tau (G (w k)) (previous_step k)) by (unfold step; vector_ring).
  now apply adaptive_momentum_bounded.
Qed.

(** ... and so does its block-wise form. *)
Lemma blockwise_rule_is_momentum B block_of : 0 <= tau -> (forall i, (block_of i < B)%nat) ->
  (forall k, w (S k) = w k ⊕
     step eta (G (w k)) (blockwise_adaptive_momentum block_of tau (G (w k)) (previous_step k))) ->
  momentum_forever eta tau G w.
Proof.
  intros Ht HB H k. unfold momentum_at, momentum_term. rewrite H.
  replace (w k ⊕ step eta (G (w k)) (blockwise_adaptive_momentum block_of tau (G (w k)) (previous_step k))
             ⊖ w k ⊕ eta ⊙ G (w k))
    with (blockwise_adaptive_momentum block_of tau (G (w k)) (previous_step k)) by (unfold step; vector_ring).
  now apply (blockwise_adaptive_momentum_bounded n B).
Qed.

Lemma step_length_at k : 0 <= eta -> momentum_at eta tau G w k ->
  norm (w (S k) ⊖ w k) <= (eta + tau) * norm (G (w k)).
Proof. intros He H. rewrite <- step_is_difference. now apply step_length. Qed.

(** Decrease along the [k]-th step, as far as it is known to stay in the region. *)
Lemma decrease_at L S E k t :
  0 < L -> 0 <= tau -> momentum_at eta tau G w k -> curvature_at_most L S E G -> 0 <= t ->
  (forall s, 0 <= s <= t -> S (line (w k) (w (Datatypes.S k) ⊖ w k) s)) ->
  E (line (w k) (w (Datatypes.S k) ⊖ w k) t)
    <= E (w k) - sharp_gain L (t * eta) (t * tau) * dot (G (w k)) (G (w k)).
Proof. intros HL Ht Hm HS Ht0. rewrite <- step_is_difference. now apply decrease_along_step. Qed.

Lemma decrease_of_whole_step L S E k :
  0 < L -> 0 <= tau -> momentum_at eta tau G w k -> curvature_at_most L S E G ->
  segment_in S (w k) (w (Datatypes.S k) ⊖ w k) ->
  E (w (Datatypes.S k)) <= E (w k) - sharp_gain L eta tau * (norm (G (w k)) * norm (G (w k))).
Proof.
  intros HL Ht Hm HS Hseg. rewrite norm_sq.
  pose proof (decrease_at L S E k 1 HL Ht Hm HS Rle_0_1 Hseg) as H.
  rewrite line_1, !Rmult_1_l in H.
  now replace (w k ⊕ (w (Datatypes.S k) ⊖ w k)) with (w (Datatypes.S k)) in H by vector_ring.
Qed.

End Iterates.
