"""scikit-learn's side of the comparison. One JSON object a line comes in, one goes out.

{"do": "sets"}                                            its data sets: name, rows, labels
{"do": "load", "rows": [...], "labels": [...]}            from now on this table
{"do": "train", "attack": name, "seed": n, "jobs": n, "train": [rows], "test": [rows]}
    how many of the test rows it gets right, and the seconds of wall and processor that it takes
"""

import json
import sys
import time
import warnings

import numpy as np
from sklearn import datasets
from sklearn.ensemble import AdaBoostClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

warnings.filterwarnings("ignore")

MAKE = {
    "decision-tree": lambda seed, jobs: DecisionTreeClassifier(random_state=seed),
    "random-forest": lambda seed, jobs: RandomForestClassifier(100, random_state=seed, n_jobs=jobs),
    "ada-boost": lambda seed, jobs: AdaBoostClassifier(random_state=seed),
    "k-nearest-neighbours": lambda seed, jobs: make_pipeline(StandardScaler(), KNeighborsClassifier(5, n_jobs=jobs)),
}


def sets():
    made = datasets.make_classification(1500, 12, n_informative=6, n_classes=3, random_state=1)
    large = datasets.make_classification(6250, 12, n_informative=6, n_classes=3, random_state=2)
    loaded = {"made": made, "large": large}
    for name in ("wine", "breast_cancer", "digits"):
        bunch = getattr(datasets, "load_" + name)()
        loaded[name] = (bunch.data, bunch.target)
    return {name: {"rows": x.tolist(), "labels": y.tolist()} for name, (x, y) in loaded.items()}


def main():
    x = y = None
    for line in sys.stdin:
        asked = json.loads(line)
        answer = {}
        if asked["do"] == "sets":
            answer = sets()
        elif asked["do"] == "load":
            x, y = np.array(asked["rows"], dtype=float), np.array(asked["labels"])
        else:
            train, test = np.array(asked["train"]), np.array(asked["test"])
            model = MAKE[asked["attack"]](asked["seed"], asked.get("jobs", 1))
            a, b, c, d = x[train], y[train], x[test], y[test]
            wall, cpu = time.perf_counter(), time.process_time()
            found = model.fit(a, b).predict(c)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            answer = {"right": int((found == d).sum()), "wall": wall, "cpu": cpu}
        print(json.dumps(answer), flush=True)


main()
