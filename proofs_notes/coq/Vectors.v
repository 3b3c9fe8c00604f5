(** * Vectors

    R^n as functions [Fin.t n -> R]: sums, the inner product, the Euclidean norm, Cauchy-Schwarz and the
    triangle inequality.  Nothing here is about learning; it is the alphabet of all other files. *)

Require Import Reals Lra Psatz FunctionalExtensionality.
Require Fin.
Open Scope R_scope.

Definition vec (n : nat) : Type := Fin.t n -> R.

Fixpoint fsum (n : nat) : vec n -> R :=
  match n with
  | O => fun _ => 0
  | S p => fun f => f Fin.F1 + fsum p (fun i => f (Fin.FS i))
  end.

Definition vzero {n} : vec n := fun _ => 0.
Definition vadd {n} (u v : vec n) : vec n := fun i => u i + v i.
Definition vsub {n} (u v : vec n) : vec n := fun i => u i - v i.
Definition vscal {n} (a : R) (u : vec n) : vec n := fun i => a * u i.
Definition dot {n} (u v : vec n) : R := fsum n (fun i => u i * v i).
Definition norm {n} (u : vec n) : R := sqrt (dot u u).

Notation "u ⊕ v" := (vadd u v) (at level 50, left associativity).
Notation "u ⊖ v" := (vsub u v) (at level 50, left associativity).
Notation "a ⊙ u" := (vscal a u) (at level 40, left associativity).

(** An identity between vectors holds because it holds coordinate by coordinate. *)
Ltac coordinatewise :=
  apply functional_extensionality; intros ?; unfold vadd, vsub, vscal, vzero.
Ltac vector_ring := coordinatewise; ring.

(** ** Finite sums *)

Lemma fsum_ext n (f h : vec n) : (forall i, f i = h i) -> fsum n f = fsum n h.
Proof.
  induction n; simpl; intros H; [reflexivity|].
  rewrite H, (IHn _ (fun i => h (Fin.FS i))); auto.
Qed.

Lemma fsum_plus n (f h : vec n) : fsum n (fun i => f i + h i) = fsum n f + fsum n h.
Proof. induction n; simpl; [ring|]. rewrite IHn; ring. Qed.

Lemma fsum_scal n a (f : vec n) : fsum n (fun i => a * f i) = a * fsum n f.
Proof. induction n; simpl; [ring|]. rewrite IHn; ring. Qed.

Lemma fsum_le n (f h : vec n) : (forall i, f i <= h i) -> fsum n f <= fsum n h.
Proof. induction n; simpl; intros H; [lra|]. apply Rplus_le_compat; auto. Qed.

Lemma fsum_const n a : fsum n (fun _ => a) = INR n * a.
Proof. induction n; [simpl; ring|]. rewrite S_INR; simpl; rewrite IHn; ring. Qed.

Lemma fsum_pos n (f : vec n) : (forall i, 0 <= f i) -> 0 <= fsum n f.
Proof. intros H. rewrite <- (Rmult_0_r (INR n)), <- fsum_const. now apply fsum_le. Qed.

