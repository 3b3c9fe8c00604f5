(** * The second derivative of a network's error along a direction

    Along a direction the results of a network move on curves.  The second derivative of the error collects from every
    operation what its own second derivative does to the movement [d] of what it reads, weighted by the adjoint of
    its result: [dot (adjoint of the result) (bend H d)].  The second derivatives of what it reads need no term of
    their own: the adjoints of earlier results carry them.  The toolkit's bounds of the Hessian bound this sum. *)

Require Import Reals Lra Psatz FunctionalExtensionality.
Require Fin.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Graph.
Open Scope R_scope.

(** ** Curves *)

Definition moves {n} (x : R -> vec n) (t : R) (x1 : vec n) : Prop := forall i, is_derive (fun s => x s i) t (x1 i).

Lemma moves_uniform n (x : R -> vec n) t x1 : moves x t x1 ->
  forall eps, 0 < eps -> exists del, 0 < del /\
    forall h, Rabs h < del -> norm (x (t + h) ⊖ x t ⊖ h ⊙ x1) <= eps * Rabs h.
Proof.
  revert x x1. induction n; intros x x1 H eps He.
  - exists 1. split; [lra|]. intros h _. unfold norm, dot. simpl. rewrite sqrt_0.
    apply Rmult_le_pos; [lra|apply Rabs_pos].
  - pose proof (H Fin.F1) as H0. apply is_derive_Reals in H0.
    destruct (H0 (eps / 2)) as (d1 & K1); [lra|].
    destruct (IHn (fun s => tail (x s)) (tail x1) (fun i => H (Fin.FS i)) (eps / 2)) as (d2 & P2 & K2); [lra|].
    exists (Rmin d1 d2). split; [apply Rmin_glb_lt; [apply cond_pos|exact P2]|]. intros h Hh.
    eapply Rle_trans; [apply norm_head|].
    specialize (K2 h (Rlt_le_trans _ _ _ Hh (Rmin_r _ _))).
    assert (Rabs (x (t + h) Fin.F1 - x t Fin.F1 - h * x1 Fin.F1) <= eps / 2 * Rabs h); [|unfold vsub, vscal in *; simpl in *; unfold tail in *; lra].
    destruct (Req_dec h 0) as [Z|N].
    + subst h. rewrite Rplus_0_r. replace (_ - _ - _) with 0 by ring. rewrite Rabs_R0. lra.
    + specialize (K1 h N (Rlt_le_trans _ _ _ Hh (Rmin_l _ _))).
      replace (x (t + h) Fin.F1 - x t Fin.F1 - h * x1 Fin.F1)
        with (((x (t + h) Fin.F1 - x t Fin.F1) / h - x1 Fin.F1) * h) by (field; exact N).
      rewrite Rabs_mult. pose proof (Rabs_pos h). nra.
Qed.

(** A curve does not jump. *)
Lemma moves_near n (x : R -> vec n) t x1 r : moves x t x1 -> 0 < r ->
  locally t (fun s => norm (x s ⊖ x t) < r).
Proof.
  intros H Hr. destruct (moves_uniform n x t x1 H 1) as (del & P & K); [lra|].
  pose proof (norm_pos x1) as Q.
  assert (B : 0 < Rmin del (r / (norm x1 + 2))) by (apply Rmin_glb_lt; [exact P|apply Rdiv_lt_0_compat; lra]).
  exists (mkposreal _ B). intros s'. set (s := s' : R). change s' with s. intros Hs.
  change (Rabs (s - t) < Rmin del (r / (norm x1 + 2))) in Hs.
  specialize (K (s - t) (Rlt_le_trans _ _ _ Hs (Rmin_l _ _))).
  assert (Es : t + (s - t) = s) by (clearbody s; ring). rewrite Es in K.
  apply (fun H => Rlt_le_trans _ _ _ H (Rmin_r _ _)) in Hs.
  apply (Rmult_lt_compat_l (norm x1 + 2)) in Hs; [|lra].
  replace ((norm x1 + 2) * (r / (norm x1 + 2))) with r in Hs by (field; lra).
  pose proof (norm_triangle (x s ⊖ x t ⊖ (s - t) ⊙ x1) ((s - t) ⊙ x1)) as T.
  replace (x s ⊖ x t ⊖ (s - t) ⊙ x1 ⊕ (s - t) ⊙ x1) with (x s ⊖ x t) in T by vector_ring.
  rewrite norm_scal in T. pose proof (Rabs_pos (s - t)). nra.
