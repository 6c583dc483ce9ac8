"""A recipe, what it shows, and how its figure is refused."""

RECIPE = {
    "query": "tag:a",
    "x": "training.length",
    "y": "train_loss",
    "series": "student.start.scale",
}


def student(scale):
    return {"kind": "linear", "dim": 3, "start": {"kind": "gaussian", "scale": scale}}


def refusal(answer):
    """The status and sentence of a refused figure."""
    return answer.status_code, answer.json()["detail"]