Lemma fsum_term n (f : vec n) : (forall i, 0 <= f i) -> forall i, f i <= fsum n f.
Proof.
  induction n; intros H i; [exact (Fin.case0 (fun i => f i <= _) i)|]. simpl.
  pose proof (H Fin.F1). pose proof (fsum_pos n (fun i => f (Fin.FS i)) (fun i => H _)).
  pattern i. apply (Fin.caseS' i); [lra|]. intros j.
  pose proof (IHn (fun i => f (Fin.FS i)) (fun i => H _) j). simpl in *. lra.
Qed.

Section Vectors.
Context {n : nat}.
Implicit Types u v w d : vec n.

(** ** The inner product *)

Lemma dot_sym u v : dot u v = dot v u.
Proof. apply fsum_ext; intros; ring. Qed.

Lemma dot_add_l u v w : dot (u ⊕ v) w = dot u w + dot v w.
Proof. unfold dot, vadd. rewrite <- fsum_plus. apply fsum_ext; intros; ring. Qed.

Lemma dot_scal_l a u w : dot (a ⊙ u) w = a * dot u w.
Proof. unfold dot, vscal. rewrite <- fsum_scal. apply fsum_ext; intros; ring. Qed.

Lemma dot_sub_l u v w : dot (u ⊖ v) w = dot u w - dot v w.
Proof.
  replace (u ⊖ v) with (u ⊕ (-1) ⊙ v) by vector_ring.
  rewrite dot_add_l, dot_scal_l; ring.
Qed.

Lemma dot_add_r u v w : dot w (u ⊕ v) = dot w u + dot w v.
Proof. now rewrite dot_sym, dot_add_l, (dot_sym u), (dot_sym v). Qed.

Lemma dot_scal_r a u w : dot w (a ⊙ u) = a * dot w u.
Proof. now rewrite dot_sym, dot_scal_l, (dot_sym u). Qed.

Lemma dot_sub_r u v w : dot w (u ⊖ v) = dot w u - dot w v.
Proof. now rewrite dot_sym, dot_sub_l, (dot_sym u), (dot_sym v). Qed.

Lemma dot_pos u : 0 <= dot u u.
Proof. apply fsum_pos; intros i; nra. Qed.

Lemma dot_zero u : dot u u = 0 -> u = vzero.
Proof.
  intros H. coordinatewise.
  assert (u x * u x <= dot u u) by (apply (fsum_term n (fun i => u i * u i)); intros; nra). nra.
Qed.

(** ** The norm *)

Lemma norm_pos u : 0 <= norm u.
Proof. apply sqrt_pos. Qed.

Lemma norm_sq u : norm u * norm u = dot u u.
Proof. apply sqrt_sqrt, dot_pos. Qed.

Lemma norm_scal a u : norm (a ⊙ u) = Rabs a * norm u.
Proof.
  unfold norm. rewrite dot_scal_l, dot_scal_r, <- Rmult_assoc, sqrt_mult; [|nra|apply dot_pos].
  f_equal. rewrite <- sqrt_Rsqr_abs. reflexivity.
Qed.

Lemma norm_zero_eq u : norm u = 0 -> u = vzero.
Proof. intros H. apply dot_zero. rewrite <- norm_sq, H; ring. Qed.

Lemma norm_vzero : norm (@vzero n) = 0.
Proof.
  replace (@vzero n) with (0 ⊙ @vzero n) by vector_ring.
  rewrite norm_scal, Rabs_R0; ring.
Qed.

Lemma norm_nonzero u : u <> vzero -> 0 < norm u.
Proof. intros H. destruct (norm_pos u) as [|Z]; [assumption|]. exfalso. now apply H, norm_zero_eq. Qed.

Lemma norm_le_sq u a : 0 <= a -> dot u u <= a * a -> norm u <= a.
Proof. intros Ha H. apply Rsqr_incr_0_var; [|exact Ha]. unfold Rsqr. now rewrite norm_sq. Qed.

Lemma sq_le_norm u a : norm u <= a -> dot u u <= a * a.
Proof. intros H. rewrite <- norm_sq. pose proof (norm_pos u). nra. Qed.

Theorem cauchy_schwarz u v : Rabs (dot u v) <= norm u * norm v.
Proof.
  (* The square norm of  |v| u - |u| v  and of  |v| u + |u| v  is nonnegative. *)
  pose proof (dot_pos (norm v ⊙ u ⊖ norm u ⊙ v)) as P.
  pose proof (dot_pos (norm v ⊙ u ⊕ norm u ⊙ v)) as Q.
  rewrite !dot_sub_l, !dot_sub_r, !dot_scal_l, !dot_scal_r, (dot_sym v u), <- !norm_sq in P.
  rewrite !dot_add_l, !dot_add_r, !dot_scal_l, !dot_scal_r, (dot_sym v u), <- !norm_sq in Q.
  pose proof (norm_pos u) as Pu. pose proof (norm_pos v) as Pv.
  destruct (Req_dec (norm u) 0) as [Zu|Nu].
  { apply norm_zero_eq in Zu. subst u.
    replace (@vzero n) with (0 ⊙ @vzero n) by vector_ring.
    rewrite dot_scal_l, Rmult_0_l, Rabs_R0, norm_scal, Rabs_R0. lra. }
  destruct (Req_dec (norm v) 0) as [Zv|Nv].
  { apply norm_zero_eq in Zv. subst v.
    replace (@vzero n) with (0 ⊙ @vzero n) by vector_ring.
    rewrite dot_scal_r, Rmult_0_l, Rabs_R0, norm_scal, Rabs_R0. lra. }
  assert (0 < norm u * norm v) by nra.
  apply Rabs_le. split.
  - apply (Rmult_le_reg_l (2 * (norm u * norm v))); [lra|]. nra.
  - apply (Rmult_le_reg_l (2 * (norm u * norm v))); [lra|]. nra.
Qed.

Lemma dot_le_norms u v : dot u v <= norm u * norm v.
Proof. eapply Rle_trans; [apply Rle_abs|apply cauchy_schwarz]. Qed.

Theorem norm_triangle u v : norm (u ⊕ v) <= norm u + norm v.
Proof.
  pose proof (norm_pos u). pose proof (norm_pos v). pose proof (dot_le_norms u v).
  apply norm_le_sq; [lra|].
  rewrite dot_add_l, !dot_add_r, (dot_sym v u), <- !norm_sq. nra.
Qed.

Lemma norm_opp_sub u v : norm (u ⊖ v) = norm (v ⊖ u).
Proof.
  replace (u ⊖ v) with ((-1) ⊙ (v ⊖ u)) by vector_ring.
  rewrite norm_scal, Rabs_left by lra; ring.
Qed.

Lemma norm_sub_le u v w : norm (u ⊖ w) <= norm (u ⊖ v) + norm (v ⊖ w).
Proof. replace (u ⊖ w) with ((u ⊖ v) ⊕ (v ⊖ w)) by vector_ring. apply norm_triangle. Qed.

Lemma norm_difference u v : norm u - norm v <= norm (u ⊖ v).
Proof.
  pose proof (norm_triangle (u ⊖ v) v) as H.
  replace (u ⊖ v ⊕ v) with u in H by vector_ring. lra.
Qed.

(** ** Coordinates *)

Lemma coordinate_le_norm u i : Rabs (u i) <= norm u.
Proof.
  rewrite <- sqrt_Rsqr_abs. apply sqrt_le_1_alt. unfold Rsqr.
  apply (fsum_term n (fun i => u i * u i)). intros; nra.
Qed.

End Vectors.

Lemma norm_le_coordinates n (u : vec n) a : (forall i, Rabs (u i) <= a) -> norm u <= INR n * a.
Proof.
  intros H. destruct n as [|p]; [unfold norm, dot; simpl; rewrite sqrt_0; lra|].
  assert (Ha : 0 <= a) by (eapply Rle_trans; [apply Rabs_pos|apply (H Fin.F1)]).
  assert (1 <= INR (S p)) by (rewrite S_INR; pose proof (pos_INR p); lra).
  apply norm_le_sq; [nra|].
  apply Rle_trans with (INR (S p) * (a * a)); [|assert (0 <= a * a) by nra; nra].
  rewrite <- fsum_const. apply fsum_le. intros i. specialize (H i).
  pose proof (Rle_abs (u i)). pose proof (Rle_abs (- u i)) as K. rewrite Rabs_Ropp in K. nra.
Qed.
