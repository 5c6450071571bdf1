// tied_autoencoder.py: the model as a PyTorch module, which reads everything it needs to know from the
// model's own file. Needs nothing but torch; the file's format is small enough to be read and written here.

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
        # The decoder has biases of its own and no weights.
        self.decoder = nn.ModuleList(nn.ParameterDict() for _ in self.encoder)
        if config["decoderBias"]:
            for part, inputs, units in zip(self.decoder, layers, layers[1:]):
                bound = 1 / math.sqrt(units)
                part["bias"] = nn.Parameter(torch.empty(inputs).uniform_(-bound, bound))
        # What was learned from the data before training; None until then.
        self.scaler = nn.Module()
        self.missing = nn.Module()
        for module, name in self._prepared():
            module.register_buffer(name, None)

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

    def loss(self, x, count=None):
        """The mean loss that training lowers, in scaled units, penalties included.

        count divides the sum of the losses of all elements. By default it is how many there are; give it
        where these rows are a share of a batch.
        """
        filled = self._scale(self._fill(x))
        target = self._scale(x) if self.config.get("missing") == "mask" else filled
        logits = _name(self.config["loss"]) == "bce"
        y = self._decode(self._encode(filled), logits)
        if self.config.get("missing") == "mask":
            known = ~torch.isnan(target)
            y, target = y[known], target[known]
        total = _call(LOSSES, self.config["loss"], y, target)
        return total / (target.numel() if count is None else count) + self._penalty()

    def _encode(self, h):
        for linear, spec in zip(self.encoder, self.config["encoderActivations"]):
            h = _call(ACTIVATIONS, spec, F.linear(h, linear.weight, linear.bias))
            h = self._drop(h)
        return h

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
        l1, l2 = self.config["l1"], self.config["l2"]
        weights = [linear.weight for linear in self.encoder] if l1 or l2 else []
        return sum((l1 * w.abs().sum() + l2 * w.square().sum() for w in weights), 0.0)

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
        """Clips as configured, then one optimizer step."""
        if "clipNorm" in self.config["optimizer"]:
            nn.utils.clip_grad_norm_(self.parameters(), self.config["optimizer"]["clipNorm"])
        optimizer.step()

    # Files

    @classmethod
    def load(cls, path):
        """A model from a file that either side saved. An optimizer's state in it is left out."""
        tensors, metadata = read_safetensors(path)
        if metadata.get("format") != "tied-autoencoder" or metadata.get("version") not in ("1", "2"):
            raise ValueError(f"{path} is not a model of tied-autoencoder, format version 1 or 2")
        model = cls(json.loads(metadata["config"]))
        for module, name in model._prepared():
            key = ("scaler." if module is model.scaler else "missing.") + name
            if key in tensors:
                setattr(module, name, torch.empty_like(tensors[key]))
        state = {k: t for k, t in tensors.items() if not k.startswith(("optimizer.", "best."))}
        model.load_state_dict(state)
        return model

    def save(self, path):
        """Writes the model: weights once each, what was learned of the data, and the configuration."""
        metadata = {"format": "tied-autoencoder", "version": "2", "config": json.dumps(self.config)}
        write_safetensors(path, self.state_dict(), metadata)


def _name(spec):
    return spec if isinstance(spec, str) else spec["type"]


def _call(table, spec, *values):
    """Calls what a configuration names, "relu" or {"type": "elu", "alpha": 1}, with its parameters."""
    parameters = {} if isinstance(spec, str) else {k: v for k, v in spec.items() if k != "type"}
    return table[_name(spec)](*values, **parameters)


# The safetensors format: a length, a JSON header, the tensors' bytes. Weights are float32, what was learned of the
# data's scale is float64.

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
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{name} is {entry['dtype']}; these models have {', '.join(DTYPES)}")
        begin, end = entry["data_offsets"]
        data = content[8 + length + begin : 8 + length + end]
        tensors[name] = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"]).clone()
    return tensors, metadata


def write_safetensors(path, tensors, metadata):
    """Writes tensors by name."""
    header = {"__metadata__": metadata}
    pieces = []
    end = 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        size = tensor.element_size() * tensor.numel()
        begin, end = end, end + size
        (dtype,) = [key for key, value in DTYPES.items() if value == tensor.dtype]
        header[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
        pieces.append(ctypes.string_at(tensor.data_ptr(), size))
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(pieces))
`;
