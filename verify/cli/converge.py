"""``dagverify converge``: train, and prove that a minimum has been reached."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from verify.cli.output import force_option, json_option, print_json, progress, spec_argument
from verify.files.kinds import CERTIFICATE_FILE
from verify.files.writing import Outputs
from verify.outcomes import Verdict

if TYPE_CHECKING:
    from verify.analysis.minimum import Minimum
    from verify.training.session import Session


@click.command("converge")
@spec_argument
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Certificate to write where a minimum is proved.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the training run.")
@click.option("--at", type=click.Path(path_type=Path), help=".npz with one array w: the weights to start from.")
@click.option("--steps", type=click.IntRange(0, 10**7), default=5000, show_default=True, help="Budget of training.")
@click.option("--newton-steps", type=click.IntRange(0, 10**5), default=100, show_default=True, help="Budget after it.")
@click.option("--rule", type=click.Choice(["guarded", "certified"]), default="guarded", show_default=True)
@click.option("--time-limit", type=click.FloatRange(min=0.0), help="Seconds of processor time for the whole proof.")
@force_option
@json_option
def command(
    spec: Path,
    output: Path | None,
    out: Path | None,
    at: Path | None,
    steps: int,
    newton_steps: int,
    rule: str,
    time_limit: float | None,
    force: bool,
    as_json: bool,
) -> int:
    """Train the network of SPEC until it has provably converged to a strict minimiser of the error.

    Every step is proved to decrease the error; Newton steps bring the gradient down to its rounding floor. PROVED: one
    stationary point lies near the stored weights, a strict minimiser, and training from here converges to it. REFUTED
    (exit code 1): the weights are no local minimiser; a step that lowers the error is given. UNDECIDED (3): with the
    directions along which the error is flat, and what removes them. Where the independent checker has no method, or a
    network is too large for it, no certificate is written and the answer says why.

    \b
    Examples:
      dagverify converge examples/xor_decay.toml -o minimum.json
      dagverify recheck minimum.json
      dagverify converge examples/xor_decay.toml --out run/ --json
    """
    outputs = Outputs([spec, at], force)
    if output is not None:
        outputs.add(output, CERTIFICATE_FILE)
    with progress() as announce:
        from verify.cli.target import load

        specification = load(spec)
        outputs.protect(specification.document.files)
        problem = specification.problem
        from verify.analysis.converge import converge
        from verify.files.arrays import read_npz
        from verify.training.run_folder import RunFolder

        def into_folder(session: Session, budget: int) -> None:
            folder = RunFolder(out)  # type: ignore[arg-type]  # only called with a folder
            settings = {"rule": "converge", "proposals": rule, "gradient_tolerance": session.gradient_tolerance}
            folder.start(session, settings, force=force, inputs=[spec, *specification.document.files])
            folder.run(session, budget)

        found = converge(
            problem,
            None if at is None else read_npz(at, ("w",))["w"],
            steps=steps,
            newton_steps=newton_steps,
            rule="certified" if rule == "certified" else "guarded",
            time_limit_s=time_limit,
            announce=announce,
            drive=None if out is None else into_folder,
        )
        answer = {**found.to_json(), "certificate": None, "certified": None, "reasons": []}
        if output is not None and found.verdict is Verdict.PROVED:
            _certify(problem, found, output, outputs, answer, announce)
    if as_json:
        print_json(answer)
    else:
        from verify.analysis.minimum import QUESTION
        from verify.cli.tables import print_table

        print_table(f"{problem.name}: {QUESTION}", found.verdict.value, _rows(found, answer))
    return found.verdict.exit_code


def _certify(problem: Any, found: Minimum, path: Path, outputs: Outputs, answer: dict[str, Any], announce: Any) -> None:
    """Write the certificate, on the ball that prover and checker agree on; where there is none, say why."""
    from verify.analysis.certify import certify
    from verify.certificates.document import document_text
    from verify.certificates.words import claim_words
    from verify.outcomes import InputError

    try:
        certificate = certify(problem, "minimum", weights=found.weights, announce=announce)
    except InputError as error:
        answer["reasons"] = [f"no certificate: {error}"]
        return
    outputs.write(path, document_text(certificate))
    answer.update(certificate=str(path), certified=claim_words(certificate))


def _rows(found: Minimum, answer: dict[str, Any]) -> list[Any]:
    from verify.arithmetic.decimals import at_least, at_most
    from verify.cli.tables import TableLine

    rows = [TableLine("minimum", found.verdict.value, found.statement, found.remedy)]
    rows += [TableLine(each.id, each.verdict.value, each.statement) for each in found.hypotheses]
    low, high = found.error
    rows.append(TableLine("E", "", f"in [{at_most(low)}, {at_least(high)}] at the weights"))
    rows.append(TableLine("|grad E|", "", f"at most {at_least(found.gradient_norm)}"))
    taken = ", ".join(f"{count} {kind}" for kind, count in found.steps.items())
    rows.append(TableLine("steps", "", f"{taken}; each decreases the error, proved"))
    if answer["certificate"] is not None:
        rows.append(TableLine("certificate", "", f"{answer['certificate']}: {answer['certified']}"))
    return rows + [TableLine("certificate", "", reason) for reason in answer["reasons"]]
