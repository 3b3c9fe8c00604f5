(** * Why a step cannot leave a ball

    The bound on the curvature is known inside a ball only, so a proof has to show that the steps stay there
    without having assumed it.  [segment_stays] is the one place where this circle is cut: if every initial
    part of the segment that lies in the closed ball ends strictly inside, the whole segment lies in it. *)

Require Import Reals Lra Psatz.
From Dagverify Require Import Vectors Gradient.
Open Scope R_scope.

Section Staying.
Context {n : nat}.
Implicit Types w c d : vec n.

(** The distance from [c] changes along a line no faster than the line moves. *)
Lemma distance_along_line w c d s t :
  norm (line w d t ⊖ c) <= norm (line w d s ⊖ c) + Rabs (t - s) * norm d.
Proof.
  replace (line w d t ⊖ c) with ((line w d s ⊖ c) ⊕ (t - s) ⊙ d) by (unfold line; vector_ring).
  rewrite <- norm_scal. apply norm_triangle.
Qed.

Theorem segment_stays w c d rho :
  norm (w ⊖ c) <= rho ->
  (forall t, 0 <= t < 1 -> (forall s, 0 <= s <= t -> ball c rho (line w d s)) -> norm (line w d t ⊖ c) < rho) ->
  segment_in (ball c rho) w d.
Proof.
  intros Hstart Hstrict. unfold segment_in, ball in *.
  set (distance := fun t => norm (line w d t ⊖ c)) in *.
  assert (Hlip : forall s t, distance t <= distance s + Rabs (t - s) * norm d)
    by (intros; apply distance_along_line).
  pose proof (norm_pos d) as Pd.
  assert (H0 : distance 0 <= rho) by (unfold distance; now rewrite line_0).
  set (good := fun x => 0 <= x <= 1 /\ forall s, 0 <= s <= x -> distance s <= rho).
  assert (Hgood0 : good 0).
  { split; [lra|]. intros s Hs. replace s with 0 by lra. exact H0. }
  destruct (completeness good) as [T [Hub Hleast]].
  { exists 1. intros x [Hx _]. lra. }
  { now exists 0. }
  assert (HT0 : 0 <= T) by now apply Hub.
  assert (HT1 : T <= 1) by (apply Hleast; intros x [Hx _]; lra).
  assert (Hbelow : forall s, 0 <= s < T -> distance s <= rho).
  { intros s Hs. apply Rnot_lt_le; intros F.
    assert (T <= s); [|lra]. apply Hleast. intros x [Hx Hx2].
    apply Rnot_lt_le; intros F2. specialize (Hx2 s). lra. }
  assert (HT : distance T <= rho).
  { apply Rnot_lt_le; intros F. destruct (Req_dec T 0) as [Z|NZ]; [rewrite Z in F; lra|].
    set (back := Rmin T ((distance T - rho) / (norm d + 1))).
    assert (0 < back) by (apply Rmin_glb_lt; [lra|apply Rdiv_lt_0_compat; lra]).
    assert (back <= T) by apply Rmin_l.
    assert (back * (norm d + 1) <= distance T - rho).
    { apply Rle_trans with ((distance T - rho) / (norm d + 1) * (norm d + 1)).
      - apply Rmult_le_compat_r; [lra|apply Rmin_r].
      - right; field; lra. }
    pose proof (Hlip (T - back) T) as K. replace (T - (T - back)) with back in K by ring.
    rewrite Rabs_pos_eq in K by lra. pose proof (Hbelow (T - back)). nra. }
  assert (HgoodT : forall s, 0 <= s <= T -> distance s <= rho).
  { intros s Hs. destruct (Req_dec s T) as [->|]; [exact HT|apply Hbelow; lra]. }
  destruct (Rlt_le_dec T 1) as [Hlt|Hge].
  - exfalso. pose proof (Hstrict T (conj HT0 Hlt) HgoodT) as Hin. fold (distance T) in Hin.
    set (ahead := Rmin (1 - T) ((rho - distance T) / (norm d + 1))).
    assert (0 < ahead) by (apply Rmin_glb_lt; [lra|apply Rdiv_lt_0_compat; lra]).
    assert (ahead <= 1 - T) by apply Rmin_l.
    assert (ahead * (norm d + 1) <= rho - distance T).
    { apply Rle_trans with ((rho - distance T) / (norm d + 1) * (norm d + 1)).
      - apply Rmult_le_compat_r; [lra|apply Rmin_r].
      - right; field; lra. }
    assert (good (T + ahead)) as Hgood; [|specialize (Hub _ Hgood); lra].
    split; [lra|]. intros s Hs. destruct (Rle_lt_dec s T) as [Hs2|Hs2]; [apply HgoodT; lra|].
    pose proof (Hlip T s) as K. rewrite Rabs_pos_eq in K by lra. nra.
  - intros t Ht. apply HgoodT. lra.
