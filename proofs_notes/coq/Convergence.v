(** * Convergence

    Every step gains [c |gradient|^2] and the error cannot fall for ever; so the gradients are square-summable
    and vanish.  If only finitely many points are stationary, the iterates, whose steps vanish too, must settle
    at one of them. *)

Require Import Reals Lra Psatz Classical List.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient Descent Ranges Steps Sums Variants Iterates Compactness.
Open Scope R_scope.

(** Assumption A3: the stationary points in [W] can be listed. *)
Definition finitely_many_stationary {n} (W : vec n -> Prop) (G : vec n -> vec n) : Prop :=
  exists l, forall u, W u -> G u = vzero -> In u l.

Lemma vanishes_below n (u : nat -> vec n) eps :
  is_lim_seq (fun k => norm (u k)) 0 -> 0 < eps -> exists N, forall k, (N <= k)%nat -> norm (u k) < eps.
Proof.
  intros H He. apply is_lim_seq_spec in H. destruct (H (mkposreal _ He)) as [N HN]. exists N.
  intros k Hk. specialize (HN k Hk). simpl in HN. rewrite Rminus_0_r in HN.
  rewrite Rabs_pos_eq in HN by apply norm_pos. exact HN.
Qed.

(** Finitely many points keep a positive distance from each other. *)
Lemma list_separated n (l : list (vec n)) :
  exists sep, 0 < sep /\ forall x y, In x l -> In y l -> norm (x ⊖ y) < sep -> x = y.
