"""Computes models with PyTorch's autograd and optimizers, directly from their definitions.

Reads one case per line as JSON, and writes one answer per line. Every case is computed in float64. To estimate rounding
errors, it is also computed in float32, and three times in float64 from parameters that are moved by a rounding error. The
answer contains the float64 results and, for each result, the largest distance of the other four from it. `margin` is the
smallest distance of a value from a discontinuity of a derivative or a selection, as a share of the largest such value.
"""

import json
import math
import sys

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
D = torch.float64

ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": torch.relu,
    "leakyRelu": lambda z, slope=0.01: F.leaky_relu(z, slope),
    "elu": lambda z, alpha=1.0: F.elu(z, alpha),
    "selu": F.selu,
    "gelu": F.gelu,
    "geluTanh": lambda z: 0.5 * z * (1 + torch.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))),
    "silu": F.silu,
    "softplus": F.softplus,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
}
SMOOTH = {"linear", "gelu", "geluTanh", "silu", "softplus", "sigmoid", "tanh"}


def name(spec):
    return spec if isinstance(spec, str) else spec["type"]


def options(spec):
    return {} if isinstance(spec, str) else {k: v for k, v in spec.items() if k != "type"}


def is_smooth(spec):
    """Whether the derivative is continuous."""
    return name(spec) in SMOOTH or (name(spec) == "elu" and options(spec).get("alpha", 1.0) == 1)


def slope(spec, z):
    """The derivative of an activation."""
    own = options(spec)
    return {
        "linear": lambda: torch.ones_like(z),
        "relu": lambda: (z > 0).to(z.dtype),
        "leakyRelu": lambda: torch.where(z > 0, torch.ones_like(z), torch.full_like(z, own.get("slope", 0.01))),
        "elu": lambda: torch.where(
            z > 0, torch.ones_like(z), own.get("alpha", 1.0) * torch.exp(torch.minimum(z, torch.zeros_like(z)))
        ),
        "softplus": lambda: torch.sigmoid(z),
        "sigmoid": lambda: torch.sigmoid(z) * (1 - torch.sigmoid(z)),
        "tanh": lambda: 1 - torch.tanh(z) ** 2,
    }[name(spec)]()


