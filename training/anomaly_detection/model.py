"""The network of the anomaly detector: what is known to be wrong, and what is merely strange."""

import torch
from torch import Tensor, nn

# An error three times that of the cut is as good as certain.
STEEPNESS = 6.0


class Autoencoder(nn.Module):
    """Squeezes ordinary payments through few numbers; strange ones come out changed."""

    def __init__(self, width: int, hidden: int, code: int) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, code))
        self.decoder = nn.Sequential(nn.Linear(code, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, width) to their reconstruction, the same shape."""
        return self.decoder(self.encoder(features))

    def denoising_loss(self, features: Tensor, others: Tensor, swapped: float) -> Tensor:
        """Mean squared error of ``features`` rebuilt after a share was swapped for ``others``.

        To undo the swap the code must hold how features hang together, and not copy each
        (swap noise on Vincent et al., Extracting and Composing Robust Features, 2008).
        """
        swap = torch.rand_like(features) < swapped
        rebuilt = self(torch.where(swap, others, features))
        return nn.functional.mse_loss(rebuilt, features)


class AnomalyNetwork(nn.Module):
    """A detector of known kinds beside an autoencoder for kinds that nobody has named.

    Each has a cut, set on honest payments; a score of 0.5 is a payment right on one of them.
    """

    known_cut: Tensor
    strange_cut: Tensor

    def __init__(self, width: int, hidden: int, code: int, dropout: float) -> None:
        super().__init__()
        self.autoencoder = Autoencoder(width, hidden, code)
        self.detector = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )  # fmt: skip
        self.register_buffer("known_cut", torch.zeros(()))
        self.register_buffer("strange_cut", torch.zeros(()))

    def known(self, features: Tensor) -> Tensor:
        """Features (batch, width) to log odds of a known kind of anomaly (batch,)."""
        return self.detector(features).squeeze(1)

    def strange(self, features: Tensor) -> Tensor:
        """Features (batch, width) to the logarithm of the reconstruction's error (batch,)."""
        error = (self.autoencoder(features) - features).square().sum(dim=1)
        return torch.log(error + 1e-6)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (batch, width) to scores in 0..1 (batch,): known kind, and strangeness."""
        known = torch.sigmoid(self.known(features) - self.known_cut)
        strange = torch.sigmoid(STEEPNESS * (self.strange(features) - self.strange_cut))
        return known, strange