Qed.

(** The chain rule along a curve. *)
Lemma chain n (E : vec n -> R) (x : R -> vec n) t x1 g :
  moves x t x1 -> is_grad E (x t) g -> is_derive (fun s => E (x s)) t (dot g x1).
Proof.
  intros Hx HE. apply is_derive_Reals. intros eps He.
  pose proof (norm_pos x1) as P1. pose proof (norm_pos g) as Pg.
  set (e1 := eps / (4 * (norm x1 + 1))). set (e2 := eps / (4 * (norm g + 1))).
  assert (Q1 : 0 < e1) by (apply Rdiv_lt_0_compat; lra). assert (Q2 : 0 < e2) by (apply Rdiv_lt_0_compat; lra).
  assert (S1 : e1 * (norm x1 + 1) = eps / 4) by (unfold e1; field; lra).
  assert (S2 : e2 * (norm g + 1) = eps / 4) by (unfold e2; field; lra).
  destruct (HE e1 Q1) as (d1 & D1 & K1).
  destruct (moves_uniform n x t x1 Hx (Rmin 1 e2)) as (d2 & D2 & K2); [apply Rmin_glb_lt; lra|].
  assert (B : 0 < Rmin d2 (d1 / (norm x1 + 1))) by (apply Rmin_glb_lt; [exact D2|apply Rdiv_lt_0_compat; lra]).
  exists (mkposreal _ B). intros h N Hh. simpl in Hh. pose proof (Rabs_pos_lt h N) as Ph.
  specialize (K2 h (Rlt_le_trans _ _ _ Hh (Rmin_l _ _))).
  set (moved := x (t + h) ⊖ x t) in *. set (rest := moved ⊖ h ⊙ x1) in *.
  assert (R1 : norm rest <= Rabs h) by (pose proof (Rmin_l 1 e2); nra).
  assert (R2 : norm rest <= e2 * Rabs h) by (pose proof (Rmin_r 1 e2); nra).
  assert (M : norm moved <= (norm x1 + 1) * Rabs h).
  { replace moved with (rest ⊕ h ⊙ x1) by (unfold rest; vector_ring).
    pose proof (norm_triangle rest (h ⊙ x1)) as T. rewrite norm_scal in T. lra. }
  assert (Hm : norm moved < d1).
  { eapply Rle_lt_trans; [exact M|]. apply (fun H => Rlt_le_trans _ _ _ H (Rmin_r _ _)) in Hh.
    apply (Rmult_lt_compat_l (norm x1 + 1)) in Hh; [|lra].
    replace ((norm x1 + 1) * (d1 / (norm x1 + 1))) with d1 in Hh by (field; lra). exact Hh. }
  specialize (K1 moved Hm).
  replace (x t ⊕ moved) with (x (t + h)) in K1 by (unfold moved; vector_ring).
  replace moved with (rest ⊕ h ⊙ x1) in K1 at 1 by (unfold rest; vector_ring).
  rewrite dot_add_r, dot_scal_r in K1. pose proof (cauchy_schwarz g rest) as C.
  assert (T : Rabs (E (x (t + h)) - E (x t) - h * dot g x1) <= eps / 2 * Rabs h).
  { apply Rabs_le_between in K1. apply Rabs_le_between in C. apply Rabs_le_between.
    assert (norm g * norm rest <= eps / 4 * Rabs h) by (rewrite <- S2; pose proof (norm_pos rest); nra).
    assert (e1 * norm moved <= eps / 4 * Rabs h) by (rewrite <- S1; nra). lra. }
  replace ((E (x (t + h)) - E (x t)) / h - dot g x1) with ((E (x (t + h)) - E (x t) - h * dot g x1) / h) by (field; exact N).
  unfold Rdiv at 1. rewrite Rabs_mult, Rabs_inv.
  apply Rle_lt_trans with (eps / 2 * Rabs h * / Rabs h).
  - apply Rmult_le_compat_r; [left; now apply Rinv_0_lt_compat|exact T].
  - rewrite Rmult_assoc, Rinv_r by lra. lra.