Proof.
  assert (one : forall (a : vec n) (l : list (vec n)),
    exists sep, 0 < sep /\ forall y, In y l -> norm (a ⊖ y) < sep -> a = y).
  { intros a l'. induction l' as [|b l' (s & Hs & H)]; [exists 1; split; [lra|intros y []]|].
    destruct (classic (a = b)) as [E|N].
    - exists s. split; [exact Hs|]. intros y [<-|Hy] Hd; [exact E|now apply H].
    - assert (0 < norm (a ⊖ b)).
      { apply norm_nonzero. intros Z. apply N. replace a with ((a ⊖ b) ⊕ b) by vector_ring.
        rewrite Z. vector_ring. }
      exists (Rmin s (norm (a ⊖ b))). split; [now apply Rmin_glb_lt|]. intros y [<-|Hy] Hd.
      + pose proof (Rmin_r s (norm (a ⊖ b))). lra.
      + apply H; [exact Hy|]. pose proof (Rmin_l s (norm (a ⊖ b))). lra. }
  induction l as [|a l (s & Hs & H)]; [exists 1; split; [lra|intros x y []]|].
  destruct (one a l) as (s' & Hs' & H').
  exists (Rmin s s'). split; [now apply Rmin_glb_lt|].
  pose proof (Rmin_l s s'). pose proof (Rmin_r s s').
  intros x y [<-|Hx] [<-|Hy] Hd; [reflexivity| | |].
  - apply H'; [exact Hy|lra].
  - symmetry. apply H'; [exact Hx|]. rewrite norm_opp_sub. lra.
  - apply H; try assumption. lra.
Qed.

Theorem settles_at_stationary_point n (W : vec n -> Prop) G (w : nat -> vec n) :
  bounded_set W -> closed_set W -> continuous_on W G -> finitely_many_stationary W G ->
  (forall k, W (w k)) ->
  is_lim_seq (fun k => norm (G (w k))) 0 -> is_lim_seq (fun k => norm (w (S k) ⊖ w k)) 0 ->
  exists x, W x /\ G x = vzero /\ converges w x.
Proof.
  intros Hb Hcl Hct [l Hl] HW HG Hsteps.
  destruct (list_separated n l) as (sep & Hsep & Hsame).
  (* Eventually every iterate is within eps of some listed point. *)
  assert (Near : forall eps, 0 < eps -> exists N, forall k, (N <= k)%nat ->
                 exists x, In x l /\ norm (w k ⊖ x) < eps).
  { intros eps He.
    set (far := fun u => W u /\ forall x, In x l -> eps <= norm (u ⊖ x)).
    destruct (nonvanishing_field n far G) as (d & Hd & Hmin).
    - destruct Hb as [B HB]. exists B. intros u [Hu _]. now apply HB.
    - intros u Hu. destruct (classic (W u)) as [Hin|Hout].
      + assert (exists x, In x l /\ norm (u ⊖ x) < eps) as (x & Hx & Hd).
        { apply NNPP. intros No. apply Hu. split; [exact Hin|]. intros x Hx.
          apply Rnot_lt_le; intros F. apply No. now exists x. }
        exists (eps - norm (u ⊖ x)). split; [lra|]. intros v Hv [_ Hfar]. specialize (Hfar x Hx).
        pose proof (norm_sub_le v u x). lra.
      + destruct (Hcl u Hout) as (r & Hr & H). exists r. split; [exact Hr|]. intros v Hv [HvW _].
        exact (H v Hv HvW).
    - intros u [Hu _] e He'. destruct (Hct u Hu e He') as (del & Hdel & H).
      exists del. split; [exact Hdel|]. intros v [Hv _] Hd. now apply H.
    - intros u [Hu Hfar] Z. specialize (Hfar u (Hl u Hu Z)).
      replace (u ⊖ u) with (@vzero n) in Hfar by vector_ring. rewrite norm_vzero in Hfar. lra.
    - destruct (vanishes_below n (fun k => G (w k)) d HG Hd) as [N HN]. exists N. intros k Hk.
      apply NNPP. intros No. specialize (HN k Hk). assert (d <= norm (G (w k))); [|lra].
      apply Hmin. split; [apply HW|]. intros x Hx. apply Rnot_lt_le; intros F. apply No. now exists x. }
  destruct (Near (sep / 4)) as [N1 HN1]; [lra|].
  destruct (vanishes_below n (fun k => w (S k) ⊖ w k) (sep / 4) Hsteps) as [N2 HN2]; [lra|].
  assert (exists N, (N1 <= N)%nat /\ (N2 <= N)%nat) as (N & HNN1 & HNN2) by (exists (N1 + N2)%nat; lia).
  destruct (HN1 N) as (x & Hx & Hxd); [lia|].
  (* From then on the listed point cannot change: the steps are too short. *)
  assert (Stay : forall j, norm (w (N + j)%nat ⊖ x) < sep / 4).
  { induction j; [now rewrite Nat.add_0_r|]. rewrite Nat.add_succ_r.
    destruct (HN1 (S (N + j))) as (y & Hy & Hyd); [lia|].
    assert (x = y) as ->; [|exact Hyd]. apply Hsame; try assumption.
    specialize (HN2 (N + j)%nat ltac:(lia)).
    pose proof (norm_sub_le x (w (N + j)%nat) y) as T1. rewrite (norm_opp_sub x (w (N + j)%nat)) in T1.
    pose proof (norm_sub_le (w (N + j)%nat) (w (S (N + j))) y) as T2.
    rewrite (norm_opp_sub (w (N + j)%nat) (w (S (N + j)))) in T2. lra. }
  assert (Conv : converges w x).
  { intros eps He. destruct (Near (Rmin eps (sep / 4))) as [N3 HN3]; [apply Rmin_glb_lt; lra|].
    exists (Nat.max N N3). intros k Hk. destruct (HN3 k) as (y & Hy & Hyd); [lia|].
    pose proof (Rmin_l eps (sep / 4)). pose proof (Rmin_r eps (sep / 4)).
    assert (x = y) as ->; [|lra]. apply Hsame; try assumption.
    pose proof (Stay (k - N)%nat) as HS. replace (N + (k - N))%nat with k in HS by lia.
    pose proof (norm_sub_le x (w k) y) as T1. rewrite (norm_opp_sub x (w k)) in T1. lra. }
  assert (HWx : W x).
  { apply NNPP. intros Hout. destruct (Hcl x Hout) as (r & Hr & H). destruct (Conv r Hr) as [M HM].
    exact (H (w M) (HM M (Nat.le_refl M)) (HW M)). }
  exists x. split; [exact HWx|]. split; [|exact Conv].
  apply norm_zero_eq, Rle_antisym; [|apply norm_pos]. apply Rnot_lt_le; intros F.
  destruct (Hct x HWx (norm (G x) / 3)) as (del & Hdel & H); [lra|].
  destruct (Conv del Hdel) as [M HM].
  destruct (vanishes_below n (fun k => G (w k)) (norm (G x) / 3) HG) as [M2 HM2]; [lra|].
  specialize (HM (Nat.max M M2) ltac:(lia)). specialize (HM2 (Nat.max M M2) ltac:(lia)).
  specialize (H _ (HW _) HM). rewrite norm_opp_sub in H.
  pose proof (norm_difference (G x) (G (w (Nat.max M M2)))). lra.
Qed.

(** [W] is the convex region of assumption A2; [lowest] is any lower bound of the error on it. *)
Theorem convergence n L eta tau lowest (W : vec n -> Prop) (E : vec n -> R) G w :
  0 < L -> 0 < eta -> 0 <= tau -> 0 < sharp_gain L eta tau ->
  convex_set W -> curvature_at_most L W E G -> (forall u, W u -> lowest <= E u) ->
  momentum_forever eta tau G w -> (forall k, W (w k)) ->
  (forall K, sum_below K (fun k => norm (G (w k)) * norm (G (w k)))
               <= (E (w O) - lowest) / sharp_gain L eta tau) /\
  (forall K, (0 < K)%nat -> exists k, (k < K)%nat /\
     norm (G (w k)) * norm (G (w k)) <= (E (w O) - lowest) / (sharp_gain L eta tau * INR K)) /\
  is_lim_seq (fun k => norm (G (w k))) 0 /\
  (bounded_set W -> closed_set W -> continuous_on W G -> finitely_many_stationary W G ->
   exists x, W x /\ G x = vzero /\ converges w x).
Proof.
  intros HL He Ht Hc Hconv HS Hlow Hmom HW.
  assert (Dec : forall k, E (w (S k)) <= E (w k) - sharp_gain L eta tau * (norm (G (w k)) * norm (G (w k)))).
  { intros k. apply (decrease_of_whole_step eta tau G w L W); auto. intros t T. now apply Hconv. }
  assert (Low : forall k, lowest <= E (w k)) by auto.
  assert (Van : is_lim_seq (fun k => norm (G (w k))) 0)
    by exact (terms_vanish _ lowest (fun k => E (w k)) (fun k => norm (G (w k))) Hc Dec Low).
  repeat split.
  - exact (sum_of_squares_bounded _ lowest (fun k => E (w k)) (fun k => norm (G (w k))) Hc Dec Low).
  - exact (best_of_first _ lowest (fun k => E (w k)) (fun k => norm (G (w k))) Hc Dec Low).
  - exact Van.
  - intros Hb Hcl Hct Hfin. apply (settles_at_stationary_point n W); try assumption.
    apply (is_lim_seq_le_le (fun _ => 0) _ (fun k => (eta + tau) * norm (G (w k)))).
    + intros k. split; [apply norm_pos|]. apply step_length_at; [lra|apply Hmom].
    + apply is_lim_seq_const.
    + replace (Finite 0) with (Rbar_mult (eta + tau) 0) by (simpl; f_equal; ring).
      now apply is_lim_seq_scal_l.
Qed.
