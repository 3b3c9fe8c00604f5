"""A question from elsewhere, for example about a module, as a spec file and an archive that reproduce it."""

from __future__ import annotations

import io
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np

from verify.calculus.objective import Objective
from verify.calculus.problem import Problem
from verify.certificates.description import describe
from verify.graph.problem import GraphProblem
from verify.outcomes import InputError
from verify.spec.question import Question
from verify.spec.stored_graph import graph_archive
from verify.spec.writing import Section, network_tables, region_table, set_values, spec_text

_HEADING = "# written by dagverify init: the same problem, to the last bit; dagverify check proves\n"


def question_files(question: Question, spec: Path) -> dict[Path, str | bytes]:
    """Return the content of a spec file and of the archive that it names, of the same name with the suffix .npz.

    A network of the classical class is written vertex by vertex, to be edited; any other one as the graph of its error.

    Parameters
    ----------
    question : Question
        Its region is None, a ball around the first weights, or bounded weights.
    spec : Path
    """
    archive, problem = spec.with_suffix(".npz"), question.problem
    sections: list[Section]
    if isinstance(problem, Problem):
        header, nodes = network_tables(problem)
        source = {"source": f"npz:{archive.name}"}
        sections = [("data", source), *nodes, ("weights", {"npz": archive.name})]
        stream = io.BytesIO()
        np.savez(stream, x=np.asarray(problem.inputs), y=np.asarray(problem.targets), w=problem.initial_weights)
        content = stream.getvalue()
    elif isinstance(problem, GraphProblem):
        header = {"name": problem.name, "weight_decay": _decay(problem)}
        sections, content = [("model", {"graph": archive.name})], graph_archive(problem)
    else:
        raise TypeError(f"no file of a {type(problem).__name__}")
    if problem.region is not None:
        sections.append(("region", region_table(problem.region, problem.initial_weights)))
    optimizer = question.optimizer
    if optimizer is not None:
        sections.append(("optimizer", set_values(optimizer)))
        if optimizer.weight_decay and optimizer.kind != "adamw":
            del header["weight_decay"]  # the error has it because the optimizer has
    elif question.momentum is not None:
        sections.append(("momentum", set_values(question.momentum)))
    return {archive: content, spec: _HEADING + spec_text(header, sections)}


def require_same(question: Question, read: Question, where: str) -> None:
    """Refuse a question that was read from files and is not the one that they were to hold.

    Raises
    ------
    InputError
        If a number of its problem, its region or its setting differs.
    """
    settings = question.momentum, question.optimizer
    if (read.momentum, read.optimizer) == settings and _content(read.problem) == _content(question.problem):
        return
    raise InputError(
        "the file would hold another problem",
        where=where,
        problem=question.problem.name,
        remedy="go on with the module itself",
    )


def _content(problem: Objective) -> tuple[Any, ...]:
    region = problem.region
    return describe(problem, problem.initial_weights), None if region is None else region.to_data(), problem.name


def _decay(problem: GraphProblem) -> Any:
    """Return the factors of weight decay: one number where all parameters have the same."""
    factors = problem.weight_decay
    if len({factors.get(block.label, 0.0) for block in problem.blocks}) == 1:
        return factors.get(problem.blocks[0].label, 0.0)
    return {escape(label): factor for label, factor in factors.items() if factor}
