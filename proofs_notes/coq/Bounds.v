(** * Three bounds that the program computes

    [total_decrease]: by how much the error falls over several steps, from the first gradient alone.
    [any_direction]: one step with momentum per block, after any previous step, on a set that the gradient spans.
    [segment_bound]: the error along a segment, from Taylor coefficients at its start and a bound of the last one. *)

Require Import Reals Lra Psatz FunctionalExtensionality Arith.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants.
Open Scope R_scope.

(** ** Several steps *)

(** How far [k] steps can lead: each is at most [reach] times a gradient that has grown by [L] times the way. *)
Fixpoint farthest (L reach g0 : R) (k : nat) : R :=
  match k with O => 0 | S j => farthest L reach g0 j + reach * (g0 + L * farthest L reach g0 j) end.

(** What is left of the first gradient after [k] steps at least. *)
Definition least_gradient (L reach g0 : R) (k : nat) : R := Rmax 0 (g0 - L * farthest L reach g0 k).

(** [e] errors, [g] gradient norms, [d] distances from the start. *)
Theorem total_decrease L reach c (e g d : nat -> R) K :
  0 <= L -> 0 <= reach -> 0 <= c -> d O = 0 -> (forall k, 0 <= g k) ->
  (forall k, Rabs (g k - g O) <= L * d k) ->
  (forall k, d (S k) <= d k + reach * g k) ->
  (forall k, e (S k) <= e k - c * (g k * g k)) ->
  sum_below K (fun k => c * (least_gradient L reach (g O) k * least_gradient L reach (g O) k)) <= e O - e K.
Proof.
  intros HL Hr Hc H0 Hg Hd Hstep He.
  assert (F : forall k, d k <= farthest L reach (g O) k).
  { induction k; simpl; [lra|].
    specialize (Hstep k). specialize (Hd k). apply Rabs_le_between in Hd.
    assert (L * d k <= L * farthest L reach (g O) k) by (apply Rmult_le_compat_l; lra).
    assert (reach * g k <= reach * (g O + L * farthest L reach (g O) k)) by (apply Rmult_le_compat_l; lra).
    lra. }
  induction K; simpl; [lra|].
  specialize (He K). specialize (Hd K). specialize (Hg K). apply Rabs_le_between in Hd.
  assert (L * d K <= L * farthest L reach (g O) K) by (apply Rmult_le_compat_l; auto).
  assert (P : 0 <= least_gradient L reach (g O) K) by apply Rmax_l.
  assert (Q : least_gradient L reach (g O) K <= g K) by (apply Rmax_lub; lra).
  set (x := least_gradient L reach (g O) K) in *. clearbody x.
  assert (c * (x * x) <= c * (g K * g K)) by (apply Rmult_le_compat_l; nra).
  lra.
Qed.

(** ** One step after any previous one *)

(** Every block is within [eta] times its own gradient of [w]. *)
Definition near_blocks {n} (block_of : Fin.t n -> nat) (eta : R) (w g : vec n) : vec n -> Prop :=
  fun u => forall b, norm (restrict block_of b (u ⊖ w)) <= eta * norm (restrict block_of b g).

Theorem any_direction n B (block_of : Fin.t n -> nat) L eta rate tau (E : vec n -> R) G w m :
  0 < L -> L * eta <= 2 -> 0 < rate -> 0 <= tau <= rate -> rate + tau <= eta ->
  (forall i, (block_of i < B)%nat) ->
  (forall b, norm (restrict block_of b m) <= tau * norm (restrict block_of b (G w))) ->
  curvature_at_most L (near_blocks block_of eta w (G w)) E G ->
  E (w ⊕ step rate (G w) m) <= E w.
Proof.
  intros HL Hle Hr Ht Hs HB Hm HC.
  assert (M : norm m <= tau * norm (G w)) by (apply (blockwise_momentum n B block_of); auto; lra).
  assert (P : below_parabola L E w (G w) (step rate (G w) m)).
  { apply HC. intros t T b.
    replace (restrict block_of b (line w (step rate (G w) m) t ⊖ w))
      with (t ⊙ step rate (restrict block_of b (G w)) (restrict block_of b m)).
    - rewrite norm_scal, Rabs_pos_eq by lra.
      assert (Q : norm (step rate (restrict block_of b (G w)) (restrict block_of b m))
        <= (rate + tau) * norm (restrict block_of b (G w))) by (apply step_length; [lra|apply Hm]).
      pose proof (norm_pos (restrict block_of b (G w))) as N.
      pose proof (norm_pos (step rate (restrict block_of b (G w)) (restrict block_of b m))) as N'.
      set (x := norm (restrict block_of b (G w))) in *.
      set (y := norm (step rate (restrict block_of b (G w)) (restrict block_of b m))) in *. clearbody x y.
      assert (t * y <= 1 * y) by (apply Rmult_le_compat_r; lra).
      assert ((rate + tau) * x <= eta * x) by (apply Rmult_le_compat_r; lra).
      lra.
    - apply functional_extensionality; intros i. unfold restrict, line, step, vadd, vsub, vscal.
      destruct (Nat.eq_dec (block_of i) b); ring. }
  assert (R : sharp_range L rate tau).
  { apply Rmin_glb; [lra|]. assert (eta <= 2 / L); [|lra].
    apply (Rmult_le_reg_l L); [exact HL|]. replace (L * (2 / L)) with 2 by (field; lra). lra. }
  apply sharp_gain_nonneg_iff in R; try lra.
  assert (D := sharp_decrease L rate tau E w (G w) m HL (proj1 Ht) M P).
  pose proof (dot_pos (G w)). nra.
Qed.

(** ** Along a segment *)

(** [phi] is the error along the segment; the program encloses its Taylor coefficients at 0 and the last on [0, t]. *)
Theorem segment_bound (phi : R -> R) (d : nat) (t r : R) :
  0 < t ->
  (forall s, 0 <= s <= t -> forall k, (k <= S d)%nat -> ex_derive_n phi k s) ->
  (forall s, 0 < s < t -> Derive_n phi (S d) s / INR (fact (S d)) <= r) ->
  phi t <= sum_f_R0 (fun k => Derive_n phi k 0 / INR (fact k) * t ^ k) d + r * t ^ S d.
Proof.
  intros Ht Hd Hr. destruct (Taylor_Lagrange phi d 0 t Ht Hd) as [z [Hz ->]].
  rewrite Rminus_0_r. apply Rplus_le_compat.
  - right. apply sum_eq. intros k _. unfold Rdiv. ring.
  - assert (P : 0 <= t ^ S d) by (apply pow_le; lra).
    specialize (Hr z Hz). unfold Rdiv in *.
    replace (t ^ S d * / INR (fact (S d)) * Derive_n phi (S d) z)
      with (Derive_n phi (S d) z * / INR (fact (S d)) * t ^ S d) by ring.
    apply Rmult_le_compat_r; [assumption|lra].
Qed.
