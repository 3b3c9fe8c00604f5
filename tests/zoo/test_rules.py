"""Single functions of PyTorch: each is held against PyTorch's own error and gradient, or refused with a reason."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from verify.importers.torch.problem import from_torch  # noqa: E402
from verify.outcomes import InputError  # noqa: E402

MASK = torch.tensor([[1, 0, 1, 1], [0, 1, 1, 0], [1, 1, 0, 1]], dtype=torch.bool)
LOWEST = torch.finfo(torch.float32).min
INFINITE = torch.zeros(3, 4).masked_fill(~MASK, float("-inf"))
ROWS, COLUMNS = torch.tensor([0, 1]), torch.tensor([[1], [0]])


class Applied(nn.Module):
    """A function of a dense layer's outputs."""

    def __init__(self, function, **tensors) -> None:
        super().__init__()
        self.layer, self.function = nn.Linear(4, 4), function
        for name, value in tensors.items():
            self.register_buffer(name, value)

    def forward(self, x):
        return self.function(self, self.layer(x)) if self._buffers else self.function(self.layer(x))


def filled_slices(x):
    y = torch.zeros(3, 4, dtype=x.dtype)
    y[:, 1] = x[:, 2]
    y[0] += x[1]
    y[1:, ::2] = 2 * x[:2, :2]
    return y


def filled_mask(x):
    y = x.clone()
    y[ROWS, COLUMNS] = 0
    return y


