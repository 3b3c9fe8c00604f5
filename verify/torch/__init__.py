"""The toolkit beside PyTorch: optimisers whose steps are proved or bounded, and a monitor for any. Needs the extra."""

from verify.torch.clipped import ClippedMomentum
from verify.torch.conversion import Residual, convert
from verify.torch.correspondence import Correspondence
from verify.torch.epoch_guard import EpochGuard, EpochReport
from verify.torch.monitor import Monitor, StepReport
from verify.torch.optimiser import CertifiedMomentum
from verify.torch.scalars import TensorBoardLog
from verify.torch.tensors.enclosures import error_enclosure, gradient_enclosure, segment_bound

__all__ = [
    "CertifiedMomentum",
    "ClippedMomentum",
    "Correspondence",
    "EpochGuard",
    "EpochReport",
    "Monitor",
    "Residual",
    "StepReport",
    "TensorBoardLog",
    "convert",
    "error_enclosure",
    "gradient_enclosure",
    "segment_bound",
]
