"""Training of a float model: AdamW, a short rise of the rate and half a cosine, constant seeds."""

import time
from typing import NamedTuple

import numpy as np
import torch

import net


class Recipe(NamedTuple):
    seed: int
    epochs: int
    batch: int
    rate: float
    warm_up: int
    weight_decay: float
    label_smoothing: float


def optimizer_for(model, recipe):
    """Decay only the pointwise and classifier weights: decay drives depthwise channels and biases to zero."""
    decayed, free = [], []
    for parameter in model.parameters():
        pointwise = parameter.ndim == 2 or (parameter.ndim == 4 and parameter.shape[1] > 1)
        (decayed if pointwise else free).append(parameter)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": free, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=recipe.rate)


def train(topology, recipe, codes, labels, change=lambda real, random: real):
    """Train on input codes; `change` may replace each batch [n, c, h, w], given a random generator of its own."""
    torch.manual_seed(recipe.seed)
    model = net.FloatNetwork(topology).to(memory_format=torch.channels_last)
    optimizer = optimizer_for(model, recipe)
    steps = recipe.epochs * (len(codes) // recipe.batch)

    def rate(step):
        return min(1.0, (step + 1) / recipe.warm_up) * 0.5 * (1 + np.cos(np.pi * step / steps))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    loss_function = torch.nn.CrossEntropyLoss(label_smoothing=recipe.label_smoothing)
    order, changes = np.random.default_rng(recipe.seed), np.random.default_rng([recipe.seed, 1])
    targets = torch.from_numpy(labels.astype(np.int64))
    for epoch in range(recipe.epochs):
        started, losses = time.time(), []
        shuffled = order.permutation(len(codes))
        for start in range(0, len(codes) - recipe.batch + 1, recipe.batch):
            chosen = shuffled[start:start + recipe.batch]
            real = change(net.real_input(topology, codes[chosen]), changes)
            loss = loss_function(model(real), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        seconds = time.time() - started
        print(f"epoch {epoch + 1}/{recipe.epochs}: loss {np.mean(losses):.4f}, {seconds:.0f} s", flush=True)
    return model.eval()
