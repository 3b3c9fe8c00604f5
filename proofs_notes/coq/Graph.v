(** * Backpropagation through every finite graph of operations

    A network is a list of operations.  The state holds the weights and, in front of them, every result so far; an
    operation reads the state and puts an array of [p] numbers in front of it.  It may read any part of the state, so
    that weights and results are shared freely: this is every finite directed acyclic graph, in an order of evaluation.
    The error is the number that is computed last.

    Backpropagation goes through the list from its end.  It keeps an adjoint of the whole state; of an operation it
    drops the adjoint [u] of the result and adds [pull x u], what the operation sends back, to the rest. *)

Require Import Reals Lra Psatz FunctionalExtensionality.
Require Fin.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient.
Open Scope R_scope.

(** ** States *)

Definition tail {n} (v : vec (S n)) : vec n := fun i => v (Fin.FS i).

Definition cons {n} (a : R) (v : vec n) : vec (S n) := fun i => Fin.caseS' i (fun _ => R) a v.

Fixpoint join {p m} : vec p -> vec m -> vec (p + m) :=
  match p with
  | O => fun _ x => x
  | S q => fun u x => cons (u Fin.F1) (join (tail u) x)
  end.

Fixpoint newest {p m} : vec (p + m) -> vec p :=
  match p with
  | O => fun _ => vzero
  | S q => fun v => cons (v Fin.F1) (newest (m := m) (tail v))
  end.

Fixpoint older {p m} : vec (p + m) -> vec m :=
  match p with
  | O => fun v => v
  | S q => fun v => older (p := q) (tail v)
  end.

Lemma dot_head n (u v : vec (S n)) :
  dot u v = u Fin.F1 * v Fin.F1 + dot (tail u) (tail v).
Proof. reflexivity. Qed.

Lemma dot_join p m (v : vec (p + m)) (u : vec p) (x : vec m) :
  dot v (join u x) = dot (newest v) u + dot (older v) x.
Proof.
  induction p; [unfold dot at 2; simpl; ring|].
  change (v Fin.F1 * u Fin.F1 + dot (tail v) (join (tail u) x) =
    v Fin.F1 * u Fin.F1 + dot (newest (tail v)) (tail u) + dot (older (tail v)) x).
  rewrite IHp. ring.
Qed.

