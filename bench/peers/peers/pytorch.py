# PyTorch on one thread. It reads one JSON request a line from standard input and writes one JSON answer a line. It measures
# the times itself, so that they do not include the pipe.

import json
import sys
import time

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


def has_fused_adam():
    p = torch.zeros(4, requires_grad=True)
    p.grad = torch.ones(4)
    try:
        torch.optim.Adam([p], fused=True).step()
        return True
    except (RuntimeError, TypeError, ValueError):
        return False


def blas():
    if torch.backends.mkl.is_available():
        return "MKL"
    try:
        with open("/proc/self/maps") as maps:
            loaded = maps.read().lower()
    except OSError:
        return "unknown BLAS"
    return next((name for name in ("openblas", "blis", "atlas") if name in loaded), "reference BLAS")


def read_floats(path):
    with open(path, "rb") as file:
        return torch.frombuffer(bytearray(file.read()), dtype=torch.float32)


def watch():
    wall, cpu = time.perf_counter(), time.process_time()
    return lambda: {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


class Session:
    def __init__(self, layers, top_k, rows, ring, images, weights, shapes, adam, fused):
        self.depth, self.top_k = len(layers) - 1, top_k
        batch = rows * layers[0]
        data = read_floats(images)
        self.ring = [data[i * batch : (i + 1) * batch].view(rows, layers[0]) for i in range(ring)]
        flat, at, self.named = read_floats(weights), 0, {}
        for name, shape in shapes:
            size = torch.Size(shape).numel()
            self.named[name] = flat[at : at + size].view(shape).clone().requires_grad_()
            at += size
        options = {"fused": True} if fused else {}
        self.optimizer = torch.optim.Adam(
            self.named.values(),
            lr=adam["learningRate"],
            betas=(adam["beta1"], adam["beta2"]),
            eps=adam["epsilon"],
            **options,
        )
        self.trained = self.encoded = 0

    def encoder(self, x):
        for i in range(self.depth):
            weight, bias = self.named[f"encoder.{i}.weight"], self.named[f"encoder.{i}.bias"]
            x = F.relu(F.linear(x, weight, bias))
        if self.top_k:
            kept = x.topk(self.top_k)
            x = torch.zeros_like(x).scatter(1, kept.indices, kept.values)
        return x

    def reconstruct(self, x):
        h = self.encoder(x)
        for i in reversed(range(self.depth)):
            weight, bias = self.named[f"encoder.{i}.weight"], self.named[f"decoder.{i}.bias"]
            h = F.linear(h, weight.t(), bias)
            h = F.relu(h) if i > 0 else h
        return h

    def train(self, steps):
        elapsed = watch()
        for _ in range(steps):
            x = self.ring[self.trained % len(self.ring)]
            self.trained += 1
            self.optimizer.zero_grad(set_to_none=True)
            loss = F.mse_loss(self.reconstruct(x), x)
            loss.backward()
            self.optimizer.step()
        loss = loss.item()
        return {**elapsed(), "loss": loss}

    @torch.inference_mode()
    def encode(self, calls):
        elapsed = watch()
        for _ in range(calls):
            self.encoder(self.ring[self.encoded % len(self.ring)])
            self.encoded += 1
        return elapsed()

    @torch.inference_mode()
    def code(self, file):
        return write_floats(file, [self.encoder(self.ring[0])])

    def weights(self, file):
        return write_floats(file, [p.detach() for p in self.named.values()])


def write_floats(path, tensors):
    with open(path, "wb") as file:
        for tensor in tensors:
            file.write(bytes(tensor.contiguous().flatten().view(torch.uint8).tolist()))
    return {}


def answer(sessions, request):
    ask, session = request.pop("ask"), request.pop("session", None)
    if ask == "hello":
        return {"version": torch.__version__, "blas": blas(), "fused": has_fused_adam()}
    if ask == "start":
        sessions[session] = Session(**request)
        return {}
    if ask == "dispose":
        del sessions[session]
        return {}
    return getattr(sessions[session], ask)(**request)


def serve():
    sessions = {}
    for line in sys.stdin:
        try:
            reply = answer(sessions, json.loads(line))
        except Exception as error:  # The other process reports it and continues.
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


serve()
