"""The network of the credit risk model."""

import torch
from torch import Tensor, nn


class CreditNetwork(nn.Module):
    """Two hidden layers with a linear path beside them, over standardised features."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.deep = nn.Sequential(
            nn.Linear(width, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, hidden), nn.ReLU(), nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )  # fmt: skip
        self.linear = nn.Linear(width, 1)

    def logits(self, features: Tensor) -> Tensor:
        """Features (batch, width) to log odds of default (batch,)."""
        return (self.deep(features) + self.linear(features)).squeeze(1)

    def forward(self, features: Tensor) -> Tensor:
        """Features (batch, width) to chances of default (batch,)."""
        return torch.sigmoid(self.logits(features))
