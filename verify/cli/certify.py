"""``dagverify certify``: prove a statement and write it as a certificate that an independent checker confirmed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from verify.certificates.document import KINDS, document_text
from verify.cli.output import force_option, json_option, print_json, progress, spec_argument
from verify.files.kinds import CERTIFICATE_FILE, COQ_PROOF
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict

_COARSER = (
    "[momentum] of the file, for an L on which the independent checker agrees, larger than that of dagverify check; "
    "--kind region certifies a setting that is in"
)


@click.command("certify")
@spec_argument
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Certificate to write.")
@click.option(
    "--kind",
    type=click.Choice(KINDS),
    help="What to prove; default: of the steps with [momentum] of SPEC, else region.",
)
@click.option("--steps", type=click.IntRange(1, 10**7), help="A horizon's number of steps.")
@click.option(
    "--eta", "--lr", "eta", type=float, help="Learning rate; default: the recommended one, for a horizon the largest."
)
@click.option("--tau", type=float, help="Momentum size; default: half of its limit, at most eta/2 for region.")
@click.option("--mu", "--momentum", "mu", type=float, help="heavy_ball, nesterov: momentum as of SGD, in [0, 1).")
@click.option("--radius", type=float, help="Radius of the region of a horizon or weight decay; default: searched.")
@click.option("--at", type=click.Path(path_type=Path), help=".npz with one array w: the weights to certify at.")
@click.option("--next", "following", type=click.Path(path_type=Path), help="step: .npz with the weights after it.")
@click.option("--coq", type=click.Path(path_type=Path), help="step: also write it as a Coq proof.")
@force_option
@json_option
def command(
    spec: Path,
    output: Path,
    kind: str | None,
    steps: int | None,
    eta: float | None,
    tau: float | None,
    mu: float | None,
    radius: float | None,
    at: Path | None,
    following: Path | None,
    coq: Path | None,
    force: bool,
    as_json: bool,
) -> int:
    """Certify a statement about the network of SPEC; `dagverify recheck` confirms the file without the prover.

    \b
    region        Hessian bound on the region of SPEC, and a setting (eta, tau) of the admissible range
    from_rest     the same for a training that starts at rest: more momentum
    restart       the same for momentum that is dropped where it points uphill
    heavy_ball    the same bound, and SGD's setting (--lr, --momentum): the error plus the energy of the motion falls
    nesterov      the same for Nesterov's variant
    step          one step between stored weights decreases the error
    horizon       K steps stay in a ball and decrease the error: boundedness is proved; from_rest_horizon: from rest
    weight_decay  all steps do, for ever (needs weight_decay > 0); from_rest_weight_decay: from rest

    Without --kind, --eta, --tau and --mu the setting of [momentum] in SPEC is certified, with the kind of its theorem.

    \b
    Examples:
      dagverify certify examples/xor_skip.toml -o horizon.json --kind horizon --steps 100
      dagverify certify examples/digits_autoencoder.toml -o region.json
      dagverify certify examples/xor_skip.toml -o rest.json --kind from_rest --eta 0.01
      dagverify certify examples/xor_skip.toml -o momentum.json --kind heavy_ball --momentum 0.9
      dagverify certify examples/xor_skip.toml -o step.json --kind step --coq Step.v
    """
    outputs = Outputs([spec, at, following], force)
    outputs.add(output, CERTIFICATE_FILE)
    if coq is not None:
        _check_coq("region" if kind is None else kind, coq)
        outputs.add(coq, COQ_PROOF)
    with progress() as announce:
        from verify.cli.target import load

        specification = load(spec)
        outputs.protect(specification.document.files)
        problem = specification.problem
        from verify.analysis.certify import UnconfirmedError, certify, kind_of
        from verify.files.arrays import read_npz

        setting = specification.momentum
        of_file = kind is None and setting is not None and all(number is None for number in (eta, tau, mu))
        if kind is None:
            kind = kind_of(setting) if of_file else "region"
        if of_file and setting is not None:
            eta, tau, mu = setting.eta, setting.tau, setting.mu
        w, w_next = (None if path is None else read_npz(path, ("w",))["w"] for path in (at, following))
        answer: dict[str, Any] = {"name": problem.name, "kind": kind, "certificate": str(output)}
        try:
            certificate = certify(
                problem,
                kind,
                weights=w,
                next_weights=w_next,
                steps=steps,
                eta=eta,
                tau=tau,
                mu=mu,
                radius=radius,
                announce=announce,
            )
        except InputError as error:
            if of_file and "L" in error.values:
                raise error.advised(f"{error.remedy} ({_COARSER})") from None
            if not isinstance(error, UnconfirmedError):
                raise
            verdict, answer = Verdict.UNDECIDED, {**answer, "certificate": None, "reasons": [str(error)]}
        else:
            from verify.certificates.words import claim_words

            shown = {"statement": claim_words(certificate), "claim": shown_claim(certificate), "reasons": []}
            verdict, answer = Verdict.PROVED, {**answer, **shown}
            proof = None if coq is None else _coq_text(certificate)
            outputs.write(output, document_text(certificate))
            if coq is not None and proof is not None:
                outputs.write(coq, proof)
                answer["coq"] = str(coq)
    answer["verdict"] = verdict.value
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import TableLine, print_table

        rows = [TableLine(name, "", str(value)) for name, value in answer.get("claim", {}).items()]
        rows += [TableLine("reason", verdict.value, reason) for reason in answer["reasons"]]
        claim = f": {answer['statement']}" if "statement" in answer else ""
        print_table(f"{problem.name}: certificate of kind {kind}{claim}", verdict.value, rows)
    return verdict.exit_code


def shown_claim(certificate: dict[str, Any]) -> dict[str, Any]:
    """Return the claim and region in decimal numbers, for people."""
    region, claim = certificate["region"] or {}, certificate["claim"]
    fields = {"radius": region["radius"], **claim} if "radius" in region else claim
    return {
        name: float.fromhex(value) if isinstance(value, str) else value
        for name, value in fields.items()
        if name != "next"
    }


def _check_coq(kind: str, coq: Path) -> None:
    from verify.certificates.coq import check_file_name

    if kind != "step":
        raise InputError("only a step can become a Coq file", kind=kind, remedy="use --kind step")
    check_file_name(coq.name)


def _coq_text(certificate: dict[str, Any]) -> str:
    from verify.certificates.coq import export_step

    return export_step(certificate)
