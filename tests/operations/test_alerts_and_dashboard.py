"""The alerting rules and the dashboard in docs/operations are valid and name existing metrics."""

import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from prometheus_client import REGISTRY

from broker.local.process import ServerNotInstalled
from broker.telemetry import deliveries, metrics, notifications, processing
from tests.servers import installed_or_skip

ROOT = Path(__file__).parent.parent.parent
ALERTS = ROOT / "docs/operations/alerts.yml"
PAGE = ROOT / "docs/operations/seeing.md"
HERE = Path(__file__).parent
AT_SCRAPE = {
    *("broker_outbox_waiting", "broker_outbox_refused", "broker_outbox_given_up"),
    "broker_outbox_overdue_seconds",
    "broker_bucket_available",
    *("broker_uploads_processing", "broker_uploads_processing_oldest_seconds"),
    "broker_workers_alive",
    *("broker_events_undelivered", "broker_events_undelivered_oldest_seconds"),
    *("broker_events_dead", "broker_events_stopped"),
}
# `broker background` counts these itself, in broker.cli.shared_metrics.
OF_BACKGROUND = {"broker_background_ends_total": ("counter", ("process",))}
# Workers and deliverers are other processes; the API does not import their metrics.
MODULES = (metrics, processing, deliveries, notifications)


def exposed() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return type and labels of every metric by its documented name."""
    found = {**dict.fromkeys(AT_SCRAPE, ("gauge", ())), **OF_BACKGROUND}
    for metric in itertools.chain.from_iterable(vars(module).values() for module in MODULES):
        if hasattr(metric, "_labelnames"):
            name = metric._name + ("_total" if metric._type == "counter" else "")
            found[name] = (metric._type, metric._labelnames)
    return found


def series() -> set[str]:
    """Return every series name that a query may use."""
    names = set()
    for name, (kind, _) in exposed().items():
        ends = ("_bucket", "_count", "_sum") if kind == "histogram" else ("",)
        names.update(name + end for end in ends)
    return names


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / "docs/operations/dashboard.json").read_text())
    return found


def expressions() -> list[str]:
    panels = dashboard()["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def promtool(*arguments: str) -> None:
    with installed_or_skip():
        if shutil.which("promtool") is None:
            raise ServerNotInstalled("promtool is not installed: apt-get install prometheus")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_accepts_the_alerting_rules() -> None:
    promtool("check", "rules", str(ALERTS))


def test_every_alert_fires_when_it_should_and_only_then(tmp_path: Path) -> None:
    tests = (HERE / "alerts_test.yml").read_text()
    file = tmp_path / "alerts_test.yml"
    file.write_text(tests.replace("[RULES]", f"[{ALERTS}]"))
    promtool("test", "rules", str(file))
    names = re.findall(r"alert: (\w+)", ALERTS.read_text())
    fired = set(re.findall(r"alertname: (\w+)\n\s+exp_alerts", tests))
    assert fired == set(names)


def test_promtool_parses_every_expression_of_the_dashboard(tmp_path: Path) -> None:
    rules = [
        {"record": f"dashboard:{number}", "expr": expr.replace("$__rate_interval", "5m")}
        for number, expr in enumerate(expressions())
    ]
    file = tmp_path / "dashboard.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(file))


def test_grafana_can_import_the_dashboard() -> None:
    schema = json.loads((HERE / "dashboard.schema.json").read_text())
    errors = Draft202012Validator(schema).iter_errors(dashboard())
    assert [f"{error.json_path}: {error.message}" for error in errors] == []
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    cells = [
        (place["x"] + column, place["y"] + line)
        for place in (panel["gridPos"] for panel in dashboard()["panels"])
        for column, line in itertools.product(range(place["w"]), range(place["h"]))
    ]
    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) < 24


@pytest.mark.parametrize("source", ["alerts", "dashboard", "the alerts' tests"])
def test_every_queried_metric_exists(source: str) -> None:
    text = {
        "alerts": ALERTS.read_text(),
        "dashboard": "\n".join(expressions()),
        "the alerts' tests": (HERE / "alerts_test.yml").read_text(),
    }[source]
    named = set(re.findall(r"\bbroker_\w+", text))
    assert len(named) > 5
    assert named <= series(), named - series()


def test_every_metric_is_on_the_dashboard() -> None:
    text = "\n".join(expressions())
    assert [name for name in exposed() if name not in text] == []


def test_every_queried_label_belongs_to_its_metric() -> None:
    known = {label for _, labels in exposed().values() for label in labels} | {"le", "job"}
    text = ALERTS.read_text() + "\n".join(expressions())
    selected = re.findall(r"[{,]\s*(\w+)\s*=~?\s*\"", text)
    grouped = re.findall(r"by \(([^)]*)\)", text)
    names = set(selected) | {one.strip() for group in grouped for one in group.split(",")}
    assert names <= known, names - known


def test_the_page_documents_every_metric_with_its_type_and_labels() -> None:
    documented = re.findall(
        r"^\| `(broker_\w+)` \| (\w+) \| ([^|]*) \| [^|]+ \|$", PAGE.read_text(), re.M
    )
    page = {
        name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in documented
    }
    assert page == exposed()


def test_the_example_on_the_page_counts_no_process_twice() -> None:
    (example,) = re.findall(r"^```sh\n(.*--metrics-port.*?)^```", PAGE.read_text(), re.M | re.S)
    for line in example.splitlines():
        # `broker serve` sets the directory only for its server. A worker with a port has no such
        # directory.
        assert "PROMETHEUS_MULTIPROC_DIR" not in line
        assert line.startswith("broker serve ") != ("--metrics-port" in line), line


def test_the_page_names_every_alert() -> None:
    names = re.findall(r"alert: (\w+)", ALERTS.read_text())
    documented = re.findall(r"^\| `(Broker\w+)` \|", PAGE.read_text(), re.MULTILINE)
    assert documented == names


def test_every_metric_is_defined_in_a_module_of_metrics() -> None:
    found = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("broker_")}
    assert (
        found
        == {name.removesuffix("_total") for name in exposed() if name not in OF_BACKGROUND}
        - AT_SCRAPE
    )
