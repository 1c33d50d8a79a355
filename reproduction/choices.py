"""What is compared on every task."""

from runs import Choice

SPARSE = "sparse, device"
CLASSIFIER = "classifier only"


def choices(runs, task):
    """The rows of a task's table, the sparse policy under the device's rules first."""
    sparse = Choice(SPARSE, task.sparse)
    rows = [sparse, Choice("nothing: before learning", "none"), Choice(CLASSIFIER, "classifier")]
    rows += equal_bytes(runs, task, sparse)
    rows += [
        Choice("full update", "full"),
        Choice("sparse without QAS", task.sparse, qas="off"),
        Choice("sparse, simulator", task.sparse, "simulator"),
        Choice("sparse, tinyengine (rules re-created)", task.sparse, "tinyengine"),
        Choice("sparse, update nearest", task.sparse, "device,update:nearest"),
        Choice("sparse, update truncate", task.sparse, "device,update:truncate"),
        Choice("sparse, update int16", task.sparse, "device,update:int16"),
        Choice("sparse, f32 master", task.sparse, "device,update:master"),
        Choice("sparse, int8 gradients", task.sparse, "device,gradient:int8"),
    ]
    return rows


# How many more bytes still count as the same.
SLACK = 1.01


def equal_bytes(runs, task, sparse):
    """Last k layers, and biases of the last k, for the largest k that the paper's byte formula allows."""
    budget = SLACK * analytic(runs, task, sparse)
    found = []
    for kind, name in (("last", "last {} whole"), ("bias", "biases of the last {}")):
        best = None
        for k in range(1, 200):
            choice = Choice(name.format(k), f"{kind}:{k}")
            try:
                if analytic(runs, task, choice) > budget:
                    break
            except Exception:
                # More layers than the network has.
                break
            best = choice
        found += [best] if best else []
    return found


def analytic(runs, task, choice):
    return runs.memory(task, choice)["analytic_bytes"]["total"]