class Model:
    def __init__(self, case, dtype, moved=None):
        self.case = case
        self.config = case["config"]
        self.dtype = dtype
        self.margin = math.inf
        self.depth = len(self.config["layers"]) - 1
        self.code = self.config["code"]
        self.p = {key: self.tensor(value).to(dtype) for key, value in case["weights"].items()}
        if moved is not None:
            generator = torch.Generator().manual_seed(moved)
            for key, value in self.p.items():
                noise = torch.rand(value.shape, generator=generator, dtype=D) - 0.5
                self.p[key] = value * (1 + 2.0**-23 * noise)
        for value in self.p.values():
            value.requires_grad_(True)
        units = self.config["layers"][-1]
        self.idle = torch.zeros(units, dtype=torch.long)
        self.threshold = 0.0
        self.prepare()

    def tensor(self, value):
        data = [math.nan if v is None else v for v in value["data"]]
        return torch.tensor(data, dtype=D).reshape(value["shape"])

    def prepare(self):
        """Scales the rows and replaces missing values."""
        x = self.tensor(self.case["x"])
        known = ~torch.isnan(x)
        mean = x.nansum(0) / known.sum(0)
        center, scale = torch.zeros_like(mean), torch.ones_like(mean)
        scaler = self.config.get("scaler")
        if scaler is not None and name(scaler) == "standard":
            center = mean
            scale = ((torch.where(known, x - mean, torch.zeros_like(x)) ** 2).sum(0) / known.sum(0)).sqrt()
        elif scaler is not None and name(scaler) == "minMax":
            center = torch.where(known, x, torch.full_like(x, math.inf)).amin(0)
            scale = torch.where(known, x, torch.full_like(x, -math.inf)).amax(0) - center
        elif scaler is not None:
            center = torch.full_like(mean, scaler["min"])
            scale = torch.full_like(mean, scaler["max"] - scaler["min"])
        scale = torch.where(scale == 0, torch.ones_like(scale), scale)  # of a constant column
        self.center, self.scale = center, scale
        fill = lambda rows: torch.where(torch.isnan(rows), mean, rows)
        scaled = lambda rows: ((rows - center) / scale).to(self.dtype)
        target = self.tensor(self.case["target"]) if self.case.get("target") else x
        masked = self.config["missing"] == "mask"
        self.x = scaled(fill(x))
        self.target = scaled(target if masked else fill(target))

    def near(self, distances, largest):
        """Updates the margin with the smallest of some distances, as a share of the largest value."""
        if distances.numel() > 0 and float(largest) > 0:
            self.margin = min(self.margin, float((distances.abs() / largest).min()))

    def act(self, spec, z):
        if not is_smooth(spec):
            live = z.detach()
            self.near(live[live != 0], live.abs().max())
        return ACTIVATIONS[name(spec)](z, **options(spec))

    def affine(self, h, i, encodes, with_bias=True):
        w = self.p[f"encoder.{i}.weight"]
        bias = self.p.get(f"{'encoder' if encodes else 'decoder'}.{i}.bias") if with_bias else None
        return F.linear(h, w if encodes else w.t(), bias)

    def drop(self, h, s, step, rows):
        """Dropout after layer s of the 2n layers. The case contains the values to keep."""
        kept = self.case.get("kept", {}).get(str(s))
        if step is None or kept is None:
            return h
        mask = torch.tensor(kept[step], dtype=self.dtype).reshape(-1, h.shape[1])[rows]
        return h * mask / (1 - self.config["dropout"])

    def decode(self, h, step, rows, with_bias=True, drops=True):
        n = self.depth
        z = h
        for i in reversed(range(n)):
            z = self.affine(h, i, False, with_bias)
            h = self.act(self.config["decoderActivations"][n - 1 - i], z)
            if drops and i > 0:
                h = self.drop(h, 2 * n - 1 - i, step, rows)
        return h, z

    def largest(self, h, k):
        """Indices of the k largest values of each row. Of equal values the first is taken."""
        order = torch.sort(h, dim=1, descending=True, stable=True).indices
        if k < h.shape[1]:
            s = torch.gather(h.detach(), 1, order)
            above, below = s[:, k - 1], s[:, k]
            gap = (above - below)[(above != 0) | (below != 0)]
            self.near(gap, h.detach().abs().max())
        return order[:, :k]

    def select(self, h, step):
        code = name(self.code)
        if code not in ("topK", "batchTopK"):
            return h
        k = self.code["k"]
        training = step is not None
        if code == "topK":
            mask = torch.zeros_like(h).scatter(1, self.largest(h, k), 1.0)
        elif training:
            flat = h.reshape(1, -1)
            mask = torch.zeros_like(flat).scatter(1, self.largest(flat, k * h.shape[0]), 1.0).reshape(h.shape)
        else:
            live = h.detach()
            self.near((live - self.threshold)[live != 0], live.abs().max())
            return torch.where(h > self.threshold, h, torch.zeros_like(h))
        if training:
            live = h.detach()
            kept = live[mask > 0]
            self.near(kept - 1e-3, live.abs().max())
            active = ((live > 1e-3) & (mask > 0)).any(0)
            self.idle = torch.where(active, torch.zeros_like(self.idle), self.idle + h.shape[0])
            positive = kept[kept > 0]
            if code == "batchTopK" and positive.numel() > 0:
                least = float(positive.min())
                moved = self.threshold + 0.01 * (least - self.threshold)
                self.threshold = least if self.threshold == 0 else moved
        return h * mask

    def forward(self, x, target, step=None, rows=slice(None)):
        """Returns the code, the reconstruction and the loss. `step` is None outside of training."""
        config, n = self.config, self.depth
        terms = []
        training = step is not None
        code = name(self.code)
        own = options(self.code)
        h = x - self.p["decoder.0.bias"] if own.get("centered") else x
        inner = h
        for i in range(n):
            inner = h
            z = self.affine(h, i, True)
            for penalty in config["penalties"]:
                if penalty["type"] == "contraction" and training:
                    norms = (self.p[f"encoder.{i}.weight"] ** 2).sum(1)
                    spec = config["encoderActivations"][i]
                    terms.append(penalty["weight"] / len(x) * (slope(spec, z) ** 2 * norms).sum())
            h = self.act(config["encoderActivations"][i], z)
            if i < n - 1:
                h = self.drop(h, i, step, rows)
        activated = h
        if code == "gaussian":
            head = f"encoder.{n - 1}.logVariance"
            s = F.linear(inner, self.p[f"{head}.weight"], self.p[f"{head}.bias"]).clamp(-30, 20)
            kl = (0.5 * (h * h + torch.exp(s) - 1 - s)).sum()
            terms.append(own["beta"] / (len(x) * x.shape[1]) * kl)
            if training:
                noise = torch.tensor(self.case["noise"][step], dtype=self.dtype).reshape(-1, h.shape[1])
                h = h + torch.exp(0.5 * s) * noise[rows]
        else:
            h = self.select(h, step)
        code_value = h
        y, logits = self.decode(self.drop(h, n - 1, step, rows), step, rows)
        y, reconstruction = self.reconstruction(y, logits, target)
        terms.append(reconstruction)
        if training:
            terms.append(self.auxiliary(own.get("auxiliary"), activated, y, target))
            terms.extend(self.penalties(code_value))
        return code_value, y, sum(terms)

    def reconstruction(self, y, logits, target):
        """Returns the outputs and their mean loss over the known targets."""
        loss = name(self.config["loss"])
        own = options(self.config["loss"])
        known = ~torch.isnan(target)
        t = torch.where(known, target, torch.zeros_like(target))
        if loss == "mixed":
            return self.mixed(y, t, own)
        d = y - t
        if loss == "mse":
            each = d * d
        elif loss == "mae":
            live = d.detach()[known]
            self.near(live[live != 0], t.abs().max())
            each = d.abs()
        elif loss == "bce":
            each = F.binary_cross_entropy_with_logits(logits, t, reduction="none")
        elif loss == "huber":
            each = F.huber_loss(y, t, reduction="none", delta=own["delta"])
        else:
            each = F.smooth_l1_loss(y, t, reduction="none", beta=own["beta"])
        each = torch.where(known, each, torch.zeros_like(each))
        return y, each.sum() / max(1, int(known.sum()))

    def mixed(self, y, t, own):
        """Returns the outputs and the weighted mean of squared errors (numbers) and cross entropies (categories)."""
        levels = dict((first, count) for first, count in own["categories"])
        outputs, fields = [], []
        column = 0
        while column < y.shape[1]:
            if column in levels:
                part = slice(column, column + levels[column])
                outputs.append(torch.softmax(y[:, part], 1))
                fields.append(-(t[:, part] * torch.log_softmax(y[:, part], 1)).sum(1))
                column += levels[column]
            else:
                outputs.append(y[:, column : column + 1])
                fields.append((y[:, column] - t[:, column]) ** 2)
                column += 1
        weights = own.get("weights") or [1.0] * len(fields)
        total = sum(w * field for w, field in zip(weights, fields)) / sum(weights)
        return torch.cat(outputs, 1), total.mean()

    def auxiliary(self, settings, activated, y, target):
        if not settings:
            return 0.0
        dead = (self.idle >= settings["deadAfter"]).nonzero().flatten()
        if dead.numel() == 0:
            return 0.0
        known = ~torch.isnan(target)
        e = torch.where(known, target - y, torch.zeros_like(y)).detach()
        spread = ((e - e.mean(0)) ** 2).sum()
        if not float(spread) > 0:
            return 0.0
        places = dead[self.largest(activated[:, dead], min(settings["k"], dead.numel()))]
        mask = torch.zeros_like(activated).scatter(1, places, 1.0)
        again, _ = self.decode(activated * mask, None, slice(None), False, False)
        error = torch.where(known, again - e, torch.zeros_like(e))
        return settings["weight"] * (error**2).sum() / spread

    def penalties(self, code):
        config = self.config
        weights = [self.p[f"encoder.{i}.weight"] for i in range(self.depth)]
        given = [{"type": "l1", "weight": config["l1"]}, {"type": "l2", "weight": config["l2"]}]
        for penalty in given + config["penalties"]:
            kind, weight = penalty["type"], penalty["weight"]
            if kind == "l1" and weight > 0:
                for w in weights:
                    live = w.detach()
                    self.near(live[live != 0], live.abs().max())
                    yield weight * w.abs().sum()
            if kind == "l2" and weight > 0:
                yield from (weight * (w**2).sum() for w in weights)
            if kind == "codeL1":
                yield weight / len(code) * code.abs().sum()
                live = code.detach()
                self.near(live[live != 0], live.abs().max())
            if kind == "klSparsity":
                tanh = name(config["encoderActivations"][-1]) == "tanh"
                m = ((code + 1) / 2 if tanh else code).mean(0).clamp(1e-6, 1 - 1e-6)
                rho = penalty["rho"]
                yield weight * (rho * torch.log(rho / m) + (1 - rho) * torch.log((1 - rho) / (1 - m))).sum()
            if kind == "orthogonality":
                for w in weights:
                    gram = w @ w.t() if w.shape[0] <= w.shape[1] else w.t() @ w
                    yield weight * ((gram - torch.eye(len(gram), dtype=w.dtype)) ** 2).sum()

    def optimizer(self):
        o = self.config["optimizer"]
        common = {"lr": o["learningRate"], "weight_decay": o["weightDecay"]}
        parameters = list(self.p.values())
        if o["type"] == "sgd":
            return torch.optim.SGD(parameters, momentum=o["momentum"], nesterov=o["nesterov"], **common)
        if o["type"] == "adagrad":
            return torch.optim.Adagrad(parameters, eps=o["epsilon"], **common)
        if o["type"] == "rmsprop":
            own = {"alpha": o["alpha"], "eps": o["epsilon"], "momentum": o["momentum"], "centered": o["centered"]}
            return torch.optim.RMSprop(parameters, **own, **common)
        adam = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[o["type"]]
        return adam(parameters, betas=(float(o["beta1"]), float(o["beta2"])), eps=o["epsilon"], **common)

    def gradients(self, first, count, step, parts):
        """Returns the loss of a batch that is processed in parts. The parameters have its gradient afterwards."""
        for value in self.p.values():
            value.grad = torch.zeros_like(value)
        masked = self.config["missing"] == "mask"
        all_known = int((~torch.isnan(self.target[first : first + count])).sum())
        size = math.ceil(count / parts)
        loss = 0.0
        for start in range(0, count, size):
            rows = slice(start, min(start + size, count))
            at = slice(first + rows.start, first + rows.stop)
            share = (rows.stop - rows.start) / count
            if masked and all_known > 0:
                share = int((~torch.isnan(self.target[at])).sum()) / all_known
            _, _, part = self.forward(self.x[at], self.target[at], step, rows)
            (part * share).backward()
            loss += float(part.detach()) * share
        return loss

    @torch.no_grad()
    def constrain(self):
        constraint = self.config.get("constraint")
        for i in range(self.depth):
            w = self.p[f"encoder.{i}.weight"]
            norms = w.norm(dim=1, keepdim=True)
            if constraint and name(constraint) == "unitNorm" and i == 0:
                w.div_(norms)
            if constraint and name(constraint) == "nonNegative":
                w.clamp_(min=0)
            if constraint and name(constraint) == "maxNorm":
                w.mul_(torch.where(norms > constraint["max"], constraint["max"] / norms, torch.ones_like(norms)))

    @torch.no_grad()
    def project(self):
        if self.config.get("constraint") and name(self.config["constraint"]) == "unitNorm":
            w = self.p["encoder.0.weight"]
            w.grad -= (w.grad * w).sum(1, keepdim=True) / (w * w).sum(1, keepdim=True) * w

    def look(self, which):
        """Returns the codes, the reconstructions in the units of the data and the loss of all rows."""
        with torch.no_grad():
            code, y, loss = self.forward(self.x, self.target)
        units = y.to(D) * self.scale + self.center
        return {f"code {which}": code, f"reconstruction {which}": units, f"evaluate {which}": loss}

    def run(self):
        case = self.case
        results = self.look("before")
        size, rows = case["batchSize"], len(self.x)
        state = self.idle, self.threshold
        results["loss"] = self.gradients(0, min(size, rows), 0, 1)
        for key, value in self.p.items():
            results[f"gradient {key}"] = value.grad.clone()
        self.idle, self.threshold = state
        optimizer = self.optimizer()
        clip = self.config["optimizer"].get("clipNorm")
        losses = []
        first = 0
        for step, rate in enumerate(case["rates"]):
            losses.append(self.gradients(first, min(size, rows - first), step, case["parts"]))
            first = first + size if first + size < rows else 0
            self.project()
            if clip is not None:
                torch.nn.utils.clip_grad_norm_(list(self.p.values()), clip)
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            self.constrain()
        results["losses"] = losses
        for key, value in self.p.items():
            results[f"after {key}"] = value.detach().clone()
        if name(self.code) == "batchTopK":
            results["threshold"] = self.threshold
        results.update(self.look("after"))
        return {key: torch.as_tensor(value, dtype=D).flatten() for key, value in results.items()}


