(** * A proved local minimum: from Hessian bounds  m <= H <= L  on a ball around the start and a small gradient there

    Training with adaptive momentum converges to the unique minimiser over the ball, at a linear rate. *)

Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates Compactness PL.

Open Scope R_scope.

Definition convex_at_least {n} (m : R) (S : vec n -> Prop) (E : vec n -> R) (G : vec n -> vec n) : Prop :=
  forall w d, segment_in S w d -> E w + dot (G w) d + m / 2 * dot d d <= E (w ⊕ d).

(** From a lower bound on the Hessian, by the descent lemma for -E. *)
Lemma convex_from_curvature n m S (E : vec n -> R) G :
  curvature_at_most (- m) S (fun u => - E u) (fun u => (-1) ⊙ G u) -> convex_at_least m S E G.
Proof.
  intros H w d Hseg. specialize (H w d Hseg). unfold below_parabola in H. rewrite dot_scal_l in H. lra.
Qed.

Lemma ball_segment n (a u v : vec n) rho : ball a rho u -> ball a rho v -> segment_in (ball a rho) u (v ⊖ u).
Proof.
  intros Hu Hv t T. unfold ball in *.
  replace (line u (v ⊖ u) t ⊖ a) with ((1 - t) ⊙ (u ⊖ a) ⊕ t ⊙ (v ⊖ a)) by (unfold line; vector_ring).
  eapply Rle_trans; [apply norm_triangle|]. rewrite !norm_scal, !Rabs_pos_eq by lra. nra.
Qed.

Lemma strong_convexity_is_steep n m (a : vec n) rho E G u v :
  0 < m -> convex_at_least m (ball a rho) E G -> ball a rho u -> ball a rho v ->
  2 * m * (E u - E v) <= norm (G u) * norm (G u).
Proof.
  intros Hm HC Hu Hv. pose proof (HC u (v ⊖ u) (ball_segment n a u v rho Hu Hv)) as H.
  replace (u ⊕ (v ⊖ u)) with v in H by vector_ring.
  pose proof (cauchy_schwarz (G u) (v ⊖ u)) as CS. apply Rabs_le_between in CS.
  rewrite <- (norm_sq (v ⊖ u)) in H. set (x := norm (v ⊖ u)) in *. set (y := norm (G u)) in *.
  pose proof (Rle_0_sqr (y - m * x)) as Q. unfold Rsqr in Q.
  assert (E u - E v <= y * x - m / 2 * (x * x)) by lra.
  assert (2 * m * (E u - E v) <= 2 * m * (y * x - m / 2 * (x * x))) by (apply Rmult_le_compat_l; lra). nra.
Qed.

Lemma dot_vzero_l n (u : vec n) : dot vzero u = 0.
Proof. unfold dot, vzero. rewrite (fsum_ext n _ (fun _ => 0)) by (intros; ring). rewrite fsum_const. ring. Qed.

(** Between two points of the ball the gradient turns by at least m. *)
Lemma gradient_turns n m (a : vec n) rho E G u x :
  convex_at_least m (ball a rho) E G -> ball a rho u -> ball a rho x -> G x = vzero ->
  m * dot (x ⊖ u) (x ⊖ u) <= - dot (G u) (x ⊖ u).
Proof.
  intros HC Hu Hx HG.
  pose proof (HC u (x ⊖ u) (ball_segment n a u x rho Hu Hx)) as H1.
  pose proof (HC x (u ⊖ x) (ball_segment n a x u rho Hx Hu)) as H2.
  replace (u ⊕ (x ⊖ u)) with x in H1 by vector_ring. replace (x ⊕ (u ⊖ x)) with u in H2 by vector_ring.
  rewrite HG, dot_vzero_l in H2.
  replace (dot (u ⊖ x) (u ⊖ x)) with (dot (x ⊖ u) (x ⊖ u)) in H2
    by (rewrite <- (norm_sq (u ⊖ x)), <- (norm_sq (x ⊖ u)), (norm_opp_sub u x); reflexivity).
  lra.
Qed.

(** A stationary point x of the ball is at most |grad E(u)| / m away from every point u of it. *)
Theorem local_minimum_distance n m (a : vec n) rho E G u x :
  0 < m -> convex_at_least m (ball a rho) E G -> ball a rho u -> ball a rho x -> G x = vzero ->
  m * norm (x ⊖ u) <= norm (G u).
