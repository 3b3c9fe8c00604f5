(** * The descent lemma

    Three ways to know that a function has curvature at most [L] on a region: its gradient is Lipschitz there
    ([descent_lemma]), its second derivative along the step is bounded ([second_derivative_descent]), or its
    Hessian is bounded ([hessian_descent]).  All three need the segment that the step travels and nothing
    beyond it. *)

Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient.
Open Scope R_scope.

Lemma derivable_continuous_at (f : R -> R) t l : is_derive f t l -> continuity_pt f t.
Proof. intros H. apply continuity_pt_filterlim, (ex_derive_continuous f). now exists l. Qed.

(** One dimension: a slope that grows no faster than [M t] leaves the function below a parabola. *)
Lemma descent_in_one_dimension (phi slope : R -> R) M :
  (forall t, 0 <= t <= 1 -> is_derive phi t (slope t)) ->
  (forall t, 0 <= t <= 1 -> slope t <= slope 0 + M * t) ->
  phi 1 <= phi 0 + slope 0 + M / 2.
Proof.
  intros Hphi Hslope.
  set (gap := fun t => phi t - slope 0 * t - M / 2 * (t * t)).
  assert (Hgap : forall t, 0 <= t <= 1 -> is_derive gap t (slope t - slope 0 - M * t)).
  { intros t Ht. unfold gap. evar_last.
    - apply @is_derive_minus; [apply @is_derive_minus; [now apply Hphi|]|].
      + auto_derive; [exact I|reflexivity].
      + auto_derive; [exact I|reflexivity].
    - unfold minus, plus, opp; simpl. field. }
  destruct (MVT_gen gap 0 1 (fun t => slope t - slope 0 - M * t)) as (c & Hc & Heq).
  - rewrite Rmin_left, Rmax_right by lra. intros; apply Hgap; lra.
  - rewrite Rmin_left, Rmax_right by lra. intros t Ht. eapply derivable_continuous_at, Hgap, Ht.
  - rewrite Rmin_left, Rmax_right in Hc by lra.
    specialize (Hslope c Hc). unfold gap in Heq. nra.
Qed.

Section Descent.
Context {n : nat}.
Implicit Types (w d g : vec n) (E : vec n -> R) (G : vec n -> vec n) (S : vec n -> Prop).

(** The descent lemma on one segment: the gradient drifts from its initial value by at most [L] times the
    distance travelled. *)
Theorem descent_lemma L E G w d :
  segment_in (fun u => is_grad E u (G u)) w d ->
  segment_in (fun u => norm (G u ⊖ G w) <= L * norm (u ⊖ w)) w d ->
  below_parabola L E w (G w) d.
Proof.
  intros HG HL. unfold below_parabola.
  pose proof (descent_in_one_dimension
                (fun t => E (line w d t)) (fun t => dot (G (line w d t)) d) (L * dot d d)) as H.
  cbv beta in H. rewrite line_0, line_1 in H.
  apply Rle_trans with (E w + dot (G w) d + L * dot d d / 2); [apply H|lra].
  - intros t Ht. now apply line_derive, HG.
  - intros t Ht. specialize (HL t Ht). cbv beta in HL.
    rewrite line_minus_start, norm_scal, Rabs_pos_eq in HL by lra.
    pose proof (dot_le_norms (G (line w d t) ⊖ G w) d) as CS. rewrite dot_sub_l in CS.
    pose proof (norm_pos d). rewrite <- norm_sq. nra.
Qed.

(** On a region with a Lipschitz gradient. *)
Corollary lipschitz_gradient_curvature L S E G :
  (forall w, S w -> is_grad E w (G w)) ->
  (forall u v, S u -> S v -> norm (G u ⊖ G v) <= L * norm (u ⊖ v)) ->
  curvature_at_most L S E G.
Proof.
  intros HG HL w d HS. apply descent_lemma; intros t Ht.
  - now apply HG, HS.
  - apply HL; [now apply HS|]. rewrite <- (line_0 w d). apply HS; lra.
Qed.

Corollary smooth_curvature L E G : smooth L E G -> curvature_at_most L everywhere E G.
Proof. intros [HG HL]. apply lipschitz_gradient_curvature; auto. Qed.

(** The descent lemma from a bound on the second derivative of [t -> E (w + t d)] on [0, 1]. *)
Theorem second_derivative_descent L E G w d (second : R -> R) :
  segment_in (fun u => is_grad E u (G u)) w d ->
  (forall t, 0 <= t <= 1 -> is_derive (fun t => dot (G (line w d t)) d) t (second t)) ->
  (forall t, 0 <= t <= 1 -> second t <= L * dot d d) ->
  below_parabola L E w (G w) d.
Proof.
  intros HG H2 HB. unfold below_parabola.
  pose proof (descent_in_one_dimension
                (fun t => E (line w d t)) (fun t => dot (G (line w d t)) d) (L * dot d d)) as H.
  cbv beta in H. rewrite line_0, line_1 in H.
  apply Rle_trans with (E w + dot (G w) d + L * dot d d / 2); [apply H|lra].
  - intros t Ht. now apply line_derive, HG.
  - intros t Ht.
    destruct (MVT_gen (fun t => dot (G (line w d t)) d) 0 t second) as (c & Hc & Heq).
    + rewrite Rmin_left, Rmax_right by lra. intros; apply H2; lra.
    + rewrite Rmin_left, Rmax_right by lra. intros s Hs.
      apply (derivable_continuous_at _ _ (second s)), H2; lra.
    + rewrite Rmin_left, Rmax_right in Hc by lra.
      assert (second c <= L * dot d d) by (apply HB; lra).
      rewrite line_0 in Heq. nra.