FUNCTIONS = {
    "clamp from below": lambda x: x.clamp(min=-0.3),
    "clamp from above": lambda x: x.clamp(max=0.3),
    "clamp": lambda x: x.clamp(-0.3, 0.4),
    "prelu": lambda x: F.prelu(x, torch.full((4,), 0.25, dtype=x.dtype)),
    "expm1, log1p": lambda x: torch.log1p(torch.expm1(x).square()),
    "hyperbolic": lambda x: torch.sinh(x) + torch.cosh(x),
    "exp2, erfc": lambda x: torch.exp2(x) + torch.erfc(x),
    "logaddexp": lambda x: torch.logaddexp(x, x.flip(1)),
    "minimum": lambda x: torch.minimum(x, x.flip(1) / 2) + torch.fmax(x, x * x),
    "amax of axes": lambda x: x.amax((0, 1)) + x.amin((0, 1), keepdim=True),
    "max along": lambda x: x.max(1)[0] + x.min(1).values,
    "max of all": lambda x: x.max() - x.min(),
    "logsumexp of axes": lambda x: x.logsumexp((0, 1), keepdim=True),
    "var_mean": lambda x: torch.var_mean(x, dim=1)[0] + torch.var_mean(x, dim=1, correction=0)[1],
    "fractional correction": lambda x: x.var(dim=-1, correction=0.5),
    "indices in the middle": lambda x: x.reshape(3, 2, 2)[:, [0, 1], [1, -1]],
    "indices apart": lambda x: x.reshape(3, 2, 2)[[0, 1], :, [1, 1]],
    "indices that repeat": lambda x: x.reshape(3, 2, 2)[:, COLUMNS, ROWS],
    "roll without axes": lambda x: x.roll(2),
    "diagonal": lambda x: x.diagonal(1),
    "unfold": lambda x: x.unfold(1, 2, 2),
    "padding with a number": lambda x: F.pad(x, (1, 2, -1, 1), value=3.0),
    "assigned slices": filled_slices,
    "assigned places": filled_mask,
    "scatter_add": lambda x: torch.zeros(3, 2, dtype=x.dtype).scatter_add(1, torch.tensor([[0, 1, 1, 0]] * 3), x),
    "index_add": lambda x: torch.zeros(2, 4, dtype=x.dtype).index_add(0, torch.tensor([0, 1, 1]), x),
    "masked_fill": lambda x: x.masked_fill(~MASK, float("-inf")).softmax(-1),
    "masked along another axis": lambda x: x.masked_fill(~MASK, float("-inf")).softmax(0),
    "masked logsumexp": lambda x: x.masked_fill(~MASK, float("-inf")).logsumexp(-1, keepdim=True),
    "where": lambda x: torch.where(MASK, x, float("-inf")).softmax(-1),
    "added mask": lambda x: (x + INFINITE).softmax(-1),
    "very negative mask": lambda x: x.masked_fill(~MASK, -1e9).softmax(-1),
    "lowest number": lambda x: x.masked_fill(~MASK, LOWEST).softmax(-1),
    "lowest number of bfloat16": lambda x: (x + torch.where(MASK, 0.5, torch.finfo(torch.bfloat16).min)).softmax(0),
    "lowest number in attention": lambda x: F.scaled_dot_product_attention(
        x, x, x, attn_mask=torch.zeros(3, 3).masked_fill(~MASK[:, :3], LOWEST).to(x.dtype)
    ),
    "lowest number below a maximum": lambda x: x.masked_fill(~MASK, LOWEST).amax(-1),
    "convolution of one image": lambda x: F.conv2d(x.reshape(1, 3, 4), torch.ones(2, 1, 2, 2, dtype=x.dtype)),
    "instance norm": lambda x: F.instance_norm(x.reshape(1, 3, 4)),
    "bilinear": lambda x: F.interpolate(x.reshape(1, 1, 3, 4), scale_factor=2, mode="bilinear"),
    "bilinear by size": lambda x: F.interpolate(
        x.reshape(1, 1, 3, 4), size=(5, 3), mode="bilinear", align_corners=True
    ),
    "bicubic": lambda x: F.interpolate(x.reshape(1, 1, 3, 4), size=(4, 7), mode="bicubic"),
    "nearest by size": lambda x: (
        F.interpolate(x.reshape(1, 1, 3, 4), size=(5, 6))
        + F.interpolate(x.reshape(1, 1, 3, 4), size=(5, 6), mode="nearest-exact")
    ),
    "max pool in ceil mode": lambda x: F.max_pool2d(x.reshape(1, 1, 3, 4), 2, 3, 1, ceil_mode=True),
    "dilated max pool in ceil mode": lambda x: F.max_pool1d(x.reshape(1, 12), 3, 2, 1, 2, ceil_mode=True),
    "average pool in ceil mode": lambda x: F.avg_pool2d(x.reshape(1, 1, 3, 4), 2, 3, 1, ceil_mode=True),
    "average pool without padding": lambda x: F.avg_pool1d(x[None], 3, 2, 1, ceil_mode=True, count_include_pad=False),
    "average pool with a divisor": lambda x: F.avg_pool2d(x.reshape(1, 1, 3, 4), 2, 1, divisor_override=7),
    "adaptive max pool": lambda x: F.adaptive_max_pool2d(x.reshape(1, 1, 3, 4), (2, 3)),
    "adaptive max pool along": lambda x: F.adaptive_max_pool1d(x[None], 3),
    "celu, softshrink": lambda x: F.celu(x, 0.5) + F.softshrink(x, 0.25),
    "threshold": lambda x: F.threshold(x, 0.25, 0.25),
    "logarithms": lambda x: (x.square() + 1).log2() + (x.square() + 2).log10(),
    "powers": lambda x: 2**x + (x.square() + 1) ** 0.75 + (x.square() + 2) ** x,
    "inverse functions": lambda x: (
        x.asinh() + (x.square() + 2).acosh() + (x / 9).atanh() + (x / 9).asin() + (x / 9).acos()
    ),
    "tangent, hypotenuse": lambda x: (x / 4).tan() + torch.hypot(x, x.flip(1) + 9),
    "products": lambda x: x.prod(1) + x.prod() + x.cumprod(1)[:, 2],
    "norms": lambda x: x.norm(1, dim=1) + torch.linalg.vector_norm(x, float("inf"), dim=1),
    "distances": lambda x: torch.cdist(x, x.flip(1) + 9),
    "sorted": lambda x: x.sort(1, descending=True)[0] + x.sort(0).values.square(),
    "sorted, stable": lambda x: torch.sort(x, dim=0, stable=True)[0],
    "largest and least": lambda x: x.topk(3, 1)[0] + x.topk(3, 1, largest=False)[0],
    "in the middle": lambda x: x.median(1)[0] + x.median() + x.kthvalue(2, 1).values,
    "in the middle, an axis kept": lambda x: x.median(0, keepdim=True)[0],
    "one entry sorted": lambda x: x[:, :1].sort(1)[0],
    "running logsumexp": lambda x: x.logcumsumexp(0) + x.logcumsumexp(-1),
    "angles": lambda x: torch.atan2(x, x.flip(1)) + torch.atan2(x.flip(0), x.square()),
    "cardinal sine": torch.sinc,
    "bilinear layer": lambda x: F.bilinear(x, x.flip(0), torch.arange(32.0, dtype=x.dtype).reshape(2, 4, 4)),
    "scatter": lambda x: torch.zeros(3, 5, dtype=x.dtype).scatter(1, torch.tensor([[0, 1, 3, 4]] * 3), x),
    "scatter of a part": lambda x: x.scatter(1, ROWS[:, None], x[:2, :1].square()).scatter(1, ROWS[None] + 2, 2.0),
    "filled like": lambda x: x * torch.full_like(x, 3) + torch.ones_like(x) - x.new_full((4,), 2) + x.new_zeros(1),
    "hardsigmoid": F.hardsigmoid,
    "float mask in attention": lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=(x @ x.T)),
}
WITH_BUFFERS = {
    "mask as a buffer": (lambda m, x: (x + m.mask).softmax(-1), {"mask": INFINITE}),
    "comparison of a buffer": (lambda m, x: torch.where(m.mask > 0.5, x, 2 * x), {"mask": MASK.double()}),
    "bias in attention": (
        lambda m, x: F.scaled_dot_product_attention(x, x, x, attn_mask=m.mask.to(x.dtype)),
        {"mask": torch.tensor([[0.0, float("-inf"), 1.0], [2.0, 0.0, float("-inf")], [0.5, 0.5, 0.0]])},
    ),
}
LOSSES = {
    "binary cross-entropy": (lambda z, t: F.binary_cross_entropy(z.sigmoid(), t), torch.rand(3, 4).round()),
    "kl divergence": (lambda z, t: F.kl_div(z.log_softmax(1), t, reduction="batchmean"), torch.eye(3, 4)),
    "kl divergence of logarithms": (
        lambda z, t: F.kl_div(z.log_softmax(1), t, reduction="sum", log_target=True), torch.rand(3, 4).log_softmax(1)
    ),
    "gaussian nll": (lambda z, t: F.gaussian_nll_loss(z, t, z.square() + 0.5, full=True), torch.rand(3, 4)),
    "gaussian nll of one variance": (lambda z, t: F.gaussian_nll_loss(z, t, 0.25, reduction="sum"), torch.rand(3, 4)),
    "gaussian nll of a variance for each sample": (
        lambda z, t: F.gaussian_nll_loss(z, t, z.exp().sum(1), reduction="none").mean(), torch.rand(3, 4)
    ),
    "cosine embedding": (
        lambda z, t: F.cosine_embedding_loss(z, z.flip(1) + 1, t), torch.tensor([1.0, -1.0, 1.0])
    ),
    "hinge embedding": (F.hinge_embedding_loss, torch.tensor([[1.0, -1.0, 1.0, 1.0]] * 3)),
    "nll of log softmax": ("nll", torch.tensor([0, 2, 1])),
    "class weights": (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0])), torch.tensor([0, 2, 1])),
    "class weights and smoothing": (
        nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0]), label_smoothing=0.1, ignore_index=1),
        torch.tensor([0, 2, 1]),
    ),
    "class weights of probabilities": (
        nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5, 1.0]), label_smoothing=0.125),
        torch.rand(3, 4).softmax(-1),
    ),
    "weights of positives": (nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 3.0, 4.0])), torch.rand(3, 4)),
    "nll with weights": (
        lambda z, t: F.nll_loss(z.log_softmax(1), t, weight=torch.arange(1.0, 5.0, dtype=z.dtype), ignore_index=1),
        torch.tensor([0, 2, 1]),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_taken(name):
    taken(Applied(FUNCTIONS[name]))


@pytest.mark.parametrize("name", WITH_BUFFERS)
def test_a_function_of_a_buffer_is_taken(name):
    function, buffers = WITH_BUFFERS[name]
    taken(Applied(function, **buffers))


def taken(module) -> None:
    torch.manual_seed(0)
    x = torch.randn(3, 4)
    problem = from_torch(module, x, torch.randn(module(x).shape))
    assert problem.gradient_enclosure(problem.initial_weights).rad.max() < 1e-9


def test_a_row_of_lowest_numbers_is_no_mask():
    module = Applied(lambda x: (x + torch.tensor([[LOWEST], [0.0], [0.0]], dtype=x.dtype)).softmax(-1))
    problem = from_torch(module, torch.ones(3, 4), torch.ones(3, 4))
    assert [node.operation.mask for node in problem.graph.nodes if node.operation.name == "softmax"] == [None]


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_taken(name):
    loss, targets = LOSSES[name]
    torch.manual_seed(0)
    from_torch(Applied(torch.tanh), torch.randn(3, 4), targets, loss)


class Counting(nn.Module):
    """Another function at every call."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.register_buffer("calls", torch.ones(1))

    def forward(self, x):
        self.calls += 1
        return self.layer(x) * self.calls


REFUSED = {
    "changes": (Counting(), {}, "changes from call to call"),
    "cut logarithm": (
        Applied(lambda x: (x - 150).exp()),
        {"targets": torch.ones(3, 4), "loss": "binary_cross_entropy"},
        "gradient is not the module's",
    ),
    "hardshrink": (Applied(F.hardshrink), {}, "jumps"),
    "a threshold that jumps": (Applied(lambda x: F.threshold(x, 0.1, 2.0)), {}, "jumps"),
    "softplus": (Applied(lambda x: F.softplus(x, threshold=0.1)), {}, "threshold=0.1"),
    "cast": (Applied(lambda x: x.float()).double(), {}, "rounded to another format"),
    "cast to half": (Applied(lambda x: x.half()), {}, "rounded to another format"),
    "too many to be sorted": (Applied(lambda x: torch.cat([x] * 17, 1).sort(1)[0][:, :4]), {}, "too many entries"),
    "an index by size": (Applied(lambda x: x.gather(1, x.argsort(1))), {}, "no rule for this operation|options"),
    "minus infinity": (Applied(lambda x: x.masked_fill(MASK, float("-inf")).exp()), {}, "softmax or logsumexp next"),
    "infinity": (Applied(lambda x: x.masked_fill(MASK, float("inf"))), {}, "infinite number"),
    "masked out row": (Applied(lambda x: x.masked_fill(MASK | True, float("-inf")).softmax(-1)), {}, "keep an entry"),
    "no gradient of PyTorch's": (Applied(lambda x: x.scatter(1, ROWS[:, None], x.square())), {}, "cannot compute"),
    "label": (Applied(torch.tanh), {"targets": torch.tensor([0, 1, 4]), "loss": "cross_entropy"}, "smaller than"),
    "large integer": (Applied(torch.tanh), {"targets": torch.full((3, 4), 2**53 + 1)}, "not exactly a float64"),
    "no samples": (Applied(torch.tanh), {"inputs": torch.zeros(0, 4), "targets": torch.zeros(0, 4)}, "mean of no"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_would_be_another_network_is_refused(name):
    module, options, reason = REFUSED[name]
    with pytest.raises(InputError, match=reason):
        from_torch(module, **({"inputs": torch.ones(3, 4), "targets": torch.ones(3, 4)} | options))


class Embedded(nn.Module):
    """A table with a row for padding, which no step changes."""

    def __init__(self, *, tied: bool = False) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(5, 3, padding_idx=1), nn.Linear(3, 5, bias=False)
        if tied:
            self.head.weight = self.table.weight

    def forward(self, found):
        return self.head(torch.tanh(self.table(found))).transpose(1, 2)


FOUND = torch.tensor([[0, 1, 4], [1, 1, 2]])


def test_a_row_for_padding_is_a_constant():
    torch.manual_seed(0)
    problem = from_torch(Embedded(), FOUND, FOUND, "cross_entropy")
    gradient = problem.unflatten(problem.gradient_enclosure(problem.initial_weights).mid)["table.weight"]
    assert not gradient[1].any()
    assert gradient[[0, 2, 4]].all()


@pytest.mark.parametrize(
    ("tied", "value", "reason"), [(False, 1.0, "is not zero"), (True, 0.0, "used elsewhere")], ids=["value", "tied"]
)
def test_a_row_for_padding_that_is_none_is_refused(tied, value, reason):
    torch.manual_seed(0)
    module = Embedded(tied=tied)
    module.table.weight.data[1] = value
    with pytest.raises(InputError, match=reason):
        from_torch(module, FOUND, FOUND, "cross_entropy")


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrence_in_both_directions(kind):
    torch.manual_seed(0)
    cell = kind(3, 2, batch_first=True, bidirectional=True)

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = cell

        def forward(self, x):
            return self.cell(x)[0]

    from_torch(Net(), torch.randn(2, 3, 3), torch.randn(2, 3, 4))


def test_data_that_change_later_change_nothing():
    x = torch.randn(3, 4, dtype=torch.float64)
    problem = from_torch(Applied(torch.tanh), x, torch.ones(3, 4, dtype=torch.float64))
    before = problem.error(problem.initial_weights)
    x.zero_()
    assert problem.error(problem.initial_weights) == before


class ByFormat(nn.Module):
    """Another function in float64."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        found = self.layer(x)
        return found * 2 if found.dtype == torch.float32 else found


def test_the_modules_own_format_is_compared():
    x = torch.linspace(-1, 1, 12).reshape(3, 4)
    with pytest.raises(InputError, match="in its own format"):
        from_torch(ByFormat(), x, torch.ones(3, 4))
    from_torch(ByFormat().double(), x, torch.ones(3, 4))


def test_what_the_own_format_does_not_hold_is_not_compared():
    from_torch(nn.Linear(4, 1), torch.full((3, 4), 0.1, dtype=torch.float64), torch.ones(3, 1))
