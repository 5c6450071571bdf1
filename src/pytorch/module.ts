// tied_autoencoder.py: the model as a PyTorch module, which reads its configuration from the model's file. It needs only
// torch. The format of the file is simple, so the module reads and writes it itself.

import type { ConstraintName } from "../constraints/index.ts";
import type { ActivationName } from "../layers/activations.ts";
import type { LossName } from "../losses/index.ts";
import type { CodeName } from "../model/codes.ts";
import type { ScalerName } from "../model/scalers.ts";
import type { OptimizerName } from "../optimizers/index.ts";
import type { PenaltyName } from "../penalties/index.ts";

/**
 * The names that the module below knows. A model that uses another one is refused, because the module would fail on it,
 * or would train without it.
 */
export const supported = {
  activation: [
    "linear",
    "relu",
    "leakyRelu",
    "elu",
    "selu",
    "gelu",
    "geluTanh",
    "silu",
    "softplus",
    "sigmoid",
    "tanh",
  ] satisfies ActivationName[],
  loss: ["mse", "mae", "bce", "huber", "smoothL1"] satisfies LossName[],
  optimizer: ["sgd", "adam", "adamw", "rmsprop", "adagrad"] satisfies OptimizerName[],
  code: ["dense", "topK", "batchTopK", "gaussian"] satisfies CodeName[],
  penalty: [
    "l1",
    "l2",
    "klSparsity",
    "codeL1",
    "contraction",
    "orthogonality",
  ] satisfies PenaltyName[],
  constraint: ["unitNorm", "nonNegative", "maxNorm"] satisfies ConstraintName[],
  scaler: ["standard", "minMax", "range"] satisfies ScalerName[],
};