Qed.

(** ** The Hessian *)

(** [H] is the derivative of the gradient [G] at [w] (the Hessian of [E], as a linear map). *)
Definition is_hessian G w (H : vec n -> vec n) : Prop :=
  (forall a d, H (a ⊙ d) = a ⊙ H d) /\
  forall eps, 0 < eps -> exists del, 0 < del /\
    forall d, norm d < del -> norm (G (w ⊕ d) ⊖ G w ⊖ H d) <= eps * norm d.

Lemma hessian_along_line G w d t H :
  is_hessian G (line w d t) H -> is_derive (fun t => dot (G (line w d t)) d) t (dot (H d) d).
Proof.
  intros [Hlin HH]. pose proof (norm_pos d) as Pd. apply (first_order_along_line _ _ d). intros eps Heps.
  assert (He : 0 < eps / (norm d + 1)) by (apply Rdiv_lt_0_compat; lra).
  destruct (HH _ He) as (del & Hdel & HD). exists del. split; [exact Hdel|]. intros h Hh.
  specialize (HD _ Hh). rewrite Hlin in HD.
  rewrite line_shift, <- dot_scal_l, <- !dot_sub_l.
  eapply Rle_trans; [apply cauchy_schwarz|].
  eapply Rle_trans; [apply Rmult_le_compat_r; [exact Pd|exact HD]|].
  pose proof (norm_pos (h ⊙ d)).
  replace (eps / (norm d + 1) * norm (h ⊙ d) * norm d)
    with (eps * norm (h ⊙ d) * (norm d / (norm d + 1))) by (field; lra).
  assert (norm d / (norm d + 1) <= 1); [|assert (0 <= eps * norm (h ⊙ d)) by nra; nra].
  apply (Rmult_le_reg_r (norm d + 1)); [lra|]. unfold Rdiv; rewrite Rmult_assoc, Rinv_l; lra.
Qed.

(** The descent lemma from a bound on the Hessian: what the toolkit's bound [L] on a region is used for.
    Only the largest eigenvalue matters; a bound on the spectral norm, |H d| <= L |d|, is more than enough. *)
Theorem hessian_descent L S E G (H : vec n -> vec n -> vec n) :
  (forall w, S w -> is_grad E w (G w)) ->
  (forall w, S w -> is_hessian G w (H w)) ->
  (forall w d, S w -> dot (H w d) d <= L * dot d d) ->
  curvature_at_most L S E G.
Proof.
  intros HG HH HB w d HS.
  apply (second_derivative_descent L E G w d (fun t => dot (H (line w d t) d) d)); intros t Ht.
  - now apply HG, HS.
  - now apply hessian_along_line, HH, HS.
  - now apply HB, HS.
Qed.

Lemma spectral_norm_bounds_form L (A : vec n -> vec n) d :
  norm (A d) <= L * norm d -> dot (A d) d <= L * dot d d.
Proof. intros H. pose proof (dot_le_norms (A d) d). pose proof (norm_pos d). rewrite <- norm_sq. nra. Qed.

End Descent.

(** ** The extremal function: half of [L] times the squared distance from the origin *)

Definition paraboloid {n} (L : R) (w : vec n) : R := L / 2 * dot w w.

Lemma paraboloid_gradient {n} L (w : vec n) : 0 < L -> is_grad (paraboloid L) w (L ⊙ w).
Proof.
  intros HL eps Heps. exists (2 * eps / L). split; [apply Rdiv_lt_0_compat; lra|].
  intros d Hd. unfold paraboloid. rewrite !dot_add_l, !dot_add_r, (dot_sym d w), dot_scal_l.
  replace (L / 2 * (dot w w + dot w d + (dot w d + dot d d)) - L / 2 * dot w w - L * dot w d)
    with (L / 2 * (norm d * norm d)) by (rewrite norm_sq; field).
  pose proof (norm_pos d). rewrite Rabs_pos_eq by nra.
  apply (Rmult_lt_compat_l L) in Hd; [|lra].
  replace (L * (2 * eps / L)) with (2 * eps) in Hd by (field; lra). nra.
Qed.

Lemma paraboloid_smooth {n} L : 0 < L -> smooth L (@paraboloid n L) (vscal L).
Proof.
  intros HL. split; [intros w; now apply paraboloid_gradient|].
  intros u v. replace (L ⊙ u ⊖ L ⊙ v) with (L ⊙ (u ⊖ v)) by vector_ring.
  rewrite norm_scal, Rabs_pos_eq by lra. lra.
Qed.

(** On the paraboloid the descent lemma is an equality. *)
Lemma paraboloid_exact {n} L (w d : vec n) :
  paraboloid L (w ⊕ d) = paraboloid L w + dot (L ⊙ w) d + L / 2 * dot d d.
Proof. unfold paraboloid. rewrite !dot_add_l, !dot_add_r, (dot_sym d w), dot_scal_l. field. Qed.
