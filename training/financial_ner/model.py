"""The network of the financial NER."""

import torch
from torch import Tensor, nn

from training.networks import TokenEncoder

DILATIONS = (1, 2, 4)
# Words to each side that a word's label can depend on: kernels of three reach one dilation each.
REACH = sum(DILATIONS)


class TaggerNetwork(nn.Module):
    """Convolutional tagger over hashed word, shape and character n-gram embeddings."""

    def __init__(self, buckets: int, size: int, tags: int) -> None:
        super().__init__()
        self.encoder = TokenEncoder(buckets, size, DILATIONS, dropout=0.2)
        # A feature that training never meets keeps its first values: let it say next to nothing.
        nn.init.normal_(self.encoder.embedding.table.weight, std=0.02)
        self.head = nn.Sequential(nn.LayerNorm(size), nn.Dropout(0.2), nn.Linear(size, tags))

    def logits(self, ids: Tensor) -> Tensor:
        """Ids (batch, tokens, width) to scores (batch, tokens, tags)."""
        words, _ = self.encoder(ids)
        return self.head(words)

    def forward(self, ids: Tensor) -> Tensor:
        """Ids (batch, tokens, width) to probabilities (batch, tokens, tags)."""
        return torch.softmax(self.logits(ids), dim=2)
