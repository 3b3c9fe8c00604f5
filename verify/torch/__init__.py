"""The toolkit beside PyTorch: an optimiser whose every step is proved, and a monitor for any other. Needs the extra."""

from verify.torch.conversion import Residual, convert
from verify.torch.correspondence import Correspondence
from verify.torch.monitor import Monitor, StepReport
from verify.torch.optimiser import CertifiedMomentum

__all__ = ["CertifiedMomentum", "Correspondence", "Monitor", "Residual", "StepReport", "convert"]