Qed.

Lemma dot_moves n (u v : R -> vec n) t u1 v1 : moves u t u1 -> moves v t v1 ->
  is_derive (fun s => dot (u s) (v s)) t (dot u1 (v t) + dot (u t) v1).
Proof.
  revert u v u1 v1. induction n; intros u v u1 v1 Hu Hv.
  - unfold dot. simpl. evar_last; [apply @is_derive_const|]. unfold zero; simpl. ring.
  - evar_last.
    + apply (@is_derive_plus R_AbsRing R_NormedModule (fun s => u s Fin.F1 * v s Fin.F1) (fun s => dot (tail (u s)) (tail (v s)))).
      * apply (is_derive_mult (fun s => u s Fin.F1) (fun s => v s Fin.F1)); [apply Hu|apply Hv|].
        intros; simpl; apply Rmult_comm.
      * apply (IHn (fun s => tail (u s)) (fun s => tail (v s)) (tail u1) (tail v1)); intros i; [apply Hu|apply Hv].
    + rewrite !dot_head. unfold plus, mult; simpl. ring.
Qed.

Lemma join_moves p m (u : R -> vec p) (x : R -> vec m) t u1 x1 : moves u t u1 -> moves x t x1 ->
  moves (fun s => join (u s) (x s)) t (join u1 x1).
