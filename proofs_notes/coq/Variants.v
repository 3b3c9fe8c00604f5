(** * Three readings of the momentum bound

    [blockwise_momentum]: norms taken per vertex of the network imply the bound over all weights.
    [executed_steps]: the bound may be checked after the fact, on stored weights and an enclosed gradient.
    [direction_aware]: who knows the angle between momentum and gradient may use more momentum. *)

Require Import Reals Lra Psatz FunctionalExtensionality Arith.
From Dagverify Require Import Sums Vectors Gradient Descent Ranges Steps.
Open Scope R_scope.

(** ** Blocks *)

(** [block_of] says which of the blocks 0, ..., B-1 (one per vertex) each weight belongs to. *)
Definition restrict {n} (block_of : Fin.t n -> nat) (b : nat) (u : vec n) : vec n :=
  fun i => if Nat.eq_dec (block_of i) b then u i else 0.

Lemma sum_below_fsum B n (f : nat -> vec n) :
  sum_below B (fun b => fsum n (f b)) = fsum n (fun i => sum_below B (fun b => f b i)).
Proof.
  induction B; simpl.
  - rewrite fsum_const; ring.
  - rewrite IHB. symmetry. apply fsum_plus.
Qed.

Lemma sum_below_indicator B (c : nat) a :
  (c < B)%nat -> sum_below B (fun b => if Nat.eq_dec c b then a else 0) = a.
Proof.
  assert (Z : forall B, (B <= c)%nat -> sum_below B (fun b => if Nat.eq_dec c b then a else 0) = 0).
  { intros B'. induction B'; simpl; intros H; [reflexivity|].
    rewrite IHB' by lia. destruct (Nat.eq_dec c B'); [lia|ring]. }
  induction B; simpl; intros H; [lia|]. destruct (Nat.eq_dec c B).
  - rewrite Z by lia. ring.
  - rewrite IHB by lia. ring.
Qed.

