"""Every overlay renders, fits the Kubernetes schemas, and obeys the rules for pods, probes, secrets and networks."""

import base64
import re

import kubernetes_validate
import pytest
import yaml

from spikewatch.contracts.strimzi import topic_resources, user_resources
from spikewatch.contracts.topics import every_topic

SERVICES = ("ingest", "enrichment", "alerts", "directory")
WORKLOADS = ("Deployment", "StatefulSet")
# Groups whose schemas come with their operators, not with Kubernetes.
FOREIGN = ("kafka.strimzi.io/", "keda.sh/")
each_service = pytest.mark.parametrize("service", SERVICES)


def containers(workload):
    pod = workload["spec"]["template"]["spec"]
    return [*pod.get("initContainers", []), *pod["containers"]]


def named(resources, name):
    (found,) = [resource for resource in resources if resource["metadata"]["name"] == name]
    return found


def settings_in(resources, service):
    """All plain settings of a service: those of its ConfigMap and those beside it."""
    (container,) = containers(named([part for part in resources if part["kind"] == "Deployment"], service))
    (source,) = container["envFrom"]
    config = named([part for part in resources if part["kind"] == "ConfigMap"], source["configMapRef"]["name"])
    return {**config["data"], **{entry["name"]: entry.get("value") for entry in container["env"]}}


def test_every_native_resource_fits_its_schema(resources):
    checked = 0
    for resource in resources:
        if not resource["apiVersion"].startswith(FOREIGN):
            kubernetes_validate.validate(resource, "1.34", strict=True)
            checked += 1
    assert checked > 20


def test_foreign_resources_are_those_we_know(resources):
    foreign = {(part["apiVersion"], part["kind"]) for part in resources if part["apiVersion"].startswith(FOREIGN)}
    assert foreign <= {
        ("kafka.strimzi.io/v1", "Kafka"),
        ("kafka.strimzi.io/v1", "KafkaNodePool"),
        ("kafka.strimzi.io/v1", "KafkaTopic"),
        ("kafka.strimzi.io/v1", "KafkaUser"),
        ("keda.sh/v1alpha1", "ScaledObject"),
        ("keda.sh/v1alpha1", "TriggerAuthentication"),
    }


def test_every_resource_is_labelled_and_in_the_namespace(resources, overlay):
    (namespace,) = [part["metadata"] for part in resources if part["kind"] == "Namespace"]
    assert namespace["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for resource in resources:
        labels = resource["metadata"]["labels"]
        assert labels["app.kubernetes.io/part-of"] == "spikewatch"
        assert labels["app.kubernetes.io/instance"] == overlay
        if resource["kind"] != "Namespace":
            assert resource["metadata"]["namespace"] == namespace["name"]


def test_workloads_carry_the_standard_labels_on_their_pods(of_kind):
    for workload in of_kind(*WORKLOADS):
        labels = workload["spec"]["template"]["metadata"]["labels"]
        for part in ("name", "instance", "version", "component", "part-of"):
            assert f"app.kubernetes.io/{part}" in labels


def test_pods_are_restricted(of_kind):
    for workload in of_kind(*WORKLOADS):
        pod = workload["spec"]["template"]["spec"]
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
        assert not any("hostPath" in volume for volume in pod["volumes"])
        for container in containers(workload):
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}


def test_memory_is_reserved_in_full_and_cpu_is_requested_but_not_throttled(of_kind):
    for workload in of_kind(*WORKLOADS):
        for container in containers(workload):
            resources = container["resources"]
            assert resources["requests"]["memory"] == resources["limits"]["memory"]
            assert "cpu" in resources["requests"]
            assert "cpu" not in resources["limits"]


def test_every_container_has_three_probes(of_kind):
    for workload in of_kind(*WORKLOADS):
        for container in containers(workload):
            assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys()


