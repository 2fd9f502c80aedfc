"""What the broker requires of every kind of shared service. A new kind is added to IMPLEMENTATIONS."""

import pytest

from rc2hub.services.base import SharedService
from rc2hub.services.contract import ServiceContract

IMPLEMENTATIONS = ["postgres", "spark", "hdfs", "hive", "s3", "secret"]


class TestContract(ServiceContract):
    @pytest.fixture(params=IMPLEMENTATIONS)
    def service(self, request: pytest.FixtureRequest) -> SharedService:
        return request.getfixturevalue(f"{request.param}_service")

    @pytest.fixture(params=IMPLEMENTATIONS)
    def dead_service(self, request: pytest.FixtureRequest) -> SharedService:
        return request.getfixturevalue(f"dead_{request.param}_service")
