import httpx
import pytest
from fastapi import APIRouter

from shared.service.app import State, make_app


async def no_counts() -> dict[str, object]:
    return {}


@pytest.mark.parametrize(("method", "wakes"), [("GET", 0), ("POST", 1), ("DELETE", 1)])
async def test_a_request_that_may_have_written_wakes_the_relay_and_one_that_reads_does_not(method: str, wakes: int) -> None:
    router = APIRouter()
    woken: list[str] = []

    @router.api_route("/thing", methods=["GET", "POST", "DELETE"])
    async def thing() -> str:
        assert not woken, "the relay looks before anything is committed"
        return "done"

    app = make_app("test", [router], State(), no_counts, after_writes=lambda: woken.append(method))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        answer = await client.request(method, "/thing")

    assert answer.status_code == 200
    assert len(woken) == wakes