Lemma join_minus p m (u v : vec p) (x y : vec m) : join u x ⊖ join v y = join (u ⊖ v) (x ⊖ y).
Proof.
  induction p; [reflexivity|].
  change (cons (u Fin.F1) (join (tail u) x) ⊖ cons (v Fin.F1) (join (tail v) y) =
    cons (u Fin.F1 - v Fin.F1) (join (tail u ⊖ tail v) (x ⊖ y))).
  rewrite <- IHp. apply functional_extensionality. intros i. pattern i. apply (Fin.caseS' i); reflexivity.
Qed.

Lemma norm_join_sq p m (u : vec p) (x : vec m) : dot (join u x) (join u x) = dot u u + dot x x.
Proof.
  induction p; [unfold dot at 2; simpl; ring|].
  change (u Fin.F1 * u Fin.F1 + dot (join (tail u) x) (join (tail u) x) =
    u Fin.F1 * u Fin.F1 + dot (tail u) (tail u) + dot x x).
  rewrite IHp. ring.
Qed.

Lemma norm_of_sum (n p m : nat) (s : vec n) (u : vec p) (x : vec m) :
  dot s s = dot u u + dot x x -> norm s <= norm u + norm x.
Proof.
  intros H. pose proof (norm_pos u). pose proof (norm_pos x). pose proof (norm_pos s).
  pose proof (norm_sq s). pose proof (norm_sq u). pose proof (norm_sq x). nra.
Qed.

Lemma norm_join p m (u : vec p) (x : vec m) : norm (join u x) <= norm u + norm x.
Proof. apply norm_of_sum, norm_join_sq. Qed.

Lemma norm_head n (u : vec (S n)) : norm u <= Rabs (u Fin.F1) + norm (tail u).
Proof.
  pose proof (norm_pos (tail u)). pose proof (norm_pos u). pose proof (Rabs_pos (u Fin.F1)).
  pose proof (norm_sq u) as A. pose proof (norm_sq (tail u)) as B.
  rewrite dot_head in A.
  assert (u Fin.F1 * u Fin.F1 = Rabs (u Fin.F1) * Rabs (u Fin.F1)) by (rewrite <- Rabs_mult, Rabs_right; nra).
  nra.
Qed.

(** ** Derivatives of operations *)

(** [f] has the derivative [J] at [x]: row [i] of [J] is the gradient of entry [i]. *)
Definition has_derivative {m p} (f : vec m -> vec p) (x : vec m) (J : Fin.t p -> vec m) : Prop :=
  forall i, is_grad (fun y => f y i) x (J i).

Definition along {m p} (J : Fin.t p -> vec m) (d : vec m) : vec p := fun i => dot (J i) d.

(** The rule of an operation: what it sends back is the transpose of its derivative, times the adjoint. *)
Definition transposed {m p} (J : Fin.t p -> vec m) (pull : vec p -> vec m) : Prop :=
  forall u d, dot (pull u) d = dot u (along J d).

Lemma derivative_uniform m p (f : vec m -> vec p) x J : has_derivative f x J ->
  forall eps, 0 < eps -> exists del, 0 < del /\
    forall d, norm d < del -> norm (f (x ⊕ d) ⊖ f x ⊖ along J d) <= eps * norm d.
Proof.
  revert f J. induction p; intros f J H eps He.
  - exists 1. split; [lra|]. intros d _. unfold norm at 1. unfold dot. simpl. rewrite sqrt_0.
    apply Rmult_le_pos; [lra|apply norm_pos].
  - destruct (H Fin.F1 (eps / 2)) as (d1 & P1 & H1); [lra|].
    destruct (IHp (fun y i => f y (Fin.FS i)) (fun i => J (Fin.FS i)) (fun i => H (Fin.FS i)) (eps / 2))
      as (d2 & P2 & H2); [lra|].
    exists (Rmin d1 d2). split; [now apply Rmin_glb_lt|]. intros d Hd.
    eapply Rle_trans; [apply norm_head|].
    specialize (H1 d (Rlt_le_trans _ _ _ Hd (Rmin_l _ _))).
    specialize (H2 d (Rlt_le_trans _ _ _ Hd (Rmin_r _ _))).
    eapply Rle_trans; [apply Rplus_le_compat; [exact H1|exact H2]|]. lra.
Qed.

Lemma along_bounded m p (J : Fin.t p -> vec m) : exists C, 0 <= C /\ forall d, norm (along J d) <= C * norm d.
Proof.
  induction p.
  - exists 0. split; [lra|]. intros d. unfold norm at 1. unfold dot. simpl. rewrite sqrt_0. lra.
  - destruct (IHp (fun i => J (Fin.FS i))) as (C & PC & HC).
    exists (norm (J Fin.F1) + C). pose proof (norm_pos (J Fin.F1)). split; [lra|]. intros d.
    eapply Rle_trans; [apply norm_head|]. specialize (HC d).
    eapply Rle_trans; [apply Rplus_le_compat; [exact (cauchy_schwarz (J Fin.F1) d)|exact HC]|]. lra.
Qed.

(** The chain rule for one operation, in the form that backpropagation runs it. *)
Lemma pull_one m p (E : vec (p + m) -> R) (f : vec m -> vec p) x J pull lam :
  has_derivative f x J -> transposed J pull -> is_grad E (join (f x) x) lam ->
  is_grad (fun y => E (join (f y) y)) x (pull (newest lam) ⊕ older lam).
Proof.
  intros Hf Hp HE eps He.
  destruct (along_bounded m p J) as (C & PC & HC).
  pose proof (norm_pos (newest lam)) as Pl.
  set (e1 := eps / (2 * (C + 2))). set (e2 := eps / (2 * (norm (newest lam) + 1))).
  assert (P1 : 0 < e1) by (apply Rdiv_lt_0_compat; lra).
  assert (P2 : 0 < e2) by (apply Rdiv_lt_0_compat; lra).
  assert (Q1 : e1 * (C + 2) = eps / 2) by (unfold e1; field; lra).
  assert (Q2 : e2 * (norm (newest lam) + 1) = eps / 2) by (unfold e2; field; lra).
  destruct (HE e1 P1) as (dE & PE & KE).
  destruct (derivative_uniform m p f x J Hf (Rmin 1 e2)) as (df & Pf & Kf); [apply Rmin_glb_lt; lra|].
  exists (Rmin df (dE / (C + 2))). split; [apply Rmin_glb_lt; [exact Pf|apply Rdiv_lt_0_compat; lra]|].
  intros d Hd. pose proof (norm_pos d) as Pd.
  specialize (Kf d (Rlt_le_trans _ _ _ Hd (Rmin_l _ _))).
  assert (Hd2 : (C + 2) * norm d < dE).
  { pose proof (Rlt_le_trans _ _ _ Hd (Rmin_r _ _)) as H. apply (Rmult_lt_compat_l (C + 2)) in H; [|lra].
    replace ((C + 2) * (dE / (C + 2))) with dE in H by (field; lra). exact H. }
  set (moved := f (x ⊕ d) ⊖ f x) in *.
  assert (Kf1 : norm (moved ⊖ along J d) <= norm d).
  { eapply Rle_trans; [exact Kf|]. pose proof (Rmin_l 1 e2). nra. }
  assert (Kf2 : norm (moved ⊖ along J d) <= e2 * norm d).
  { eapply Rle_trans; [exact Kf|]. pose proof (Rmin_r 1 e2). nra. }
  assert (Km : norm moved <= (C + 1) * norm d).
  { replace moved with ((moved ⊖ along J d) ⊕ along J d) by vector_ring.
    pose proof (norm_triangle (moved ⊖ along J d) (along J d)). specialize (HC d). lra. }
  assert (Ks : norm (join moved d) <= (C + 2) * norm d).
  { pose proof (norm_join p m moved d). lra. }
  assert (Es : join (f (x ⊕ d)) (x ⊕ d) = join (f x) x ⊕ join moved d).
  { replace (join moved d) with (join (f (x ⊕ d)) (x ⊕ d) ⊖ join (f x) x); [vector_ring|].
    rewrite join_minus. f_equal. vector_ring. }
  rewrite Es.
  specialize (KE (join moved d) (Rle_lt_trans _ _ _ Ks Hd2)).
  rewrite dot_join in KE. rewrite dot_add_l, Hp.
  assert (Split : dot (newest lam) moved = dot (newest lam) (along J d) + dot (newest lam) (moved ⊖ along J d)).
  { rewrite dot_sub_r. ring. }
  pose proof (cauchy_schwarz (newest lam) (moved ⊖ along J d)) as S.
  apply Rabs_le_between in KE. apply Rabs_le_between in S. apply Rabs_le_between.
  assert (norm (newest lam) * norm (moved ⊖ along J d) <= eps / 2 * norm d).
  { rewrite <- Q2. pose proof (norm_pos (moved ⊖ along J d)). nra. }
  assert (e1 * norm (join moved d) <= eps / 2 * norm d) by (rewrite <- Q1; nra).
  lra.
Qed.

(** ** Rules of operations, for any numbers of entries *)

Fixpoint unit_at {n} (k : Fin.t n) : vec n :=
  match k with
  | @Fin.F1 _ => cons 1 vzero
  | @Fin.FS _ j => cons 0 (unit_at j)
  end.

Lemma dot_unit n (k : Fin.t n) (d : vec n) : dot (unit_at k) d = d k.
Proof.
  induction k as [n|n k IH].
  - change (1 * d Fin.F1 + dot vzero (tail d) = d Fin.F1).
    replace (@vzero n) with (0 ⊙ @vzero n) by vector_ring. rewrite dot_scal_l. ring.
  - change (0 * d Fin.F1 + dot (unit_at k) (tail d) = d (Fin.FS k)). rewrite IH. unfold tail. ring.
Qed.

Lemma entry_at_most_norm n (k : Fin.t n) (d : vec n) : Rabs (d k) <= norm d.
Proof.
  rewrite <- (dot_unit n k d). eapply Rle_trans; [apply cauchy_schwarz|].
  assert (U : norm (unit_at k) = 1).
  { assert (D : unit_at k k = 1) by (clear; induction k; [reflexivity|exact IHk]).
    unfold norm. rewrite dot_unit, D. exact sqrt_1. }
  rewrite U. lra.
Qed.

(** What is sent back in general: the rows of the derivative, weighted by the adjoint. *)
Definition weighted {m p} (J : Fin.t p -> vec m) (u : vec p) : vec m := fun k => fsum p (fun i => u i * J i k).

Lemma weighted_transposed m p (J : Fin.t p -> vec m) : transposed J (weighted J).
Proof.
  intros u d. unfold dot at 2. unfold along. unfold weighted. revert J u. induction p; intros J u.
  - simpl. replace (fun _ : Fin.t m => 0) with (0 ⊙ @vzero m) by vector_ring. rewrite dot_scal_l. ring.
  - simpl. rewrite <- (IHp (fun i => J (Fin.FS i)) (fun i => u (Fin.FS i))), <- dot_scal_l, <- dot_add_l. reflexivity.
Qed.

(** Affine operations: data and biases, shapes, sums, windows, embeddings, and their transposes. *)
Definition affine {m p} (b : vec p) (A : Fin.t p -> vec m) : vec m -> vec p := fun x => b ⊕ along A x.

Theorem affine_rule m p (b : vec p) (A : Fin.t p -> vec m) x :
  has_derivative (affine b A) x A /\ transposed A (weighted A).
Proof.
  split; [|apply weighted_transposed]. intros i eps He. exists 1. split; [lra|]. intros d _.
  unfold affine, along, vadd at 1 3.
  rewrite dot_add_r. replace (b i + (dot (A i) x + dot (A i) d) - (b i + dot (A i) x) - dot (A i) d) with 0 by ring.
  rewrite Rabs_R0. pose proof (norm_pos d). nra.
Qed.

(** Functions of one variable: entry [i] of the result is [g] of entry [k i]. *)
Definition entrywise {m p} (g : R -> R) (k : Fin.t p -> Fin.t m) : vec m -> vec p := fun x i => g (x (k i)).
Definition entrywise_rows {m p} (g' : R -> R) (k : Fin.t p -> Fin.t m) (x : vec m) : Fin.t p -> vec m :=
  fun i => g' (x (k i)) ⊙ unit_at (k i).

Theorem entrywise_rule m p (g g' : R -> R) (k : Fin.t p -> Fin.t m) x :
  (forall i, is_derive g (x (k i)) (g' (x (k i)))) ->
  has_derivative (entrywise g k) x (entrywise_rows g' k x) /\
  transposed (entrywise_rows g' k x) (weighted (entrywise_rows g' k x)).
Proof.
  intros Hg. split; [|apply weighted_transposed]. intros i eps He.
  specialize (Hg i). apply is_derive_Reals in Hg. destruct (Hg eps He) as (del & K).
  exists del. split; [apply cond_pos|]. intros d Hd. unfold entrywise_rows, entrywise.
  rewrite dot_scal_l, dot_unit. unfold vadd.
  pose proof (entry_at_most_norm m (k i) d) as B.
  destruct (Req_dec (d (k i)) 0) as [Z|N].
  - rewrite Z, Rplus_0_r, Rmult_0_r. replace (_ - _ - 0) with 0 by ring. rewrite Rabs_R0. pose proof (norm_pos d). nra.
  - specialize (K (d (k i)) N (Rle_lt_trans _ _ _ B Hd)). pose proof (Rabs_pos (d (k i))).
    replace (g (x (k i) + d (k i)) - g (x (k i)) - g' (x (k i)) * d (k i))
      with (((g (x (k i) + d (k i)) - g (x (k i))) / d (k i) - g' (x (k i))) * d (k i)) by (field; exact N).
    rewrite Rabs_mult. nra.
Qed.

(** Products of entries: of a weight and a result, or of two results. *)
Definition products {m p} (a b : Fin.t p -> Fin.t m) : vec m -> vec p := fun x i => x (a i) * x (b i).
Definition product_rows {m p} (a b : Fin.t p -> Fin.t m) (x : vec m) : Fin.t p -> vec m :=
  fun i => x (b i) ⊙ unit_at (a i) ⊕ x (a i) ⊙ unit_at (b i).

Theorem product_rule m p (a b : Fin.t p -> Fin.t m) x :
  has_derivative (products a b) x (product_rows a b x) /\
  transposed (product_rows a b x) (weighted (product_rows a b x)).
Proof.
  split; [|apply weighted_transposed]. intros i eps He. exists eps. split; [exact He|]. intros d Hd.
  unfold product_rows, products. rewrite dot_add_l, !dot_scal_l, !dot_unit. unfold vadd.
  replace (_ - _ - _) with (d (a i) * d (b i)) by ring.
  pose proof (entry_at_most_norm m (a i) d). pose proof (entry_at_most_norm m (b i) d).
  rewrite Rabs_mult. pose proof (Rabs_pos (d (a i))). pose proof (Rabs_pos (d (b i))). pose proof (norm_pos d). nra.
Qed.

(** ** Networks *)

Inductive network : nat -> Type :=
  | Output m : network (S m)
  | Apply m p (f : vec m -> vec p) (pull : vec m -> vec p -> vec m) (rest : network (p + m)) : network m.

Fixpoint error {m} (g : network m) : vec m -> R :=
  match g with
  | Output _ => fun x => x Fin.F1
  | Apply _ _ f _ rest => fun x => error rest (join (f x) x)
  end.

(** The backward recursion, as a program runs it: what the rest of the network makes of the state, pulled back. *)
Fixpoint backward {m} (g : network m) : vec m -> vec m :=
  match g with
  | Output _ => fun _ => unit_at Fin.F1
  | Apply _ _ f pull rest => fun x =>
      let lam := backward rest (join (f x) x) in pull x (newest lam) ⊕ older lam
  end.

(** Every operation has a derivative where the evaluation passes, and its rule is right there. *)
Fixpoint rules_hold {m} (g : network m) : vec m -> Prop :=
  match g with
  | Output _ => fun _ => True
  | Apply _ _ f pull rest => fun x =>
      (exists J, has_derivative f x J /\ transposed J (pull x)) /\ rules_hold rest (join (f x) x)
  end.

Theorem backpropagation m (g : network m) (w : vec m) : rules_hold g w -> is_grad (error g) w (backward g w).
Proof.
  revert w. induction g as [m|m p f pull rest IH]; intros w H.
  - intros eps He. exists 1. split; [lra|]. intros d _.
    change (Rabs ((w ⊕ d) Fin.F1 - w Fin.F1 - dot (unit_at Fin.F1) d) <= eps * norm d).
    rewrite dot_unit. unfold vadd. replace (w Fin.F1 + d Fin.F1 - w Fin.F1 - d Fin.F1) with 0 by ring.
    rewrite Rabs_R0. pose proof (norm_pos d). nra.
  - destruct H as ((J & Hf & Hp) & Hrest). simpl.
    apply (pull_one m p (error rest) f w J (pull w)); [exact Hf|exact Hp|]. now apply IH.
Qed.

(** ** Networks of affine operations, functions of one variable and products

    Layers, convolutions, skip connections, several outputs, shared parameters, sums over samples, half the squared error
    and weight decay are lists of these three. *)

Inductive elementary : forall {m}, network m -> Prop :=
  | elementary_output m : elementary (Output m)
  | elementary_affine m p b A rest :
      elementary rest -> elementary (Apply m p (affine b A) (fun _ => weighted A) rest)
  | elementary_entrywise m p g g' k rest : (forall z, is_derive g z (g' z)) ->
      elementary rest -> elementary (Apply m p (entrywise g k) (fun x => weighted (entrywise_rows g' k x)) rest)
  | elementary_products m p a b rest :
      elementary rest -> elementary (Apply m p (products a b) (fun x => weighted (product_rows a b x)) rest).

Lemma elementary_rules m (g : network m) : elementary g -> forall w, rules_hold g w.
Proof.
  induction 1 as [m|m p b A rest _ IH|m p g g' k rest Hg _ IH|m p a b rest _ IH]; intros w; simpl; [exact I| | |];
    (split; [|apply IH]).
  - exists A. apply affine_rule.
  - exists (entrywise_rows g' k w). now apply entrywise_rule.
  - exists (product_rows a b w). apply product_rule.
Qed.

Theorem elementary_backpropagation m (g : network m) (w : vec m) :
  elementary g -> is_grad (error g) w (backward g w).
Proof. intros H. apply backpropagation. now apply elementary_rules. Qed.
