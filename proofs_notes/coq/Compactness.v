(** * Closed and bounded sets of R^n

    Coquelicot proves Cousin's lemma for tuples; here it is for our vectors.  Two consequences are used: a
    bounded sequence has a cluster point, and a continuous nonvanishing vector field on a closed bounded set is
    bounded away from zero. *)

Require Import Reals Lra Psatz Classical FunctionalExtensionality.
From Coquelicot Require Import Coquelicot.
From Dagverify Require Import Vectors Gradient.
Open Scope R_scope.

Definition bounded_set {n} (W : vec n -> Prop) : Prop := exists B, forall u, W u -> norm u <= B.
Definition closed_set {n} (W : vec n -> Prop) : Prop :=
  forall u, ~ W u -> exists r, 0 < r /\ forall v, norm (v ⊖ u) < r -> ~ W v.
Definition convex_set {n} (W : vec n -> Prop) : Prop :=
  forall u v t, W u -> W v -> 0 <= t <= 1 -> W (line u (v ⊖ u) t).

(** ** Vectors and Coquelicot's tuples *)

Fixpoint to_tuple n : vec n -> Compactness.Tn n R :=
  match n with
  | O => fun _ => tt
  | S p => fun u => (u Fin.F1, to_tuple p (fun i => u (Fin.FS i)))
  end.

Fixpoint of_tuple n : Compactness.Tn n R -> vec n :=
  match n with
  | O => fun _ => vzero
  | S p => fun x i => Fin.caseS' i (fun _ => R) (fst x) (of_tuple p (snd x))
  end.

Lemma of_to_tuple n (u : vec n) : of_tuple n (to_tuple n u) = u.
Proof.
  apply functional_extensionality; intros i. induction n; [exact (Fin.case0 (fun i => _) i)|].
  simpl. pattern i. apply (Fin.caseS' i); [reflexivity|]. intros j. simpl. now rewrite IHn.
Qed.

Lemma bounded_tuple n B (u : vec n) : (forall i, Rabs (u i) <= B) ->
  bounded_n n (to_tuple n (fun _ => - B)) (to_tuple n (fun _ => B)) (to_tuple n u).
Proof.
  induction n; simpl; intros H; [exact I|]. split.
  - now apply Rabs_le_between.
  - apply IHn. intros i. apply H.
Qed.

Lemma close_tuple n d (x t : Compactness.Tn n R) : close_n n d x t ->
  forall i, Rabs (of_tuple n x i - of_tuple n t i) < d.
Proof.
  induction n; intros H i; [exact (Fin.case0 (fun i => _) i)|].
  destruct x as [x1 x2], t as [t1 t2]. destruct H as [H1 H2].
  pattern i. apply (Fin.caseS' i); [exact H1|]. intros j. exact (IHn x2 t2 H2 j).
Qed.

(** ** Cousin's lemma *)

(** [good t r]: the ball of radius [r] around [t] has some property that is inherited by smaller radii. If
    every point has a good radius, then one number [d] bounds from below the radii of good balls that cover
    any bounded set. *)
Theorem uniform_radius n (good : vec n -> R -> Prop) B :
  (forall t r s, 0 < s <= r -> good t r -> good t s) ->
  (forall t, exists r, 0 < r /\ good t r) ->
  exists d, 0 < d /\ forall u, norm u <= B -> exists t r, norm (u ⊖ t) < r /\ good t r /\ d <= r.
Proof.
  intros Hmono Hgood.
  set (N := INR n + 1). assert (HN : 0 < N) by (unfold N; pose proof (pos_INR n); lra).
  (* Half the supremum of the good radii up to one: a definite choice, so no axiom of choice is needed. *)
  set (radii := fun t r => 0 < r <= 1 /\ good t r).
  assert (Hsup : forall t, exists s, is_lub (radii t) s /\ 0 < s).
  { intros t. destruct (Hgood t) as (r & Hr & Hg).
    assert (Hin : radii t (Rmin r 1)).
    { split; [split; [apply Rmin_glb_lt; lra|apply Rmin_r]|].
      apply (Hmono t r); [split; [apply Rmin_glb_lt; lra|apply Rmin_l]|exact Hg]. }
    destruct (completeness (radii t)) as [s Hs].
    - exists 1. intros x [Hx _]. lra.
    - now exists (Rmin r 1).
    - exists s. split; [exact Hs|]. destruct Hs as [Hub _]. specialize (Hub _ Hin). destruct Hin. lra. }
  set (radius := fun t => real (Lub_Rbar (radii t)) / 2).
  assert (Hradius : forall t, 0 < radius t /\ good t (radius t)).
  { intros t. destruct (Hsup t) as (s & Hs & Hpos). unfold radius.
    assert (Lub_Rbar (radii t) = Finite s) as ->.
    { apply is_lub_Rbar_unique. destruct Hs as [H1 H2]. split.
      - intros x Hx. now apply H1.
      - intros b Hb. destruct b as [b| |]; simpl; [|exact I|].
        + apply H2. intros x Hx. exact (Hb x Hx).
        + assert (is_upper_bound (radii t) 0) by (intros x Hx; destruct (Hb x Hx)).
          specialize (H2 _ H). lra. }
    simpl. split; [lra|].
    destruct (classic (exists r, radii t r /\ s / 2 <= r)) as [(r & [_ Hg] & Hle)|No].
    - apply (Hmono t r); [lra|exact Hg].
    - exfalso. destruct Hs as [_ H2]. assert (s <= s / 2); [|lra]. apply H2. intros x Hx.
      apply Rnot_lt_le; intros F. apply No. exists x. split; [exact Hx|lra]. }
  assert (Hdelta : forall x, 0 < radius (of_tuple n x) / N).
  { intros x. apply Rdiv_lt_0_compat; [apply Hradius|exact HN]. }
  destruct (compactness_value n (to_tuple n (fun _ => - B)) (to_tuple n (fun _ => B))
              (fun x => mkposreal _ (Hdelta x))) as [d Hd].
  exists d. split; [apply cond_pos|]. intros u Hu.
  specialize (Hd (to_tuple n u)).
  assert (Hbox : bounded_n n (to_tuple n (fun _ => - B)) (to_tuple n (fun _ => B)) (to_tuple n u)).
  { apply bounded_tuple. intros i. pose proof (coordinate_le_norm u i). lra. }
  apply Hd, NNPP in Hbox. destruct Hbox as (x & _ & Hclose & Hle). simpl in *.
  exists (of_tuple n x), (radius (of_tuple n x)).
  pose proof (close_tuple n _ _ _ Hclose) as Hc. rewrite of_to_tuple in Hc.
  destruct (Hradius (of_tuple n x)) as [Hr Hg]. set (r := radius (of_tuple n x)) in *.
  assert (Hscale : r / N * N = r) by (field; lra).
  assert (Hsmall : 0 < r / N) by (apply Rdiv_lt_0_compat; lra).
  repeat split; [|exact Hg|].
  - apply Rle_lt_trans with (INR n * (r / N)); [|unfold N in *; nra].
    apply norm_le_coordinates. intros i. left. exact (Hc i).
  - unfold N in *. pose proof (pos_INR n). nra.
Qed.

(** ** Sequences *)

Definition converges {n} (w : nat -> vec n) (x : vec n) : Prop :=
  forall eps, 0 < eps -> exists N, forall k, (N <= k)%nat -> norm (w k ⊖ x) < eps.

Definition cluster_point {n} (w : nat -> vec n) (x : vec n) : Prop :=
  forall eps N, 0 < eps -> exists k, (N <= k)%nat /\ norm (w k ⊖ x) < eps.

Theorem bounded_sequence_clusters n (w : nat -> vec n) B :
  (forall k, norm (w k) <= B) -> exists x, cluster_point w x.
Proof.
  intros HB. apply NNPP. intros No.
  destruct (uniform_radius n (fun t r => forall k, / r <= INR k -> r <= norm (w k ⊖ t)) B) as (d & Hd & H).
  - intros t r s Hs H k Hk. apply Rle_trans with r; [lra|]. apply H. eapply Rle_trans; [|exact Hk].
    apply Rinv_le_contravar; lra.
  - intros t. apply NNPP. intros Hno. apply No. exists t. intros eps N Heps.
    apply NNPP. intros Hfar. apply Hno. exists (Rmin eps (/ (INR N + 1))).
    pose proof (pos_INR N).
    assert (0 < / (INR N + 1)) by (apply Rinv_0_lt_compat; lra).
    assert (0 < Rmin eps (/ (INR N + 1))) by (apply Rmin_glb_lt; lra). split; [assumption|].
    pose proof (Rmin_l eps (/ (INR N + 1))). pose proof (Rmin_r eps (/ (INR N + 1))).
    set (r := Rmin eps (/ (INR N + 1))) in *.
    intros k Hk. apply Rnot_lt_le; intros F. apply Hfar. exists k. split; [|lra].
    apply INR_le. apply Rle_trans with (/ r); [|exact Hk].
    apply Rle_trans with (/ / (INR N + 1)); [rewrite Rinv_inv; lra|]. apply Rinv_le_contravar; assumption.
  - destruct (nfloor_ex (/ d)) as (j & Hj); [left; now apply Rinv_0_lt_compat|].
    set (k := S j). assert (Hk : / d < INR k) by (unfold k; rewrite S_INR; lra).
    destruct (H (w k) (HB k)) as (t & r & Hin & Hg & Hle).
    assert (r <= norm (w k ⊖ t)); [|lra]. apply Hg.
    apply Rle_trans with (/ d); [apply Rinv_le_contravar; lra|lra].
Qed.

(** ** Vector fields *)

Definition continuous_on {n} (W : vec n -> Prop) (G : vec n -> vec n) : Prop :=
  forall u, W u -> forall eps, 0 < eps -> exists del, 0 < del /\
    forall v, W v -> norm (v ⊖ u) < del -> norm (G v ⊖ G u) <= eps.

Theorem nonvanishing_field n (W : vec n -> Prop) (G : vec n -> vec n) :
  bounded_set W -> closed_set W -> continuous_on W G -> (forall u, W u -> G u <> vzero) ->
  exists d, 0 < d /\ forall u, W u -> d <= norm (G u).
Proof.
  intros [B HB] Hclosed Hcont Hnz.
  destruct (uniform_radius n (fun t r => forall v, W v -> norm (v ⊖ t) < r -> r <= norm (G v)) B) as (d & Hd & H).
  - intros t r s Hs H v Hv Hin. apply Rle_trans with r; [lra|]. apply H; [exact Hv|lra].
  - intros t. destruct (classic (W t)) as [Ht|Ht].
    + pose proof (norm_nonzero _ (Hnz t Ht)) as Hpos.
      destruct (Hcont t Ht (norm (G t) / 2)) as (del & Hdel & Hc); [lra|].
      exists (Rmin del (norm (G t) / 2)). split; [apply Rmin_glb_lt; lra|].
      intros v Hv Hin. pose proof (Rmin_l del (norm (G t) / 2)). pose proof (Rmin_r del (norm (G t) / 2)).
      specialize (Hc v Hv ltac:(lra)).
      pose proof (norm_difference (G t) (G v)) as K. rewrite norm_opp_sub in K. lra.
    + destruct (Hclosed t Ht) as (r & Hr & Hout). exists r. split; [exact Hr|].
      intros v Hv Hin. destruct (Hout v Hin Hv).
  - exists d. split; [exact Hd|]. intros u Hu.
    destruct (H u (HB u Hu)) as (t & r & Hin & Hg & Hle). specialize (Hg u Hu Hin). lra.
Qed.
