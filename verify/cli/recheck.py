"""``dagverify recheck``: confirm a certificate by recomputing everything it claims."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from verify.cli.output import json_option, print_json, progress
from verify.outcomes import InputError, Verdict


@click.command("recheck")
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--spec", type=click.Path(path_type=Path), help="Is the certificate about the network of this SPEC?")
@json_option
def command(certificate: Path, spec: Path | None, as_json: bool) -> int:
    """Recompute CERTIFICATE in Arb arithmetic, from the data and weights that it holds.

    The checker shares no code with the prover but the reader of the file. With --spec the certificate must also be
    about the model, data, objective and initial weights of SPEC. Exit code 3 if a claim is not confirmed, 2 if the
    file is no valid certificate.

    \b
    Example:
      dagverify recheck cert.json --spec examples/xor_skip.toml
    """
    if certificate.is_dir():
        raise InputError("a folder is no certificate", where=str(certificate), remedy="give the .json file")
    with progress() as announce:
        expected = None if spec is None else _expected(spec, announce)
        from verify.certificates.checker import check_certificate

        announce("recomputing the certificate")
        answer: dict[str, Any] = check_certificate(certificate, expected)
    if as_json:
        print_json(answer)
    else:
        from verify.cli.tables import Row, print_table

        rows = [Row("reason", "", reason) for reason in answer["reasons"]] or [Row("theorem", "", answer["theorem"])]
        print_table(f"{certificate}: {answer['kind']}", answer["verdict"], rows)
    return Verdict(answer["verdict"]).exit_code


def _expected(spec: Path, announce: Any) -> dict[str, Any]:
    from verify.spec import load_specification

    problem = load_specification(spec).problem
    from verify.certificates.description import describe

    announce("reading the specification")
    return describe(problem, problem.initial_weights)
