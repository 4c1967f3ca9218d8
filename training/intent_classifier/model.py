"""The network of the intent classifier."""

import torch
from torch import Tensor, nn

from training.networks import TokenEncoder


class IntentNetwork(nn.Module):
    """Convolutional text classifier over hashed word and character n-gram embeddings."""

    def __init__(self, buckets: int, size: int, labels: int) -> None:
        super().__init__()
        self.encoder = TokenEncoder(buckets, size, dilations=(1, 2, 4), dropout=0.2)
        self.attention = nn.Linear(size, 1)
        self.head = nn.Sequential(
            nn.Linear(2 * size, 2 * size), nn.ReLU(), nn.Dropout(0.3), nn.Linear(2 * size, labels)
        )

    def logits(self, ids: Tensor) -> Tensor:
        """Ids (batch, tokens, width) to scores (batch, labels)."""
        words, mask = self.encoder(ids)
        hidden = (1.0 - mask) * -1e4
        weights = torch.softmax(self.attention(words) + hidden, dim=1)
        attended = (weights * words).sum(dim=1)
        strongest = (words + hidden).amax(dim=1)
        return self.head(torch.cat([attended, strongest], dim=1))

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (batch, tokens, width) to probabilities (batch, labels)."""
        return torch.softmax(self.logits(ids), dim=1)
