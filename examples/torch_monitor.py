"""A monitor on an ordinary PyTorch training loop, then a run whose every step is proved. Needs the extra `torch`.

python examples/torch_monitor.py
"""

import torch
from torch import nn

from verify.torch import CertifiedMomentum, Monitor, Residual

torch.manual_seed(0)
x = torch.linspace(-2, 2, 64, dtype=torch.float64).reshape(-1, 1)
y = torch.sin(2 * x)


def network() -> nn.Module:
    return nn.Sequential(nn.Linear(1, 16), nn.Tanh(), Residual(nn.Linear(16, 16), nn.Tanh()), nn.Linear(16, 1)).double()


def loss_of(module: nn.Module) -> torch.Tensor:
    return 0.5 * ((module(x) - y) ** 2).sum() / len(x)


# Your own optimiser, watched: each step is PROVED to decrease the error, REFUTED (it increased), or UNDECIDED.
module = network()
optimizer = torch.optim.SGD(module.parameters(), lr=0.2, momentum=0.9)
with Monitor(optimizer, module, x, y) as monitor:  # increases are also warnings of the logger "verify.torch"
    for _ in range(100):
        optimizer.zero_grad()
        loss_of(module).backward()
        optimizer.step()
verdicts = [report.verdict.value for report in monitor.reports]
print("SGD:", {verdict: verdicts.count(verdict) for verdict in sorted(set(verdicts))}, f"loss {loss_of(module):.5f}")
if (first := monitor.first_increase) is not None:
    print(f"  step {first.index} increased the error by at least {first.change[0]:.3g}")

# No learning rate to tune: the length of every step is proved before it is taken.
module = network()
certified = CertifiedMomentum(module, x, y)


def closure() -> torch.Tensor:
    certified.zero_grad()
    loss = loss_of(module)
    loss.backward()
    return loss


for _ in range(100):
    certified.step(closure)
proved = sum(record.verdict.value == "PROVED" for record in certified.records)
print(f"CertifiedMomentum: {proved} of 100 steps PROVED, loss {loss_of(module):.5f}")