Qed.

End Staying.

(** The numbers behind both horizons.  [a] is the path so far, [x] the part of the present step, [Q] and [x^2]
    what they have cost; the budget [drop] allows [K] steps, and something of it is left. *)
Lemma strictly_inside c speed drop rho a Q x spare k K :
  0 < c -> 0 < speed -> 0 < rho -> k + 1 <= K -> 0 <= k -> 0 <= a -> 0 <= x -> 0 <= Q ->
  a * a <= k * Q -> c * Q + c * (x * x) + spare <= drop ->
  0 <= drop -> (x = 0 /\ 0 <= spare \/ 0 < spare) ->
  speed * sqrt (K * drop / c) <= rho ->
  speed * (a + x) < rho.
Proof.
  intros Hc Hspeed Hrho HkK Hk Ha Hx HQ HaQ Hcost Hdrop Hcase Hreach.
  assert (P : 0 <= K * drop / c).
  { apply Rmult_le_pos; [nra|]. left; now apply Rinv_0_lt_compat. }
  pose proof (sqrt_pos (K * drop / c)) as R0. pose proof (sqrt_sqrt _ P) as R2.
  set (r := sqrt (K * drop / c)) in *.
  assert (R2' : c * (r * r) = K * drop) by (rewrite R2; field; lra). clearbody r.
  assert (c * (a * a) <= k * (c * Q)) by nra.
  destruct Hcase as [[-> Hspare]|Hspare].
  - rewrite Rplus_0_r. destruct (Rle_lt_or_eq_dec 0 drop Hdrop) as [Hd|Hd].
    + assert (c * (a * a) < c * (r * r)) by nra.
      assert (a < r) by (apply Rnot_le_lt; intros F; assert (r * r <= a * a) by nra; nra). nra.
    + subst drop. assert (c * Q <= 0) by nra. assert (k * (c * Q) <= 0) by nra.
      assert (a = 0); [|subst; lra].
      apply Rle_antisym; [apply Rnot_lt_le; intros F|assumption].
      assert (0 < c * (a * a)) by (apply Rmult_lt_0_compat; nra). lra.
  - assert ((a + x) * (a + x) <= (k + 1) * (Q + x * x)).
    { destruct (Req_dec k 0) as [->|Nk].
      - assert (a = 0) by nra. subst. nra.
      - pose proof (Rle_0_sqr (a - k * x)) as S. unfold Rsqr in S.
        assert (k * (2 * a * x) <= k * (Q + k * (x * x))) by nra.
        assert (2 * a * x <= Q + k * (x * x)) by (apply (Rmult_le_reg_l k); lra). nra. }
    assert (c * ((a + x) * (a + x)) <= (k + 1) * (drop - spare)) by nra.
    assert (c * ((a + x) * (a + x)) < c * (r * r)) by nra.
    assert (a + x < r) by (apply Rnot_le_lt; intros F; assert (r * r <= (a + x) * (a + x)) by nra; nra). nra.
Qed.
