(** * Finite sums over 0, ..., K-1, and what bounded sums of squares imply *)

Require Import Reals Lra Psatz Arith Classical.
From Coquelicot Require Import Coquelicot.
Open Scope R_scope.

Fixpoint sum_below (K : nat) (f : nat -> R) : R :=
  match K with O => 0 | S k => sum_below k f + f k end.

Lemma sum_below_le K f h : (forall k, (k < K)%nat -> f k <= h k) -> sum_below K f <= sum_below K h.
Proof. induction K; simpl; intros H; [lra|]. apply Rplus_le_compat; auto. Qed.

Lemma sum_below_scal K a f : sum_below K (fun k => a * f k) = a * sum_below K f.
Proof. induction K; simpl; [ring|]. rewrite IHK; ring. Qed.

Lemma sum_below_const K a : sum_below K (fun _ => a) = INR K * a.
Proof. induction K; [simpl; ring|]. rewrite S_INR; simpl; rewrite IHK; ring. Qed.

Lemma sum_below_pos K f : (forall k, 0 <= f k) -> 0 <= sum_below K f.
Proof. intros H. induction K; simpl; [lra|]. specialize (H K). lra. Qed.

(** Cauchy-Schwarz, in the shape in which the horizon uses it. *)
Lemma square_of_sum K f : sum_below K f * sum_below K f <= INR K * sum_below K (fun k => f k * f k).
Proof.
  induction K; [simpl; lra|]. rewrite S_INR. simpl sum_below.
  assert (P : 0 <= sum_below K (fun k => f k * f k)) by (apply sum_below_pos; intros; nra).
  set (A := sum_below K f) in *. set (Q := sum_below K (fun k => f k * f k)) in *. set (x := f K).
  clearbody A Q x. destruct K as [|K].
  - simpl in *. assert (A = 0) by nra. subst. nra.
  - assert (0 < INR (S K)) by (apply lt_0_INR; lia).
    set (N := INR (S K)) in *. clearbody N.
    pose proof (Rle_0_sqr (A - N * x)) as S. unfold Rsqr in S.
    assert (N * (2 * A * x) <= N * (Q + N * (x * x))) by nra.
    assert (2 * A * x <= Q + N * (x * x)) by (apply (Rmult_le_reg_l N); assumption).
    nra.
Qed.

(** ** Telescoping *)

Section Telescoping.
Variables (c floor : R) (e s : nat -> R).
Hypothesis c_pos : 0 < c.
Hypothesis decrease : forall k, e (S k) <= e k - c * (s k * s k).
Hypothesis above_floor : forall k, floor <= e k.

Lemma sum_of_squares_bounded K : sum_below K (fun k => s k * s k) <= (e O - floor) / c.
Proof.
  assert (T : c * sum_below K (fun k => s k * s k) <= e O - e K).
  { induction K; simpl; [lra|]. specialize (decrease K). lra. }
  specialize (above_floor K). apply (Rmult_le_reg_l c); [exact c_pos|].
  replace (c * ((e O - floor) / c)) with (e O - floor) by (field; lra). lra.
Qed.

Lemma sum_below_sum_n f K : sum_below (S K) f = sum_n f K.
Proof. induction K; [rewrite sum_O; simpl; ring|]. rewrite sum_Sn, <- IHK. reflexivity. Qed.

Lemma squares_vanish : is_lim_seq (fun k => s k * s k) 0.
Proof.
  apply ex_series_lim_0.
  destruct (ex_finite_lim_seq_incr (sum_n (fun k => s k * s k)) ((e O - floor) / c)) as [l Hl].
  - intros k. rewrite sum_Sn. unfold plus; simpl. nra.
  - intros k. rewrite <- sum_below_sum_n. apply sum_of_squares_bounded.
  - exists l. exact Hl.
Qed.

Lemma terms_vanish : is_lim_seq s 0.
Proof.
  apply is_lim_seq_spec. intros eps.
  pose proof squares_vanish as H. apply is_lim_seq_spec in H.
  assert (P : 0 < eps * eps) by (destruct eps as [x Hx]; simpl; nra).
  destruct (H (mkposreal _ P)) as [N HN]. exists N. intros k Hk. specialize (HN k Hk). simpl in HN.
  rewrite Rminus_0_r in *. rewrite Rabs_pos_eq in HN by nra.
  destruct eps as [x Hx]; simpl in *. unfold Rabs; destruct (Rcase_abs (s k)); nra.
Qed.

(** The smallest of the first K squares is at most their average. *)
Lemma best_of_first K : (0 < K)%nat -> exists k, (k < K)%nat /\ s k * s k <= (e O - floor) / (c * INR K).
Proof.
  intros HK. assert (PK : 0 < INR K) by (now apply lt_0_INR).
  apply NNPP. intros N.
  set (a := (e O - floor) / (c * INR K)) in *.
  assert (Q : forall J, (J <= K)%nat ->
     INR J * a <= sum_below J (fun k => s k * s k) /\
     ((0 < J)%nat -> INR J * a < sum_below J (fun k => s k * s k))).
  { induction J; intros HJ; [simpl; split; [lra|lia]|].
    destruct IHJ as [I1 _]; [lia|].
    assert (a < s J * s J) by (apply Rnot_le_lt; intros F; apply N; exists J; split; [lia|exact F]).
    rewrite S_INR. simpl sum_below. split; [|intros _]; lra. }
  destruct (Q K (Nat.le_refl _)) as [_ Q2]. specialize (Q2 HK). pose proof (sum_of_squares_bounded K).
  replace (INR K * a) with ((e O - floor) / c) in Q2 by (unfold a; field; lra). lra.
Qed.
End Telescoping.
