# The untied model that variational.mjs is held against: same layers, loss, optimizer and batches, in PyTorch.
#
#   python3 variational.py FOLDER EPOCHS ACTIVATION RATE SCHEDULE

import gzip
import math
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

folder, epochs, activation, rate = sys.argv[1], int(sys.argv[2]), sys.argv[3], float(sys.argv[4])
is_cosine = sys.argv[5] == "cosine"
act = {"relu": torch.relu, "tanh": torch.tanh, "sigmoid": torch.sigmoid, "softplus": F.softplus}[activation]
torch.manual_seed(42)
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))


def images(name):
    path = os.path.join(folder, name)
    opened = gzip.open(path + ".gz") if os.path.exists(path + ".gz") else open(path, "rb")
    with opened as file:
        data = bytearray(file.read()[16:])
    return torch.frombuffer(data, dtype=torch.uint8).reshape(-1, 784).float() / 255


class Untied(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden, self.mean, self.log_variance = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
        self.up, self.out = nn.Linear(20, 400), nn.Linear(400, 784)

    def negative_elbo(self, x):
        """The mean over rows, in nats, with one code drawn for each."""
        h = act(self.hidden(x))
        mean, s = self.mean(h), self.log_variance(h)
        z = mean + torch.exp(s / 2) * torch.randn_like(s)
        logits = self.out(act(self.up(z)))
        error = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
        return (error + (mean * mean + s.exp() - 1 - s).sum() / 2) / len(x)


train, test = images("train-images-idx3-ubyte"), images("t10k-images-idx3-ubyte")
model = Untied()
optimizer = torch.optim.Adam(model.parameters(), lr=rate)
start = time.time()
for epoch in range(epochs):
    total = 0.0
    if is_cosine:
        for group in optimizer.param_groups:
            group["lr"] = rate * (1 + math.cos(math.pi * epoch / epochs)) / 2
    for rows in torch.randperm(len(train)).split(128):
        loss = model.negative_elbo(train[rows])
        optimizer.zero_grad()
        (loss / 784).backward()
        optimizer.step()
        total += loss.item() * len(rows)
    if epoch % 5 == 4 or epoch + 1 == epochs:
        with torch.no_grad():
            held = model.negative_elbo(test).item()
        print(
            f"untied, PyTorch {torch.__version__}, epoch {epoch + 1}: {total / len(train):.2f} nats in training,"
            f" {held:.2f} on test images, {time.time() - start:.0f} s",
            flush=True,
        )
