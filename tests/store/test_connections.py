"""Connections stay with a primary only, and find it again by themselves."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from redis._parsers.resp2 import _RESP2Parser

from campaigns.broker.bells import broker_problem
from campaigns.campaign import Campaign
from campaigns.enqueue import enqueue
from campaigns.errors import StoreError
from campaigns.services import Services
from campaigns.store.commands import Redis
from campaigns.store.connections import MovedAwayError, NotPrimaryError, meaning
from campaigns.store.embedded import EmbeddedServer
from campaigns.wiring import INTERACTIVE, build_services, open_store
from tests.rig.proxy import Proxy
from tests.support.failover import port_of
from tests.support.holes import free_ports
from tests.support.jobs import bulk_job, phones
from tests.support.sentinels import SentinelProcess, ask_server, until
from tests.support.settings import fast_settings

_numbers = count(1)


@pytest.fixture(scope="module")
def servers() -> Iterator[list[EmbeddedServer]]:
    with EmbeddedServer() as one, EmbeddedServer() as other:
        yield [one, other]


@pytest.fixture
def pair(servers: list[EmbeddedServer]) -> list[EmbeddedServer]:
    """A primary and its replica."""
    primary, replica = servers
    ask_server(port_of(primary), "REPLICAOF", "NO", "ONE")
    ask_server(port_of(replica), "REPLICAOF", "127.0.0.1", port_of(primary))
    until(lambda: ask_server(port_of(replica), "ROLE")[3] == b"connected")
    return servers


def test_a_server_that_loads_its_data() -> None:
    """As after a kill -9: each call is answered, at the latest once all is loaded, or fails with a StoreError."""
    slow = {"key-load-delay": "300", "loading-process-events-interval-bytes": "1024"}
    with EmbeddedServer(config=slow) as server, ThreadPoolExecutor(1) as thread:
        redis = services_at(server.url).store.redis
        redis.mset({f"key{number}": "x" for number in range(3000)})
        # Only what stands in the base file is loaded slowly.
        redis.bgrewriteaof()
        until(lambda: redis.info("persistence")["aof_rewrite_in_progress"] == 0)
        server.kill()
        restarted, asked = thread.submit(server.restart), 0
        while not restarted.done():
            with suppress(StoreError):
                services_at(server.url).store.ask(Redis.get, "key1")
            asked += 1
        assert services_at(server.url).store.ask(Redis.get, "key1") == b"x"
    assert asked


def turn_over(pair: list[EmbeddedServer]) -> None:
    """Both change their roles, and no connection is closed: as planned maintenance does it."""
    old, new = pair
    until(lambda: ask_server(port_of(old), "WAIT", 1, 100) == 1)
    ask_server(port_of(new), "REPLICAOF", "NO", "ONE")
    ask_server(port_of(old), "REPLICAOF", "127.0.0.1", port_of(new))


def services_at(url: str) -> Services:
    settings = fast_settings(url, "http://127.0.0.1:1", f"seek{next(_numbers)}:")
    return build_services(settings, store=open_store(settings, INTERACTIVE))


def test_a_replica_is_refused_with_the_reason(pair: list[EmbeddedServer]) -> None:
    services = services_at(pair[1].url)
    with pytest.raises(StoreError, match="the server is a replica, which takes no writes"):
        enqueue(services, bulk_job(phones(1)))
    assert broker_problem(services.settings) != ""


def test_who_stayed_at_a_server_that_became_a_replica_leaves_it_with_the_next_write(pair: list[EmbeddedServer]) -> None:
    """The name is a managed primary's: it stands for another server by now, and the old connections work on."""
    with Proxy(port_of(pair[0])) as name:
        services = services_at(f"redis://127.0.0.1:{name.port}/0")
        before = enqueue(services, bulk_job(phones(1)))
        assert services.ring("quick")
        turn_over(pair)
        name.target = port_of(pair[1])
        after = enqueue(services, bulk_job(phones(2)))
        assert [Campaign.of(services, one.id).status().total for one in (before, after)] == [1, 2]
        assert services.ring("bulk")
        assert ask_server(port_of(pair[1]), "LLEN", f"{services.settings.key_prefix}celery:bulk") > 0


def test_a_write_waits_while_the_name_still_leads_to_the_replica(pair: list[EmbeddedServer]) -> None:
    with Proxy(port_of(pair[0])) as name:
        services = services_at(f"redis://127.0.0.1:{name.port}/0")
        enqueue(services, bulk_job(phones(1)))
        turn_over(pair)
        with pytest.raises(StoreError, match="replica"):
            enqueue(services, bulk_job(phones(1)))
        name.target = port_of(pair[1])
        enqueue(services, bulk_job(phones(1)))


