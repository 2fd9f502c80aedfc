"""Hub and broker in any order of events: what the service holds in the end is what is requested and granted."""

import asyncio
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from jupyterhub import orm
from jupyterhub.scopes import define_custom_scopes

from rc2hub.broker import service_worker
from rc2hub.broker.change_requests import ChangeRequests
from rc2hub.broker.reconciler import Reconciler
from rc2hub.errors import ServiceUnavailableError
from rc2hub.hub import lifecycle
from rc2hub.hub.broker_sync.change_requests import ChangeRequestFollower
from rc2hub.hub.broker_sync.desired_state import DesiredStatePush
from rc2hub.messages import ChangeRequest, DesiredStateUpdate, PendingRequests, RevisionConflict
from rc2hub.permissions import custom_scopes
from rc2hub.server_id import ServerId
from tests.broker.memory_service import MemoryService
from tests.hub.broker_sync.hub_stub import Hub, accept, spawner

SERVERS = [ServerId("ada"), ServerId("ada", "two"), ServerId("bob"), ServerId("cleo")]
GROUPS = {"readers": "custom:rc2:flights:read", "writers": "custom:rc2:flights:write"}
LEVELS = st.sampled_from(["read", "write"])
TIMEOUT = 30.0


class Broker:
    """A broker that can be killed; the service keeps its credentials."""

    def __init__(self, service: MemoryService) -> None:
        self.service = service
        self.start()

    def start(self) -> None:
        self.reconciler = Reconciler({"flights": self.service})
        self.change_requests = ChangeRequests(self.reconciler)
        self.task = asyncio.create_task(self.reconciler.run())

    async def kill(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def put_desired_state(self, update: DesiredStateUpdate) -> RevisionConflict | None:
        if self.task.done():
            raise ServiceUnavailableError("The broker does not answer.")
        return accept(self.reconciler, update)

    async def pending_requests(self) -> PendingRequests:
        """The long poll, whose connection ends with the broker."""
        taking = asyncio.create_task(self.change_requests.take(TIMEOUT))
        await asyncio.wait({taking, self.task}, return_when=asyncio.FIRST_COMPLETED)
        if not taking.done():
            taking.cancel()
            raise ServiceUnavailableError("The broker does not answer.")
        return PendingRequests.model_validate_json((await taking).model_dump_json())


class AnyOrder(RuleBasedStateMachine):
    """A hub, a broker and a service."""

    @initialize()
    def begin(self) -> None:
        define_custom_scopes(custom_scopes({"flights": ["read", "write"]}))
        self.loop = asyncio.new_event_loop()
        self.do(self.open())

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    async def open(self) -> None:
        self.list_interval, service_worker.LIST_INTERVAL = service_worker.LIST_INTERVAL, 0.005
        self.hub = Hub(**{group: [scope] for group, scope in GROUPS.items()})
        for group in GROUPS:
            self.hub.group(group, group)
        for name in sorted({server.user for server in SERVERS}):
            self.hub.add(name, groups=("writers",))
        self.service = MemoryService()
        self.broker: Any = Broker(self.service)
        self.push = DesiredStatePush(self.broker, self.hub)
        follower = ChangeRequestFollower(self.push, self.change)
        self.tasks = [asyncio.create_task(run()) for run in (self.push.run, follower.run)]

    def change(self, one: Any, request: ChangeRequest) -> None:
        one.desired_state, one.server_id, one.save_state = self.push, request.server_id, lambda: None
        lifecycle.change(one, request)

    def spawners(self, server: ServerId) -> dict[str, Any]:
        found: dict[str, Any] = next(user.spawners for user in self.hub.users.values() if user.name == server.user)
        return found

    def is_healthy(self, server: ServerId) -> bool:
        return not (self.service.is_down or self.broker.task.done() or server in self.service.refused | {*self.service.slow})

    def level(self, server: ServerId) -> str | None:
        one = self.spawners(server).get(server.name)
        level: str | None = one and one.requested_services.get("flights")
        return level if level and any(grant.level == level for grant in self.push.grants(server.user)) else None

    @rule(server=st.sampled_from(SERVERS), level=LEVELS)
    def start(self, server: ServerId, level: str) -> None:
        self.spawners(server)[server.name] = spawner(server.name, flights=level)
        self.do(self._started(server))

    async def _started(self, server: ServerId) -> None:
        try:
            revision = await self.push.push()
        except ServiceUnavailableError:
            return
        if self.is_healthy(server):
            assert await self.broker.reconciler.wait_until_startable(server, revision, TIMEOUT)
            (state,) = self.broker.reconciler.states(server).attachments
            assert state.state == ("attached" if self.level(server) else "detached")

    @rule(server=st.sampled_from(SERVERS))
    def stop(self, server: ServerId) -> None:
        self.spawners(server).pop(server.name, None)
        self.push.push_soon()

    @rule(server=st.sampled_from(SERVERS), level=st.none() | LEVELS)
    @precondition(lambda self: not self.broker.task.done())
    def request_a_change(self, server: ServerId, level: str | None) -> None:
        if server.name in self.spawners(server) and (level is None or self.is_healthy(server)):
            request = ChangeRequest(server.user, server.name, "flights", level)
            granted = level is None or any(grant.level == level for grant in self.push.grants(server.user))
            if granted:
                self.do(self.broker.change_requests.submit(request))
                assert self.level(server) == level

    @rule(name=st.sampled_from(["ada", "bob", "cleo"]), groups=st.sets(st.sampled_from(sorted(GROUPS))))
    def change_groups(self, name: str, groups: set[str]) -> None:
        orm.User.find(self.hub.db, name).groups = [self.hub.group(group) for group in sorted(groups)]
        self.hub.db.commit()
        self.push.push_soon()

    @rule(is_down=st.booleans())
    def the_service_fails_or_answers(self, is_down: bool) -> None:
        self.service.is_down = is_down

    @rule(servers=st.sets(st.sampled_from(SERVERS), max_size=2))
    def the_service_refuses(self, servers: set[ServerId]) -> None:
        self.service.refused = servers

    @rule(server=st.sampled_from(SERVERS))
    def the_service_is_slow(self, server: ServerId) -> None:
        self.service.slow.setdefault(server, asyncio.Event())

    @rule()
    def the_service_is_fast(self) -> None:
        for event in self.service.slow.values():
            event.set()
        self.service.slow = {}

    @rule()
    def kill_the_broker(self) -> None:
        self.do(self.broker.kill())

    @rule()
    @precondition(lambda self: self.broker.task.done())
    def start_the_broker(self) -> None:
        self.do(self._restart())

    async def _restart(self) -> None:
        self.broker.start()
        self.push.push_soon()

    @rule()
    def wait(self) -> None:
        self.do(asyncio.sleep(0.01))

    def teardown(self) -> None:
        self.do(self._come_to_rest())
        self.loop.close()
        service_worker.LIST_INTERVAL = self.list_interval

    async def _come_to_rest(self) -> None:
        self.service.is_down, self.service.refused = False, set()
        self.the_service_is_fast()
        if self.broker.task.done():
            self.broker.start()
        wanted = {server: level for server in SERVERS if (level := self.level(server))}
        held: dict[ServerId, str] = {}
        try:
            async with asyncio.timeout(TIMEOUT):
                while held != wanted or self.shown() != wanted:
                    self.push.push_soon()
                    await asyncio.sleep(0.005)
                    held = {server: credential.level for server, credential in self.service.credentials.items()}
        except TimeoutError:
            assert (held, self.shown()) == (wanted, wanted)
        finally:
            await self.broker.kill()
            for task in self.tasks:
                task.cancel()
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def shown(self) -> dict[ServerId, str]:
        states = {server: self.broker.reconciler.states(server).attachments for server in SERVERS}
        return {server: found[0].level for server, found in states.items() if found and found[0].state == "attached"}


AnyOrder.TestCase.settings = settings(
    max_examples=60, stateful_step_count=30, deadline=None, phases=[Phase.explicit, Phase.generate]
)
test_the_service_holds_in_the_end_what_is_requested_and_granted = AnyOrder.TestCase
