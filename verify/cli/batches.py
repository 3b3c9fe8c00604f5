"""The mini-batches of a command's problem, and the SGD that visits them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.spec.question import Question


def parts_of(question: Question, batch: int | None) -> Any:
    """Return the size of a batch where training can cut the problem, else a problem for each batch.

    Networks of a spec file are made anew for each batch; a module of PyTorch or a model's file is cut.

    Raises
    ------
    InputError
        If the error is not known to be a sum over samples.
    """
    from verify.graph.problem import GraphProblem
    from verify.spec.document import Document

    if batch is None or not isinstance(question.problem, GraphProblem):
        return batch
    document = question.document
    if isinstance(document, Document) and document.content.model is None:
        from verify.spec.graph_problem import batch_problems

        return batch_problems(document, batch)
    from verify.graph.batches import GraphBatches

    return GraphBatches(question.problem, batch, mean=question.reduction == "mean")


def plain_setting(question: Question, eta: float | None, mu: float | None) -> tuple[float, float]:
    """Return learning rate and momentum of SGD: those given, else those that the file sets.

    Raises
    ------
    InputError
        If the file sets something else than SGD, or nothing is given.
    """
    setting = question.momentum
    if eta is None and setting is not None:
        if setting.nesterov or setting.tau:
            raise InputError(
                "an epoch is trained by SGD with momentum", setting=setting.words, remedy="give --eta, and --mu"
            )
        return setting.eta, (setting.mu or 0.0) if mu is None else mu
    if eta is None:
        raise InputError(
            "an epoch needs a learning rate", eta=eta, remedy="give --eta 0.1: dagverify range --epoch knows safe ones"
        )
    return eta, 0.0 if mu is None else mu