Proof.
  intros Hm HC Hu Hx HG. pose proof (gradient_turns n m a rho E G u x HC Hu Hx HG) as H.
  rewrite <- (norm_sq (x ⊖ u)) in H.
  pose proof (cauchy_schwarz (G u) (x ⊖ u)) as CS. apply Rabs_le_between in CS.
  pose proof (norm_pos (x ⊖ u)) as P. pose proof (norm_pos (G u)) as Q.
  set (d := norm (x ⊖ u)) in *. set (g := norm (G u)) in *.
  destruct (Req_dec d 0) as [Z|NZ]; [rewrite Z, Rmult_0_r; exact Q|].
  apply (Rmult_le_reg_r d); [lra|]. lra.
Qed.

(** So there is only one. *)
Theorem local_minimum_only n m (a : vec n) rho E G u x :
  0 < m -> convex_at_least m (ball a rho) E G -> ball a rho u -> ball a rho x -> G u = vzero -> G x = vzero ->
  norm (x ⊖ u) = 0.
Proof.
  intros Hm HC Hu Hx HGu HGx. pose proof (local_minimum_distance n m a rho E G u x Hm HC Hu Hx HGx) as H.
  rewrite HGu, norm_vzero in H. pose proof (norm_pos (x ⊖ u)). nra.
Qed.

Lemma continuous_from_grad n (E : vec n -> R) x g : is_grad E x g ->
  forall eps, 0 < eps -> exists del, 0 < del /\ forall v, norm (v ⊖ x) < del -> Rabs (E v - E x) < eps.
Proof.
  intros HG eps Heps. destruct (HG 1 Rlt_0_1) as (d0 & Hd0 & H). pose proof (norm_pos g) as Pg.
  exists (Rmin d0 (eps / (norm g + 2))). split; [apply Rmin_glb_lt; [exact Hd0|apply Rdiv_lt_0_compat; lra]|].
  intros v Hv. pose proof (Rmin_l d0 (eps / (norm g + 2))). pose proof (Rmin_r d0 (eps / (norm g + 2))).
  specialize (H (v ⊖ x) ltac:(lra)). replace (x ⊕ (v ⊖ x)) with v in H by vector_ring.
  pose proof (cauchy_schwarz g (v ⊖ x)) as CS. pose proof (norm_pos (v ⊖ x)).
  replace (E v - E x) with ((E v - E x - dot g (v ⊖ x)) + dot g (v ⊖ x)) by ring.
  eapply Rle_lt_trans; [apply Rabs_triang|].
  assert (Hlt : norm (v ⊖ x) < eps / (norm g + 2)) by lra.
  apply (Rmult_lt_compat_l (norm g + 2)) in Hlt; [|lra].
  replace ((norm g + 2) * (eps / (norm g + 2))) with eps in Hlt by (field; lra). nra.
Qed.