Proof.
  revert u u1. induction p; intros u u1 Hu Hx; [exact Hx|]. intros i.
  pattern i. apply (Fin.caseS' i).
  - exact (Hu Fin.F1).
  - intros j. exact (IHp (fun s => tail (u s)) (tail u1) (fun k => Hu (Fin.FS k)) Hx j).
Qed.

Lemma line_moves n (w d : vec n) t : moves (line w d) t d.
Proof.
  intros i. unfold line, vadd, vscal. auto_derive; [exact I|ring].
Qed.

(** ** Second derivatives of operations *)

(** Entry [i] has the gradients [J y i] at all points [y] near [x], and its Hessian at [x] has the rows [H i]. *)
Definition has_second_derivative {m p} (f : vec m -> vec p) (x : vec m) (J : vec m -> Fin.t p -> vec m)
    (H : Fin.t p -> Fin.t m -> vec m) : Prop :=
  (exists r, 0 < r /\ forall y, norm (y ⊖ x) < r -> has_derivative f y (J y)) /\
  forall i, has_derivative (fun y => J y i) x (H i).

(** The second derivative of an operation along the direction [d]. *)
Definition bend {m p} (H : Fin.t p -> Fin.t m -> vec m) (d : vec m) : vec p := fun i => dot (along (H i) d) d.

Lemma along_moves m p (f : vec m -> vec p) J H (x x1 : R -> vec m) t x2 :
  has_second_derivative f (x t) J H -> moves x t (x1 t) -> moves x1 t x2 ->
  moves (fun s => along (J (x s)) (x1 s)) t (bend H (x1 t) ⊕ along (J (x t)) x2).
Proof.
  intros [_ HH] Hx Hx1 i. unfold along at 1.
  apply (dot_moves m (fun s => J (x s) i) x1 t (along (H i) (x1 t)) x2); [|exact Hx1].
  intros k. apply (chain m (fun y => J y i k) x t (x1 t) (H i k)); [exact Hx|apply HH].
Qed.

(** ** Networks *)

(** [second_order g x d q]: every operation has a second derivative where the evaluation at [x] passes, its rule is
    right nearby, and [q] is the sum of what they add along the direction [d]. *)
Fixpoint second_order {m} (g : network m) : vec m -> vec m -> R -> Prop :=
  match g with
  | Output _ => fun _ _ q => q = 0
  | Apply _ _ f pull rest => fun x d q => exists J H q',
      has_second_derivative f x J H /\
      (exists r, 0 < r /\ forall y, norm (y ⊖ x) < r -> transposed (J y) (pull y)) /\
      second_order rest (join (f x) x) (join (along (J x) d) d) q' /\
      q = dot (newest (backward rest (join (f x) x))) (bend H d) + q'
  end.

Lemma second_along_curve m (g : network m) (x x1 : R -> vec m) t x2 q :
  locally t (fun s => moves x s (x1 s)) -> moves x1 t x2 -> second_order g (x t) (x1 t) q ->
  is_derive (fun s => dot (backward g (x s)) (x1 s)) t (q + dot (backward g (x t)) x2).
Proof.
  revert x x1 x2 q. induction g as [m|m p f pull rest IH]; intros x x1 x2 q Hx Hx1 Hq.
  - simpl in Hq. subst q. apply (is_derive_ext (fun s => x1 s Fin.F1)).
    + intros s. change (x1 s Fin.F1 = dot (unit_at Fin.F1) (x1 s)). now rewrite dot_unit.
    + change (is_derive (fun s => x1 s Fin.F1) t (0 + dot (unit_at Fin.F1) x2)).
      rewrite dot_unit, Rplus_0_l. apply Hx1.
  - simpl in Hq. destruct Hq as (J & H & q' & Hf & (r1 & P1 & Hp) & Hrest & Eq).
    pose proof (locally_singleton _ _ Hx) as Hxt.
    destruct Hf as ((r2 & P2 & HJ) & HH).
    assert (Near : locally t (fun s => moves x s (x1 s) /\ norm (x s ⊖ x t) < r1 /\ norm (x s ⊖ x t) < r2)).
    { apply filter_and; [exact Hx|]. apply filter_and; apply (moves_near m x t (x1 t)); assumption. }
    set (y := fun s => join (f (x s)) (x s)). set (y1 := fun s => join (along (J (x s)) (x1 s)) (x1 s)).
    set (y2 := join (bend H (x1 t) ⊕ along (J (x t)) x2) x2).
    assert (Hy : locally t (fun s => moves y s (y1 s))).
    { revert Near. apply filter_imp. intros s (Ms & _ & N2). apply join_moves; [|exact Ms].
      intros i. apply (chain m (fun v => f v i) x s (x1 s)); [exact Ms|]. now apply HJ. }
    assert (Hy1 : moves y1 t y2).
    { apply join_moves; [|exact Hx1]. apply (along_moves m p f); [|exact Hxt|exact Hx1].
      split; [now exists r2|exact HH]. }
    pose proof (IH y y1 y2 q' Hy Hy1 Hrest) as D.
    apply (is_derive_ext_loc (fun s => dot (backward rest (y s)) (y1 s))).
    + revert Near. apply filter_imp. intros s (_ & N1 & _). unfold y1 at 1. rewrite dot_join. simpl.
      rewrite dot_add_l, (Hp (x s) N1). reflexivity.
    + evar_last; [exact D|]. unfold y2. rewrite dot_join, dot_add_r. subst q. simpl.
      rewrite dot_add_l, (Hp (x t)); [unfold y; ring|].
      replace (x t ⊖ x t) with (@vzero m) by vector_ring. rewrite norm_vzero. exact P1.
Qed.

(** The second derivative of the error along a line: the slope that backpropagation gives changes at the rate [q]. *)
Theorem second_derivative m (g : network m) (w d : vec m) t q :
  second_order g (line w d t) d q -> is_derive (fun s => dot (backward g (line w d s)) d) t q.
Proof.
  intros H. evar_last.
  - apply (second_along_curve m g (line w d) (fun _ => d) t vzero q); [|intros i|exact H].
    + apply filter_forall. intros s. apply line_moves.
    + evar_last; [apply @is_derive_const|reflexivity].
  - rewrite dot_sym. replace (@vzero m) with (0 ⊙ @vzero m) by vector_ring. rewrite dot_scal_l. ring.
Qed.

(** Near such a point backpropagation gives the gradient, so [q] is the second derivative of the error itself. *)
Lemma second_order_rules m (g : network m) x d q : second_order g x d q -> rules_hold g x.
Proof.
  revert x d q. induction g as [m|m p f pull rest IH]; intros x d q H; [exact I|].
  destruct H as (J & H & q' & ((r2 & P2 & HJ) & _) & (r1 & P1 & Hp) & Hrest & _).
  assert (Z : norm (x ⊖ x) = 0) by (replace (x ⊖ x) with (@vzero m) by vector_ring; apply norm_vzero).
  split; [|eapply IH, Hrest]. exists (J x). split; [apply HJ|apply Hp]; rewrite Z; assumption.
Qed.

Corollary second_derivative_of_error m (g : network m) (w d : vec m) (q : R -> R) :
  (forall t, second_order g (line w d t) d (q t)) ->
  forall t, is_derive_n (fun s => error g (line w d s)) 2 t (q t).
Proof.
  intros H t. simpl. apply (is_derive_ext (fun s => dot (backward g (line w d s)) d)).
  - intros s. symmetry. apply is_derive_unique, line_derive, backpropagation. eapply second_order_rules, H.
  - now apply second_derivative.
Qed.

(** What a bound of the sum along a step is good for. *)
Corollary second_derivative_bounds_step m (g : network m) L (w d : vec m) (q : R -> R) :
  (forall t, 0 <= t <= 1 -> second_order g (line w d t) d (q t)) ->
  (forall t, 0 <= t <= 1 -> q t <= L * dot d d) ->
  below_parabola L (error g) w (backward g w) d.
Proof.
  intros H B. apply (second_derivative_descent L (error g) (backward g) w d q).
  - intros t Ht. apply backpropagation. eapply second_order_rules, H, Ht.
  - intros t Ht. now apply second_derivative, H.
  - intros t Ht. specialize (B t Ht). lra.
Qed.

(** ** Second derivatives of the rules *)

Lemma zero_rows m p (c : vec p) (x : vec m) : has_derivative (fun _ => c) x (fun _ => vzero).
Proof.
  intros i eps He. exists 1. split; [lra|]. intros d _.
  replace (@vzero m) with (0 ⊙ @vzero m) by vector_ring. rewrite dot_scal_l.
  replace (c i - c i - 0 * dot vzero d) with 0 by ring. rewrite Rabs_R0. pose proof (norm_pos d). nra.
Qed.

(** The derivative of [y -> a (y) e] for a fixed vector [e]. *)
Lemma scaled_rows n m (a : vec m -> R) (e : vec n) x g :
  is_grad a x g -> has_derivative (fun y => a y ⊙ e) x (fun k => e k ⊙ g).
Proof.
  intros Ha k eps He. pose proof (Rabs_pos (e k)) as P.
  assert (Q : 0 < eps / (Rabs (e k) + 1)) by (apply Rdiv_lt_0_compat; lra).
  destruct (Ha _ Q) as (del & D & K). exists del. split; [exact D|]. intros d Hd. specialize (K d Hd).
  change (Rabs (a (x ⊕ d) * e k - a x * e k - dot (e k ⊙ g) d) <= eps * norm d). rewrite dot_scal_l.
  replace (a (x ⊕ d) * e k - a x * e k - e k * dot g d) with (e k * (a (x ⊕ d) - a x - dot g d)) by ring.
  rewrite Rabs_mult. pose proof (norm_pos d).
  apply Rle_trans with (Rabs (e k) * (eps / (Rabs (e k) + 1) * norm d)); [now apply Rmult_le_compat_l|].
  replace (Rabs (e k) * (eps / (Rabs (e k) + 1) * norm d))
    with (eps * norm d * (Rabs (e k) / (Rabs (e k) + 1))) by (field; lra).
  assert (Rabs (e k) / (Rabs (e k) + 1) <= 1).
  { apply (Rmult_le_reg_r (Rabs (e k) + 1)); [lra|]. unfold Rdiv. rewrite Rmult_assoc, Rinv_l; lra. }
  assert (0 <= eps * norm d) by nra. nra.
Qed.

Lemma entry_grad m (k : Fin.t m) x : is_grad (fun y : vec m => y k) x (unit_at k).
Proof.
  intros eps He. exists 1. split; [lra|]. intros d _. rewrite dot_unit. unfold vadd.
  replace (x k + d k - x k - d k) with 0 by ring. rewrite Rabs_R0. pose proof (norm_pos d). nra.
Qed.

Lemma sum_rows n m (f h : vec m -> vec n) x A B :
  has_derivative f x A -> has_derivative h x B -> has_derivative (fun y => f y ⊕ h y) x (fun k => A k ⊕ B k).
Proof.
  intros Hf Hh k eps He.
  destruct (Hf k (eps / 2)) as (d1 & P1 & K1); [lra|]. destruct (Hh k (eps / 2)) as (d2 & P2 & K2); [lra|].
  exists (Rmin d1 d2). split; [now apply Rmin_glb_lt|]. intros d Hd.
  specialize (K1 d (Rlt_le_trans _ _ _ Hd (Rmin_l _ _))). specialize (K2 d (Rlt_le_trans _ _ _ Hd (Rmin_r _ _))).
  change (Rabs (f (x ⊕ d) k + h (x ⊕ d) k - (f x k + h x k) - dot (A k ⊕ B k) d) <= eps * norm d). rewrite dot_add_l.
  apply Rabs_le_between in K1. apply Rabs_le_between in K2. apply Rabs_le_between. lra.
Qed.

(** An affine operation adds nothing. *)
Theorem affine_bend m p (b : vec p) (A : Fin.t p -> vec m) x d :
  let H := fun _ _ => vzero in has_second_derivative (affine b A) x (fun _ => A) H /\ bend H d = vzero.
Proof.
  intros H. split; [split|].
  - exists 1. split; [lra|]. intros y _. apply affine_rule.
  - intros i. apply (zero_rows m m (A i)).
  - apply functional_extensionality. intros i. unfold bend, H.
    replace (along (fun _ => vzero) d) with (0 ⊙ @vzero m); [now rewrite dot_scal_l, Rmult_0_l|].
    apply functional_extensionality. intros k. unfold along.
    replace (@vzero m) with (0 ⊙ @vzero m) by vector_ring. rewrite dot_scal_l. unfold vscal. ring.
Qed.

(** A function of one variable adds [g'' (x_k) d_k^2]. *)
Theorem entrywise_bend m p (g g' g'' : R -> R) (k : Fin.t p -> Fin.t m) x d :
  (forall z, is_derive g z (g' z)) -> (forall z, is_derive g' z (g'' z)) ->
  let H := fun i j => unit_at (k i) j ⊙ entrywise_rows g'' k x i in
  has_second_derivative (entrywise g k) x (entrywise_rows g' k) H /\
  bend H d = fun i => g'' (x (k i)) * (d (k i) * d (k i)).
Proof.
  intros Hg Hg' H. split; [split|].
  - exists 1. split; [lra|]. intros y _. now apply entrywise_rule.
  - intros i. apply (scaled_rows m m (fun y => g' (y (k i))) (unit_at (k i)) x).
    exact (proj1 (entrywise_rule m p g' g'' k x (fun j => Hg' (x (k j)))) i).
  - apply functional_extensionality. intros i. unfold bend, H.
    replace (along (fun j => unit_at (k i) j ⊙ entrywise_rows g'' k x i) d)
      with (dot (entrywise_rows g'' k x i) d ⊙ unit_at (k i)).
    + rewrite dot_scal_l, dot_unit. unfold entrywise_rows. rewrite dot_scal_l, dot_unit. ring.
    + apply functional_extensionality. intros j. unfold along, vscal at 1. rewrite dot_scal_l. ring.
Qed.

(** A product adds [2 d_a d_b]. *)
Theorem product_bend m p (a b : Fin.t p -> Fin.t m) x d :
  let H := fun i j => unit_at (a i) j ⊙ unit_at (b i) ⊕ unit_at (b i) j ⊙ unit_at (a i) in
  has_second_derivative (products a b) x (product_rows a b) H /\
  bend H d = fun i => 2 * (d (a i) * d (b i)).
Proof.
  intros H. split; [split|].
  - exists 1. split; [lra|]. intros y _. apply product_rule.
  - intros i. unfold product_rows, H.
    apply (sum_rows m m (fun y => y (b i) ⊙ unit_at (a i)) (fun y => y (a i) ⊙ unit_at (b i)));
      apply (scaled_rows m m (fun y => y _)), entry_grad.
  - apply functional_extensionality. intros i. unfold bend, H.
    replace (along (fun j => unit_at (a i) j ⊙ unit_at (b i) ⊕ unit_at (b i) j ⊙ unit_at (a i)) d)
      with (d (b i) ⊙ unit_at (a i) ⊕ d (a i) ⊙ unit_at (b i)).
    + rewrite dot_add_l, !dot_scal_l, !dot_unit. ring.
    + apply functional_extensionality. intros j.
      change (d (b i) * unit_at (a i) j + d (a i) * unit_at (b i) j =
        dot (unit_at (a i) j ⊙ unit_at (b i) ⊕ unit_at (b i) j ⊙ unit_at (a i)) d).
      rewrite dot_add_l, !dot_scal_l, !dot_unit. ring.
Qed.

(** ** The sum for networks of affine operations, functions of one variable and products *)

Inductive elementary_form : forall {m}, network m -> (vec m -> vec m -> R) -> Prop :=
  | form_output m : elementary_form (Output m) (fun _ _ => 0)
  | form_affine m p b A rest q : elementary_form rest q ->
      elementary_form (Apply m p (affine b A) (fun _ => weighted A) rest)
        (fun x d => q (join (affine b A x) x) (join (along A d) d))
  | form_entrywise m p g g' g'' k rest q :
      (forall z, is_derive g z (g' z)) -> (forall z, is_derive g' z (g'' z)) -> elementary_form rest q ->
      elementary_form (Apply m p (entrywise g k) (fun x => weighted (entrywise_rows g' k x)) rest)
        (fun x d => let y := join (entrywise g k x) x in
          fsum p (fun i => newest (backward rest y) i * (g'' (x (k i)) * (d (k i) * d (k i)))) +
          q y (join (along (entrywise_rows g' k x) d) d))
  | form_products m p a b rest q : elementary_form rest q ->
      elementary_form (Apply m p (products a b) (fun x => weighted (product_rows a b x)) rest)
        (fun x d => let y := join (products a b x) x in
          fsum p (fun i => newest (backward rest y) i * (2 * (d (a i) * d (b i)))) +
          q y (join (along (product_rows a b x) d) d)).

Theorem elementary_second_order m (g : network m) q : elementary_form g q -> forall x d, second_order g x d (q x d).
Proof.
  induction 1 as [m|m p b A rest q _ IH|m p g g' g'' k rest q Hg Hg' _ IH|m p a b rest q _ IH]; intros x d.
  - reflexivity.
  - destruct (affine_bend m p b A x d) as [H2 Hb]. simpl. do 3 eexists. split; [exact H2|]. split; [|split; [apply IH|]].
    + exists 1. split; [lra|]. intros y _. apply weighted_transposed.
    + rewrite Hb, dot_sym. replace (@vzero p) with (0 ⊙ @vzero p) by vector_ring. rewrite dot_scal_l. ring.
  - destruct (entrywise_bend m p g g' g'' k x d Hg Hg') as [H2 Hb]. simpl. do 3 eexists.
    split; [exact H2|]. split; [|split; [apply IH|]].
    + exists 1. split; [lra|]. intros y _. apply weighted_transposed.
    + rewrite Hb. reflexivity.
  - destruct (product_bend m p a b x d) as [H2 Hb]. simpl. do 3 eexists.
    split; [exact H2|]. split; [|split; [apply IH|]].
    + exists 1. split; [lra|]. intros y _. apply weighted_transposed.
    + rewrite Hb. reflexivity.
Qed.

Theorem elementary_second_derivative m (g : network m) q (w d : vec m) t :
  elementary_form g q -> is_derive_n (fun s => error g (line w d s)) 2 t (q (line w d t) d).
Proof.
  intros H. apply (second_derivative_of_error m g w d (fun s => q (line w d s) d)). intros s.
  now apply elementary_second_order.
Qed.