def distance(actual, expected):
    largest = float(expected.abs().max()) if expected.numel() > 0 else 0.0
    apart = float((actual - expected).abs().max()) if expected.numel() > 0 else 0.0
    return apart / largest if largest > 0 else (0.0 if apart <= 1e-7 else math.inf)


def finite(value):
    return value if math.isfinite(value) else None


def answer(case):
    model = Model(case, D)
    exact = model.run()
    others = [Model(case, torch.float32).run(), *(Model(case, D, seed).run() for seed in (1, 2, 3))]
    errors = {key: max(distance(other[key], value) for other in others) for key, value in exact.items()}
    # A loss is a single number, so its measured error may be small by chance. A small loss is a difference of larger values.
    size = float(torch.nan_to_num(model.target).abs().max())
    for key in ("loss", "losses", "evaluate before", "evaluate after"):
        largest = float(exact[key].abs().max())
        if largest > 0:
            small = math.sqrt(largest) if name(model.config["loss"]) == "mse" else largest
            errors[key] = max(errors[key], 2.0**-22 * size / small)
    return {
        "results": {key: [finite(v) for v in value.tolist()] for key, value in exact.items()},
        "errors": {key: finite(error) for key, error in errors.items()},
        "margin": finite(model.margin),
        "idle": model.idle.tolist(),
    }


for line in sys.stdin:
    try:
        reply = answer(json.loads(line))
    except Exception as error:
        reply = {"failed": f"{type(error).__name__}: {error}"}
    print(json.dumps(reply), flush=True)
