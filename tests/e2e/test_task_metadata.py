"""The task metadata endpoint: what containers learn of themselves, from version 4 and 3, with real figures."""

import json
from datetime import datetime

import pytest

from harness.tasks import exit_code, task_id

SLEEP = "trap 'exit 0' TERM; sleep 60 & wait"


def say(*paths, variable="ECS_CONTAINER_METADATA_URI_V4"):
    return "; ".join(f"wget -q -O - ${variable}{path}; echo" for path in paths)


def moment(text):
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@pytest.mark.parametrize("network", ["awsvpc", "bridge", "host"])
def test_task_and_container(tasks, admin, account_id, network):
    main = tasks.container(
        command="sleep 0.5; " + say("", "/task", "/taskWithTags"),
        cpu=10,
        memory=64,
        dockerLabels={"team": "blue"},
        portMappings=[{"containerPort": 8080}],
        healthCheck={"command": ["CMD", "true"]},
        environment=[],
    )
    other = tasks.container(name="other", command=SLEEP, essential=False, memory=32)
    definition = tasks.define(main, other, network=network)
    arn = tasks.run(definition, network, tags=[{"key": "a", "value": "1"}])
    described = tasks.wait_running(arn)
    task = tasks.wait_stopped(arn)
    container, whole, tagged = [json.loads(line) for line in tasks.lines(task) if line]
    family, revision = definition.split("/")[1].split(":")

    assert container["DockerId"] == described["containers"][0]["runtimeId"]
    assert (container["Name"], container["Image"], container["Type"]) == ("main", main["image"], "NORMAL")
    assert container["DockerName"].startswith(f"ecs-{family}-{revision}-main-")
    assert container["ImageID"] == described["containers"][0]["imageDigest"]
    assert container["ContainerARN"] == described["containers"][0]["containerArn"]
    assert container["Labels"] == {
        "team": "blue",
        "com.amazonaws.ecs.cluster": task["clusterArn"],
        "com.amazonaws.ecs.container-name": "main",
        "com.amazonaws.ecs.task-arn": arn,
        "com.amazonaws.ecs.task-definition-family": family,
        "com.amazonaws.ecs.task-definition-version": revision,
    }
    assert (container["DesiredStatus"], container["KnownStatus"]) == ("RUNNING", "RUNNING")
    assert container["Limits"] == {"CPU": 10, "Memory": 64}
    assert moment(container["CreatedAt"]) <= moment(container["StartedAt"])
    assert container["LogDriver"] == "awslogs"
    assert container["LogOptions"]["awslogs-group"] == tasks.group
    assert container["Health"] == {"status": "UNKNOWN"}
    port = container["Ports"][0]
    assert (port["ContainerPort"], port["Protocol"]) == (8080, "tcp")
    net = container["Networks"][0]
    assert net["NetworkMode"] == network
    if network == "awsvpc":
        assert net["IPv4Addresses"] == [described["containers"][0]["networkInterfaces"][0]["privateIpv4Address"]]
        details = {d["name"]: d["value"] for d in described["attachments"][0]["details"]}
        assert (net["MACAddress"], net["PrivateDNSName"]) == (details["macAddress"], details["privateDnsName"])
    if network == "bridge":
        assert port["HostPort"] == described["containers"][0]["networkBindings"][0]["hostPort"]

    assert (whole["TaskARN"], whole["Family"], whole["Revision"]) == (arn, family, revision)
    assert whole["Cluster"] == (task["clusterArn"] if network == "awsvpc" else tasks.cluster)
    assert (whole["KnownStatus"], whole["DesiredStatus"]) == ("RUNNING", "RUNNING")
    assert whole["LaunchType"] == ("FARGATE" if network == "awsvpc" else "EC2")
    assert whole["AvailabilityZone"] == task["availabilityZone"]
    assert [one["Name"] for one in whole["Containers"]] == ["main", "other"]
    assert whole["Containers"][0] == container
    assert whole["Limits"] == ({"CPU": 0.25, "Memory": 512} if network == "awsvpc" else {"Memory": 256})
    assert "TaskTags" not in whole
    assert tagged["TaskTags"] == {"a": "1"}


def test_figures_are_real(tasks):
    burn = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done"
    script = f"sleep 0.5; {say('/stats')}; {burn}; {say('/stats', '/task/stats')}; cat /proc/net/dev | grep eth0"
    main = tasks.container(command=script, memory=64)
    idle = tasks.container(name="idle", command=SLEEP, essential=False)
    over = tasks.container(name="over", command="true", essential=False)
    task = tasks.finish(main, idle, over)
    lines = [line for line in tasks.lines(task) if line]
    first, second, whole = [json.loads(line) for line in lines[:3]]
    spent = second["cpu_stats"]["cpu_usage"]["total_usage"] - first["cpu_stats"]["cpu_usage"]["total_usage"]
    assert spent > 10_000_000, "the loop takes longer than 10 ms of a processor"
    assert second["precpu_stats"]["cpu_usage"] == first["cpu_stats"]["cpu_usage"]
    assert second["preread"] == first["read"]
    assert second["cpu_stats"]["system_cpu_usage"] > first["cpu_stats"]["system_cpu_usage"]
    assert second["memory_stats"]["limit"] == 64 << 20
    assert 0 < second["memory_stats"]["usage"] < 64 << 20
    assert second["memory_stats"]["stats"]
    assert second["pids_stats"]["current"] >= 1
    assert set(second["networks"]) == {"eth0"}
    assert second["network_rate_stats"]["rx_bytes_per_sec"] >= 0
    by_name = {stats["name"].split("-")[-2]: stats for stats in whole.values() if stats}
    # One that has ended uses nothing.
    assert set(by_name) == {"main", "idle"}
    assert list(whole.values()).count(None) == 1
    assert by_name["idle"]["memory_stats"]["limit"] == 512 << 20


def test_version_3_and_what_is_not_there(tasks):
    script = (
        f"{say('', '/task', variable='ECS_CONTAINER_METADATA_URI')}; "
        "for path in /v4/0 /v4/0/task /v3/0; do printf 'GET %s HTTP/1.0\\r\\n\\r\\n' $path | nc 169.254.170.2 80 | "
        "grep -e HTTP -e handler; echo; done"
    )
    task = tasks.finish(tasks.container(command=script))
    assert exit_code(task) == 0, tasks.story(task)
    lines = [line.strip() for line in tasks.lines(task) if line.strip()]
    container, whole = json.loads(lines[0]), json.loads(lines[1])
    assert "ContainerARN" not in container and "LogDriver" not in container
    assert whole["TaskARN"] == task["taskArn"] and "LaunchType" not in whole
    assert lines[2::2] == ["HTTP/1.0 404 Not Found"] * 3
    assert all(isinstance(json.loads(line), str) for line in lines[3::2])


def test_health_is_told(tasks):
    check = {"command": ["CMD-SHELL", "echo not well; exit 3"], "interval": 5, "timeout": 2, "retries": 1}
    main = tasks.container(command=f"sleep 7; {say('')}", healthCheck=check)
    task = tasks.finish(main)
    health = json.loads([line for line in tasks.lines(task) if line][0])["Health"]
    assert (health["status"], health["exitCode"], health["output"]) == ("UNHEALTHY", 3, "not well\n")
    assert moment(health["statusSince"])
