"""Files of runs, and how they are sent."""

BASE = {
    "teacher": {"kind": "balanced", "eigenvalues": {"kind": "list", "values": [0.9, -0.5]}},
    "student": {"kind": "linear", "dim": 20},
    "steps": 500,
}

RUNS = """\
training.length,student.start.scale,seed,outcome,fit_error,extrapolation_error
4,0.01,0,fitted,1e-9,0.2
4,0.01,1,fitted,2e-9,0.4
6,0.01,0,diverged,inf,NaN
"""

BASELINE = 0.34463296575297303
"""The teacher's zero baseline for k = 4."""


def send(client, content=RUNS, *, file="runs.csv", query="", base=BASE, **further):
    return client.post(
        f"/v1/imports{query}", json={"file": file, "content": content, "base": base, **further}
    )


def list_experiments(client, q=""):
    return client.get("/v1/experiments", params={"q": q} if q else {}).json()["items"]


def send_and_list(client, **further):
    assert send(client, **further).status_code == 201
    return list_experiments(client, "source = import")
