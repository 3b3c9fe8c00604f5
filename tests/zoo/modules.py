"""Modules as practitioners write them, each with data and a loss: what an import must take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn


@dataclass
class Entry:
    """A module, its data and its loss; `smooth` says whether every step along a segment can be certified."""

    module: nn.Module
    inputs: Any
    targets: Any
    loss: Any = "mse"
    smooth: bool = True


ZOO: dict[str, Callable[[], Entry]] = {}


def entry(function: Callable[[], Entry]) -> Callable[[], Entry]:
    """Register a module by the name of the function that makes it."""

    def make() -> Entry:
        torch.manual_seed(0)
        return function()

    ZOO[function.__name__] = make
    return make


CLASSES = torch.tensor([0, 1, 2, 0])
IMAGES = (4, 2, 8, 8)


@entry
def mlp_with_concatenated_skip() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.fc2, self.out = nn.Linear(5, 8), nn.Linear(8, 4), nn.Linear(9, 1)

        def forward(self, x):
            h = torch.tanh(self.fc1(x))
            return self.out(torch.cat([torch.tanh(self.fc2(h)), x], dim=1))

    return Entry(Net(), torch.randn(6, 5), torch.randn(6, 1))


class ResidualBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return F.relu(x + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.block, self.head = nn.Conv2d(2, 3, 3), ResidualBlock(3), nn.Linear(3, 3)

    def forward(self, x):
        h = self.block(self.stem(x))
        return self.head(F.adaptive_avg_pool2d(h, 1).flatten(1))


@entry
def resnet_in_training() -> Entry:
    return Entry(ResNet(), torch.randn(IMAGES), CLASSES, "cross_entropy", smooth=False)


@entry
def resnet_in_evaluation() -> Entry:
    net = ResNet()
    net(torch.randn(IMAGES))
    return Entry(net.eval(), torch.randn(IMAGES), CLASSES, nn.CrossEntropyLoss(label_smoothing=0.1), smooth=False)


@entry
def preactivation_resnet() -> Entry:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(
                nn.GroupNorm(2, 4), nn.SiLU(), nn.Conv2d(4, 4, 3, padding=1), nn.GroupNorm(1, 4), nn.SiLU(),
                nn.Conv2d(4, 4, 1),
            )  # fmt: skip

        def forward(self, x):
            return x + self.body(x)

    net = nn.Sequential(nn.Conv2d(2, 4, 3, stride=2), Block(), nn.AvgPool2d(3), nn.Flatten(), nn.Linear(4, 3))
    return Entry(net, torch.randn(IMAGES), CLASSES, "cross_entropy")


@entry
def dense_block() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.ModuleList(nn.Conv2d(2 + 2 * k, 2, 3, padding=1) for k in range(3))
            self.head = nn.Linear(8, 2)

        def forward(self, x):
            features = [x]
            for layer in self.layers:
                features.append(F.gelu(layer(torch.cat(features, 1))))
            return self.head(torch.cat(features, 1).mean(dim=(2, 3)))

    return Entry(Net(), torch.randn(3, 2, 6, 6), torch.randn(3, 2))


@entry
def unet() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.middle = nn.Conv2d(1, 3, 3, padding=1), nn.Conv2d(3, 4, 3, padding=1)
            self.up, self.out = nn.ConvTranspose2d(4, 3, 2, stride=2), nn.Conv2d(6, 1, 1)

        def forward(self, x):
            skip = F.softplus(self.down(x))
            h = torch.tanh(self.middle(F.avg_pool2d(skip, 2)))
            return self.out(torch.cat([self.up(h), skip], dim=1))

    return Entry(Net(), torch.randn(2, 1, 6, 6), torch.rand(2, 1, 6, 6).round(), "binary_cross_entropy_with_logits")


@entry
def mobilenet_block() -> Entry:
    net = nn.Sequential(
        nn.Conv2d(2, 6, 1), nn.BatchNorm2d(6), nn.Hardswish(),
        nn.Conv2d(6, 6, 3, padding=1, stride=2, groups=6), nn.BatchNorm2d(6), nn.ReLU6(),
        nn.Conv2d(6, 3, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    return Entry(net, torch.randn(IMAGES), CLASSES, "cross_entropy", smooth=False)


@entry
def convnext_block() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.depthwise, self.norm = nn.Conv2d(4, 4, 5, padding=2, groups=4), nn.LayerNorm(4)
            self.wide, self.narrow = nn.Linear(4, 8), nn.Linear(8, 4)
            self.gamma = nn.Parameter(0.5 * torch.ones(4))

        def forward(self, x):
            h = self.depthwise(x).permute(0, 2, 3, 1)
            h = self.gamma * self.narrow(F.gelu(self.wide(self.norm(h))))
            return (x + h.permute(0, 3, 1, 2)).mean((2, 3))

    return Entry(Net(), torch.randn(3, 4, 6, 6), torch.randn(3, 4))


@entry
def vision_transformer_block() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patch = nn.Conv2d(1, 8, 4, stride=4)
            self.token = nn.Parameter(0.1 * torch.randn(1, 1, 8))
            self.position = nn.Parameter(0.1 * torch.randn(1, 5, 8))
            self.block = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=True)
            self.head = nn.Linear(8, 3)

        def forward(self, x):
            h = self.patch(x).flatten(2).transpose(1, 2)
            h = torch.cat([self.token.expand(len(h), -1, -1), h], 1) + self.position
            return self.head(self.block(h)[:, 0])

    return Entry(Net(), torch.randn(4, 1, 8, 8), CLASSES, "cross_entropy")


@entry
def gpt_with_tied_embeddings() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.tokens, self.positions = nn.Embedding(11, 8), nn.Embedding(6, 8)
            self.norm1, self.norm2, self.norm3 = nn.LayerNorm(8), nn.LayerNorm(8), nn.LayerNorm(8)
            self.qkv, self.proj = nn.Linear(8, 24), nn.Linear(8, 8)
            self.mlp = nn.Sequential(nn.Linear(8, 16), nn.GELU(approximate="tanh"), nn.Linear(16, 8))
            self.head = nn.Linear(8, 11, bias=False)
            self.head.weight = self.tokens.weight

        def forward(self, ids):
            n, t = ids.shape
            h = self.tokens(ids) + self.positions(torch.arange(t))
            q, k, v = (part.view(n, t, 2, 4).transpose(1, 2) for part in self.qkv(self.norm1(h)).chunk(3, dim=-1))
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            h = h + self.proj(mixed.transpose(1, 2).reshape(n, t, 8))
            return self.head(self.norm3(h + self.mlp(self.norm2(h))))

    ids = torch.randint(0, 11, (3, 6))
    return Entry(Net(), ids, ids.roll(-1, 1), lambda z, y: F.cross_entropy(z.flatten(0, 1), y.flatten()))


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.Module]) -> None:
        super().__init__()
        self.cell, self.head = kind(3, 5, batch_first=True), nn.Linear(5, 1)

    def forward(self, x):
        return self.head(self.cell(x)[0][:, -1])


@entry
def lstm() -> Entry:
    return Entry(Recurrent(nn.LSTM), torch.randn(4, 6, 3), torch.randn(4, 1))


@entry
def gru() -> Entry:
    return Entry(Recurrent(nn.GRU), torch.randn(4, 6, 3), torch.randn(4, 1), nn.HuberLoss(delta=10.0), smooth=False)


@entry
def gated_temporal_convolution() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.filters = nn.ModuleList(nn.Conv1d(2, 4, 2, dilation=2**k) for k in range(3))
            self.head = nn.Linear(2, 1)

        def forward(self, x):
            for k, layer in enumerate(self.filters):
                a, b = layer(F.pad(x, (2**k, 0))).chunk(2, dim=1)
                x = x + torch.tanh(a) * torch.sigmoid(b)
            return self.head(x[:, :, -1])

    return Entry(Net(), torch.randn(4, 2, 10), torch.randn(4, 1))


@entry
def deep_operator_network() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.branch = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 5))
            self.trunk = nn.Sequential(nn.Linear(1, 8), nn.Tanh(), nn.Linear(8, 5))
            self.bias = nn.Parameter(torch.zeros(1))

        def forward(self, u, y):
            return (self.branch(u) * self.trunk(y)).sum(-1, keepdim=True) + self.bias

    return Entry(Net(), (torch.randn(7, 6), torch.rand(7, 1)), torch.randn(7, 1))


@entry
def graph_convolution() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            adjacency = torch.eye(5) + torch.diag(torch.ones(4), 1) + torch.diag(torch.ones(4), -1)
            self.register_buffer("normalised", adjacency / adjacency.sum(1, keepdim=True))
            self.first, self.second = nn.Linear(3, 6), nn.Linear(6, 2)

        def forward(self, x):
            h = torch.tanh(self.normalised @ self.first(x))
            return self.normalised @ self.second(h)

    return Entry(Net(), torch.randn(5, 3), torch.tensor([0, 1, 0, 1, 1]), "cross_entropy")


@entry
def highway_gate() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.gate, self.body = nn.Linear(4, 4), nn.Linear(4, 4)

        def forward(self, x):
            t = torch.sigmoid(self.gate(x))
            return t * torch.tanh(self.body(x)) + (1 - t) * x

    return Entry(Net(), torch.randn(5, 4), torch.randn(5, 4))


@entry
def mixture_of_experts() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.experts = nn.ModuleList(nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)) for _ in range(3))
            self.router = nn.Linear(3, 3)

        def forward(self, x):
            weights = self.router(x).softmax(-1)
            return torch.einsum("ne,ned->nd", weights, torch.stack([expert(x) for expert in self.experts], 1))

    return Entry(Net(), torch.randn(6, 3), torch.randn(6, 2))


@entry
def sinusoidal_representation() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.last = nn.Linear(2, 8), nn.Linear(8, 8), nn.Linear(8, 1)

        def forward(self, x):
            return self.last(torch.sin(3.0 * self.second(torch.sin(3.0 * self.first(x)))))

    return Entry(Net(), torch.rand(8, 2), torch.randn(8, 1))


@entry
def variational_autoencoder() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.decoder = nn.Linear(6, 4), nn.Linear(2, 6)

        def forward(self, x, noise):
            mean, log_variance = self.encoder(x).chunk(2, dim=1)
            z = mean + torch.exp(0.5 * log_variance) * noise
            divergence = -0.5 * (1 + log_variance - mean.pow(2) - log_variance.exp()).sum(1).mean()
            return self.decoder(z), divergence

    def loss(outputs, x):
        return F.mse_loss(outputs[0], x) + 0.1 * outputs[1]

    x = torch.randn(5, 6)
    return Entry(Net(), (x, torch.randn(5, 2)), x, loss)


@entry
def physics_informed() -> Entry:
    """The heat equation by its residual and its border."""

    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 5), nn.Tanh(), nn.Linear(5, 1))

        def forward(self, points, border):
            points = points.clone().requires_grad_(True)
            (slope,) = torch.autograd.grad(self.net(points).sum(), points, create_graph=True)
            (bend,) = torch.autograd.grad(slope[:, 0].sum(), points, create_graph=True)
            return slope[:, 1] - bend[:, 0], self.net(border)

    def loss(outputs, wanted):
        return outputs[0].square().mean() + F.mse_loss(outputs[1], wanted)

    border = torch.rand(4, 2)
    return Entry(Net(), (torch.rand(6, 2), border), border[:, :1].sin(), loss)


@entry
def squeeze_and_excitation() -> Entry:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv, self.squeeze, self.excite = nn.Conv2d(2, 4, 3), nn.Linear(4, 2), nn.Linear(2, 4)

        def forward(self, x):
            h = F.silu(self.conv(x))
            s = torch.sigmoid(self.excite(F.silu(self.squeeze(h.mean((2, 3))))))
            return (h * s[:, :, None, None]).mean((2, 3))

    return Entry(Net(), torch.randn(3, 2, 5, 5), torch.randn(3, 4))


@entry
def max_pool_network() -> Entry:
    net = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3, padding=1), nn.LeakyReLU(0.1),
        nn.MaxPool2d(3, stride=2, padding=1), nn.Flatten(), nn.Linear(16, 3),
    )  # fmt: skip
    return Entry(net, torch.randn(IMAGES), CLASSES, "cross_entropy", smooth=False)
