"""``make bench``: prints each figure and writes all to ``.local/bench.json``."""

import json
from pathlib import Path

from . import (
    charging_speed,
    decoding_speed,
    import_speed,
    invoicing_speed,
    overdue_speed,
    push_speed,
    rating_speed,
    recalculation_speed,
)

RESULT = Path(__file__).parents[2] / ".local" / "bench.json"


def row(name, value, unit, reference=None, goal=None, ratio_goal=None) -> dict:
    """One figure. ``holds`` is None where there is no goal.

    :param goal: the least value
    :param ratio_goal: the least ratio to the reference
    """
    ratio = value / reference if reference else None
    holds = None
    if goal is not None:
        holds = value >= goal
    if ratio_goal is not None:
        holds = ratio >= ratio_goal
    return {
        "name": name,
        "value": value,
        "unit": unit,
        "reference": reference,
        "ratio": ratio,
        "goal": goal if ratio_goal is None else ratio_goal,
        "holds": holds,
    }


def measure() -> list[dict]:
    rows = [
        row(f"rating, {mix}", speed, "calls/s", goal=rating_speed.GOAL)
        for mix, (speed, _hits) in rating_speed.measure().items()
    ]
    decoders = decoding_speed.measure()
    pydantic = decoders["pydantic, fields only"]
    rows += [
        row(f"decoding, {name}", speed, "records/s", reference=pydantic)
        for name, speed in decoders.items()
    ]
    rows += measure_pushes() + measure_import() + measure_recalculation()
    return rows + measure_charging() + measure_invoicing() + measure_overdue()


def measure_pushes() -> list[dict]:
    return [
        row(
            f"push, {speed.situation}, {speed.parallel} parallel requests, "
            f"{speed.requests_per_line:.1f} requests a line",
            speed.per_second,
            "requests/s",
            reference=speed.allowed_per_second,
            ratio_goal=push_speed.GOAL if speed.has_goal else None,
        )
        for speed in push_speed.measure()
    ]


def measure_import() -> list[dict]:
    speeds = import_speed.measure()
    copied = speeds.copied
    goal = {"reference": copied, "ratio_goal": import_speed.GOAL}
    memory = row("import, memory grown", speeds.grown_megabytes, "MB")
    memory["goal"] = import_speed.MOST_MEGABYTES
    memory["holds"] = speeds.grown_megabytes <= import_speed.MOST_MEGABYTES
    return [
        row("bare COPY of an import's rows", copied, "calls/s"),
        row("ORM create of an import's rows", speeds.created, "calls/s", copied),
        row("import over HTTP, rated", speeds.imported, "calls/s", **goal),
        row(
            "import over HTTP, rated, least",
            speeds.imported,
            "calls/s",
            goal=import_speed.LEAST,
        ),
        row(
            "import over HTTP, with an allowance on every line",
            speeds.with_allowance,
            "calls/s",
            copied,
        ),
        row(
            "import, the same window again",
            speeds.again,
            "calls/s",
            reference=speeds.imported,
            ratio_goal=1,
        ),
        row("import, three days alone", speeds.small, "calls/s", speeds.imported),
        memory,
    ]


def measure_recalculation() -> list[dict]:
    speeds = recalculation_speed.measure()
    rows = [
        row(
            f"Recalcular, {situation}",
            speed,
            "calls/s",
            reference=speeds.merged,
            ratio_goal=recalculation_speed.GOAL,
        )
        for situation, speed in (
            ("every price changed", speeds.changed),
            ("nothing changed", speeds.unchanged),
        )
    ]
    return [row("import's pages merged", speeds.merged, "calls/s"), *rows]


def measure_charging() -> list[dict]:
    speeds = charging_speed.measure()
    goal = {"reference": speeds.stamped, "ratio_goal": charging_speed.GOAL}
    return [
        row("one UPDATE that stamps calls", speeds.stamped, "calls/s"),
        row("charging, without an allowance", speeds.plain, "calls/s", **goal),
        row(
            "charging, with an allowance on every line",
            speeds.with_allowance,
            "calls/s",
            **goal,
        ),
    ]


def measure_invoicing() -> list[dict]:
    speeds = invoicing_speed.measure()
    return [
        row("the same invoices by OCA contract alone", speeds.alone, "invoices/s"),
        row(
            "invoicing contracts with charges",
            speeds.with_charges,
            "invoices/s",
            reference=speeds.alone,
            ratio_goal=invoicing_speed.GOAL,
        ),
    ]


def measure_overdue() -> list[dict]:
    few, many = overdue_speed.measure()
    return [
        row(
            f"overdue payment, {what}, {many.contracts:,} contracts; reference:"
            f" {few.contracts:,}",
            count / getattr(many, name),
            unit,
            reference=count / getattr(few, name),
            ratio_goal=1 / overdue_speed.GOAL,
        )
        for name, what, count, unit in (
            ("find", "finding what is due", many.cases, "cases/s"),
            ("task", "the nightly task", many.steps, "steps/s"),
            ("follow", "following payments", many.cases, "cases/s"),
        )
    ]


def main() -> None:
    print("Method in the scripts themselves. Pure Python: the best of several runs.")
    rows = measure()
    for r in rows:
        ratio = f", {r['ratio']:.2f} of the reference" if r["ratio"] else ""
        holds = {True: ", goal met", False: ", GOAL MISSED", None: ""}[r["holds"]]
        print(f"{r['value']:>12,.0f} {r['unit']:<10} {r['name']}{ratio}{holds}")
    RESULT.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