export const modulePy: string = `"""A tied-weight autoencoder in PyTorch, for files of the npm package tied-autoencoder.

    model = TiedAutoencoder.load("model.safetensors")
    code = model.encode(x)
    optimizer = model.make_optimizer()
    loss = model.loss(x); loss.backward(); model.step(optimizer)
    model.save("model.safetensors")      # TiedAutoencoder.load(bytes) in JavaScript reads it

Each weight is one Parameter, used twice: F.linear(x, W, b) to encode, F.linear(h, W.t(), c) to decode. It has
one gradient, which is the sum of both uses, and one place in the optimizer and in the file.
"""

import ctypes
import json
import math
import struct

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": F.relu,
    "leakyRelu": lambda z, slope: F.leaky_relu(z, slope),
    "elu": lambda z, alpha: F.elu(z, alpha),
    "selu": F.selu,
    "gelu": F.gelu,
    "geluTanh": lambda z: F.gelu(z, approximate="tanh"),
    "silu": F.silu,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}

# Sums over all elements; "bce" reads the logits of its sigmoid output.
LOSSES = {
    "mse": lambda y, t: F.mse_loss(y, t, reduction="sum"),
    "mae": lambda y, t: F.l1_loss(y, t, reduction="sum"),
    "bce": lambda y, t: F.binary_cross_entropy_with_logits(y, t, reduction="sum"),
    "huber": lambda y, t, delta: F.huber_loss(y, t, reduction="sum", delta=delta),
    "smoothL1": lambda y, t, beta: F.smooth_l1_loss(y, t, reduction="sum", beta=beta),
}


class TiedAutoencoder(nn.Module):
    """The model of a configuration as the package's files carry it, with nn.Linear's initialization."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        layers = config["layers"]
        self.encoder = nn.ModuleList(
            nn.Linear(inputs, units, bias=config["bias"]) for inputs, units in zip(layers, layers[1:])
        )
        # The decoder has its own biases and no weights.
        self.decoder = nn.ModuleList(nn.ParameterDict() for _ in self.encoder)
        if config["decoderBias"]:
            for part, inputs, units in zip(self.decoder, layers, layers[1:]):
                bound = 1 / math.sqrt(units)
                part["bias"] = nn.Parameter(torch.empty(inputs).uniform_(-bound, bound))
        self.code = Code(config)
        if self.code.type == "gaussian":
            head = nn.Linear(layers[-2], layers[-1])
            self.encoder[-1].logVariance = head
        # What was learned from the data before training; None until then.
        self.scaler = nn.Module()
        self.missing = nn.Module()
        for module, name in self._prepared():
            module.register_buffer(name, None)
        self.constrain()

    def _prepared(self):
        names = []
        if self.config.get("scaler") is not None:
            names += [(self.scaler, "center"), (self.scaler, "scale")]
        if self.config.get("missing", "error") != "error":
            names += [(self.missing, "mean")]
        return names

    # Forward passes

    def encode(self, x):
        """Codes of rows in the data's units."""
        return self._encode(self._scale(self._fill(x)))

    def decode(self, code):
        """Reconstructions in the data's units."""
        y = self._decode(code)
        if self.config.get("scaler") is None:
            return y
        return (y.double() * self.scaler.scale + self.scaler.center).to(y.dtype)

    def forward(self, x):
        """Reconstructions of rows, both in the data's units."""
        return self.decode(self.encode(x))

    def loss(self, x, count=None, rows=None):
        """The mean loss that training lowers, in scaled units, with the code's own terms and penalties.

        count divides the sum of the losses of all elements, and rows the terms that are means over rows. By
        default they are how many there are; give both where these rows are a share of a batch. KL sparsity,
        batch top-k and the auxiliary term look at the rows that they get.
        """
        filled = self._scale(self._fill(x))
        masked = self.config.get("missing") == "mask"
        target = self._scale(x) if masked else filled
        logits = _name(self.config["loss"]) == "bce"
        total, terms = 0.0, 0.0
        rows = x.shape[0] if rows is None else rows
        if x.shape[0] > 0:
            code, activated, terms = self._encode_for_training(filled, rows)
            y = self._decode(self._drop(code), logits)
            known = ~torch.isnan(target) if masked else torch.ones_like(target, dtype=torch.bool)
            total = _call(LOSSES, self.config["loss"], y[known], target[known])
            terms = terms + self._auxiliary(activated, code, y, target, known, logits)
        else:  # a process without rows takes part with zeros
            self.code.observe(filled.new_zeros((0, self.config["layers"][-1])))
            total = sum((p.sum() * 0.0 for p in self.parameters()), 0.0)
        elements = target.numel() if not masked else (~torch.isnan(target)).sum()
        return total / (elements if count is None else count) + terms + self._penalty()

    def _encode(self, h):
        return self._layers(h)[0]

    def _layers(self, h):
        """The code of scaled rows in inference, the last activated values and the last layer's input."""
        if self.code.centered:
            h = h - self.decoder[0]["bias"]
        last = len(self.encoder) - 1
        inner = h
        for i, (linear, spec) in enumerate(zip(self.encoder, self.config["encoderActivations"])):
            inner = h
            h = _call(ACTIVATIONS, spec, F.linear(h, linear.weight, linear.bias))
            if i < last:
                h = self._drop(h)
        return (self.code.select(h, False), h, inner)

    def _encode_for_training(self, h, rows):
        """The code as the decoder reads it, the activated values, and the terms of the loss on the way."""
        if self.code.centered:
            h = h - self.decoder[0]["bias"]
        terms = 0.0
        last = len(self.encoder) - 1
        for i, (linear, spec) in enumerate(zip(self.encoder, self.config["encoderActivations"])):
            inner = h
            z = F.linear(h, linear.weight, linear.bias)
            h = _call(ACTIVATIONS, spec, z)
            terms = terms + self._contraction(linear, spec, z, rows)
            if i < last:
                h = self._drop(h)
        activated = h
        if self.code.type == "gaussian":
            s = self._log_variance(inner)
            kl = 0.5 * (h.square() + s.exp() - 1 - s).sum()
            terms = terms + self.code.beta * kl / (rows * self.config["layers"][0])
            h = h + torch.exp(0.5 * s) * torch.randn_like(h)
        else:
            h = self.code.select(h, True)
        return h, activated, terms + self._code_penalties(h, rows)

    def _log_variance(self, h):
        head = self.encoder[-1].logVariance
        return F.linear(h, head.weight, head.bias).clamp(-30, 20)

    def encode_distribution(self, x):
        """Means and log variances of the codes of rows; gaussian codes only."""
        code, _, inner = self._layers(self._scale(self._fill(x)))
        return code, self._log_variance(inner)

    def _auxiliary(self, activated, code, y, target, known, logits):
        """The loss that revives dead units (Gao et al. 2024); 0 where no unit is dead."""
        settings = self.code.auxiliary
        if settings is None:
            return 0.0
        dead = (self.code.rowsSinceActive >= settings["deadAfter"]).nonzero().flatten()
        if dead.numel() == 0:
            return 0.0
        with torch.no_grad():
            y = torch.sigmoid(y) if logits else y
            e = torch.where(known, target - y, torch.zeros_like(y))
            spread = (e - e.mean(0)).square().sum()
        if not spread > 0:
            return 0.0
        places = dead[_largest(activated[:, dead], min(settings["k"], dead.numel()))]
        h = torch.zeros_like(activated).scatter(1, places, activated.gather(1, places))
        stages = list(self.encoder)[::-1]
        for linear, spec in zip(stages, self.config["decoderActivations"]):
            h = _call(ACTIVATIONS, spec, F.linear(h, linear.weight.t()))
        error = torch.where(known, h - e, torch.zeros_like(h)).square().sum()
        return settings["weight"] * error / spread

    def _decode(self, h, logits=False):
        stages = list(zip(self.encoder, self.decoder))[::-1]
        for i, ((linear, own), spec) in enumerate(zip(stages, self.config["decoderActivations"])):
            bias = own["bias"] if self.config["decoderBias"] else None
            h = F.linear(h, linear.weight.t(), bias)
            last = i + 1 == len(stages)
            if not (last and logits):
                h = _call(ACTIVATIONS, spec, h)
            if not last:
                h = self._drop(h)
        return h

    def _drop(self, h):
        return F.dropout(h, self.config["dropout"], self.training)

    def _penalty(self):
        """Penalties on the tied weights."""
        total = 0.0
        given = [{"type": "l1", "weight": self.config["l1"]}, {"type": "l2", "weight": self.config["l2"]}]
        for penalty in given + list(self.config.get("penalties", [])):
            weight = penalty["weight"]
            for w in (linear.weight for linear in self.encoder):
                if penalty["type"] == "l1" and weight:
                    total = total + weight * w.abs().sum()
                elif penalty["type"] == "l2" and weight:
                    total = total + weight * w.square().sum()
                elif penalty["type"] == "orthogonality":
                    gram = w @ w.t() if w.shape[0] <= w.shape[1] else w.t() @ w
                    eye = torch.eye(gram.shape[0], device=w.device)
                    total = total + weight * (gram - eye).square().sum()
        return total

    def _code_penalties(self, h, rows):
        total = 0.0
        for penalty in self.config.get("penalties", []):
            if penalty["type"] == "codeL1":
                total = total + penalty["weight"] * h.abs().sum() / rows
            elif penalty["type"] == "klSparsity":
                rho = penalty["rho"]
                mean = h.mean(0)
                if _name(self.config["encoderActivations"][-1]) == "tanh":
                    mean = (mean + 1) / 2
                m = mean.clamp(1e-6, 1 - 1e-6)
                kl = rho * torch.log(rho / m) + (1 - rho) * torch.log((1 - rho) / (1 - m))
                total = total + penalty["weight"] * kl.sum()
        return total

    def _contraction(self, linear, spec, z, rows):
        total = 0.0
        for penalty in self.config.get("penalties", []):
            if penalty["type"] != "contraction":
                continue
            name = _name(spec)
            options = {} if isinstance(spec, str) else spec
            slope = {
                "linear": lambda: torch.ones_like(z),
                "relu": lambda: (z > 0).to(z.dtype),
                "leakyRelu": lambda: torch.where(z > 0, 1.0, options.get("slope", 0.01)),
                "elu": lambda: torch.where(z > 0, torch.ones_like(z), options.get("alpha", 1.0) * z.exp()),
                "softplus": lambda: torch.sigmoid(z),
                "sigmoid": lambda: torch.sigmoid(z) * (1 - torch.sigmoid(z)),
                "tanh": lambda: 1 - torch.tanh(z).square(),
            }[name]()
            norms = linear.weight.square().sum(1)
            total = total + penalty["weight"] * (slope.square() * norms).sum() / rows
        return total

    @torch.no_grad()
    def constrain(self):
        """Moves the tied weights to where the configured constraint holds."""
        constraint = self.config.get("constraint")
        if constraint is None:
            return
        for i, linear in enumerate(self.encoder):
            w = linear.weight
            norms = w.norm(dim=1, keepdim=True)
            if _name(constraint) == "unitNorm" and i == 0:
                w.div_(torch.where(norms > 0, norms, torch.ones_like(norms)))
            elif _name(constraint) == "nonNegative":
                w.clamp_(min=0)
            elif _name(constraint) == "maxNorm":
                most = constraint["max"]
                w.mul_(torch.where(norms > most, most / norms, torch.ones_like(norms)))

    @torch.no_grad()
    def project(self):
        """Takes the part of the gradient along each row of the first weight away, under unit norm."""
        if self.config.get("constraint") is None or _name(self.config["constraint"]) != "unitNorm":
            return
        w = self.encoder[0].weight
        along = (w.grad * w).sum(1, keepdim=True) / (w * w).sum(1, keepdim=True)
        w.grad.sub_(along * w)

    # Scaling and missing values

    def fit_scaler(self, x):
        """Learns the columns' means, deviations and ranges from rows, where the configuration asks for them."""
        x = x.double()
        known = ~torch.isnan(x)
        count = known.sum(0)
        if (count == 0).any():
            raise ValueError("a column holds no number at all")
        mean = x.nansum(0) / count
        if self.config.get("scaler") == "standard":
            variance = (x - mean).square().nansum(0) / count
            eps = torch.finfo(torch.float64).eps
            constant = variance <= count * eps * variance + (count * mean * eps).square()
            self.scaler.center = mean
            self.scaler.scale = torch.where(constant, torch.ones_like(mean), variance.sqrt())
        elif _name(self.config.get("scaler", "none")) == "range":
            low, high = self.config["scaler"]["min"], self.config["scaler"]["max"]
            self.scaler.center = torch.full_like(mean, low)
            self.scaler.scale = torch.full_like(mean, high - low)
        elif self.config.get("scaler") == "minMax":
            low = torch.where(known, x, torch.full_like(x, math.inf)).amin(0)
            size = torch.where(known, x, torch.full_like(x, -math.inf)).amax(0) - low
            eps = torch.finfo(torch.float64).eps
            constant = size <= 10 * eps * torch.maximum(low.abs(), (low + size).abs())
            self.scaler.center = low
            self.scaler.scale = torch.where(constant, torch.ones_like(size), size)
        if self.config.get("missing", "error") != "error":
            self.missing.mean = mean

    @property
    def fitted(self):
        return all(getattr(module, name) is not None for module, name in self._prepared())

    def _fill(self, x):
        if self.config.get("missing", "error") == "error":
            return x
        return torch.where(torch.isnan(x), self.missing.mean.to(x.dtype), x)

    def _scale(self, x):
        if self.config.get("scaler") is None:
            return x
        return ((x.double() - self.scaler.center) / self.scaler.scale).to(x.dtype)

    # Training

    def make_optimizer(self):
        """The configured optimizer over all parameters."""
        o = self.config["optimizer"]
        common = {"lr": o["learningRate"], "weight_decay": o["weightDecay"]}
        p = self.parameters()
        if o["type"] == "sgd":
            return torch.optim.SGD(p, momentum=o["momentum"], nesterov=o["nesterov"], **common)
        if o["type"] == "adagrad":
            return torch.optim.Adagrad(p, eps=o["epsilon"], **common)
        if o["type"] == "rmsprop":
            return torch.optim.RMSprop(
                p,
                alpha=o["alpha"],
                eps=o["epsilon"],
                momentum=o["momentum"],
                centered=o["centered"],
                **common,
            )
        adam = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[o["type"]]
        return adam(p, betas=(o["beta1"], o["beta2"]), eps=o["epsilon"], **common)

    def step(self, optimizer):
        """Projects and clips as configured, one optimizer step, then the constraint."""
        self.project()
        if "clipNorm" in self.config["optimizer"]:
            nn.utils.clip_grad_norm_(self.parameters(), self.config["optimizer"]["clipNorm"])
        optimizer.step()
        self.constrain()

    # Files

    @classmethod
    def load(cls, path):
        """A model from a file that either side saved. An optimizer's state in it is left out."""
        tensors, metadata = read_safetensors(path)
        if metadata.get("format") != "tied-autoencoder" or metadata.get("version") not in ("1", "2"):
            raise ValueError(f"{path} is not a model of tied-autoencoder, format version 1 or 2")
        model = cls(json.loads(metadata["config"]))
        state = {k: t for k, t in tensors.items() if not k.startswith(("optimizer.", "best.", "last."))}
        model.load_state_dict(state)
        return model

    def load_state_dict(self, state_dict, *args, **kwargs):
        """As every module's; what was learned of the data comes along where the state holds it."""
        for module, name in self._prepared():
            key = ("scaler." if module is self.scaler else "missing.") + name
            if key in state_dict:
                setattr(module, name, torch.empty_like(state_dict[key]))
        return super().load_state_dict(state_dict, *args, **kwargs)

    def save(self, path):
        """Writes the model: weights once each, what was learned of the data, and the configuration."""
        metadata = {"format": "tied-autoencoder", "version": "2", "config": json.dumps(self.config)}
        write_safetensors(path, self.state_dict(), metadata)


class Code(nn.Module):
    """What a code keeps of its units, and what training counts of them."""

    def __init__(self, config):
        super().__init__()
        spec = config.get("code", "dense")
        options = {} if isinstance(spec, str) else spec
        self.type = _name(spec)
        self.k = options.get("k")
        self.beta = options.get("beta", 1.0)
        self.centered = options.get("centered", False)
        self.auxiliary = options.get("auxiliary")
        if self.type in ("topK", "batchTopK"):
            self.register_buffer("rowsSinceActive", torch.zeros(config["layers"][-1], dtype=torch.int64))
        if self.type == "batchTopK":
            self.register_buffer("threshold", torch.zeros(1))

    def select(self, h, training):
        """The values that stay; the others are 0. Training counts, and moves the threshold."""
        if self.type not in ("topK", "batchTopK"):
            return h
        if self.type == "topK":
            places = _largest(h, self.k)
            kept = torch.zeros_like(h).scatter(1, places, h.gather(1, places))
        elif training:
            flat = h.reshape(1, -1)
            places = _largest(flat, self.k * h.shape[0])
            kept = torch.zeros_like(flat).scatter(1, places, flat.gather(1, places)).reshape(h.shape)
        else:
            kept = torch.where(h > self.threshold, h, torch.zeros_like(h))
        if training:
            self.observe(kept.detach())
        return kept

    @torch.no_grad()
    def observe(self, kept):
        """Counts rows without activity over all processes, and moves the threshold of batch top-k."""
        if self.type not in ("topK", "batchTopK"):
            return
        active = (kept > 1e-3).any(0).to(torch.int64) if len(kept) else torch.zeros_like(self.rowsSinceActive)
        rows = torch.tensor([len(kept)], device=kept.device)
        positive = kept[kept > 0]
        least = positive.min() if positive.numel() else torch.tensor(math.inf, device=kept.device)
        if dist.is_available() and dist.is_initialized():
            dist.all_reduce(active)
            dist.all_reduce(rows)
            dist.all_reduce(least, op=dist.ReduceOp.MIN)
        since = torch.where(active > 0, torch.zeros_like(self.rowsSinceActive), self.rowsSinceActive + rows)
        self.rowsSinceActive.copy_(since.clamp(max=2**32 - 1))
        if self.type == "batchTopK" and torch.isfinite(least):
            moved = self.threshold + 0.01 * (least - self.threshold)
            self.threshold.copy_(torch.where(self.threshold == 0, least, moved))


def _largest(h, k):
    """Places of the k largest values of each row; of equal values the first."""
    return torch.sort(h, dim=1, descending=True, stable=True).indices[:, :k]


def _name(spec):
    return spec if isinstance(spec, str) else spec["type"]


def _call(table, spec, *values):
    """Calls what a configuration names, "relu" or {"type": "elu", "alpha": 1}, with its parameters."""
    parameters = {} if isinstance(spec, str) else {k: v for k, v in spec.items() if k != "type"}
    return table[_name(spec)](*values, **parameters)


# The safetensors format: a length, a JSON header, the tensors' bytes. Weights are float32, what was learned of the
# data's scale is float64, and counts are uint32, which are int64 here.

DTYPES = {"F32": torch.float32, "F64": torch.float64}


def read_safetensors(path):
    """The tensors of a file by name, and its metadata."""
    with open(path, "rb") as file:
        content = bytearray(file.read())
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in (*DTYPES, "U32"):
            raise ValueError(f"{name} is {entry['dtype']}; these models have {', '.join(DTYPES)} and U32")
        begin, end = entry["data_offsets"]
        data = content[8 + length + begin : 8 + length + end]
        if entry["dtype"] == "U32":
            counts = struct.unpack(f"<{len(data) // 4}I", data)
            tensors[name] = torch.tensor(counts, dtype=torch.int64).reshape(entry["shape"])
            continue
        tensors[name] = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"]).clone()
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    """Writes tensors by name; int64 ones as uint32."""
    header = {"__metadata__": metadata}
    pieces = []
    end = 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        shape = list(tensor.shape)
        if tensor.dtype == torch.int64:
            begin, end = end, end + 4 * tensor.numel()
            header[name] = {"dtype": "U32", "shape": shape, "data_offsets": [begin, end]}
            pieces.append(struct.pack(f"<{tensor.numel()}I", *tensor.flatten().tolist()))
            continue
        size = tensor.element_size() * tensor.numel()
        begin, end = end, end + size
        (dtype,) = [key for key, value in DTYPES.items() if value == tensor.dtype]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}
        pieces.append(ctypes.string_at(tensor.data_ptr(), size))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(pieces))
`;
