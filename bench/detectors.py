# Runs one detector of a Python library on one data set, for detectors.mjs. Columns are standardised. All other settings are the
# library's defaults. Times do not include imports.
#
#   python3 detectors.py mlp|forest|pyod COLUMNS TRAIN TEST SCORES

import json
import sys
import time
import warnings

import numpy as np
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
method, columns, train_file, test_file, out = sys.argv[1:]
train, test = (np.fromfile(file, dtype=np.float32).reshape(-1, int(columns)) for file in (train_file, test_file))
scaler = StandardScaler().fit(train)
train, test = scaler.transform(train), scaler.transform(test)

if method == "mlp":
    from sklearn.neural_network import MLPRegressor

    # The layers of the detector. At most 200 epochs of Adam, the default.
    model = MLPRegressor(hidden_layer_sizes=(128, 64, 128), random_state=1)
    fit, score = (lambda: model.fit(train, train)), (lambda: ((model.predict(test) - test) ** 2).mean(axis=1))
elif method == "forest":
    from sklearn.ensemble import IsolationForest

    model = IsolationForest(random_state=1)
    fit, score = (lambda: model.fit(train)), (lambda: -model.score_samples(test))
else:
    from pyod.models.auto_encoder import AutoEncoder

    model = AutoEncoder(random_state=1, preprocessing=False, verbose=0)
    fit, score = (lambda: model.fit(train)), (lambda: model.decision_function(test))

start = time.perf_counter()
fit()
middle = time.perf_counter()
scores = score()
end = time.perf_counter()
np.asarray(scores, dtype=np.float64).tofile(out)
print(json.dumps({"fit": middle - start, "score": end - middle}))