Theorem local_minimum n L eta tau rho m (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> 0 < sharp_gain L eta tau -> 0 < m -> 0 < rho ->
  (forall u, is_grad E u (G u)) ->
  curvature_at_most L (ball (w O) rho) E G -> convex_at_least m (ball (w O) rho) E G ->
  momentum_forever eta tau G w ->
  (eta + tau) * norm (G (w O)) < rho * (sharp_gain L eta tau * m) ->
  exists x, norm (x ⊖ w O) < rho /\ G x = vzero /\ converges w x /\
    (forall u, ball (w O) rho u -> E x + m / 2 * dot (u ⊖ x) (u ⊖ x) <= E u) /\
    (forall k, E (w k) - E x <= (1 - 2 * m * sharp_gain L eta tau) ^ k * (E (w O) - E x)) /\
    (forall k, m * (norm (w k ⊖ x) * norm (w k ⊖ x)) <= 2 * (E (w k) - E x)).
Proof.
  intros HL He Ht Hc Hm Hrho Hgrad Hcurv Hconv Hmom Hsmall.
  set (c := sharp_gain L eta tau) in *. set (B := ball (w O) rho) in *.
  assert (Hin : B (w O)).
  { unfold B, ball. replace (w O ⊖ w O) with (@vzero n) by vector_ring. rewrite norm_vzero. lra. }
  assert (Steep : forall u v, B u -> B v -> 2 * m * (E u - E v) <= norm (G u) * norm (G u))
    by (intros; now apply (strong_convexity_is_steep n m (w O) rho)).
  (* The infimum of E on the ball. *)
  destruct (completeness (fun r => exists u, B u /\ r = - E u)) as [sup [Hub Hleast]].
  { exists (- (E (w O) - norm (G (w O)) * norm (G (w O)) / (2 * m))). intros r (u & Hu & ->).
    pose proof (Steep (w O) u Hin Hu). apply Ropp_le_contravar.
    apply (Rmult_le_reg_l (2 * m)); [lra|].
    replace (2 * m * (E (w O) - norm (G (w O)) * norm (G (w O)) / (2 * m)))
      with (2 * m * E (w O) - norm (G (w O)) * norm (G (w O))) by (field; lra). lra. }
  { exists (- E (w O)). now exists (w O). }
  set (lowest := - sup).
  assert (Above : forall u, B u -> lowest <= E u).
  { intros u Hu. unfold lowest. assert (- E u <= sup) by (apply Hub; now exists u). lra. }
  assert (HPL : forall u, B u -> 2 * m * (E u - lowest) <= norm (G u) * norm (G u)).
  { intros u Hu. assert (sup <= - (E u - norm (G u) * norm (G u) / (2 * m))).
    { apply Hleast. intros r (v & Hv & ->). pose proof (Steep u v Hu Hv). apply Ropp_le_contravar.
      apply (Rmult_le_reg_l (2 * m)); [lra|].
      replace (2 * m * (E u - norm (G u) * norm (G u) / (2 * m))) with (2 * m * E u - norm (G u) * norm (G u)) by (field; lra). lra. }
    unfold lowest. apply (Rmult_le_compat_l (2 * m)) in H; [|lra].
    replace (2 * m * - (E u - norm (G u) * norm (G u) / (2 * m))) with (- (2 * m * E u) + norm (G u) * norm (G u)) in H by (field; lra). lra. }
  set (s := sqrt m). assert (Hs : 0 < s) by (now apply sqrt_lt_R0).
  assert (Hss : s * s = m) by (apply sqrt_sqrt; lra).
  assert (HPLs : forall u, B u -> 2 * (s * s) * (E u - lowest) <= norm (G u) * norm (G u)) by (rewrite Hss; exact HPL).
  assert (Hroot0 : s * sqrt (2 * (E (w O) - lowest)) <= norm (G (w O))).
  { pose proof (Above _ Hin). pose proof (HPL _ Hin). pose proof (sqrt_pos (2 * (E (w O) - lowest))) as P.
    assert (Q : sqrt (2 * (E (w O) - lowest)) * sqrt (2 * (E (w O) - lowest)) = 2 * (E (w O) - lowest)) by (apply sqrt_sqrt; lra).
    set (r := sqrt (2 * (E (w O) - lowest))) in *. clearbody r. pose proof (norm_pos (G (w O))).
    apply Rnot_lt_le. intros F. assert (norm (G (w O)) * norm (G (w O)) < s * r * (s * r)) by nra.
    replace (s * r * (s * r)) with (m * (r * r)) in * by (rewrite <- Hss; ring). nra. }
  assert (Room : (eta + tau) * sqrt (2 * (E (w O) - lowest)) < rho * (c * s)).
  { apply (Rmult_lt_reg_l s); [exact Hs|].
    replace (s * (rho * (c * s))) with (rho * (c * m)) by (rewrite <- Hss; ring).
    eapply Rle_lt_trans; [|exact Hsmall].
    replace (s * ((eta + tau) * sqrt (2 * (E (w O) - lowest)))) with ((eta + tau) * (s * sqrt (2 * (E (w O) - lowest)))) by ring.
    apply Rmult_le_compat_l; lra. }
  destruct (pl_limit n L eta tau rho s lowest E G w HL He Ht Hc Hs Hcurv Above HPLs Hmom Room Hrho) as (x & Hx & Hdist).
  pose proof (pl_rate n L eta tau rho s lowest E G w HL He Ht Hc Hs Hcurv Above HPLs Hmom Room Hrho) as Rate.
  pose proof (root_vanishes n L eta tau rho s lowest E G w HL He Ht Hc Hs Hcurv Above HPLs Hmom Room Hrho) as Vanish.
  assert (Hcs : 0 < c * s) by (apply Rmult_lt_0_compat; assumption).
  assert (Hinside : norm (x ⊖ w O) < rho).
  { rewrite norm_opp_sub. apply (Rmult_lt_reg_r (c * s)); [exact Hcs|]. eapply Rle_lt_trans; [apply (Hdist O)|exact Room]. }
  assert (HxB : B x) by (unfold B, ball; lra).
  assert (Stay : forall k, B (w k)).
  { intros k. destruct (pl_stays n L eta tau rho s lowest E G w HL He Ht Hc Hs Hcurv Above HPLs Hmom Room Hrho k) as (_ & _ & Hb & _). exact Hb. }
  assert (Hlow : E x = lowest).
  { apply Rle_antisym; [|now apply Above]. apply Rnot_lt_le. intros F. set (e := E x - lowest).
    destruct (continuous_from_grad n E x (G x) (Hgrad x) (e / 2)) as (del & Hdel & Hcont); [unfold e; lra|].
    destruct (Hx del Hdel) as [N1 HN1].
    apply is_lim_seq_spec in Vanish. assert (Pe : 0 < sqrt e) by (apply sqrt_lt_R0; unfold e; lra).
    destruct (Vanish (mkposreal _ Pe)) as [N2 HN2]. set (k := Nat.max N1 N2).
    specialize (HN1 k ltac:(lia)). specialize (HN2 k ltac:(lia)). simpl in HN2. rewrite Rminus_0_r, Rabs_pos_eq in HN2 by apply sqrt_pos.
    apply sqrt_lt_0_alt in HN2. specialize (Hcont (w k) HN1). apply Rabs_def2 in Hcont. unfold e in *. lra. }
  assert (HGx : G x = vzero).
  { apply norm_zero_eq, Rle_antisym; [|apply norm_pos]. apply Rnot_lt_le. intros F. set (y := norm (G x)) in *.
    set (t := Rmin (1 / L) ((rho - norm (x ⊖ w O)) / y)).
    assert (T0 : 0 < t) by (apply Rmin_glb_lt; apply Rdiv_lt_0_compat; lra).
    assert (T1 : L * t <= 1) by (unfold t; pose proof (Rmin_l (1 / L) ((rho - norm (x ⊖ w O)) / y)) as M;
      apply (Rmult_le_compat_l L) in M; [|lra]; replace (L * (1 / L)) with 1 in M by (field; lra); exact M).
    assert (T2 : t * y <= rho - norm (x ⊖ w O)).
    { pose proof (Rmin_r (1 / L) ((rho - norm (x ⊖ w O)) / y)) as M. fold t in M.
      apply (Rmult_le_compat_r y) in M; [|lra]. replace ((rho - norm (x ⊖ w O)) / y * y) with (rho - norm (x ⊖ w O)) in M by (field; lra). exact M. }
    set (d := (- t) ⊙ G x).
    assert (Hend : B (x ⊕ d)).
    { unfold B, ball. replace (x ⊕ d ⊖ w O) with ((x ⊖ w O) ⊕ d) by vector_ring.
      eapply Rle_trans; [apply norm_triangle|]. unfold d. rewrite norm_scal, Rabs_Ropp, Rabs_pos_eq by lra. fold y. lra. }
    assert (Hseg : segment_in B x d).
    { replace d with ((x ⊕ d) ⊖ x) by vector_ring. now apply ball_segment. }
    pose proof (Hcurv x d Hseg) as HP. unfold below_parabola in HP.
    pose proof (Above _ Hend) as HA. rewrite <- Hlow in HA. unfold d in HP, HA.
    rewrite !dot_scal_r, !dot_scal_l, <- norm_sq in HP. fold y in HP.
    assert (0 < t * (y * y)) by (apply Rmult_lt_0_compat; nra).
    assert (L * t * (t * (y * y)) <= 1 * (t * (y * y))) by (apply Rmult_le_compat_r; lra). nra. }
  assert (Hmin : forall u, B u -> E x + m / 2 * dot (u ⊖ x) (u ⊖ x) <= E u).
  { intros u Hu. pose proof (Hconv x (u ⊖ x) (ball_segment n (w O) x u rho HxB Hu)) as H.
    replace (x ⊕ (u ⊖ x)) with u in H by vector_ring. rewrite HGx in H.
    replace (dot vzero (u ⊖ x)) with 0 in H; [lra|].
    unfold dot, vzero. rewrite (fsum_ext n _ (fun _ => 0)) by (intros; ring). rewrite fsum_const. ring. }
  exists x. repeat split; try assumption.
  - intros k. specialize (Rate k). fold c in Rate. rewrite Hss in Rate. rewrite Hlow. exact Rate.
  - intros k. pose proof (Hmin (w k) (Stay k)) as H. rewrite <- norm_sq in H. lra.
Qed.
