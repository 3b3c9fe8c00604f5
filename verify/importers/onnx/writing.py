"""`verify.write_onnx`: trained weights in a copy of the file that they came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from verify.files.kinds import NEW_FILE, ONNX
from verify.files.reading import input_size
from verify.files.writing import Outputs
from verify.importers.onnx.model import read_model
from verify.importers.onnx.process import Child
from verify.importers.onnx.trainable import stored_numbers
from verify.importers.onnx.translate import parameter_labels
from verify.outcomes import InputError

if TYPE_CHECKING:
    from verify.graph.problem import GraphProblem


def write_onnx(
    problem: GraphProblem,
    weights: Any,
    source: str | Path,
    path: str | Path,
    *,
    force: bool = False,
    external_data: bool = False,
) -> None:
    """Write a copy of the file that a problem was imported from, with other weights.

    They are rounded to the format in which the file keeps them; nothing else is changed, but numbers that the source
    keeps in other files become part of the copy. What was proved is about `weights`, not about the rounded ones:
    of those in the copy ask again, `from_onnx(path, ...)`.

    Parameters
    ----------
    problem : GraphProblem
        Of `verify.from_onnx`.
    weights : array, shape (P,)
    source : str or Path
        The file that it was imported from.
    path : str or Path
        The copy: a file that does not exist yet.
    force : bool
        Replace a file that is there.
    external_data : bool
        As it was imported.

    Raises
    ------
    InputError
        If the weights do not fit the file, overflow its format, or the copy cannot be written.
    """
    source, path = Path(source), Path(path)
    parts = problem.unflatten(problem.check_weights(weights))
    input_size(source, ONNX)
    outputs = Outputs([source], force=force)
    outputs.add(path, NEW_FILE)
    with Child(str(source)) as child:
        stored = stored_numbers(read_model(child, source, external_data))
        names = {label: name for name, label in parameter_labels([*stored]).items()}
        for label, part in parts.items():
            if label not in names or stored[names[label]].shape != part.shape:
                raise InputError(
                    "the file has no such weights",
                    where=str(source),
                    label=label,
                    remedy="name the file that it was imported from",
                )
        chosen = [names[label] for label in parts]
        arrays = [np.ascontiguousarray(part, dtype=np.float64) for part in parts.values()]
        _, (content,) = child.ask({"task": "write", "names": chosen}, arrays)
    outputs.write(path, content.tobytes())