@each_service
def test_probes_ask_the_health_port_of_the_settings(resources, of_kind, service):
    (container,) = containers(named(of_kind("Deployment"), service))
    paths = {kind: container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")}
    assert paths == {"startup": "/startup", "readiness": "/ready", "liveness": "/live"}
    settings = settings_in(resources, service)
    ports = {part["name"]: part["containerPort"] for part in container["ports"]}
    assert ports["health"] == int(settings["SPIKEWATCH_HEALTH_PORT"])
    assert settings["SPIKEWATCH_HEALTH_HOST"] == "0.0.0.0"  # noqa: S104  # the kubelet asks from outside the pod


@each_service
def test_a_pod_has_time_to_drain(resources, of_kind, service):
    pod = named(of_kind("Deployment"), service)["spec"]["template"]["spec"]
    drain = float(settings_in(resources, service)["SPIKEWATCH_DRAIN_SECONDS"])
    # Servers, the running batches and the last flush may each take a drain's time one after the other.
    assert pod["terminationGracePeriodSeconds"] > 2 * drain


@each_service
def test_a_service_accepts_its_settings(resources, service, start, overlay):
    stated = settings_in(resources, service)
    # What comes by reference: the pod's name and the secrets, of the right shape.
    referenced = {
        "INSTANCE": f"{service}-5d9c7b-x2x4z",
        "MONGODB_URI": "mongodb://mongodb.example/",
        "SEAL_KEY": base64.b64encode(b"0" * 32).decode(),
    }
    for name in [name for name, value in stated.items() if value is None]:
        stated[name] = next((value for suffix, value in referenced.items() if name.endswith(suffix)), "example")
    settings = start(service, stated)
    assert settings.kafka_security == "SASL_SSL"
    assert settings.kafka_username == f"spikewatch-{service}"
    assert settings.kafka_password is not None
    assert settings.kafka_ca_file is not None
    if service == "directory":
        assert settings.directory_token is not None
        assert settings.directory_reflection is (overlay == "dev")
    if service == "alerts":
        assert settings.alerts_token is not None
        assert settings.alerts_reflection is (overlay == "dev")


@each_service
def test_secrets_come_by_reference_only(resources, of_kind, service):
    (container,) = containers(named(of_kind("Deployment"), service))
    secret = re.compile(r"PASSWORD|TOKEN|SEAL_KEY|MONGODB_URI")
    for entry in container["env"]:
        if secret.search(entry["name"]):
            assert "secretKeyRef" in entry["valueFrom"]
    assert not any(secret.search(name) for part in of_kind("ConfigMap") for name in part["data"])


def test_only_the_development_overlay_holds_secrets(of_kind, overlay):
    names = {part["metadata"]["name"] for part in of_kind("Secret")}
    if overlay != "dev":
        assert all(name.endswith("-kafka-scaler") for name in names)
    else:
        assert "spikewatch-ingest-seal" in names


@each_service
def test_a_service_survives_disruption(of_kind, service, overlay):
    budget = named(of_kind("PodDisruptionBudget"), service)
    assert budget["spec"]["maxUnavailable"] == 1
    deployment = named(of_kind("Deployment"), service)
    assert budget["spec"]["selector"] == deployment["spec"]["selector"]
    assert deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"] in {0, 1}
    keys = {part["topologyKey"] for part in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]}
    assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    account = named(of_kind("ServiceAccount"), deployment["spec"]["template"]["spec"]["serviceAccountName"])
    assert account["automountServiceAccountToken"] is False


def test_instances_are_stated_or_scaled_but_never_both(of_kind, overlay):
    scaled = {part["spec"]["scaleTargetRef"]["name"] for part in of_kind("ScaledObject", "HorizontalPodAutoscaler")}
    for service in SERVICES:
        stated = "replicas" in named(of_kind("Deployment"), service)["spec"]
        assert stated is (service not in scaled)


def test_images_are_pinned(of_kind):
    for workload in of_kind(*WORKLOADS):
        for container in containers(workload):
            assert re.search(r"(:v?\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$", container["image"]), container["image"]


def test_nothing_talks_unless_a_policy_says_so(of_kind):
    policies = of_kind("NetworkPolicy")
    deny = named(policies, "default-deny")["spec"]
    assert deny == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    covered = {part["spec"]["podSelector"].get("matchLabels", {}).get("app.kubernetes.io/name") for part in policies}
    for workload in of_kind(*WORKLOADS):
        assert workload["metadata"]["name"] in covered
    for policy in policies:
        assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"] or policy["metadata"]["name"] == "kafka-cluster"


