"""``dagverify recheck``: confirm a certificate by recomputing everything it claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from verify.cli.output import force_option, json_option, named_files, print_json, progress
from verify.cli.workers import chosen_workers, scheduler_option
from verify.files.kinds import COQ_PROOF
from verify.files.writing import Outputs
from verify.outcomes import InputError, Verdict


@click.command("recheck")
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--spec", type=click.Path(path_type=Path), help="Is the certificate about the network of this SPEC?")
@click.option("--coq", type=click.Path(path_type=Path), help="step: also write it as a Coq proof and compile it.")
@click.option("--jobs", "--workers", "jobs", type=click.IntRange(1, 256), help="Processes, for a run; default 1.")
@scheduler_option
@force_option
@json_option
def command(
    certificate: Path,
    spec: Path | None,
    coq: Path | None,
    jobs: int | None,
    scheduler: str | None,
    force: bool,
    as_json: bool,
) -> int:
    """Recompute CERTIFICATE in Arb arithmetic, from the data and weights that it holds.

    CERTIFICATE is a file, or the folder of a run that was trained with --certificates: then every certificate of the
    chain is recomputed, each must start where the one before ended, and together they must cover all steps.

    The checker shares no code with the prover but the reader of the file. With --spec the certificate must also be
    about the model, data, objective and initial weights of SPEC. Exit code 3 if a claim is not confirmed, 2 if the
    file is no valid certificate.

    With --coq the statement of a step is written as a Coq file, from the certificate alone, and Coq has to prove it
    too: exit code 3 if it does not, or is not installed.

    \b
    Examples:
      dagverify certify examples/xor_skip.toml -o step.json --kind step
      dagverify recheck step.json --spec examples/xor_skip.toml
      dagverify recheck step.json --coq Step.v
      dagverify train examples/xor_skip.toml --steps 20 --out run/ --certificates steps
      dagverify recheck run/ --workers 2
      dagverify recheck run/ --scheduler tcp://127.0.0.1:8786
    """
    if certificate.is_dir() and coq is not None:
        raise InputError(
            "a run cannot be written as a Coq proof", where=str(certificate), remedy="leave out --coq", coq=str(coq)
        )
    chosen = chosen_workers(jobs, scheduler) or 1
    outputs = Outputs([certificate, spec], force)
    if coq is not None:
        from verify.certificates.coq import check_file_name

        check_file_name(coq.name)
        outputs.add(coq, COQ_PROOF)
        if spec is not None:
            outputs.protect(named_files(spec))
    with progress() as announce:
        expected = None if spec is None else _expected(spec, announce)
        try:
            answer = _checked(certificate, expected, coq, outputs, chosen, announce)
        except InputError as error:
            raise _located(error, str(certificate)) from None
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import TableLine, print_table

        rows = [TableLine("reason", "", reason) for reason in answer["reasons"]] or [_summary(answer)]
        if answer.get("not_confirmed"):
            rows.append(TableLine("not confirmed", "", "; ".join(answer["not_confirmed"])))
        if coq is not None:
            rows.append(TableLine("coq", answer["coq"]["verdict"], answer["coq"]["reason"]))
        claim = f": {answer['statement']}" if "statement" in answer else ""
        print_table(f"{certificate}: {answer['kind']}{claim}", answer["verdict"], rows)
    return Verdict(answer["verdict"]).exit_code


def _checked(
    path: Path, expected: Any, coq: Path | None, outputs: Outputs, jobs: int | str, announce: Any
) -> dict[str, Any]:
    if path.is_dir():
        from verify.certificates.run_checker import check_run

        return check_run(path, expected, jobs=jobs, announce=announce)
    from verify.certificates.checker import check_certificate
    from verify.certificates.document import read_document
    from verify.certificates.words import claim_words

    announce("recomputing the certificate")
    content = read_document(path)
    answer = check_certificate(content, expected)
    answer["statement"] = claim_words(content)
    if coq is not None:
        _prove_in_coq(content, coq, outputs, answer, announce)
    return answer


def _summary(answer: dict[str, Any]) -> Any:
    from verify.cli.tables import TableLine

    if answer["kind"] != "run":
        return TableLine("theorem", "", answer["theorem"] or "none needed: the two errors were compared")
    text = f"{answer['steps']}, each decreases the error, in {answer['certificates']} certificates"
    if answer["unit"] == "epoch":
        return TableLine("epochs", "", f"{text}; of single steps nothing is said")
    ahead = f"; {answer['ahead']} were certified before, theorem holds for {answer['under_theorem']} of them as stored"
    return TableLine("steps", "", text + ahead if answer["ahead"] else text)


def _prove_in_coq(content: dict[str, Any], path: Path, outputs: Outputs, answer: dict[str, Any], announce: Any) -> None:
    """Write the Coq file, compile it, and let the verdict depend on it; a claim not confirmed is not written."""
    from verify.certificates.coq import Compilation, compile_proof, export_step

    if answer["verdict"] == Verdict.PROVED.value:
        text = export_step(content)
        outputs.write(path, text)
        announce("compiling the Coq file")
        outcome = compile_proof(text)
    else:
        outcome = Compilation(Verdict.UNDECIDED, "not written: the claim is not confirmed")
    if outcome.verdict is not Verdict.PROVED:
        answer["verdict"] = Verdict.UNDECIDED.value
        answer["reasons"].append(f"Coq: {outcome.reason}")
    answer["coq"] = {
        "file": str(path),
        "verdict": outcome.verdict.value,
        "reason": outcome.reason,
        "seconds": outcome.seconds,
    }


def _located(error: InputError, file: str) -> InputError:
    """Return the error with the file that it is about, and what can be done about it."""
    from verify.certificates import document

    placed = error if error.where is not None and error.where.startswith(file) else error.at(file)
    return placed if placed.remedy else placed.advised(document.REMEDY)


def _expected(spec: Path, announce: Any) -> dict[str, Any]:
    from verify.cli.target import load

    problem = load(spec).problem
    from verify.certificates.description import describe

    announce("reading the specification")
    return describe(problem, problem.initial_weights)
