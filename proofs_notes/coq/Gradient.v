(** * Gradients, and what "curvature at most L" means

    [is_grad E w g]: [g] is the gradient of [E] at [w] (Frechet: the error of the linear approximation is
    smaller than any multiple of the displacement).

    [curvature_at_most L S E G]: on every straight segment inside the region [S], [E] lies below the parabola
    of curvature [L] that touches it at the segment's start.  All theorems assume this and nothing stronger;
    file Descent derives it from a Lipschitz gradient and from a bound on second derivatives.  The losses of
    neural networks satisfy it on bounded regions only, hence the region. *)

Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors.
Open Scope R_scope.

Definition is_grad {n} (E : vec n -> R) (w g : vec n) : Prop :=
  forall eps, 0 < eps -> exists del, 0 < del /\
    forall d, norm d < del -> Rabs (E (w ⊕ d) - E w - dot g d) <= eps * norm d.

(** The point that is reached after the share [t] of the step [d]. *)
Definition line {n} (w d : vec n) (t : R) : vec n := w ⊕ t ⊙ d.

Definition segment_in {n} (S : vec n -> Prop) (w d : vec n) : Prop :=
  forall t, 0 <= t <= 1 -> S (line w d t).

Definition below_parabola {n} (L : R) (E : vec n -> R) (w g d : vec n) : Prop :=
  E (w ⊕ d) <= E w + dot g d + L / 2 * dot d d.

Definition curvature_at_most {n} (L : R) (S : vec n -> Prop) (E : vec n -> R) (G : vec n -> vec n) : Prop :=
  forall w d, segment_in S w d -> below_parabola L E w (G w) d.

Definition everywhere {n} : vec n -> Prop := fun _ => True.
Definition ball {n} (c : vec n) (rho : R) : vec n -> Prop := fun w => norm (w ⊖ c) <= rho.

(** The class of functions that the sharpness theorems quantify over: gradient [G], Lipschitz with constant [L]. *)
Definition smooth {n} (L : R) (E : vec n -> R) (G : vec n -> vec n) : Prop :=
  (forall w, is_grad E w (G w)) /\ (forall u v, norm (G u ⊖ G v) <= L * norm (u ⊖ v)).

Section Line.
Context {n : nat}.
Implicit Types u w d g : vec n.

Lemma line_0 w d : line w d 0 = w.
Proof. unfold line; vector_ring. Qed.

Lemma line_1 w d : line w d 1 = w ⊕ d.
Proof. unfold line; vector_ring. Qed.

Lemma line_minus_start w d t : line w d t ⊖ w = t ⊙ d.
Proof. unfold line; vector_ring. Qed.

Lemma line_shift w d t h : line w d (t + h) = line w d t ⊕ h ⊙ d.
Proof. unfold line; vector_ring. Qed.

Lemma line_shorten w d s t : line w (s ⊙ d) t = line w d (s * t).
Proof. unfold line; vector_ring. Qed.

(** If a segment lies in a region, so does each initial part of it. *)
Lemma segment_shorten (S : vec n -> Prop) w d s :
  (forall t, 0 <= t <= s -> S (line w d t)) -> 0 <= s -> segment_in S w (s ⊙ d).
Proof. intros H Hs t Ht. rewrite line_shorten. apply H. nra. Qed.

(** A first-order bound along a line, the heart of both chain rules below. *)
Lemma first_order_along_line (F : R -> R) (slope : R) d t :
  (forall eps, 0 < eps -> exists del, 0 < del /\
     forall h, norm (h ⊙ d) < del -> Rabs (F (t + h) - F t - h * slope) <= eps * norm (h ⊙ d)) ->
  is_derive F t slope.
Proof.
  intros HF. apply is_derive_Reals. intros eps Heps.
  pose proof (norm_pos d) as Pd.
  assert (He : 0 < eps / (2 * (norm d + 1))) by (apply Rdiv_lt_0_compat; lra).
  destruct (HF _ He) as (del & Hdel & H).
  assert (Hr : 0 < del / (norm d + 1)) by (apply Rdiv_lt_0_compat; lra).
  exists (mkposreal _ Hr). intros h Hh Hsmall; simpl in Hsmall.
  assert (Ph : 0 < Rabs h) by now apply Rabs_pos_lt.
  assert (Hin : norm (h ⊙ d) < del).
  { rewrite norm_scal. apply Rle_lt_trans with (Rabs h * (norm d + 1)); [nra|].
    apply (Rmult_lt_compat_r (norm d + 1)) in Hsmall; [|lra].
    unfold Rdiv in Hsmall. rewrite Rmult_assoc, Rinv_l in Hsmall; lra. }
  specialize (H h Hin). rewrite norm_scal in H.
  replace ((F (t + h) - F t) / h - slope) with ((F (t + h) - F t - h * slope) / h) by now field.
  unfold Rdiv at 1. rewrite Rabs_mult, Rabs_inv.
  apply Rle_lt_trans with (eps / (2 * (norm d + 1)) * (Rabs h * norm d) * / Rabs h).
  - apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat|exact H].
  - replace (eps / (2 * (norm d + 1)) * (Rabs h * norm d) * / Rabs h)
      with (eps * (norm d / (2 * (norm d + 1)))) by (field; lra).
    assert (norm d / (2 * (norm d + 1)) < 1); [|nra].
    apply (Rmult_lt_reg_r (2 * (norm d + 1))); [lra|].
    unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

(** Chain rule: along a line, E changes at the rate (gradient . direction). *)
Lemma line_derive E w d t g :
  is_grad E (line w d t) g -> is_derive (fun t => E (line w d t)) t (dot g d).
Proof.
  intros HG. apply (first_order_along_line _ _ d). intros eps Heps.
  destruct (HG eps Heps) as (del & Hdel & H). exists del. split; [exact Hdel|]. intros h Hh.
  rewrite line_shift, <- dot_scal_r. now apply H.
Qed.

(** The gradient is unique. *)
Lemma is_grad_unique E w g1 g2 : is_grad E w g1 -> is_grad E w g2 -> g1 = g2.
Proof.
  intros H1 H2.
  assert (K : forall d, dot g1 d = dot g2 d).
  { intros d.
    rewrite <- (line_0 w d) in H1, H2.
    apply line_derive in H1. apply line_derive in H2.
    apply is_derive_unique in H1. apply is_derive_unique in H2. congruence. }
  assert (Z : g1 ⊖ g2 = vzero) by (apply dot_zero; rewrite dot_sub_l, K; ring).
  replace g1 with ((g1 ⊖ g2) ⊕ g2) by vector_ring. rewrite Z. vector_ring.
Qed.
End Line.
