(** * One limit for the heavy ball

    The state of the heavy ball is the pair of the present and the previous weights, and its energy is a function
    of that pair; the cited theorem of Absil, Mahony and Andrews is applied in that space of twice the dimension. *)

Require Import Reals Lra Psatz FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Staying Iterates.
From Dagverify Require Import WeightDecay Compactness Convergence SingleLimit HeavyBall HeavyBallForever.
Open Scope R_scope.

(** ** Pairs of vectors *)

Fixpoint join m n : vec m -> vec n -> vec (m + n) :=
  match m with
  | O => fun _ v => v
  | S p => fun u v i => Fin.caseS' i (fun _ => R) (u Fin.F1) (join p n (fun j => u (Fin.FS j)) v)
  end.
Arguments join {m n} u v.

Definition left_half {m n} (z : vec (m + n)) : vec m := fun i => z (Fin.L n i).
Definition right_half {m n} (z : vec (m + n)) : vec n := fun i => z (Fin.R m i).

Lemma left_join m n (u : vec m) (v : vec n) : left_half (join u v) = u.
Proof.
  apply functional_extensionality; intros i. unfold left_half.
  induction m; [exact (Fin.case0 (fun i => _) i)|]. pattern i. apply (Fin.caseS' i); [reflexivity|].
  intros j. exact (IHm (fun j => u (Fin.FS j)) j).
Qed.

Lemma right_join m n (u : vec m) (v : vec n) : right_half (join u v) = v.
Proof.
  apply functional_extensionality; intros i. unfold right_half.
  induction m; [reflexivity|]. exact (IHm (fun j => u (Fin.FS j))).
Qed.

Lemma dot_halves m n (y z : vec (m + n)) :
  dot y z = dot (left_half y) (left_half z) + dot (right_half y) (right_half z).
Proof.
  unfold dot, left_half, right_half. induction m; simpl; [ring|].
  pose proof (IHm (fun i => y (Fin.FS i)) (fun i => z (Fin.FS i))) as H. cbv beta in H.
  rewrite Rplus_assoc, <- H. reflexivity.
Qed.

Lemma norm_halves m n (z : vec (m + n)) : norm z * norm z = norm (left_half z) * norm (left_half z) + norm (right_half z) * norm (right_half z).
Proof. now rewrite !norm_sq, dot_halves. Qed.

Lemma left_half_shorter m n (z : vec (m + n)) : norm (left_half z) <= norm z.
Proof. apply norm_le_sq; [apply norm_pos|]. rewrite <- norm_sq, norm_halves. pose proof (norm_pos (right_half z)). nra. Qed.

Lemma right_half_shorter m n (z : vec (m + n)) : norm (right_half z) <= norm z.
Proof. apply norm_le_sq; [apply norm_pos|]. rewrite <- norm_sq, norm_halves. pose proof (norm_pos (left_half z)). nra. Qed.

Lemma norm_at_most_halves m n (z : vec (m + n)) : norm z <= norm (left_half z) + norm (right_half z).
Proof.
  pose proof (norm_pos (left_half z)). pose proof (norm_pos (right_half z)).
  apply norm_le_sq; [lra|]. rewrite <- norm_sq, norm_halves. nra.
Qed.

(** ** The energy as a function of the pair *)

Definition pair_energy {n} a (E : vec n -> R) (z : vec (n + n)) : R :=
  E (left_half z) + a * dot (left_half z ⊖ right_half z) (left_half z ⊖ right_half z).

Definition pair_gradient {n} a (G : vec n -> vec n) (z : vec (n + n)) : vec (n + n) :=
  join (G (left_half z) ⊕ (2 * a) ⊙ (left_half z ⊖ right_half z)) ((-2 * a) ⊙ (left_half z ⊖ right_half z)).

Lemma pair_energy_gradient n a (E : vec n -> R) G z :
  0 <= a -> is_grad E (left_half z) (G (left_half z)) -> is_grad (pair_energy a E) z (pair_gradient a G z).
Proof.
  intros Ha HE eps Heps.
  destruct (HE (eps / 2)) as (del & Hdel & H); [lra|].
  assert (Hq : 0 < eps / (4 * a + 1) / 2) by (repeat apply Rdiv_lt_0_compat; lra).
  exists (Rmin del (eps / (4 * a + 1) / 2)). split; [now apply Rmin_glb_lt|]. intros d Hd.
  pose proof (Rmin_l del (eps / (4 * a + 1) / 2)). pose proof (Rmin_r del (eps / (4 * a + 1) / 2)).
  pose proof (left_half_shorter n n d) as Hl. pose proof (right_half_shorter n n d) as Hr.
  pose proof (norm_pos d) as Pd.
  specialize (H (left_half d) ltac:(lra)).
  unfold pair_energy. rewrite dot_halves. unfold pair_gradient. rewrite left_join, right_join.
  change (left_half (z ⊕ d)) with (left_half z ⊕ left_half d). change (right_half (z ⊕ d)) with (right_half z ⊕ right_half d).
  set (l := left_half z) in *. set (r := right_half z) in *. set (dl := left_half d) in *. set (dr := right_half d) in *.
  replace (l ⊕ dl ⊖ (r ⊕ dr)) with ((l ⊖ r) ⊕ (dl ⊖ dr)) by vector_ring.
  rewrite (dot_add_l (l ⊖ r)), !(dot_add_r (l ⊖ r)), (dot_sym (dl ⊖ dr) (l ⊖ r)), (dot_sub_r dl dr (l ⊖ r)).
  rewrite dot_add_l, !dot_scal_l.
  match goal with |- Rabs ?e <= _ =>
    replace e with (E (l ⊕ dl) - E l - dot (G l) dl + a * dot (dl ⊖ dr) (dl ⊖ dr)) by ring end.
  assert (Hquad : 0 <= a * dot (dl ⊖ dr) (dl ⊖ dr) <= eps / 2 * norm d).
  { split; [apply Rmult_le_pos; [exact Ha|apply dot_pos]|].
    assert (norm (dl ⊖ dr) <= norm dl + norm dr).
    { replace (dl ⊖ dr) with (dl ⊕ (-1) ⊙ dr) by vector_ring. eapply Rle_trans; [apply norm_triangle|].
      rewrite norm_scal, Rabs_left by lra. lra. }
    assert (dot (dl ⊖ dr) (dl ⊖ dr) <= 4 * (norm d * norm d)).
    { rewrite <- norm_sq. pose proof (norm_pos (dl ⊖ dr)). nra. }
    apply Rle_trans with (4 * a * norm d * norm d); [nra|].
    assert (4 * a * norm d <= eps / 2); [|nra].
    apply Rle_trans with ((4 * a + 1) * (eps / (4 * a + 1) / 2)); [apply Rmult_le_compat; lra|right; field; lra]. }
  eapply Rle_trans; [apply Rabs_triang|]. rewrite (Rabs_pos_eq (a * _)) by apply Hquad. nra.
Qed.

(** ** The theorem *)

(** The weights before the [k]-th; the algorithm starts at rest. *)
Definition before {n} (w : nat -> vec n) k : vec n := match k with O => w O | S j => w j end.

Lemma previous_step_before n (w : nat -> vec n) k : previous_step w k = w k ⊖ before w k.
Proof. destruct k; [simpl; vector_ring|reflexivity]. Qed.

(** Both kept terms together control the sum of two successive step lengths. *)
Lemma kept_square S a p q x : 0 < S -> 0 < a -> 0 <= p -> 0 <= q -> p - q <= x -> q - p <= x ->
  Rmin (S / 8) (a / 2) * ((p + q) * (p + q)) <= S * (q * q) + a * (x * x).
Proof.
  intros HS Ha Hp Hq H1 H2.
  pose proof (Rmin_l (S / 8) (a / 2)). pose proof (Rmin_r (S / 8) (a / 2)).
  assert (0 < Rmin (S / 8) (a / 2)) by (apply Rmin_glb_lt; lra).
  set (s := Rmin (S / 8) (a / 2)) in *.
  assert ((p - q) * (p - q) <= x * x) by (destruct (Rle_lt_dec p q); nra).
  pose proof (Rle_0_sqr (p - 3 * q)) as K. unfold Rsqr in K.
  assert ((p + q) * (p + q) <= 2 * ((p - q) * (p - q)) + 8 * (q * q)) by nra.
  apply Rle_trans with (s * (2 * (x * x) + 8 * (q * q))); [apply Rmult_le_compat_l; lra|].
  assert (0 <= x * x) by nra. assert (0 <= q * q) by nra. nra.
Qed.

Theorem heavy_ball_single_limit (cited : absil_mahony_andrews) n L eta mu lowest (W : vec n -> Prop) (E : vec n -> R) G w :
  0 < eta -> 0 < mu -> 0 < heavy_ball_gain L eta mu ->
  real_analytic (pair_energy (mu / (2 * eta)) E) -> (forall u, is_grad E u (G u)) -> continuous_on everywhere G ->
  convex_set W -> bounded_set W -> curvature_at_most L W E G -> (forall u, W u -> lowest <= E u) ->
  (forall k, heavy_ball_at eta mu G w k) -> (forall k, W (w k)) ->
  exists x, G x = vzero /\ converges w x.
Proof.
  intros He Hm HS Han HG Hct Hconv [B HB] HC Hlow Hit HW.
  set (a := mu / (2 * eta)) in *. set (c := heavy_ball_gain L eta mu) in *.
  assert (Ha : 0 < a) by (apply Rdiv_lt_0_compat; lra).
  set (z := fun k => join (w k) (before w k)).
  set (p := fun k => norm (previous_step w k)). set (q := fun k => norm (w (S k) ⊖ w k)).
  assert (Hp : forall k, 0 <= p k) by (intros; apply norm_pos).
  assert (Hq : forall k, 0 <= q k) by (intros; apply norm_pos).
  assert (HV : forall k, pair_energy a E (z k) = energy_at eta mu E w k).
  { intros k. unfold pair_energy, energy_at, energy, z. rewrite left_join, right_join, previous_step_before. reflexivity. }
  assert (Hstep : forall k, norm (z (S k) ⊖ z k) <= p k + q k).
  { intros k. eapply Rle_trans; [apply norm_at_most_halves|].
    change (left_half (z (S k) ⊖ z k)) with (left_half (z (S k)) ⊖ left_half (z k)).
    change (right_half (z (S k) ⊖ z k)) with (right_half (z (S k)) ⊖ right_half (z k)).
    unfold z, p, q. rewrite !left_join, !right_join, previous_step_before. simpl before. lra. }
  assert (Hgrad : forall k, norm (pair_gradient a G (z k)) <= (3 * mu * p k + q k) / eta).
  { intros k. eapply Rle_trans; [apply norm_at_most_halves|]. unfold pair_gradient, z.
    rewrite !left_join, !right_join, <- previous_step_before.
    pose proof (norm_triangle (G (w k)) ((2 * a) ⊙ previous_step w k)) as T.
    rewrite norm_scal in T. rewrite norm_scal. fold (p k) in *.
    rewrite (Rabs_left (-2 * a)) by lra. rewrite (Rabs_pos_eq (2 * a)) in T by lra.
    pose proof (gradient_from_steps eta mu G w He (Rlt_le _ _ Hm) k (Hit k)) as Hg. cbv beta in Hg. fold (p k) (q k) in Hg.
    replace ((3 * mu * p k + q k) / eta) with ((mu * p k + q k) / eta + 4 * a * p k) by (unfold a; field; lra). lra. }
  assert (Hdrop : forall k, Rmin (c / 8) (a / 2) * ((p k + q k) * (p k + q k)) <= pair_energy a E (z k) - pair_energy a E (z (S k))).
  { intros k. rewrite !HV.
    pose proof (energy_drop L eta mu W E G w He HC k (Hit k)
                  (fun t T => Hconv _ _ t (HW k) (HW (S k)) T)) as H. cbv beta in H.
    rewrite <- norm_sq in H. fold a c (q k) in H.
    set (x := norm (w (S k) ⊖ w k ⊖ previous_step w k)) in *.
    assert (p k - q k <= x).
    { unfold x. rewrite norm_opp_sub. apply norm_difference. }
    assert (q k - p k <= x) by apply norm_difference.
    pose proof (kept_square c a (p k) (q k) x HS Ha (Hp k) (Hq k)). lra. }
  set (s := Rmin (c / 8) (a / 2)) in *. assert (Hs : 0 < s) by (apply Rmin_glb_lt; lra).
  assert (Hmax : 0 < 3 * mu + 1) by lra.
  destruct (cited (n + n)%nat (pair_energy a E) (pair_gradient a G) z Han) as [Inf|[y Hy]].
  - intros u. apply pair_energy_gradient; [lra|apply HG].
  - split.
    + exists (s * eta / (3 * mu + 1)). split; [apply Rdiv_lt_0_compat; [nra|exact Hmax]|]. intros k.
      eapply Rle_trans; [|apply Hdrop].
      specialize (Hp k). specialize (Hq k). specialize (Hstep k). specialize (Hgrad k).
      assert (norm (pair_gradient a G (z k)) <= (3 * mu + 1) / eta * (p k + q k)).
      { eapply Rle_trans; [exact Hgrad|].
        replace ((3 * mu + 1) / eta * (p k + q k)) with ((3 * mu * p k + q k) / eta + (p k + 3 * mu * q k) / eta) by (field; lra).
        assert (0 <= (p k + 3 * mu * q k) / eta); [|lra].
        apply Rmult_le_pos; [nra|]. left; now apply Rinv_0_lt_compat. }
      apply Rle_trans with (s * eta / (3 * mu + 1) * ((3 * mu + 1) / eta * (p k + q k) * (p k + q k))).
      * apply Rmult_le_compat_l; [left; apply Rdiv_lt_0_compat; [nra|exact Hmax]|].
        apply Rmult_le_compat; [apply norm_pos|apply norm_pos|assumption|assumption].
      * right. field. lra.
    + intros k Heq. specialize (Hdrop k). rewrite Heq in Hdrop. specialize (Hp k). specialize (Hq k). specialize (Hstep k).
      assert (p k + q k = 0).
      { apply Rle_antisym; [apply Rnot_lt_le; intros F|lra].
        assert (0 < s * ((p k + q k) * (p k + q k))) by (apply Rmult_lt_0_compat; nra). lra. }
      assert (Z : z (S k) ⊖ z k = vzero).
      { apply norm_zero_eq. pose proof (norm_pos (z (S k) ⊖ z k)). lra. }
      replace (z (S k)) with ((z (S k) ⊖ z k) ⊕ z k) by vector_ring. rewrite Z. vector_ring.
  - exfalso. apply (bounded_not_to_infinity (n + n) z (B + B)); [|exact Inf]. intros k.
    eapply Rle_trans; [apply norm_at_most_halves|]. unfold z. rewrite left_join, right_join.
    pose proof (HB _ (HW k)). assert (norm (before w k) <= B) by (destruct k; apply HB, HW). lra.
  - exists (left_half y).
    assert (Hw : converges w (left_half y)).
    { intros eps Heps. destruct (Hy eps Heps) as [N HN]. exists N. intros k Hk.
      eapply Rle_lt_trans; [|exact (HN k Hk)].
      replace (w k ⊖ left_half y) with (left_half (z k ⊖ y)); [apply left_half_shorter|].
      change (left_half (z k ⊖ y)) with (left_half (z k) ⊖ left_half y). unfold z. now rewrite left_join. }
    split; [|exact Hw]. apply (limit_of_field n G w); try assumption.
    apply (heavy_ball_convergence n L eta mu lowest W E G w); auto. lra.
Qed.