@pytest.mark.parametrize(
    "answer",
    [
        "READONLY You can't write against a read only replica.",
        "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write",
        "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "CLUSTERDOWN The cluster is down",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "ASK 3999 127.0.0.1:6381",
        "MOVED 3999 127.0.0.1:6381",
    ],
)
def test_answers_about_the_server_count_as_a_lost_connection(answer: str) -> None:
    """Each says that the command was not carried out, so that it may be repeated elsewhere."""
    found = meaning(_RESP2Parser.parse_error(answer))
    assert isinstance(found, NotPrimaryError)
    assert isinstance(found, MovedAwayError) == answer.startswith("MOVED")


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[EmbeddedServer]]:
    """Two servers in cluster mode, each with half of the slots."""
    buses = free_ports(2)
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(EmbeddedServer(config={"cluster-enabled": "yes", "cluster-port": str(bus)}))
            for bus in buses
        ]
        for node, slots in zip(nodes, [(0, 8191), (8192, 16383)], strict=True):
            ask_server(port_of(node), "CLUSTER", "ADDSLOTSRANGE", *slots)
        ask_server(port_of(nodes[0]), "CLUSTER", "MEET", "127.0.0.1", port_of(nodes[1]), buses[1])
        for node in nodes:
            until(lambda node=node: ask_server(port_of(node), "CLUSTER INFO")["cluster_state"] == "ok")
        yield nodes


@pytest.mark.parametrize("prefix", ["", "campaigns:", "{}campaigns:", "campaigns:{"])
def test_without_a_hash_tag_a_server_in_cluster_mode_is_refused(cluster: list[EmbeddedServer], prefix: str) -> None:
    """Before anything is stored, and with the setting that mends it."""
    for node in cluster:
        settings = replace(services_at(node.url).settings, key_prefix=prefix)
        with pytest.raises(StoreError, match=r"in cluster mode.*CAMPAIGNS_KEY_PREFIX.*\{campaigns\}:"):
            enqueue(build_services(settings), bulk_job(phones(1)))
        assert ask_server(port_of(node), "DBSIZE") == 0


def test_with_a_hash_tag_any_server_of_the_cluster_leads_to_the_keys(cluster: list[EmbeddedServer]) -> None:
    campaign = ""
    for node in cluster:
        settings = replace(services_at(node.url).settings, key_prefix="x{campaigns}:")
        services = build_services(settings)
        campaign = campaign or enqueue(services, bulk_job(phones(3))).id
        assert Campaign.of(services, campaign).status().total == 3
        assert services.ring("bulk")
        assert broker_problem(settings) == ""


def test_a_slot_that_moves_is_followed(cluster: list[EmbeddedServer]) -> None:
    """The connection of before is at the wrong server from then on."""
    services = services_at(cluster[0].url)
    settings = replace(services.settings, key_prefix="{moving}:")
    services = build_services(settings)
    slot = ask_server(port_of(cluster[0]), "CLUSTER", "KEYSLOT", "{moving}:")
    owner, other = sorted(cluster, key=lambda node: (slot > 8191) != (node is cluster[1]))
    assert services.store.ask(Redis.get, "{moving}:none") is None
    assert services.ring("bulk")
    ask_server(port_of(owner), "DEL", "{moving}:layout", "{moving}:celery:bulk", "{moving}:celery:_kombu.binding.")
    node_id = ask_server(port_of(other), "CLUSTER", "MYID").decode()
    for node in (other, owner):
        ask_server(port_of(node), "CLUSTER", "SETSLOT", slot, "NODE", node_id)
    enqueue(services, bulk_job(phones(1)))
    assert services.ring("bulk")
    assert ask_server(port_of(other), "LLEN", "{moving}:celery:bulk") == 2


def test_a_sentinel_is_no_server(tmp_path: Path, servers: list[EmbeddedServer]) -> None:
    """Its port is easily taken for one."""
    sentinel = SentinelProcess(tmp_path, free_ports(1)[0], port_of(servers[0]), 1, None)
    try:
        until(lambda: ask_server(sentinel.port, "PING"))
        with pytest.raises(StoreError, match="write sentinel://"):
            services_at(f"redis://127.0.0.1:{sentinel.port}/0").store.ask(Redis.ping)
        with pytest.raises(StoreError, match=f"127.0.0.1:{sentinel.port}: knows no primary 'other'"):
            services_at(f"sentinel://127.0.0.1:{sentinel.port}/other/0").store.ask(Redis.ping)
    finally:
        sentinel.stop()
