"""Modules and data as people have them: each is mapped as it is, or refused in one line with the remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402 -- only where torch is installed
from torch.nn.utils import parametrizations, prune, skip_init  # noqa: E402

from verify import Ball, InputError, Verdict, from_torch  # noqa: E402
from verify.torch import CertifiedMomentum, Correspondence, Monitor, Residual, convert  # noqa: E402

X = torch.linspace(-1, 1, 24, dtype=torch.float64).reshape(8, 3)
Y = torch.linspace(0, 1, 8, dtype=torch.float64).reshape(8, 1)


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()


class Clamped(nn.Linear):
    """Agrees with a linear layer on small inputs only."""

    def forward(self, x: Any) -> Any:
        return super().forward(x.clamp(-5, 5))


def with_forward(layer: nn.Module) -> nn.Module:
    layer.forward = lambda x: x
    return layer


def pruned() -> nn.Module:
    layer = nn.Linear(3, 3)
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


class Joined(nn.Module):
    def __init__(self, join: str) -> None:
        super().__init__()
        self.join, width = join, {"sum": 4, "concatenation": 7}[join]
        self.first, self.second, self.last = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        hidden = torch.tanh(self.first(x))
        after = torch.tanh(self.second(hidden))
        return self.last(after + hidden if self.join == "sum" else torch.cat([after, x], dim=1))


LAYERS: dict[str, tuple[Callable[[], nn.Module], str]] = {
    "weight norm": (lambda: parametrizations.weight_norm(nn.Linear(3, 3)), "computed from other parameters"),
    "spectral norm": (lambda: parametrizations.spectral_norm(nn.Linear(3, 3)), "computed from other parameters"),
    "orthogonal": (lambda: parametrizations.orthogonal(nn.Linear(3, 3)), "computed from other parameters"),
    "spectral norm by hook": (lambda: nn.utils.spectral_norm(nn.Linear(3, 3)), "computed from other parameters"),
    "pruned": (pruned, "computed from other parameters"),
    "lazy": (lambda: nn.LazyLinear(3), "call the module on a batch first"),
    "meta": (lambda: nn.Linear(3, 3, device="meta"), "no values"),
    "half": (lambda: nn.Linear(3, 3).half(), "float64 or float32"),
    "complex": (lambda: nn.Linear(3, 3, dtype=torch.complex128), "float64 or float32"),
    "subclass": (lambda: Clamped(3, 3), "a forward of its own"),
    "own forward": (lambda: with_forward(nn.Linear(3, 3)), "a forward of its own"),
    "own forward of an activation": (lambda: with_forward(nn.Tanh()), "a forward of its own"),
    "dropout": (lambda: nn.Dropout(0.1), "no counterpart"),
    "batch norm": (lambda: nn.BatchNorm1d(3), "no counterpart"),
    "in place": (lambda: Residual(nn.SiLU(inplace=True), nn.Linear(3, 3)), "use inplace=False"),
}


class TestModules:
    @pytest.mark.parametrize("name", LAYERS)
    def test_a_layer_without_plain_weights_is_refused(self, name: str) -> None:
        make, words = LAYERS[name]
        with pytest.raises(InputError, match=words) as error:
            convert(nn.Sequential(nn.Identity(), make()), (3,))
        assert "module.1" in str(error.value)
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("join", ["sum", "concatenation"])
    def test_a_module_with_a_forward_as_people_write_it(self, join: str) -> None:
        """`convert` names the door that takes it, and that door does."""
        module = Joined(join).double()
        with pytest.raises(InputError, match=r"layer='Joined'; use verify\.from_torch") as error:
            convert(module, (3,))
        assert "\n" not in str(error.value)
        assert from_torch(module, X, Y, "mse").size == sum(each.numel() for each in module.parameters())
        optimizer = torch.optim.SGD(module.parameters(), lr=1e-3)
        with Monitor(optimizer, module, X, Y, loss=nn.MSELoss()) as monitor:
            nn.MSELoss()(module(X), Y).backward()
            optimizer.step()
        assert monitor.reports[0].verdict is Verdict.PROVED
        trained = CertifiedMomentum(module, X, Y, loss=nn.MSELoss(), rule="guarded")
        before = trained.session.error
        trained.step()
        assert trained.session.error < before and trained.stopped is None

    def test_a_lazy_module_after_its_first_batch(self) -> None:
        module = nn.Sequential(nn.LazyLinear(4), nn.Tanh(), nn.LazyLinear(1)).double()
        module(X)
        CertifiedMomentum(module, X, Y).step()

    def test_skipped_initialisation_is_refused_if_it_is_no_number(self) -> None:
        layer = skip_init(nn.Linear, 3, 1, dtype=torch.float64)
        with torch.no_grad():
            layer.weight.fill_(float("nan"))
        with pytest.raises(InputError, match="weights must be finite"):
            Monitor(torch.optim.SGD(layer.parameters()), nn.Sequential(layer), X, Y)

    def test_parameters_that_share_memory(self) -> None:
        module = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 3)).double()
        module[2].weight = nn.Parameter(module[0].weight.data.T)
        with pytest.raises(InputError, match="share memory"):
            convert(module, (3,))
        flat = torch.zeros(9 + 9, dtype=torch.float64)
        module[0].weight.data, module[2].weight.data = flat[:9].reshape(3, 3), flat[9:].reshape(3, 3)
        assert convert(module, (3,)).architecture.size == 24

    @pytest.mark.parametrize("shape", [3, (0,), ("3",), [3]])
    def test_a_shape_that_is_none(self, shape: Any) -> None:
        with pytest.raises(InputError, match="input_shape="):
            convert(network(), shape)

    @pytest.mark.parametrize("module", ["net", None, torch.zeros(3)])
    def test_no_module_at_all(self, module: Any) -> None:
        with pytest.raises(InputError, match="not a PyTorch module"):
            CertifiedMomentum(module, X, Y)

    def test_a_module_that_cannot_take_the_samples(self) -> None:
        with pytest.raises(InputError, match=r"\A[^\n]*\Z"):
            CertifiedMomentum(network(), X.reshape(8, 3, 1), Y)


class Scaled(nn.Module):
    """A linear layer with something beside it."""

    def __init__(self, *, trainable: bool, extra: nn.Module | None = None) -> None:
        super().__init__()
        self.layer, self.extra = nn.Linear(3, 1), extra or nn.Identity()
        self.scale = nn.Parameter(torch.ones(()), requires_grad=trainable)
        self.register_buffer("shift", torch.zeros(()))
        self.double()

    def forward(self, x: Any) -> Any:
        return self.extra(self.layer(x)) * self.scale + self.shift


def mapping_of(module: Scaled) -> Correspondence:
    known = convert(nn.Sequential(module.layer), (3,))
    return Correspondence(known.architecture, known.parameters)


class TestMappingsOfOnesOwn:
    def test_a_trainable_parameter_that_is_left_out(self) -> None:
        module = Scaled(trainable=True)
        with pytest.raises(InputError, match="scale: a trainable parameter of the module is not in the mapping"):
            CertifiedMomentum(module, X, Y, correspondence=mapping_of(module))
        constant = Scaled(trainable=False)
        optimiser = CertifiedMomentum(constant, X, Y, correspondence=mapping_of(constant))
        assert optimiser.step() is None
        assert optimiser.records[0].verdict is Verdict.PROVED

    @pytest.mark.parametrize("extra", [nn.Dropout(1e-9), nn.BatchNorm1d(1, affine=False, momentum=0.0)])
    def test_a_layer_in_training_mode(self, extra: nn.Module) -> None:
        module = Scaled(trainable=False, extra=extra)
        with pytest.raises(InputError, match=r"extra: .*training mode"):
            CertifiedMomentum(module, X, Y, correspondence=mapping_of(module))
        if isinstance(extra, nn.Dropout):
            CertifiedMomentum(module.eval(), X, Y, correspondence=mapping_of(module)).step()

    def test_parameters_of_another_module(self) -> None:
        module = Scaled(trainable=False)
        with pytest.raises(InputError, match="not the module's"):
            CertifiedMomentum(module, X, Y, correspondence=mapping_of(Scaled(trainable=False)))
        with pytest.raises(InputError, match="Correspondence"):
            CertifiedMomentum(module, X, Y, correspondence=3)


BAD_DATA: dict[str, Any] = {
    "empty": X[:0],
    "empty array": np.zeros((0, 3)),
    "no columns": np.zeros((8, 0)),
    "one number": torch.tensor(1.0),
    "none": None,
    "text": "data",
    "ragged": [[1.0], [1.0, 2.0]],
    "complex": X.to(torch.complex128),
    "truth": torch.ones((8, 3), dtype=torch.bool),
    "sparse": X.to_sparse(),
    "meta": X.to("meta"),
    "not finite": X / 0,
    "whole numbers that float64 lacks": torch.full((8, 3), 2**60 + 1),
    "fewer samples": X[:4],
    "other width": X[:, :2],
}


class TestData:
    @pytest.mark.parametrize("name", BAD_DATA)
    @pytest.mark.parametrize(
        "door", [CertifiedMomentum, lambda m, x, y: Monitor(torch.optim.SGD(m.parameters()), m, x, y)]
    )
    def test_bad_inputs_are_one_line(self, name: str, door: Any) -> None:
        with pytest.raises(InputError, match=r"\A[^\n]*\Z"):
            door(network(), BAD_DATA[name], Y)

    @pytest.mark.parametrize("name", [name for name in BAD_DATA if name != "other width"])
    def test_bad_targets_are_one_line(self, name: str) -> None:
        with pytest.raises(InputError, match=r"\A[^\n]*\Z"):
            CertifiedMomentum(network(), X, BAD_DATA[name])

    @pytest.mark.parametrize("convert_data", [np.asarray, lambda t: t.tolist(), lambda t: t.requires_grad_().clone()])
    def test_arrays_lists_and_tensors_are_the_same_numbers(self, convert_data: Any) -> None:
        expected = CertifiedMomentum(network(), X, Y)
        found = CertifiedMomentum(network(), convert_data(X.clone()), convert_data(Y.clone()))
        for optimiser in (expected, found):
            optimiser.step()
        assert np.array_equal(found.correspondence.read(), expected.correspondence.read())

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int64])
    def test_other_types_are_taken_exactly(self, dtype: Any) -> None:
        x = (4 * X).to(dtype)
        problem = CertifiedMomentum(network(), x, Y).mapped.problem
        assert problem.inputs.dtype == np.float64
        assert np.array_equal(problem.inputs, x.double().numpy())

    def test_data_changed_by_the_user_change_nothing(self) -> None:
        x, y = X.clone(), Y.clone()
        optimiser, untouched = CertifiedMomentum(network(), x, y), CertifiedMomentum(network(), X, Y)
        x.zero_()
        y.zero_()
        for each in (optimiser, untouched):
            each.step()
        assert optimiser.records == untouched.records

    def test_making_an_optimiser_leaves_the_data_alone(self) -> None:
        x = X.clone()
        CertifiedMomentum(nn.Sequential(nn.Linear(3, 1), nn.SiLU(inplace=True)).double(), x, Y).step()
        assert torch.equal(x, X)

    @pytest.mark.parametrize("region", [3, "ball", {"kind": "ball"}])
    def test_no_region(self, region: Any) -> None:
        with pytest.raises(InputError, match="not a region"):
            CertifiedMomentum(network(), X, Y, region=region)
        module = network()
        with pytest.raises(InputError, match="not a region"):
            Monitor(torch.optim.SGD(module.parameters()), module, X, Y, region=region)

    @pytest.mark.parametrize("curvature", ["a", 0.0, -1.0, float("nan"), float("inf"), True])
    def test_no_curvature(self, curvature: Any) -> None:
        module = network()
        with pytest.raises(InputError):
            Monitor(torch.optim.SGD(module.parameters()), module, X, Y, curvature=curvature)

    def test_no_optimiser(self) -> None:
        with pytest.raises(InputError, match="not a PyTorch optimiser"):
            Monitor(network(), network(), X, Y)

    def test_a_region_of_another_size(self) -> None:
        module = network()
        with pytest.raises(InputError):
            Monitor(torch.optim.SGD(module.parameters()), module, X, Y, region=Ball(np.zeros(3), 1.0))

    @pytest.mark.parametrize(("eta", "tau"), [("a", 0), (0.1, None), (0, 0), (0.1, -1), (np.nan, 0)])
    def test_settings_that_are_no_numbers(self, eta: Any, tau: Any) -> None:
        with pytest.raises(InputError, match=r"\A[^\n]*(eta|tau)[^\n]*\Z"):
            CertifiedMomentum(network(), X, Y, rule="fixed", eta=eta, tau=tau)


class Named(nn.Module):
    """Holds numbers under a name of the toolkit's own."""

    def __init__(self, held: Any) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.full((3, 1), 0.5, dtype=torch.float64))
        if isinstance(held, nn.Parameter):
            self.targets = held
        else:
            self.register_buffer("targets", held)

    def forward(self, x: Any) -> Any:
        return x @ self.weight + self.targets


@pytest.mark.parametrize("held", [nn.Parameter(Y + 1), Y + 1])
def test_numbers_of_a_module_may_have_any_name(held: Any) -> None:
    module = Named(held)
    problem = from_torch(module, X, Y, loss="mse")
    assert {block.label for block in problem.blocks}.isdisjoint(problem.constants)
    expected = torch.nn.functional.mse_loss(module(X), Y).item()
    assert problem.error(problem.initial_weights) == pytest.approx(expected, rel=1e-14)
