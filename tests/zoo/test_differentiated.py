"""Modules that differentiate in `forward` are imported, however it is written, or refused in one line."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.func import grad, jvp, vjp  # noqa: E402

import verify  # noqa: E402
from verify.importers.torch.problem import from_torch  # noqa: E402
from verify.outcomes import InputError  # noqa: E402

POINTS = torch.linspace(0, 1, 5)[:, None]


def slope_of(values, points):
    return torch.autograd.grad(values.sum(), points, create_graph=True)[0]


def second_derivative(net, x):
    x = x.clone().requires_grad_(True)
    values = net(x)
    return slope_of(slope_of(values, x), x) + values


def of_its_input(net, x):
    x.requires_grad_(True)
    return slope_of(net(x), x)


def forward_over_forward(net, x):
    one = torch.ones_like(x)
    return jvp(lambda y: jvp(net, (y,), (one,))[1], (x,), (one,))[1] + net(x)


def by_pullback(net, x):
    values, pull = vjp(net, x)
    return values + pull(torch.ones_like(values))[0]


def by_vmap(net, x):
    return torch.vmap(grad(lambda point: net(point[None])[0, 0]))(x) + net(x)


def detached(net, x):
    x = x.clone().requires_grad_(True)
    values = net(x)
    return slope_of(values, x) + values.detach()


def past_autograd(net, x):
    x = x.clone().requires_grad_(True)
    values = net(x)
    return slope_of(values, x) * values.data


def without_graph(net, x):
    x = x.clone().requires_grad_(True)
    values = net(x)
    return torch.autograd.grad(values.sum(), x, retain_graph=True)[0] + values


def branching(net, x):
    x = x.clone().requires_grad_(True)
    slope = slope_of(net(x), x)
    return slope if slope.sum() > 0 else 2 * slope


def jumping(net, x):
    x = x.clone().requires_grad_(True)
    values = net(x)
    return slope_of(values, x) + torch.floor(values)


class Net(nn.Module):
    def __init__(self, function, *layers) -> None:
        super().__init__()
        self.function, self.net = function, nn.Sequential(nn.Linear(1, 4), nn.Tanh(), *layers, nn.Linear(4, 1))

    def forward(self, x):
        return self.function(self.net, x)


def imported(function, *layers, **options):
    torch.manual_seed(0)
    return from_torch(Net(function, *layers), POINTS.clone(), POINTS.square(), **options)


@pytest.mark.parametrize(
    "function", [second_derivative, of_its_input, forward_over_forward, by_pullback, by_vmap], ids=lambda f: f.__name__
)
def test_it_is_imported_and_trained(function):
    problem = imported(function)
    assert {verdict.name for verdict in verify.train(problem, steps=2, rule="certified").verdicts} == {"PROVED"}


def test_a_layer_norm_is_differentiated():
    assert imported(of_its_input, nn.LayerNorm(4)).size == 16  # without biases, of which it is no function


REFUSED = {
    detached: "detach stops the gradient",
    past_autograd: "detach stops the gradient",
    without_graph: "gradient is not the module's",
    branching: "avoid branches and loops that depend on data",
    jumping: r"self.function\(self.net, x\): no rule for this operation",
}


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: f.__name__)
def test_what_is_another_function_is_refused(function):
    with pytest.raises(InputError, match=REFUSED[function]) as refused:
        imported(function)
    assert "\n" not in str(refused.value)


def test_a_loss_that_holds_a_parameter_is_refused():
    module = Net(second_derivative)
    with pytest.raises(InputError, match="the loss reads a parameter of the module"):
        from_torch(module, POINTS, POINTS, lambda y, t: (y - t).square().mean() + module.net[0].weight.square().sum())


def test_what_has_no_rule_is_one_line():
    with pytest.raises(InputError, match="no rule for this operation") as refused:
        imported(second_derivative, nn.BatchNorm1d(4))
    assert "\n" not in str(refused.value)
