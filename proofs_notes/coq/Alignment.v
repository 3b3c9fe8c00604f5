(** * Aligned data

    What a layer's parameters do to all samples at once, when the samples' data differ. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors.
Open Scope R_scope.

(** Squared Euclidean length of a matrix given by its rows, and of what it makes of a vector. *)
Definition square {m k} (P : Fin.t m -> vec k) : R := fsum m (fun j => dot (P j) (P j)).
Definition image_square {m k} (P : Fin.t m -> vec k) (x : vec k) : R := fsum m (fun j => dot (P j) x * dot (P j) x).

(** The samples' weighted data are at most [top] in every direction. *)
Definition top_at_most {n k} (tau : vec n) (x : Fin.t n -> vec k) (top : R) : Prop :=
  forall u : vec k, fsum n (fun i => tau i * (dot u (x i) * dot u (x i))) <= top * dot u u.

Lemma fsum_zero n : fsum n (fun _ => 0) = 0.
Proof. rewrite fsum_const; ring. Qed.

Lemma fsum_swap n m (f : Fin.t n -> Fin.t m -> R) :
  fsum n (fun i => fsum m (fun j => f i j)) = fsum m (fun j => fsum n (fun i => f i j)).
Proof.
  induction n; simpl; [now rewrite fsum_zero|].
  rewrite (IHn (fun i j => f (Fin.FS i) j)), <- fsum_plus. now apply fsum_ext.
Qed.

(** One block: a sum over samples is a sum over the rows of the matrix. *)
Lemma aligned_square n k m (tau : vec n) (x : Fin.t n -> vec k) (P : Fin.t m -> vec k) top :
  top_at_most tau x top -> fsum n (fun i => tau i * image_square P (x i)) <= top * square P.
Proof.
  intros H. unfold image_square, square. rewrite <- fsum_scal.
  rewrite (fsum_ext n _ (fun i => fsum m (fun j => tau i * (dot (P j) (x i) * dot (P j) (x i)))))
    by (intros; now rewrite <- fsum_scal).
  rewrite fsum_swap. apply fsum_le. intros j. apply H.
Qed.

Lemma image_square_pos m k (P : Fin.t m -> vec k) x : 0 <= image_square P x.
Proof. apply fsum_pos. intros; apply Rle_0_sqr. Qed.

(** Two factors: twice a product is at most a sum of squares, for every balance [s] between them. *)
Lemma weighted_product n (tau a b : vec n) s : 0 < s -> (forall i, 0 <= tau i) ->
  2 * fsum n (fun i => tau i * (a i * b i)) <=
  s * fsum n (fun i => tau i * (a i * a i)) + / s * fsum n (fun i => tau i * (b i * b i)).
Proof.
  intros Hs Ht. rewrite <- !fsum_scal, <- fsum_plus. apply fsum_le. intros i.
  assert (0 <= tau i * (/ s * ((s * a i - b i) * (s * a i - b i)))) as H.
  { apply Rmult_le_pos; [apply Ht|]. apply Rmult_le_pos; [left; now apply Rinv_0_lt_compat|apply Rle_0_sqr]. }
  replace (tau i * (/ s * ((s * a i - b i) * (s * a i - b i))))
    with (s * (tau i * (a i * a i)) + / s * (tau i * (b i * b i)) - 2 * (tau i * (a i * b i))) in H by (field; lra).
  lra.
Qed.

(** Two blocks, each through its own data. *)
Theorem aligned_data n k l m q (tau : vec n) (x : Fin.t n -> vec k) (y : Fin.t n -> vec l)
  (P : Fin.t m -> vec k) (Q : Fin.t q -> vec l) a b :
  (forall i, 0 <= tau i) -> 0 < a -> 0 < b -> top_at_most tau x (a * a) -> top_at_most tau y (b * b) ->
  square P <= 1 -> square Q <= 1 ->
  fsum n (fun i => tau i * (sqrt (image_square P (x i)) * sqrt (image_square Q (y i)))) <= a * b.
Proof.
  intros Ht Ha Hb Hx Hy HP HQ.
  pose proof (aligned_square _ _ _ _ _ P _ Hx) as Kx. pose proof (aligned_square _ _ _ _ _ Q _ Hy) as Ky.
  assert (0 < b * / a) as Hs by (apply Rmult_lt_0_compat; [|apply Rinv_0_lt_compat]; assumption).
  pose proof (weighted_product n tau (fun i => sqrt (image_square P (x i))) (fun i => sqrt (image_square Q (y i)))
    (b * / a) Hs Ht) as K. cbv beta in K.
  rewrite (fsum_ext n (fun i => tau i * (sqrt (image_square P (x i)) * sqrt (image_square P (x i))))
    (fun i => tau i * image_square P (x i))) in K by (intros; now rewrite sqrt_sqrt by apply image_square_pos).
  rewrite (fsum_ext n (fun i => tau i * (sqrt (image_square Q (y i)) * sqrt (image_square Q (y i))))
    (fun i => tau i * image_square Q (y i))) in K by (intros; now rewrite sqrt_sqrt by apply image_square_pos).
  replace (/ (b * / a)) with (a * / b) in K by (field; lra).
  assert (fsum n (fun i => tau i * image_square P (x i)) <= a * a) as Lx by nra.
  assert (fsum n (fun i => tau i * image_square Q (y i)) <= b * b) as Ly by nra.
  assert (b * / a * fsum n (fun i => tau i * image_square P (x i)) <= b * / a * (a * a)) as Mx
    by (apply Rmult_le_compat_l; lra).
  assert (0 < a * / b) as Hi by (apply Rmult_lt_0_compat; [|apply Rinv_0_lt_compat]; assumption).
  assert (a * / b * fsum n (fun i => tau i * image_square Q (y i)) <= a * / b * (b * b)) as My
    by (apply Rmult_le_compat_l; lra).
  replace (b * / a * (a * a)) with (a * b) in Mx by (field; lra).
  replace (a * / b * (b * b)) with (a * b) in My by (field; lra).
  lra.
Qed.
