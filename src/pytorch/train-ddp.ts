// train_ddp.py: trains an exported model under torchrun, in one process or on many machines.

export const trainDdpPy: string = `"""Trains a model of the npm package tied-autoencoder on any number of processes and machines.

    torchrun --nproc_per_node 4 train_ddp.py model.safetensors data.npy --out trained.safetensors
    torchrun --nnodes 2 --nproc_per_node 8 --rdzv_backend c10d --rdzv_endpoint HOST:29500 train_ddp.py ...

Every process sees the same batches and takes its share of their rows, so the result is one process's, except for
rounding, dropout and the noise of a gaussian code. KL sparsity, batch top-k and the auxiliary loss look at each process's
share, as they do at micro-batches. Data are rows of numbers, .npy [rows, columns] or .csv with or without a line of names.
"""

import argparse
import os

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from tied_autoencoder import TiedAutoencoder


class TrainingLoss(nn.Module):
    """The loss as a module's forward pass, which is what DistributedDataParallel wraps."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x, count, rows):
        return self.model.loss(x, count, rows)


def read_rows(path):
    if path.endswith(".npy"):
        return np.load(path, mmap_mode="r")  # a process reads the rows it needs
    with open(path) as file:
        first = file.readline().split(",")
    skip = 0 if all(map(is_number, first)) else 1  # names of columns
    return np.genfromtxt(path, delimiter=",", skip_header=skip, dtype=np.float32, ndmin=2)


def is_number(cell):
    try:
        float(cell.strip() or "nan")
        return True
    except ValueError:
        return False


def main():
    parser = argparse.ArgumentParser(description="Train a tied autoencoder under torchrun.")
    parser.add_argument("model", help="model.safetensors to start from")
    parser.add_argument("data", help=".npy or .csv, one row an example")
    parser.add_argument("--out", default="trained.safetensors", help="where the trained model goes")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch-size", type=int, default=32, help="rows a step, over all processes")
    parser.add_argument("--learning-rate", type=float, help="instead of the model's own")
    parser.add_argument("--no-shuffle", action="store_true", help="take the rows in order")
    parser.add_argument("--seed", type=int, default=0, help="of the shuffles and of dropout")
    options = parser.parse_args()

    cuda = torch.cuda.is_available()
    if "RANK" not in os.environ:  # started with plain python: one process
        alone = {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}
        os.environ.update(alone, MASTER_ADDR="127.0.0.1", MASTER_PORT="29500")
    dist.init_process_group("nccl" if cuda else "gloo")
    rank, world = dist.get_rank(), dist.get_world_size()
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"])) if cuda else torch.device("cpu")

    data = read_rows(options.data)
    model = TiedAutoencoder.load(options.model)
    columns = model.config["layers"][0]
    if data.ndim != 2 or data.shape[1] != columns:
        raise SystemExit(f"{options.data} has shape {data.shape}; the model takes rows of {columns}")
    if not model.fitted:
        model.fit_scaler(torch.from_numpy(np.array(data)))
    model.to(device)
    # Buffers are the same everywhere already: counts and thresholds are reduced over all processes.
    training = DistributedDataParallel(
        TrainingLoss(model), device_ids=[device.index] if cuda else None, broadcast_buffers=False
    )
    optimizer = model.make_optimizer()
    if options.learning_rate is not None:
        for group in optimizer.param_groups:
            group["lr"] = options.learning_rate
    masked = model.config.get("missing") == "mask"
    torch.manual_seed(options.seed + rank)  # dropout differs between processes

    for epoch in range(options.epochs):
        order = torch.arange(len(data))
        if not options.no_shuffle:  # the same order in every process
            order = torch.randperm(len(data), generator=torch.Generator().manual_seed(options.seed + epoch))
        total = 0.0
        for first in range(0, len(data), options.batch_size):
            batch = order[first : first + options.batch_size]
            share = batch[rank::world].numpy()
            rows = np.array(data[share], dtype=np.float32).reshape(-1, columns)  # of none, if need be
            x = torch.from_numpy(rows).to(device)
            # Gradients are averaged over processes: each divides by the mean count, whatever its share.
            count = torch.tensor(float((~torch.isnan(x)).sum() if masked else x.numel()), device=device)
            dist.all_reduce(count)
            loss = training(x, count / world, len(batch) / world)
            optimizer.zero_grad()
            loss.backward()
            model.step(optimizer)
            mean = loss.detach().clone()
            dist.all_reduce(mean)
            if not torch.isfinite(mean):
                raise SystemExit(f"training diverged in epoch {epoch}: the loss is {mean.item()}")
            total += mean.item() / world * len(batch)
        if rank == 0:
            print(f"epoch {epoch + 1}/{options.epochs} loss {total / len(data):.6g}", flush=True)

    if rank == 0:
        model.save(options.out)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
`;
