"""`/metrics` for Prometheus: what all worker processes of this server counted, whichever of them is asked.

Each worker tells its numbers on a socket of its own in a folder that only this account can enter; whoever is asked
over HTTP asks the others, and every sample says whose it is (`worker`). So nothing is written while work is done, and
a worker that died is simply missing until another one stands in its place.

Invariant: nobody gets a number without the token, and there is no address at all where none is set.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal

import orjson
import psutil
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from db.errors import Unavailable
from db.mails import count_waiting_mails
from db.session import Database, Session
from db.webhook_queue import count_failing
from realtime.process import Realtime
from server.sockets import Sockets
from server.tally import BOUNDS, Durations
from server.team import Team

ANSWER_SECONDS = 1.0
"""For another worker's numbers, and for PostgreSQL's."""

Kind = Literal["counter", "gauge", "histogram"]
Labels = Mapping[str, str]

log = logging.getLogger("tutti.server")


@dataclass(frozen=True, slots=True)
class Family:
    """One metric of one process. The value of a histogram's sample: its counts by BOUNDS and its sum."""

    kind: Kind
    name: str
    help: str
    samples: Sequence[tuple[Labels, Any]]


class Metrics:
    """The numbers of this process, and of the others by asking them."""

    def __init__(self, team: Team, database: Database, realtime: Realtime, sockets: Sockets, token: str) -> None:
        self._team = team
        self._database = database
        self._realtime = realtime
        self._sockets = sockets
        self._token = token.encode()
        self._process = psutil.Process()

    @asynccontextmanager
    async def told(self) -> AsyncIterator[None]:
        """While it lasts the other workers get our numbers."""
        if self._team.folder is None:
            yield
            return
        address = self._team.address(self._team.number)
        address.unlink(missing_ok=True)  # of one who died in this place
        async with await asyncio.start_unix_server(self._tell, address):
            yield

    async def respond(self, request: Request) -> Response:
        """The answer to a scrape."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode(), self._token):
            return PlainTextResponse("A token is needed.", 401, {"WWW-Authenticate": "Bearer"})
        others = [number for number in range(self._team.size) if number != self._team.number]
        answers, of_jobs = await asyncio.gather(
            asyncio.gather(*(self._ask(number) for number in others)), self._of_jobs()
        )
        by_worker = {self._team.number: self.families(), **dict(zip(others, answers, strict=True))}
        content = _written([*_merged(by_worker), *of_jobs])
        return Response(content, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})

    def families(self) -> list[Family]:
        """What this process has counted."""
        return [*self._of_sockets(), *self._of_operations(), *self._of_realtime(), *self._of_process()]

    def _of_sockets(self) -> list[Family]:
        sockets, tally = self._sockets, self._sockets.tally
        closes = [({"code": code}, count) for code, count in sorted(tally.closes.items())]
        return [
            _gauge("sockets", "Sockets that are open.", sockets.count),
            _gauge(
                "socket_operations", "Operations that run on sockets, subscriptions mostly.", sockets.operation_count
            ),
            _counter("sockets_opened", "Sockets accepted.", tally.sockets),
            Family("counter", "tutti_sockets_closed", "Sockets closed, by our close code or by the client.", closes),
            _counter("sockets_slow", "Sockets closed because the peer did not keep up.", tally.slow),
        ]

    def _of_operations(self) -> list[Family]:
        tally = self._sockets.tally
        took = [
            ({"transport": transport, "kind": kind, "outcome": outcome}, _histogram(durations))
            for (transport, kind, outcome), durations in sorted(tally.operations.items())
        ]
        refused = [({"transport": transport}, count) for transport, count in sorted(tally.refused.items())]
        live = tally.live
        plans = [({"by": "projector"}, live.compiled), ({"by": "graphql-core"}, live.uncovered_plans)]
        events = [({"by": "projector"}, live.projected), ({"by": "graphql-core"}, live.executed)]
        return [
            Family("histogram", "tutti_operation_seconds", "Queries and mutations executed.", took),
            Family("counter", "tutti_operations_refused", "Operations refused before execution.", refused),
            _counter("subscriptions", "Subscriptions begun.", tally.subscriptions),
            Family("counter", "tutti_subscription_plans", "Selections made ready, by what renders them.", plans),
            Family("counter", "tutti_batches_rendered", "Batches rendered, by what rendered them.", events),
            _counter("batches_fallen_back", "Batches that a projector did not cover.", live.fallen_back),
            _counter("batches_sent_alone", "Batches rendered for one subscriber alone.", tally.sent_alone),
        ]

    def _of_realtime(self) -> list[Family]:
        counters, state = self._realtime.counters, self._realtime.hub.state()
        totals = {
            "group_batches": ("Batches rendered once for a whole group.", counters.group_batches),
            "group_deliveries": ("Batches given to subscribers in groups.", counters.group_deliveries),
            "groups_ended": ("Groups whose followers had to go on alone.", counters.groups_ended),
            "messages_published": ("Commits that Redis took.", counters.published),
            "publish_failures": ("Commits that Redis did not take in time.", counters.publish_failures),
            "publish_skipped": ("Commits not offered to Redis, which was away.", counters.publish_skipped),
            "messages_received": ("Messages from Redis.", counters.received),
            "messages_malformed": ("Messages from Redis that made no sense.", counters.malformed),
            "redis_connects": ("Times that the link to Redis was made.", counters.connects),
            "log_refills": ("Pages read from the log because messages were missing.", counters.refills),
            "log_replays": ("Pages read from the log for somebody who resumed.", counters.replays),
            "ring_replays": ("Times that somebody caught up from memory.", counters.ring_replays),
            "inbox_overflows": ("Listeners that fell back on the log.", counters.overflows),
            "poll_failures": ("Looks at the heads of the log that failed.", counters.poll_failures),
        }
        return [
            _gauge("workspaces_followed", "Workspaces that somebody follows.", state.topics),
            _gauge("groups", "Groups of subscribers who get the same.", state.groups),
            _gauge("group_seats", "Subscribers in groups.", state.seats),
            _gauge("log_lag_events", "Events that were in the log and not heard of, at the last look.", state.lag),
            _gauge("redis_up", "Whether messages flow.", int(self._realtime.is_healthy)),
            *(_counter(name, text, value) for name, (text, value) in totals.items()),
        ]

    def _of_process(self) -> list[Family]:
        lag = _histogram(self._sockets.tally.loop_lag)
        with self._process.oneshot():
            times = self._process.cpu_times()
            memory, files = self._process.memory_info().rss, self._process.num_fds()
        return [
            Family("histogram", "tutti_loop_lag_seconds", "By how much the event loop was late.", [({}, lag)]),
            _counter("cpu_seconds", "CPU time used.", times.user + times.system),
            _gauge("memory_bytes", "Resident memory.", memory),
            _gauge("open_files", "Open files and sockets.", files),
            _gauge("tasks", "Tasks of the event loop.", len(asyncio.all_tasks())),
        ]

    async def _of_jobs(self) -> list[Metric]:
        """What the database tells of the jobs' work; nothing while it is away."""

        async def read(session: Session) -> list[Metric]:
            waiting, failing = await count_waiting_mails(session), await count_failing(session)
            return [
                _metric("gauge", "tutti_outbox_mails", "Mails that wait to be sent.", [({}, waiting)]),
                _metric("gauge", "tutti_webhooks_failing", "Webhooks that failed for 24 hours.", [({}, failing)]),
            ]

        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._database.alone(read)
        return []

    async def _ask(self, number: int) -> list[Family]:
        """Another worker's numbers; none if it does not answer."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._team.address(number))
                try:
                    told = orjson.loads(await reader.read())
                finally:
                    writer.close()
            return [Family(*each) for each in told]
        except (OSError, TimeoutError, orjson.JSONDecodeError):
            return []

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            told = [(each.kind, each.name, each.help, each.samples) for each in self.families()]
            writer.write(orjson.dumps(told))
            await writer.drain()
        except OSError:
            pass  # it gave up
        except Exception:
            log.exception("The metrics could not be told")
        finally:
            writer.close()


class _Collected(Collector):
    def __init__(self, found: Sequence[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _written(found: Sequence[Metric]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Collected(found))
    return generate_latest(registry)


def _merged(by_worker: Mapping[int, list[Family]]) -> Iterable[Metric]:
    up = [({"worker": str(number)}, int(bool(families))) for number, families in sorted(by_worker.items())]
    yield _metric("gauge", "tutti_worker_up", "Whether a worker told its numbers.", up)
    by_name: dict[str, tuple[Family, list[tuple[Labels, Any]]]] = {}
    for number, families in sorted(by_worker.items()):
        for family in families:
            _, samples = by_name.setdefault(family.name, (family, []))
            samples += [({"worker": str(number), **labels}, value) for labels, value in family.samples]
    for family, samples in by_name.values():
        yield _metric(family.kind, family.name, family.help, samples)


def _metric(kind: Kind, name: str, text: str, samples: Sequence[tuple[Labels, Any]]) -> Metric:
    """Labels are the same in all samples of a metric."""
    labels = list(samples[0][0]) if samples else []
    if kind == "histogram":
        histogram = HistogramMetricFamily(name, text, labels=labels)
        edges = [*map(str, BOUNDS), "+Inf"]
        for of, (counts, total) in samples:
            buckets = list(zip(edges, accumulate(counts), strict=True))
            histogram.add_metric(list(of.values()), buckets, total)
        return histogram
    made = CounterMetricFamily(name, text, labels=labels) if kind == "counter" else GaugeMetricFamily(
        name, text, labels=labels
    )  # fmt: skip
    for of, value in samples:
        made.add_metric(list(of.values()), value)
    return made


def _counter(name: str, text: str, value: float) -> Family:
    return Family("counter", f"tutti_{name}", text, [({}, value)])


def _gauge(name: str, text: str, value: float) -> Family:
    return Family("gauge", f"tutti_{name}", text, [({}, value)])


def _histogram(durations: Durations) -> tuple[list[int], float]:
    return durations.counts, durations.seconds
