"""Dashboards and rules ask only for metrics that exist, and every alert names a page that says what to do."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from spikewatch_testing.patience import PATIENCE_S

# How the collector's Prometheus exporter names what OpenTelemetry calls otherwise.
UNITS = {"s": "_seconds", "By": "_bytes", "ms": "_milliseconds", "1": "_ratio"}
FUNCTIONS = {"sum", "max", "min", "avg", "rate", "increase", "histogram_quantile", "absent", "by", "on", "and", "or", "le", "count"} | {
    "unless"
}


def prometheus_names(metric):
    base = metric["name"].replace(".", "_")
    unit = UNITS.get(metric["unit"], "")  # a unit in braces is a note and adds nothing
    if metric["kind"] == "counter":
        return {f"{base}{'' if unit == '_ratio' else unit}_total"}
    if metric["kind"] == "histogram":
        return {f"{base}{unit}_{part}" for part in ("bucket", "sum", "count")}
    return {f"{base}{unit}"}


@pytest.fixture(scope="module")
def known(root):
    registry = yaml.safe_load((root / "packages/chassis/src/spikewatch/chassis/telemetry/metrics.yaml").read_text())
    return {name for metric in registry for name in prometheus_names(metric)}


@pytest.fixture(scope="module")
def rules(root):
    groups = yaml.safe_load((root / "deploy/prometheus/rules/spikewatch.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


@pytest.fixture(scope="module")
def dashboards(root):
    return {path.stem: json.loads(path.read_text()) for path in sorted((root / "deploy/grafana/dashboards").glob("*.json"))}


def metrics_in(expression):
    """Return the metric names of a query: what is left when strings, label lists and functions are taken away."""
    bare = re.sub(r'"[^"]*"', "", expression)
    bare = re.sub(r"\b(?:by|on)\s*\([^)]*\)", "", bare)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\boffset \w+", "", bare)
    return set(re.findall(r"[a-z_][a-z0-9_]*", bare)) - FUNCTIONS


def test_the_reader_of_queries_sees_metrics_and_nothing_else():
    query = 'histogram_quantile(0.99, sum by (le, group) (rate(a_b_bucket{x="y"}[5m]))) > 5 and on (group) max(c_d offset 1h)'
    query += ' or absent(e_f{z="q"})'
    assert metrics_in(query) == {"a_b_bucket", "c_d", "e_f"}


def test_dashboards_query_known_metrics(dashboards, known):
    assert "pipeline" in dashboards
    for dashboard in dashboards.values():
        for panel in dashboard["panels"]:
            assert panel["targets"], panel["title"]
            for target in panel["targets"]:
                assert metrics_in(target["expr"]), panel["title"]
                assert metrics_in(target["expr"]) <= known, panel["title"]


def test_panels_say_what_they_show_and_where_from(root, dashboards):
    sources = yaml.safe_load((root / "deploy/grafana/provisioning/datasources/spikewatch.yaml").read_text())["datasources"]
    for dashboard in dashboards.values():
        assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
        for panel in dashboard["panels"]:
            assert panel["description"]
            assert panel["datasource"]["uid"] in {source["uid"] for source in sources}


def test_the_pipeline_dashboard_shows_every_metric_of_the_registry(root, dashboards):
    registry = yaml.safe_load((root / "packages/chassis/src/spikewatch/chassis/telemetry/metrics.yaml").read_text())
    targets = [target for dashboard in dashboards.values() for panel in dashboard["panels"] for target in panel["targets"]]
    shown = {name for target in targets for name in metrics_in(target["expr"])}
    unseen = {metric["name"] for metric in registry if not prometheus_names(metric) & shown}
    assert unseen == set()


def test_every_metric_that_a_service_makes_is_in_the_registry(root):
    made = set()
    for source in [*root.glob("services/*/src/**/*.py"), *root.glob("packages/*/src/**/*.py")]:
        made |= set(re.findall(r'create_(?:observable_)?(?:counter|gauge|histogram|up_down_counter)\(\s*"([^"]+)"', source.read_text()))
    registry = yaml.safe_load((root / "packages/chassis/src/spikewatch/chassis/telemetry/metrics.yaml").read_text())
    assert "spikewatch.consumer.lag" in made
    assert made - {metric["name"] for metric in registry} == set()


def test_rules_query_known_metrics(rules, known):
    for rule in rules:
        assert metrics_in(rule["expr"]), rule["alert"]
        assert metrics_in(rule["expr"]) <= known, rule["alert"]


def test_every_alert_has_a_severity_a_duration_and_a_runbook_that_exists(root, rules):
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert re.fullmatch(r"\d+[smh]", rule["for"])
        page = (root / rule["annotations"]["runbook_url"]).read_text()
        assert rule["alert"] in page
        for section in ("Symptom", "Impact", "First look", "Fix", "Verify", "Escalate"):
            assert f"## {section}" in page, rule["annotations"]["runbook_url"]


@pytest.mark.parametrize(
    "arguments",
    [("check", "config", "deploy/prometheus/prometheus.yml"), ("test", "rules", "tests/deploy/alert_rules_cases.yml")],
    ids=["configuration", "cases"],
)
def test_promtool_accepts(root, arguments):
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not here (Debian: apt-get install prometheus)")
    *verb, path = arguments
    done = subprocess.run([promtool, *verb, str(root / path)], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cluster_runs_the_same_collector_configuration(root):
    here, there = root / "deploy/otel/collector.yaml", root / "deploy/k8s/components/otel-collector/collector.yaml"
    assert here.read_bytes() == there.read_bytes()


def test_the_collector_takes_away_what_might_be_personal(root):
    configuration = yaml.safe_load((root / "deploy/otel/collector.yaml").read_text())
    deleted = {action["key"] for action in configuration["processors"]["attributes/fence"]["actions"] if action["action"] == "delete"}
    assert {"messaging.kafka.message.key", "db.query.text", "exception.message"} <= deleted
    for name in ("traces", "logs"):
        assert "attributes/fence" in configuration["service"]["pipelines"][name]["processors"]
    for pipeline in configuration["service"]["pipelines"].values():
        assert pipeline["processors"][0] == "memory_limiter"
        for kind in ("receivers", "processors", "exporters"):
            assert set(pipeline[kind]) <= configuration[kind].keys()
