(** * One epoch of mini-batches with momentum, in any order

    Every step of the epoch belongs to another error, that of its own batch.  Nothing is said of a single step; the
    epoch as a whole is one step of file Steps for the error of all data: its learning rate is [eta * kappa / (1 - mu)],
    and what it is off, [epoch_drift], counts as its momentum.

    [B j] is the gradient of the error of the batch that step [j] uses, [G] that of the whole error, of which the
    batches' gradients make up [kappa] times at the start, up to [skew]. *)

Require Import Reals Lra Psatz.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums.
Open Scope R_scope.

Fixpoint vsum {n} (K : nat) (f : nat -> vec n) : vec n :=
  match K with O => vzero | S k => vsum k f ⊕ f k end.

(** [D_j]: the step that led to [w j]; [before] is the last one of the epoch before. *)
Definition step_before {n} (before : vec n) (w : nat -> vec n) (j : nat) : vec n :=
  match j with O => before | S i => w (S i) ⊖ w i end.

(** What a step is beside its gradient and the classical momentum [mu D_j]: adaptive momentum, rounding. *)
Definition push {n} eta mu (before : vec n) (B : nat -> vec n -> vec n) (w : nat -> vec n) (j : nat) : vec n :=
  w (S j) ⊖ w j ⊖ mu ⊙ step_before before w j ⊕ eta ⊙ B j (w j).

Fixpoint epoch_path (start speed q : R) (a : nat -> R) (j : nat) : R :=
  match j with O => start | S i => (1 + q) * epoch_path start speed q a i + speed * a i end.

Definition epoch_speed (eta tau mu : R) : R := (eta + tau) / (1 - mu).

(** A bound of the distance from the start before step [j]; [v] bounds the step before the epoch. *)
Definition epoch_travel (L eta tau mu v : R) (a : nat -> R) (j : nat) : R :=
  epoch_path (mu * v / (1 - mu)) (epoch_speed eta tau mu) (L * epoch_speed eta tau mu) a j.

Definition epoch_drift (L eta tau mu v top skew : R) (a : nat -> R) (K : nat) : R :=
  (L * (eta + tau) * sum_below K (epoch_travel L eta tau mu v a) + tau * sum_below K a + eta * skew
   + mu * (v + epoch_speed eta tau mu * (top + L * epoch_travel L eta tau mu v a K))) / (1 - mu).

Lemma epoch_path_sum start speed q a j :
  epoch_path start speed q a j
  = start + speed * sum_below j a + q * sum_below j (epoch_path start speed q a).
Proof. induction j; simpl; [ring|]. rewrite IHj at 1. ring_simplify. rewrite IHj. ring. Qed.

Lemma epoch_path_pos start speed q a j :
  0 <= start -> 0 <= speed -> 0 <= q -> (forall i, 0 <= a i) -> 0 <= epoch_path start speed q a j.
Proof. intros H0 Hs Hq Ha. induction j; simpl; [assumption|]. specialize (Ha j). nra. Qed.

Lemma epoch_path_grows start speed q a i j :
  0 <= start -> 0 <= speed -> 0 <= q -> (forall i, 0 <= a i) -> (i <= j)%nat ->
  epoch_path start speed q a i <= epoch_path start speed q a j.
Proof.
  intros H0 Hs Hq Ha Hij. induction Hij as [|j Hij IH]; [lra|]. simpl.
  pose proof (epoch_path_pos start speed q a j H0 Hs Hq Ha). specialize (Ha j). nra.
Qed.

Lemma norm_vsum n K (f : nat -> vec n) : norm (vsum K f) <= sum_below K (fun k => norm (f k)).
Proof.
  induction K; simpl; [rewrite norm_vzero; lra|].
  eapply Rle_trans; [apply norm_triangle|]. lra.
Qed.

Lemma hessian_against n (G : vec n -> vec n) H w d e t :
  is_hessian G (line w d t) H -> is_derive (fun t => dot (G (line w d t)) e) t (dot (H d) e).
Proof.
  intros [Hlin HH]. pose proof (norm_pos e) as Pe. apply (first_order_along_line _ _ d). intros eps Heps.
  assert (He : 0 < eps / (norm e + 1)) by (apply Rdiv_lt_0_compat; lra).
  destruct (HH _ He) as (del & Hdel & HD). exists del. split; [exact Hdel|]. intros h Hh.
  specialize (HD _ Hh). rewrite Hlin in HD. rewrite line_shift, <- dot_scal_l, <- !dot_sub_l.
  eapply Rle_trans; [apply cauchy_schwarz|].
  eapply Rle_trans; [apply Rmult_le_compat_r; [exact Pe|exact HD]|]. pose proof (norm_pos (h ⊙ d)).
  replace (eps / (norm e + 1) * norm (h ⊙ d) * norm e)
    with (eps * norm (h ⊙ d) * (norm e / (norm e + 1))) by (field; lra).
  assert (norm e / (norm e + 1) <= 1); [|assert (0 <= eps * norm (h ⊙ d)) by nra; nra].
  apply (Rmult_le_reg_l (norm e + 1)); [lra|]. unfold Rdiv. field_simplify; lra.
Qed.

(** A bound of the Hessian's norm bounds how far a gradient moves. *)
Theorem hessian_moves_gradient n L (G : vec n -> vec n) (H : vec n -> vec n -> vec n) w d :
  segment_in (fun u => is_hessian G u (H u)) w d ->
  segment_in (fun u => norm (H u d) <= L * norm d) w d ->
  norm (G (w ⊕ d) ⊖ G w) <= L * norm d.
Proof.
  intros HH HB. set (e := G (w ⊕ d) ⊖ G w). pose proof (norm_pos e) as Pe. pose proof (norm_pos d) as Pd.
  destruct (MVT_gen (fun t => dot (G (line w d t)) e) 0 1 (fun t => dot (H (line w d t) d) e)) as (c & Hc & Heq).
  - rewrite Rmin_left, Rmax_right by lra. intros t Ht. apply hessian_against, HH. lra.
  - rewrite Rmin_left, Rmax_right by lra. intros t Ht.
    apply (derivable_continuous_at _ _ (dot (H (line w d t) d) e)), hessian_against, HH, Ht.
  - rewrite Rmin_left, Rmax_right in Hc by lra. rewrite line_0, line_1, <- dot_sub_l in Heq. fold e in Heq.
    pose proof (HB c Hc) as HN. cbv beta in HN. pose proof (dot_le_norms (H (line w d c) d) e) as CS.
    rewrite <- norm_sq in Heq. pose proof (norm_pos (H (line w d c) d)).
    destruct (Req_dec (norm e) 0) as [Z|NZ]; [rewrite Z; lra|].
    apply (Rmult_le_reg_r (norm e)); [lra|].
    assert (norm (H (line w d c) d) * norm e <= L * norm d * norm e) by (apply Rmult_le_compat_r; lra). lra.
Qed.

Corollary hessian_moves_gradient_in_ball n L (G : vec n -> vec n) (H : vec n -> vec n -> vec n) c rho :
  (forall u, ball c rho u -> is_hessian G u (H u)) ->
  (forall u d, ball c rho u -> norm (H u d) <= L * norm d) ->
  forall u, ball c rho u -> norm (G u ⊖ G c) <= L * norm (u ⊖ c).
Proof.
  intros HH HB u Hu. unfold ball in *. replace u with (c ⊕ (u ⊖ c)) at 1 by vector_ring.
  assert (In : segment_in (fun x => norm (x ⊖ c) <= rho) c (u ⊖ c)).
  { intros t Ht. rewrite line_minus_start, norm_scal, Rabs_pos_eq by lra. pose proof (norm_pos (u ⊖ c)). nra. }
  apply (hessian_moves_gradient n L G H); intros t Ht; [apply HH|apply HB]; now apply In.
Qed.

Section Epoch.
Context {n : nat}.
Variables (K : nat) (L eta tau mu v rho top : R) (a : nat -> R).
Variables (before : vec n) (B : nat -> vec n -> vec n) (w : nat -> vec n).
Hypotheses (K_pos : (0 < K)%nat) (L_nonneg : 0 <= L) (eta_pos : 0 < eta) (tau_nonneg : 0 <= tau) (mu_range : 0 <= mu < 1).
Hypothesis a_nonneg : forall i, 0 <= a i.
Hypothesis before_short : norm before <= v.
Hypothesis gradients_move : forall j u, (j < K)%nat -> ball (w O) rho u ->
  norm (B j u ⊖ B j (w O)) <= L * norm (u ⊖ w O).
(** In whatever order: no [j] batches have longer gradients at the start than [a O + ... + a (j - 1)]. *)
Hypothesis any_order : forall j, (j <= K)%nat -> sum_below j (fun i => norm (B i (w O))) <= sum_below j a.
Hypothesis none_longer : forall j, (j < K)%nat -> norm (B j (w O)) <= top.
Hypothesis pushed : forall j, (j < K)%nat -> norm (push eta mu before B w j) <= tau * norm (B j (w j)).

Let speed := epoch_speed eta tau mu.
Let P := epoch_travel L eta tau mu v a.
Let D := step_before before w.
Let used j := norm (B j (w j)).

Hypothesis room : P K <= rho.

Lemma speed_times : (1 - mu) * speed = eta + tau.
Proof. unfold speed, epoch_speed. field. lra. Qed.

Lemma speed_pos : 0 <= speed.
Proof. pose proof speed_times. nra. Qed.

Lemma start_pos : 0 <= mu * v / (1 - mu).
Proof.
  pose proof (norm_pos before). apply Rmult_le_pos; [apply Rmult_le_pos; lra|]. left. apply Rinv_0_lt_compat. lra.
Qed.

Lemma travel_grows i j : (i <= j)%nat -> P i <= P j.
Proof.
  pose proof speed_pos. intros Hij. apply epoch_path_grows; try assumption; [apply start_pos|].
  fold speed. nra.
Qed.

Lemma next_step j : D (S j) = mu ⊙ D j ⊕ ((- eta) ⊙ B j (w j) ⊕ push eta mu before B w j).
Proof. unfold push. fold D. unfold D at 1. simpl. vector_ring. Qed.

Lemma pulled j : (j < K)%nat -> norm ((- eta) ⊙ B j (w j) ⊕ push eta mu before B w j) <= (eta + tau) * used j.
Proof.
  intros Hj. eapply Rle_trans; [apply norm_triangle|]. rewrite norm_scal, Rabs_Ropp, Rabs_pos_eq by lra.
  pose proof (pushed j Hj). unfold used. lra.
Qed.

Lemma step_lengths j : (j < K)%nat -> norm (D (S j)) <= mu * norm (D j) + (eta + tau) * used j.
Proof.
  intros Hj. rewrite next_step. eapply Rle_trans; [apply norm_triangle|].
  rewrite norm_scal, Rabs_pos_eq by lra. pose proof (pulled j Hj). lra.
Qed.

Lemma path_length j : (j <= K)%nat ->
  norm (w j ⊖ w O) <= sum_below j (fun i => norm (D (S i))) /\
  (1 - mu) * sum_below j (fun i => norm (D (S i))) <= (eta + tau) * sum_below j used + mu * (norm (D O) - norm (D j)).
Proof.
  induction j; intros Hj.
  - replace (w O ⊖ w O) with (@vzero n) by vector_ring. rewrite norm_vzero. simpl. lra.
  - destruct IHj as [I1 I2]; [lia|]. pose proof (step_lengths j Hj). cbn [sum_below]. split; [|lra].
    pose proof (norm_sub_le (w (S j)) (w j) (w O)) as T. change (w (S j) ⊖ w j) with (D (S j)) in T. lra.
Qed.

Lemma used_at_most j : (j < K)%nat -> norm (w j ⊖ w O) <= P j -> used j <= norm (B j (w O)) + L * P j.
Proof.
  intros Hj Hb. assert (Hin : ball (w O) rho (w j)).
  { unfold ball. pose proof room. assert (P j <= P K) by (apply travel_grows; lia). lra. }
  pose proof (gradients_move j (w j) Hj Hin) as HM. pose proof (norm_difference (B j (w j)) (B j (w O))).
  assert (L * norm (w j ⊖ w O) <= L * P j) by (apply Rmult_le_compat_l; assumption). unfold used. lra.
Qed.

Lemma used_in_all j : (j <= K)%nat -> (forall i, (i < j)%nat -> norm (w i ⊖ w O) <= P i) ->
  sum_below j used <= sum_below j a + L * sum_below j P.
Proof.
  intros Hj Hb. apply Rle_trans with (sum_below j (fun i => norm (B i (w O))) + L * sum_below j P).
  - rewrite <- sum_below_scal.
    induction j; cbn [sum_below]; [lra|]. assert (IH := IHj ltac:(lia) ltac:(intros; apply Hb; lia)).
    pose proof (used_at_most j Hj (Hb j ltac:(lia))). lra.
  - pose proof (any_order j Hj). lra.
Qed.

(** The region holds the whole epoch. *)
Lemma epoch_stays j : (j <= K)%nat -> norm (w j ⊖ w O) <= P j.
Proof.
  induction j as [j IH] using (well_founded_induction Wf_nat.lt_wf). intros Hj.
  destruct (path_length j Hj) as [H1 H2].
  assert (HU := used_in_all j Hj ltac:(intros i Hi; apply IH; lia)).
  assert (E1 : P j = mu * v / (1 - mu) + speed * sum_below j a + L * speed * sum_below j P) by apply epoch_path_sum.
  eapply Rle_trans; [exact H1|]. apply (Rmult_le_reg_l (1 - mu)); [lra|]. rewrite E1.
  replace ((1 - mu) * (mu * v / (1 - mu) + speed * sum_below j a + L * speed * sum_below j P))
    with (mu * v + (1 - mu) * speed * (sum_below j a + L * sum_below j P)) by (field; lra).
  rewrite speed_times. pose proof (norm_pos (D j)). change (D O) with before in H2.
  assert ((eta + tau) * sum_below j used <= (eta + tau) * (sum_below j a + L * sum_below j P))
    by (apply Rmult_le_compat_l; lra).
  assert (mu * (norm before - norm (D j)) <= mu * v) by (apply Rmult_le_compat_l; lra). lra.
Qed.

Let X := top + L * P K.

Lemma used_at_most_top j : (j < K)%nat -> used j <= X.
Proof.
  intros Hj. pose proof (used_at_most j Hj (epoch_stays j ltac:(lia))). pose proof (none_longer j Hj).
  assert (L * P j <= L * P K) by (apply Rmult_le_compat_l; [assumption|apply travel_grows; lia]). unfold X. lra.
Qed.

Lemma top_pos : 0 <= X.
Proof. pose proof (used_at_most_top O K_pos). pose proof (norm_pos (B O (w O))). unfold used in *. lra. Qed.

(** How far the last step is from the one before the epoch. *)
Lemma last_step : norm (D K ⊖ D O) <= v + speed * X.
Proof.
  pose proof top_pos as PX. pose proof speed_pos as Ps. pose proof speed_times as St.
  assert (Z : forall j, (j <= K)%nat -> norm (D j ⊖ mu ^ j ⊙ D O) <= speed * X).
  { induction j; intros Hj.
    - replace (D O ⊖ mu ^ 0 ⊙ D O) with (@vzero n) by (simpl; vector_ring). rewrite norm_vzero. nra.
    - replace (D (S j) ⊖ mu ^ S j ⊙ D O)
        with (mu ⊙ (D j ⊖ mu ^ j ⊙ D O) ⊕ ((- eta) ⊙ B j (w j) ⊕ push eta mu before B w j))
        by (rewrite next_step; simpl pow; vector_ring).
      eapply Rle_trans; [apply norm_triangle|]. rewrite norm_scal, Rabs_pos_eq by lra.
      pose proof (pulled j Hj). pose proof (used_at_most_top j Hj).
      assert (mu * norm (D j ⊖ mu ^ j ⊙ D O) <= mu * (speed * X)) by (apply Rmult_le_compat_l; [lra|apply IHj; lia]).
      assert ((eta + tau) * used j <= (1 - mu) * speed * X) by (rewrite St; apply Rmult_le_compat_l; lra). lra. }
  specialize (Z K (Nat.le_refl _)).
  replace (D K ⊖ D O) with ((D K ⊖ mu ^ K ⊙ D O) ⊕ (mu ^ K - 1) ⊙ D O) by vector_ring.
  eapply Rle_trans; [apply norm_triangle|]. rewrite norm_scal.
  assert (0 <= mu ^ K) by (apply pow_le; lra).
  assert (mu ^ K <= 1) by (rewrite <- (pow1 K); apply pow_incr; lra).
  rewrite Rabs_left1 by lra. pose proof (norm_pos (D O)). assert (norm (D O) <= v) by exact before_short.
  assert (0 <= mu ^ K * norm (D O)) by (apply Rmult_le_pos; lra). lra.
Qed.

Lemma epoch_as_a_sum j :
  (1 - mu) ⊙ (w j ⊖ w O) =
  vsum j (fun i => (- eta) ⊙ B i (w i) ⊕ push eta mu before B w i) ⊖ mu ⊙ (D j ⊖ D O).
Proof.
  induction j; simpl vsum; [vector_ring|].
  replace ((1 - mu) ⊙ (w (S j) ⊖ w O)) with ((1 - mu) ⊙ (w j ⊖ w O) ⊕ (1 - mu) ⊙ D (S j)) by (unfold D; simpl; vector_ring).
  rewrite IHj. set (f := (- eta) ⊙ B j (w j) ⊕ push eta mu before B w j) in *.
  assert (N : D (S j) = mu ⊙ D j ⊕ f) by apply next_step. rewrite N. vector_ring.
Qed.

Lemma vsum_apart j (f g h : nat -> vec n) : (forall i, f i = g i ⊕ h i) -> vsum j f = vsum j g ⊕ vsum j h.
Proof. intros H. induction j; simpl; [vector_ring|]. rewrite H, IHj. vector_ring. Qed.

Lemma vsum_times j c (f : nat -> vec n) : vsum j (fun i => c ⊙ f i) = c ⊙ vsum j f.
Proof. induction j; simpl; [vector_ring|]. rewrite IHj. vector_ring. Qed.

(** The epoch is a step along [kappa] times a gradient [g], up to its drift. *)
Lemma epoch_is_a_step kappa skew (g : vec n) :
  norm (vsum K (fun j => B j (w O)) ⊖ kappa ⊙ g) <= skew ->
  norm (w K ⊖ w O ⊕ (eta * kappa / (1 - mu)) ⊙ g) <= epoch_drift L eta tau mu v top skew a K.
Proof.
  intros Hskew. unfold epoch_drift. fold speed. change (epoch_travel L eta tau mu v a) with P. fold X.
  set (moved := vsum K (fun i => B i (w i) ⊖ B i (w O))). set (pushes := vsum K (push eta mu before B w)).
  set (off := vsum K (fun j => B j (w O)) ⊖ kappa ⊙ g) in *.
  assert (Eq : (1 - mu) ⊙ (w K ⊖ w O ⊕ (eta * kappa / (1 - mu)) ⊙ g)
               = pushes ⊖ eta ⊙ moved ⊖ eta ⊙ off ⊖ mu ⊙ (D K ⊖ D O)).
  { replace ((1 - mu) ⊙ (w K ⊖ w O ⊕ (eta * kappa / (1 - mu)) ⊙ g)) with ((1 - mu) ⊙ (w K ⊖ w O) ⊕ (eta * kappa) ⊙ g)
      by (coordinatewise; field; lra).
    rewrite epoch_as_a_sum.
    rewrite (vsum_apart K _ (fun i => (- eta) ⊙ B i (w i)) (push eta mu before B w)) by reflexivity.
    rewrite vsum_times. fold pushes.
    rewrite (vsum_apart K (fun i => B i (w i)) (fun i => B i (w i) ⊖ B i (w O)) (fun i => B i (w O))) by (intros; vector_ring).
    fold moved. unfold off. vector_ring. }
  assert (HU := used_in_all K (Nat.le_refl _) ltac:(intros; apply epoch_stays; lia)).
  assert (N1 : norm pushes <= tau * (sum_below K a + L * sum_below K P)).
  { eapply Rle_trans; [apply norm_vsum|]. apply Rle_trans with (tau * sum_below K used); [|apply Rmult_le_compat_l; assumption].
    rewrite <- sum_below_scal. apply sum_below_le. intros k Hk. now apply pushed. }
  assert (N2 : norm moved <= L * sum_below K P).
  { eapply Rle_trans; [apply norm_vsum|]. rewrite <- sum_below_scal. apply sum_below_le. intros k Hk.
    assert (ball (w O) rho (w k)).
    { unfold ball. pose proof (epoch_stays k ltac:(lia)). assert (P k <= P K) by (apply travel_grows; lia).
      pose proof room. lra. }
    eapply Rle_trans; [now apply gradients_move|]. apply Rmult_le_compat_l; [assumption|]. apply epoch_stays. lia. }
  pose proof last_step as N3.
  apply (Rmult_le_reg_l (1 - mu)); [lra|].
  rewrite <- (Rabs_pos_eq (1 - mu)) at 1 by lra. rewrite <- norm_scal, Eq.
  replace (pushes ⊖ eta ⊙ moved ⊖ eta ⊙ off ⊖ mu ⊙ (D K ⊖ D O))
    with (pushes ⊕ (- eta) ⊙ moved ⊕ (- eta) ⊙ off ⊕ (- mu) ⊙ (D K ⊖ D O)) by vector_ring.
  eapply Rle_trans; [apply norm_triangle|].
  eapply Rle_trans; [apply Rplus_le_compat_r; apply norm_triangle|].
  eapply Rle_trans; [apply Rplus_le_compat_r, Rplus_le_compat_r; apply norm_triangle|].
  rewrite !norm_scal, !Rabs_Ropp, (Rabs_pos_eq eta), (Rabs_pos_eq mu) by lra.
  assert (eta * norm moved <= eta * (L * sum_below K P)) by (apply Rmult_le_compat_l; lra).
  assert (eta * norm off <= eta * skew) by (apply Rmult_le_compat_l; lra).
  assert (mu * norm (D K ⊖ D O) <= mu * (v + speed * X)) by (apply Rmult_le_compat_l; lra).
  replace ((1 - mu) * ((L * (eta + tau) * sum_below K P + tau * sum_below K a + eta * skew + mu * (v + speed * X)) / (1 - mu)))
    with (L * (eta + tau) * sum_below K P + tau * sum_below K a + eta * skew + mu * (v + speed * X)) by (field; lra). lra.
Qed.
End Epoch.

(** The theorem.  [E] is the error of all data, of curvature at most [Lam] on the ball; [L] bounds how fast the
    gradients of the batches' errors change on it.  The whole epoch stays in the ball, and it decreases [E] as a step
    of theorem [sharp] does. *)
Theorem epoch n K L Lam eta tau mu v rho top kappa skew rest (a : nat -> R)
    (E : vec n -> R) G (B : nat -> vec n -> vec n) (before : vec n) (w : nat -> vec n) :
  (0 < K)%nat -> 0 <= L -> 0 < Lam -> 0 < eta -> 0 <= tau -> 0 <= mu < 1 -> 0 < kappa -> 0 <= rest ->
  (forall i, 0 <= a i) -> norm before <= v ->
  (forall j u, (j < K)%nat -> ball (w O) rho u -> norm (B j u ⊖ B j (w O)) <= L * norm (u ⊖ w O)) ->
  curvature_at_most Lam (ball (w O) rho) E G ->
  (forall j, (j <= K)%nat -> sum_below j (fun i => norm (B i (w O))) <= sum_below j a) ->
  (forall j, (j < K)%nat -> norm (B j (w O)) <= top) ->
  norm (vsum K (fun j => B j (w O)) ⊖ kappa ⊙ G (w O)) <= skew ->
  (forall j, (j < K)%nat -> norm (push eta mu before B w j) <= tau * norm (B j (w j))) ->
  epoch_travel L eta tau mu v a K <= rho ->
  epoch_drift L eta tau mu v top skew a K <= rest * norm (G (w O)) ->
  (forall j, (j <= K)%nat -> ball (w O) rho (w j)) /\
  E (w K) <= E (w O) - sharp_gain Lam (eta * kappa / (1 - mu)) rest * dot (G (w O)) (G (w O)) /\
  (0 <= sharp_gain Lam (eta * kappa / (1 - mu)) rest <-> sharp_range Lam (eta * kappa / (1 - mu)) rest).
Proof.
  intros HK HL HLam He Ht Hm Hkappa Hrest Ha Hv HB HC Hany Htop Hskew Hpush Hroom Hdrift.
  assert (Stay : forall j, (j <= K)%nat -> norm (w j ⊖ w O) <= epoch_travel L eta tau mu v a j)
    by (eapply epoch_stays; eassumption).
  assert (Grow : forall j, (j <= K)%nat -> epoch_travel L eta tau mu v a j <= epoch_travel L eta tau mu v a K)
    by (intros; eapply travel_grows; eassumption).
  assert (In : forall j, (j <= K)%nat -> ball (w O) rho (w j))
    by (intros j Hj; unfold ball; specialize (Stay j Hj); specialize (Grow j Hj); lra).
  split; [exact In|]. set (h := eta * kappa / (1 - mu)).
  assert (Hh : 0 < h) by (apply Rdiv_lt_0_compat; [now apply Rmult_lt_0_compat|lra]).
  split; [|now apply sharp_gain_nonneg_iff].
  set (m := w K ⊖ w O ⊕ h ⊙ G (w O)).
  assert (Hstep : step h (G (w O)) m = w K ⊖ w O) by (unfold step, m; vector_ring).
  assert (Hend : w K = w O ⊕ step h (G (w O)) m) by (rewrite Hstep; vector_ring).
  rewrite Hend. apply sharp_decrease; [assumption|assumption| |].
  - eapply Rle_trans; [eapply (epoch_is_a_step K L eta tau mu v rho top a before B w); eassumption|exact Hdrift].
  - rewrite Hstep. apply HC. intros t Ht1. unfold ball.
    replace (line (w O) (w K ⊖ w O) t ⊖ w O) with (t ⊙ (w K ⊖ w O)) by (unfold line; vector_ring).
    rewrite norm_scal, Rabs_pos_eq by lra. specialize (In K (Nat.le_refl _)). unfold ball in In.
    pose proof (norm_pos (w K ⊖ w O)). nra.
Qed.
