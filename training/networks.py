"""Layers that the text models share, and the loop that fits any of the four."""

import math
import sys
from collections.abc import Callable
from contextvars import ContextVar

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor, nn


class HashedTokenEmbedding(nn.Module):
    """Mean of the embeddings of a token's feature ids, scaled by their square root.

    Ids (batch, tokens, width) to vectors (batch, tokens, size); id 0 is padding.
    """

    def __init__(self, buckets: int, size: int, feature_dropout: float) -> None:
        super().__init__()
        self.table = nn.Embedding(buckets + 1, size, padding_idx=0)
        self.feature_dropout = feature_dropout
        nn.init.normal_(self.table.weight, std=1.0 / math.sqrt(size))
        with torch.no_grad():
            self.table.weight[0].zero_()

    def forward(self, ids: Tensor) -> Tensor:
        """Embed; in training some features are left out, so that none is relied on alone."""
        kept = (ids > 0).float()
        if self.training and self.feature_dropout:
            kept = kept * (torch.rand_like(kept) >= self.feature_dropout).float()
        count = kept.sum(dim=2, keepdim=True).clamp(min=1.0)
        return (self.table(ids) * kept.unsqueeze(3)).sum(dim=2) / count.sqrt()


class ConvolutionBlock(nn.Module):
    """Residual convolution over tokens that never lets padding leak into words."""

    def __init__(self, size: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(size)
        self.convolution = nn.Conv1d(size, size, 3, padding=dilation, dilation=dilation)
        self.dropout = nn.Dropout(dropout)

    def forward(self, words: Tensor, mask: Tensor) -> Tensor:
        """Words (batch, tokens, size) and mask (batch, tokens, 1) to words of the same shape."""
        inner = (self.norm(words) * mask).transpose(1, 2)
        inner = torch.relu(self.convolution(inner)).transpose(1, 2)
        return (words + self.dropout(inner)) * mask


class TokenEncoder(nn.Module):
    """Hashed embeddings and a stack of dilated convolutions: a token sees its neighbourhood."""

    def __init__(self, buckets: int, size: int, dilations: tuple[int, ...], dropout: float) -> None:
        super().__init__()
        self.embedding = HashedTokenEmbedding(buckets, size, feature_dropout=0.15)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(ConvolutionBlock(size, d, dropout) for d in dilations)

    def forward(self, ids: Tensor) -> tuple[Tensor, Tensor]:
        """Ids (batch, tokens, width) to words (batch, tokens, size), mask (batch, tokens, 1)."""
        mask = (ids[:, :, :1] > 0).float()
        words = self.dropout(self.embedding(ids)) * mask
        for block in self.blocks:
            words = block(words, mask)
        return words, mask


# Who wants to know of each epoch that is done, besides a terminal: its number, and of how many.
HEARD: ContextVar[Callable[[int, int], None] | None] = ContextVar("heard", default=None)


def seed_everything(seed: int) -> None:
    """Make initial weights, dropout and shuffling repeatable, on one thread."""
    torch.manual_seed(seed)
    # Small networks are slower on two threads, and sums come out in another order.
    torch.set_num_threads(1)


def _learning_rate(step: int, steps: int) -> float:
    warm = max(1, steps // 10)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def minimise(
    network: nn.Module,
    loss: Callable[[Tensor], Tensor],
    *,
    rows: int,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    seed: int,
    title: str,
    weight_decay: float = 0.01,
) -> None:
    """Fit with AdamW, one warm-up and cosine decay; ``loss`` takes the row indices of a batch.

    Leaves the network in evaluation mode. A bar shows the progress on a terminal.
    """
    shuffler = np.random.default_rng(seed)
    batches = math.ceil(rows / batch_size)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: _learning_rate(step, epochs * batches)
    )
    network.train()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(title, total=epochs * batches)
        heard = HEARD.get()
        for epoch in range(epochs):
            order = torch.from_numpy(shuffler.permutation(rows))
            for batch in order.split(batch_size):
                optimiser.zero_grad()
                value = loss(batch)
                value.backward()
                nn.utils.clip_grad_norm_(network.parameters(), 1.0)
                optimiser.step()
                schedule.step()
                bar.advance(task)
            if heard is not None:
                heard(epoch + 1, epochs)
    network.eval()