@each_service
def test_every_service_may_reach_names_kafka_mongodb_and_the_collector(of_kind, service):
    ports = {port["port"] for rule in named(of_kind("NetworkPolicy"), service)["spec"]["egress"] for port in rule["ports"]}
    assert {53, 9093, 27017, 4318} <= ports
    assert (50051 in ports) is (service == "alerts")


@pytest.mark.parametrize("service", ["directory", "alerts"])
def test_what_serves_grpc_is_found_by_name_and_let_in_by_label(of_kind, service):
    (container,) = containers(named(of_kind("Deployment"), service))
    (port,) = [one["containerPort"] for one in container["ports"] if one["name"] == "grpc"]
    served = named(of_kind("Service"), service)["spec"]
    assert (served["clusterIP"], served["ports"]) == ("None", [{"name": "grpc", "port": port, "targetPort": "grpc"}])
    ingress = named(of_kind("NetworkPolicy"), service)["spec"]["ingress"]
    (policy,) = ingress
    assert [one["port"] for one in policy["ports"]] == [port]
    assert {"podSelector": {"matchLabels": {f"spikewatch.org/{service}-client": "true"}}} in policy["from"]


def test_every_reference_leads_to_something(of_kind, overlay):
    known = {part["metadata"]["name"] for part in of_kind("Secret", "KafkaUser")}
    # Made by Strimzi for the cluster, and brought by the operator of a deployment.
    known |= {"spikewatch-cluster-ca-cert"}
    if overlay != "dev":
        known |= {f"spikewatch-{service}-mongodb" for service in SERVICES} | {
            "spikewatch-ingest-seal",
            "spikewatch-directory-token",
            "spikewatch-alerts-token",
        }
    maps = {part["metadata"]["name"] for part in of_kind("ConfigMap")}
    for workload in of_kind(*WORKLOADS):
        text = yaml.safe_dump(workload)
        for volume in workload["spec"]["template"]["spec"]["volumes"]:
            if "secret" in volume:
                assert volume["secret"]["secretName"] in known
            if "configMap" in volume:
                assert volume["configMap"]["name"] in maps
        for container in containers(workload):
            for entry in container.get("env", []):
                reference = entry.get("valueFrom", {}).get("secretKeyRef")
                assert reference is None or reference["name"] in known, text


def test_topics_equal_the_declaration(of_kind, overlay):
    rendered = {part["metadata"]["name"]: part["spec"] for part in of_kind("KafkaTopic")}
    expected = {part["metadata"]["name"]: part["spec"] for part in topic_resources()}
    assert rendered.keys() == expected.keys() == {topic.name for topic in every_topic()}
    for name, spec in rendered.items():
        if overlay == "dev":
            assert spec["replicas"] == 1
        else:
            assert spec == expected[name]
        assert spec["partitions"] == expected[name]["partitions"]


def test_principals_equal_the_declaration(of_kind):
    rendered = {part["metadata"]["name"]: part["spec"] for part in of_kind("KafkaUser")}
    assert rendered == {part["metadata"]["name"]: part["spec"] for part in user_resources()}


def test_the_cluster_asks_who_you_are_and_creates_no_topic_by_accident(of_kind):
    (cluster,) = of_kind("Kafka")
    kafka = cluster["spec"]["kafka"]
    assert kafka["authorization"] == {"type": "simple"}
    assert all(listener["tls"] and listener["authentication"] == {"type": "scram-sha-512"} for listener in kafka["listeners"])
    assert kafka["config"]["auto.create.topics.enable"] is False


def test_scalers_follow_declared_groups_and_stop_at_the_partitions(of_kind, overlay):
    scalers = of_kind("ScaledObject")
    assert bool(scalers) is (overlay != "dev")
    declared = {group: topic for topic in every_topic() for group in topic.consumers}
    for scaler in scalers:
        assert scaler["spec"]["minReplicaCount"] >= 1
        for trigger in scaler["spec"]["triggers"]:
            topic = declared[trigger["metadata"]["consumerGroup"]]
            assert trigger["metadata"]["topic"] == topic.name
            assert scaler["spec"]["maxReplicaCount"] <= topic.partitions
            assert trigger["metadata"]["excludePersistentLag"] == "true"
    if scalers:
        assert {trigger["metadata"]["consumerGroup"] for part in scalers for trigger in part["spec"]["triggers"]} == set(declared)
