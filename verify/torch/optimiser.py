"""An optimiser for PyTorch modules whose every step is proved to decrease the error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from verify.arithmetic.environment import certified_environment, users_code
from verify.importers.torch.criteria import Criterion
from verify.outcomes import InputError
from verify.torch.correspondence import Correspondence
from verify.torch.mapped import MappedModule
from verify.training.evaluation import error_range
from verify.training.rules import Rule
from verify.training.session import Session
from verify.training.train import make_rule
from verify.training.trajectory import StepRecord

_STATE = "load what CertifiedMomentum.state_dict returned"
_AGREEMENT = 1e-6
"""Relative difference above which a closure's loss or gradient is taken to belong to another error."""

_HISTORIES = ("rule_memory_steps", "rule_memory_changes")
"""Entries with several numbers a weight."""

_VECTORS = ("w", "w0", "rule_previous", "rule_gradient", "rule_direction", "rule_weights")
"""Entries of a session's state with one number a weight; the others are single numbers."""


class CertifiedMomentum(torch.optim.Optimizer):
    """Momentum on the full batch, or with `set_batch` on mini-batches, with a proof of every step's decrease.

    Parameters
    ----------
    module : torch.nn.Module
        Any module that `verify.from_torch` takes, with float64 parameters (``module.double()``): other types would
        round the step after its proof. Frozen parameters are constants.
    inputs, targets : tensor or array, shape (n, ...), or what ``forward`` and the loss take
        Copied.
    loss : str or callable, optional
        The error that falls, as in `verify.from_torch`: one of PyTorch's losses by name, an ``nn.Module`` or a function
        of outputs and targets. Default: half the squared error.
    rule : {"certified", "guarded", "fixed"}
    eta, tau : float, optional
        For ``rule="fixed"``.
    correspondence : Correspondence, optional
        A mapping of your own, where `convert` does not know the module.
    **objective
        ``reduction`` ("mean" or "sum"), ``weight_decay``, and options of the loss.

    Attributes
    ----------
    records : list of StepRecord
        Of the steps taken by this object; the group's ``lr``, ``eta`` and ``tau`` are those of the last one, to be
        read only: the rule chooses them.
    stopped : str or None
        Why no further step is taken.

    Raises
    ------
    InputError
        If the module cannot be mapped, has parameters that are not float64, or the data cannot be used.

    Examples
    --------
    >>> torch_seed = torch.manual_seed(0)
    >>> module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)).double()
    >>> x, labels = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([0, 1])
    >>> optimizer = CertifiedMomentum(module, x, labels, loss="cross_entropy", rule="guarded")
    >>> for _ in range(3):
    ...     optimizer.step()
    >>> [record.verdict.name for record in optimizer.records]
    ['PROVED', 'PROVED', 'PROVED']
    """

    @certified_environment()
    def __init__(
        self,
        module: nn.Module,
        inputs: Any,
        targets: Any,
        *,
        rule: str = "certified",
        eta: float | None = None,
        tau: float | None = None,
        loss: str | Criterion | None = None,
        correspondence: Correspondence | None = None,
        **objective: Any,
    ) -> None:
        self.mapped = MappedModule(module, inputs, targets, correspondence, loss, moves_all=True, **objective)
        self.correspondence = self.mapped.correspondence
        self._check_parameters()
        self._settings: dict[str, Any] = {"rule": rule, "eta": eta, "tau": tau}
        self.session = Session(self.mapped.problem, self._rule())
        self.records: list[StepRecord] = []
        self._shown = _shown(eta, tau)
        super().__init__(list(self.correspondence.parameters.values()), {"rule": rule, **self._shown})

    @property
    def stopped(self) -> str | None:
        """Why no further step is taken; None while the run goes on."""
        return self.session.stopped

    @torch.no_grad()
    @certified_environment()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Take one proved step; nothing moves once the run has stopped.

        Parameters
        ----------
        closure : callable, optional
            Clears gradients, computes the loss, calls backward and returns the loss. It is compared with the error
            that is proved to fall: a closure of another loss is an error.

        Returns
        -------
        The closure's loss before the step, or None.

        Raises
        ------
        InputError
            If the module, its weights or the settings are not those that the last step left, or the closure's loss is
            not the error.
        """
        self._check_unchanged()
        loss = None
        if closure is not None:
            with users_code(), torch.enable_grad():
                loss = closure()
            self._compare(loss)
            self._check_unchanged()
        record = self.session.step()
        if record is not None:
            self.correspondence.write(self.session.weights)
            self._check_weights()
            self.records.append(record)
            self._show(record.eta, record.tau)
        return loss

    @certified_environment()
    def set_batch(self, inputs: Any, targets: Any) -> None:
        """Lower the error E_B on these samples from now on, until others are set; of all data nothing is said.

        Each step is then one of the rule for E_B, proved for E_B; what the rule remembers of the steps before goes on.
        A run that stopped on another batch goes on. The module is captured once for each shape of a batch.

        Parameters
        ----------
        inputs, targets : tensor or array, shape (n, ...), or what ``forward`` and the loss take

        Raises
        ------
        InputError
            If the module, its weights or the settings are not those that the last step left, or the data cannot be
            used; then nothing has changed.

        Examples
        --------
        >>> torch_seed = torch.manual_seed(0)
        >>> module = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()
        >>> x, y = torch.randn(8, 2).double(), torch.randn(8, 1).double()
        >>> optimizer = CertifiedMomentum(module, x[:4], y[:4])
        >>> for rows in (slice(0, 4), slice(4, 8)):
        ...     optimizer.set_batch(x[rows], y[rows])
        ...     optimizer.step()
        >>> [record.verdict.name for record in optimizer.records]
        ['PROVED', 'PROVED']
        """
        self._check_unchanged()
        mapped = self.mapped.on(inputs, targets)
        session = Session(mapped.problem, self._rule())
        session.restore({**self.session.state(), "undecided": np.array(False)})
        self.mapped, self.correspondence, self.session = mapped, mapped.correspondence, session

    def state_dict(self) -> dict[str, Any]:
        """Return what `load_state_dict` needs to go on exactly as before, beside the module's own state."""
        session = {name: torch.from_numpy(np.array(value)) for name, value in self.session.state().items()}
        return {**super().state_dict(), "settings": dict(self._settings), "session": session}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; the module must get the weights of the same moment.

        What is proved of the error is proved anew for the weights loaded, not taken from the state.

        Raises
        ------
        InputError
            If it belongs to another rule, or is incomplete or damaged; then nothing has changed.
        """
        if not isinstance(state_dict, dict) or not isinstance(state_dict.get("session"), dict):
            raise InputError(
                "not a state of this optimiser",
                remedy=_STATE,
                found=type(state_dict).__name__,
            )
        if state_dict.get("settings") != self._settings:
            found = state_dict.get("settings")
            raise InputError(
                "the state belongs to another optimiser",
                found=found,
                expected=self._settings,
                remedy="make the optimiser with the settings that were saved",
            )
        groups = state_dict.get("param_groups")
        if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups) or len(groups) != 1:
            raise InputError("the state is damaged", where="param_groups", found=type(groups).__name__, remedy=_STATE)
        last = [groups[0].get(name) for name in ("eta", "tau")]
        if not all(value is None or type(value) is float for value in last):
            raise InputError(
                "the state is damaged: eta and tau are no numbers", where="param_groups[0]", found=last, remedy=_STATE
            )
        restored = Session(self.mapped.problem, self._rule())
        try:
            restored.restore(checked_state(state_dict["session"], self.session.weights.size))
            ordinary = {name: value for name, value in state_dict.items() if name not in ("session", "settings")}
            super().load_state_dict(ordinary)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError, RuntimeError) as error:
            raise InputError(
                "the state is incomplete", reason=f"{type(error).__name__}: {error}", remedy=_STATE
            ) from None
        restored.error_upper = error_range(restored.problem, restored.weights)[1]
        self.session = restored
        self._show(*last)

    def __getstate__(self) -> dict[str, Any]:
        own = ("mapped", "correspondence", "session", "records", "_settings", "_shown")
        return {**super().__getstate__(), **{name: vars(self)[name] for name in own}}

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Refuse a second group: the rules move all parameters together."""
        if self.param_groups:
            raise InputError(
                "certified steps move all parameters together",
                remedy="use one group",
                groups=len(self.param_groups) + 1,
            )
        super().add_param_group(param_group)

    def _rule(self) -> Rule:
        settings = self._settings
        return make_rule(settings["rule"], settings["eta"], settings["tau"], problem=self.mapped.problem)

    def _show(self, eta: Any, tau: Any) -> None:
        self._shown = _shown(eta, tau)
        self.param_groups[0].update(self._shown)

    def _check_parameters(self) -> None:
        for name, parameter in self.mapped.module.named_parameters():
            if parameter.dtype != torch.float64:
                raise InputError(
                    "certified steps need float64 parameters",
                    where=name,
                    dtype=str(parameter.dtype),
                    remedy="call module.double() first",
                )
        mapped = {id(parameter) for parameter in self.correspondence.parameters.values()}
        for name, parameter in self.mapped.module.named_parameters():
            if id(parameter) in mapped and not parameter.requires_grad:
                raise InputError(
                    "the parameter is frozen, but certified steps move all weights together",
                    where=name,
                    requires_grad=False,
                    remedy="call requires_grad_(True) on it, or watch another optimiser with Monitor",
                )

    def _check_weights(self) -> None:
        if not np.array_equal(self.correspondence.read(), self.session.weights):
            raise InputError(
                "the weights were changed outside the optimiser",
                remedy="make a new optimiser for them",
                steps=self.session.index,
            )

    def _check_unchanged(self) -> None:
        if change := self.mapped.change():
            raise InputError(
                change, remedy="make a new optimiser for the module", module=type(self.mapped.module).__name__
            )
        self._check_parameters()
        self._check_weights()
        group = self.param_groups[0]
        for name, value in {"rule": self._settings["rule"], **self._shown}.items():
            if group.get(name) != value:
                raise InputError(
                    f"{name} of the parameter group was changed, but the rule chooses the steps",
                    where="param_groups[0]",
                    found=group.get(name),
                    expected=value,
                    remedy="use no scheduler; for steps of your own size make an optimiser with rule='fixed'",
                )

    def _compare(self, loss: Any) -> None:
        number = loss.detach().cpu().numpy() if isinstance(loss, torch.Tensor) else np.asarray(loss)
        if number.size != 1 or number.dtype.kind not in "fiu":
            raise InputError(
                "the closure must return its loss, one number",
                found=type(loss).__name__,
                remedy="return the loss that backward was called on",
            )
        value = float(number.reshape(()))
        error, gradient = self.session.problem.error_and_gradient(self.session.weights)
        if not abs(value - error) <= _AGREEMENT * max(abs(error), abs(value)):
            raise InputError(
                "the closure's loss is not the error that is proved to fall",
                loss=value,
                error=error,
                remedy="give the optimiser the closure's loss, reduction and weight decay, by loss= and its options; "
                "without loss= it is half the squared error",
            )
        found = self.correspondence.read_gradient()
        limit = _AGREEMENT * (np.linalg.norm(gradient) + abs(error))
        if found is None or not np.linalg.norm(found - gradient) <= limit:
            raise InputError(
                "the closure's gradient is not that of the error",
                remedy="clear gradients in the closure",
                expected_norm=float(np.linalg.norm(gradient)),
            )