(** Pythagoras: the square norm is the sum of the blocks' square norms. *)
Lemma dot_by_blocks n B (block_of : Fin.t n -> nat) (u : vec n) :
  (forall i, (block_of i < B)%nat) ->
  sum_below B (fun b => dot (restrict block_of b u) (restrict block_of b u)) = dot u u.
Proof.
  intros HB. unfold dot. rewrite (sum_below_fsum B n (fun b i => restrict block_of b u i * restrict block_of b u i)).
  apply fsum_ext. intros i. rewrite <- (sum_below_indicator B (block_of i) (u i * u i)) by apply HB.
  clear HB. induction B; simpl; [reflexivity|]. rewrite IHB. unfold restrict.
  destruct (Nat.eq_dec (block_of i) B); ring.
Qed.

Theorem blockwise_momentum n B (block_of : Fin.t n -> nat) tau (g m : vec n) :
  0 <= tau -> (forall i, (block_of i < B)%nat) ->
  (forall b, (b < B)%nat -> norm (restrict block_of b m) <= tau * norm (restrict block_of b g)) ->
  norm m <= tau * norm g.
Proof.
  intros Ht HB H. pose proof (norm_pos g). apply norm_le_sq; [nra|].
  replace (tau * norm g * (tau * norm g)) with (tau * tau * (norm g * norm g)) by ring.
  rewrite norm_sq, <- (dot_by_blocks n B block_of m), <- (dot_by_blocks n B block_of g), <- sum_below_scal by assumption.
  apply sum_below_le. intros b Hb. specialize (H b Hb).
  rewrite <- (norm_sq (restrict block_of b g)). apply sq_le_norm in H. nra.
Qed.

(** The adaptive rule applied to each block by itself. *)
Definition blockwise_adaptive_momentum {n} (block_of : Fin.t n -> nat) tau (g p : vec n) : vec n :=
  fun i => adaptive_momentum tau (restrict block_of (block_of i) g) (restrict block_of (block_of i) p) i.

Corollary blockwise_adaptive_momentum_bounded n B (block_of : Fin.t n -> nat) tau (g p : vec n) :
  0 <= tau -> (forall i, (block_of i < B)%nat) ->
  norm (blockwise_adaptive_momentum block_of tau g p) <= tau * norm g.
Proof.
  intros Ht HB. apply (blockwise_momentum n B block_of); try assumption. intros b Hb.
  replace (restrict block_of b (blockwise_adaptive_momentum block_of tau g p))
    with (adaptive_momentum tau (restrict block_of b g) (restrict block_of b p)).
  - now apply adaptive_momentum_bounded.
  - apply functional_extensionality; intros i.
    unfold restrict at 3. unfold blockwise_adaptive_momentum.
    destruct (Nat.eq_dec (block_of i) b) as [->|N]; [reflexivity|].
    unfold adaptive_momentum, vscal. unfold restrict at 3.
    destruct (Nat.eq_dec (block_of i) b); [contradiction|ring].
Qed.

Section Variants.
Context {n : nat}.
Implicit Types (w g m : vec n) (E : vec n -> R).

(** ** Executed steps *)

(** [w1] are the weights that were really stored after [w0], however they were computed.  The momentum is what remains
    of the step; if it is short enough, the decrease of the exact theory holds for the stored weights. *)
Theorem executed_steps L eta tau E w0 w1 g :
  0 < L -> 0 < eta -> 0 <= tau -> sharp_range L eta tau ->
  norm (w1 ⊖ w0 ⊕ eta ⊙ g) <= tau * norm g ->
  below_parabola L E w0 g (w1 ⊖ w0) ->
  E w1 <= E w0 - sharp_gain L eta tau * dot g g /\ E w1 <= E w0.
Proof.
  intros HL He Ht HR Hm HQ.
  set (m := w1 ⊖ w0 ⊕ eta ⊙ g) in Hm.
  assert (Hstep : step eta g m = w1 ⊖ w0) by (unfold step, m; vector_ring).
  rewrite <- Hstep in HQ.
  pose proof (sharp_decrease L eta tau E w0 g m HL Ht Hm HQ) as HD.
  replace (w0 ⊕ step eta g m) with w1 in HD by (rewrite Hstep; vector_ring).
  apply sharp_gain_nonneg_iff in HR; try assumption. pose proof (dot_pos g). split; nra.
Qed.

(** The same when only an estimate of the gradient is known, up to [err]. *)
Corollary executed_steps_estimate L eta tau E w0 w1 g estimate err :
  0 < L -> 0 < eta -> 0 <= tau -> sharp_range L eta tau ->
  norm (g ⊖ estimate) <= err ->
  norm (w1 ⊖ w0 ⊕ eta ⊙ estimate) + eta * err <= tau * (norm estimate - err) ->
  below_parabola L E w0 g (w1 ⊖ w0) ->
  E w1 <= E w0 - sharp_gain L eta tau * dot g g /\ E w1 <= E w0.
Proof.
  intros HL He Ht HR Herr Hm HQ. apply executed_steps; try assumption.
  assert (norm (w1 ⊖ w0 ⊕ eta ⊙ g) <= norm (w1 ⊖ w0 ⊕ eta ⊙ estimate) + eta * norm (g ⊖ estimate)).
  { replace (w1 ⊖ w0 ⊕ eta ⊙ g) with ((w1 ⊖ w0 ⊕ eta ⊙ estimate) ⊕ eta ⊙ (g ⊖ estimate)) by vector_ring.
    eapply Rle_trans; [apply norm_triangle|]. rewrite norm_scal, Rabs_pos_eq; lra. }
  pose proof (norm_difference estimate g) as K. rewrite norm_opp_sub in K.
  assert (norm estimate - err <= norm g) by lra. nra.
Qed.

(** ** Known angle between momentum and gradient *)

(** [r] is minus the cosine of that angle: [r = 1] is momentum along the descent direction. *)
Definition direction_aware_change (L eta tau r : R) : R :=
  - eta + L * (eta * eta) / 2 - (1 - L * eta) * r * tau + L * (tau * tau) / 2.

Theorem direction_aware L eta tau r E w g m :
  0 < L -> norm m = tau * norm g -> dot g m = - r * (norm g * norm m) ->
  below_parabola L E w g (step eta g m) ->
  E (w ⊕ step eta g m) <= E w + direction_aware_change L eta tau r * dot g g.
Proof.
  intros HL Hm Hr HQ. unfold below_parabola in HQ.
  rewrite Rplus_assoc, parabola_at_step, Hr, <- (norm_sq m), Hm, <- (norm_sq g) in HQ.
  unfold direction_aware_change. rewrite <- (norm_sq g). nra.
Qed.

(** Who knows only an interval for [r] takes its worse end, and an upper bound of [|m|/|g|] is enough. *)
Theorem direction_aware_enclosed L eta size tau low r high : 0 < L -> 0 < eta -> L * eta <= 2 ->
  0 <= size <= tau -> low <= r <= high ->
  direction_aware_change L eta tau (if Rle_dec (L * eta) 1 then low else high) <= 0 ->
  direction_aware_change L eta size r <= 0.
Proof.
  intros HL He He2 Hsize Hr H. unfold direction_aware_change in *.
  set (worst := if Rle_dec (L * eta) 1 then low else high) in *.
  assert (Hw : (1 - L * eta) * worst <= (1 - L * eta) * r).
  { unfold worst. destruct (Rle_dec (L * eta) 1); nra. }
  pose proof (Rmult_le_compat_r size _ _ (proj1 Hsize) Hw) as Hsz.
  set (b := (1 - L * eta) * worst) in *. clearbody b.
  assert (H0 : - eta + L * (eta * eta) / 2 <= 0) by nra.
  destruct (Req_dec tau 0) as [->|Nt]; [assert (size = 0) as -> by lra; lra|].
  (* A convex parabola that is not positive at 0 and at tau is not positive between them. *)
  assert (tau * (- eta + L * (eta * eta) / 2 - b * size + L * (size * size) / 2) <= 0).
  { replace (tau * (- eta + L * (eta * eta) / 2 - b * size + L * (size * size) / 2))
      with ((tau - size) * (- eta + L * (eta * eta) / 2)
            + size * (- eta + L * (eta * eta) / 2 - b * tau + L * (tau * tau) / 2)
            - L / 2 * size * tau * (tau - size)) by field.
    assert (0 <= size * tau * (tau - size)) by (apply Rmult_le_pos; nra).
    assert (- eta + L * (eta * eta) / 2 - b * tau + L * (tau * tau) / 2 <= 0) by lra. nra. }
  assert (- eta + L * (eta * eta) / 2 - b * size + L * (size * size) / 2 <= 0); [|lra].
  apply (Rmult_le_reg_l tau); lra.
Qed.

(** With momentum along the descent direction the range is [eta + tau <= 2/L] ... *)
Lemma direction_aware_along L eta tau : 0 < L -> 0 < eta -> 0 <= tau ->
  (direction_aware_change L eta tau 1 <= 0 <-> tau <= 2 / L - eta).
Proof.
  intros HL He Ht. unfold direction_aware_change.
  replace (- eta + L * (eta * eta) / 2 - (1 - L * eta) * 1 * tau + L * (tau * tau) / 2)
    with ((eta + tau) * (L * (eta + tau) - 2) / 2) by field.
  transitivity (L * (eta + tau) <= 2).
  - assert (0 < eta + tau) by lra. set (s := eta + tau) in *. clearbody s.
    split; intros H1; [apply Rnot_lt_le; intros F; assert (0 < s * (L * s - 2)) by nra; lra|nra].
  - rewrite <- (le_div 2 (eta + tau) L HL). lra.
Qed.

(** ... and with momentum at a right angle it is a quarter of an ellipse. *)
Lemma direction_aware_orthogonal L eta tau : 0 < L -> 0 < eta -> eta <= 2 / L -> 0 <= tau ->
  (direction_aware_change L eta tau 0 <= 0 <-> tau <= sqrt ((2 * eta - L * (eta * eta)) / L)).
Proof.
  intros HL He He2 Ht. rewrite le_div in He2 by assumption. unfold direction_aware_change.
  assert (P : 0 <= (2 * eta - L * (eta * eta)) / L).
  { apply Rmult_le_pos; [nra|]. left; now apply Rinv_0_lt_compat. }
  pose proof (sqrt_pos ((2 * eta - L * (eta * eta)) / L)) as S0. pose proof (sqrt_sqrt _ P) as S2.
  set (s := sqrt ((2 * eta - L * (eta * eta)) / L)) in *.
  assert (S2' : L * (s * s) = 2 * eta - L * (eta * eta)) by (rewrite S2; field; lra).
  clearbody s. split; intros H1; [apply Rnot_lt_le; intros F; assert (s * s < tau * tau) by nra; nra|].
  assert (tau * tau <= s * s) by nra. nra.
Qed.
End Variants.

(** The direction-aware range is sharp as well: in every dimension of at least two, for every angle. *)
Theorem direction_aware_sharp (n : nat) L eta tau r : 0 < L -> 0 <= tau -> -1 <= r <= 1 ->
  (direction_aware_change L eta tau r <= 0 <->
   forall (E : vec (S (S n)) -> R) G, smooth L E G -> forall w m,
     norm m = tau * norm (G w) -> dot (G w) m = - r * (norm (G w) * norm m) ->
     E (w ⊕ step eta (G w) m) <= E w).
Proof.
  intros HL Ht Hr. split.
  - intros H E G HS w m Hm Hang.
    pose proof (direction_aware L eta tau r E w (G w) m HL Hm Hang
                  (smooth_curvature L E G HS _ _ (fun _ _ => I))) as HD.
    pose proof (dot_pos (G w)). nra.
  - intros H.
    set (s := sqrt (1 - r * r)).
    assert (Hs : s * s = 1 - r * r) by (apply sqrt_sqrt; nra). clearbody s.
    (* The first two unit vectors; coordinates past the second are zero. *)
    set (plane := fun a b : R => (fun i => Fin.caseS' i (fun _ => R) a
                   (fun j => Fin.caseS' j (fun _ => R) b (fun _ => 0))) : vec (S (S n))).
    assert (Hdot : forall a b c d, dot (plane a b) (plane c d) = a * c + b * d).
    { intros. unfold dot. simpl. rewrite (fsum_ext n _ (fun _ => 0)) by (intros; ring).
      rewrite fsum_const. ring. }
    set (w := plane 1 0). set (m := plane (- r * (tau * L)) (s * (tau * L))).
    assert (Hg : norm (L ⊙ w) = L).
    { rewrite norm_scal, Rabs_pos_eq by lra. unfold norm, w. rewrite Hdot.
      replace (1 * 1 + 0 * 0) with 1 by ring. rewrite sqrt_1; ring. }
    assert (Hmm : norm m = tau * L).
    { unfold norm, m. rewrite Hdot.
      replace (- r * (tau * L) * (- r * (tau * L)) + s * (tau * L) * (s * (tau * L)))
        with ((r * r + s * s) * ((tau * L) * (tau * L))) by ring.
      rewrite Hs. replace (r * r + (1 - r * r)) with 1 by ring. rewrite Rmult_1_l. apply sqrt_square. nra. }
    specialize (H _ _ (paraboloid_smooth L HL) w m). cbv beta in H.
    rewrite Hg, Hmm in H. specialize (H eq_refl).
    assert (Hang : dot (L ⊙ w) m = - r * (L * (tau * L))) by (rewrite dot_scal_l; unfold w, m; rewrite Hdot; ring).
    specialize (H Hang).
    rewrite paraboloid_exact, Rplus_assoc, parabola_at_step, Hang, <- norm_sq, <- norm_sq, Hg, Hmm in H.
    unfold direction_aware_change.
    assert (L * L * (- eta + L * (eta * eta) / 2 - (1 - L * eta) * r * tau + L * (tau * tau) / 2) <= 0) by nra.
    apply Rnot_lt_le; intros F.
    assert (0 < L * L * (- eta + L * (eta * eta) / 2 - (1 - L * eta) * r * tau + L * (tau * tau) / 2)) by (apply Rmult_lt_0_compat; nra).
    lra.
Qed.