def _shown(eta: float | None, tau: float | None) -> dict[str, float | None]:
    """The entries of the parameter group that show a step's settings; schedulers and loggers expect a number `lr`."""
    return {"lr": 0.0 if eta is None else eta, "eta": eta, "tau": tau}


def checked_state(session: dict[str, Any], size: int) -> dict[str, np.ndarray]:
    """Return a session's state as arrays of the shapes that it has.

    Parameters
    ----------
    session : dict of tensors
        Part of what `CertifiedMomentum.state_dict` returned.
    size : int
        Number of weights P.

    Raises
    ------
    InputError
        If an entry is no tensor of real numbers, has another shape, or is not a number.
    """
    arrays: dict[str, np.ndarray] = {}
    for name, value in session.items():
        shape: tuple[int, ...] = (size,) if name in _VECTORS else ()
        if name in _HISTORIES and isinstance(value, torch.Tensor) and value.ndim == 2:
            shape = (len(value), size)
        if not isinstance(value, torch.Tensor) or value.is_complex() or tuple(value.shape) != shape:
            found = tuple(value.shape) if isinstance(value, torch.Tensor) else type(value).__name__
            raise InputError(
                "the state is damaged", where=f"session.{name}", found=found, expected=shape, remedy=_STATE
            )
        arrays[name] = value.detach().cpu().numpy()
        if not np.all(np.isfinite(arrays[name]) if shape else ~np.isnan(arrays[name])):
            raise InputError(
                "the state is damaged: a number is not finite",
                where=f"session.{name}",
                found="not finite",
                remedy=_STATE,
            )
    for name in ("index", "rule_turn"):
        if name in arrays and not (arrays[name].dtype.kind == "i" and arrays[name] >= 0):
            raise InputError(
                "the state is damaged: a count is negative",
                where=f"session.{name}",
                found=arrays[name].tolist(),
                remedy=_STATE,
            )
    return arrays
