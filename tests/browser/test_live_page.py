import asyncio
import itertools
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.async_api import Browser, Page, async_playwright, expect

from rintis.runtime.ports import LOOPBACK, free_port
from services.console.app import create
from services.console.settings import Settings
from shared.testing import eventually

pytestmark = pytest.mark.browser


CLEAN = {
    "at": "2026-11-24T09:30:00+00:00",
    "trouble": None,
    "verdict": {"accepted": 1234, "in_flight": 0, "first_broken": None},
}
BROKEN = {
    "at": "2026-11-24T09:31:00+00:00",
    "trouble": None,
    "verdict": {
        "accepted": 1234,
        "in_flight": 0,
        "first_broken": {
            "kind": "missing",
            "where": "registration.workers -> eligibility.workers",
            "stage": "Penilaian kelayakan",
            "events": 2,
            "since": "2026-11-24T09:12:00+00:00",
            "command": "rintis audit --edge eligibility.workers --minute 2026-11-24T09:12",
        },
    },
}


def services_that_move(audit: dict[str, Any] | None = None) -> FastAPI:
    """Return one application that answers as all four services, with numbers that grow at every look, and as the audit."""
    app = FastAPI()

    @app.get("/audit/latest")
    async def latest() -> dict[str, Any]:
        return CLEAN if audit is None else audit

    looks = itertools.count(1)

    @app.get("/{service}/operations/overview")
    async def overview(service: str) -> dict[str, Any]:
        number = next(looks)
        tasks = [{"dinas": "32.73", "state": "open", "tasks": number, "overdue": 0}] if service == "notification" else []
        queues = (
            [{"queue": "registration.registrations", "waiting": number, "parked": 0, "held": 0, "dead": 2}]
            if service == "registration"
            else []
        )
        return {
            "service": service,
            "counts": {"accepted": number, "permits_active": 1000 + number},
            "tasks": tasks,
            "queues": queues,
        }

    return app


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, LOOPBACK, port, log_level="warning"))
    task = asyncio.create_task(server.serve())
    await eventually(lambda: server.started, what="the server being up")
    yield f"http://{LOOPBACK}:{port}"
    server.should_exit = True
    await task


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    path = shutil.which("chromium")
    assert path, "these tests drive a real browser: `apt-get install chromium`"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def page(browser: Browser) -> Page:
    return await browser.new_page(viewport={"width": 1280, "height": 900})


@asynccontextmanager
async def the_console(services: str, *, silent: str | None = None) -> AsyncIterator[str]:
    urls = {f"url_{name}": f"{services}/{name}" for name in ("registration", "eligibility", "notification", "reporting", "audit")}
    if silent:
        urls[f"url_{silent}"] = f"http://{LOOPBACK}:{free_port()}"
    service = create(Settings(http_port=free_port(), **urls))  # type: ignore[arg-type]  # the plugin cannot see through **
    running = asyncio.create_task(service.serve())
    await eventually(lambda: service.state.waits_for is None, what="the console being ready")
    yield f"http://{LOOPBACK}:{service.settings.http_port}"
    service.stop()
    await running


async def test_the_live_page_shows_moving_numbers(page: Page) -> None:
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    async with serving(services_that_move()) as services, the_console(services) as console:
        await page.goto(console)
        permits = page.locator('dd[data-count="permits_active"]')
        await expect(permits).not_to_be_empty(timeout=10_000)
        before = await permits.inner_text()
        await expect(permits).not_to_have_text(before, timeout=10_000)
        await expect(page.locator("#queue-rows")).to_contain_text("Pendaftaran masuk")
        await expect(page.locator("#task-rows")).to_contain_text("32.73")
        assert int((await permits.inner_text()).replace(".", "")) > int(before.replace(".", ""))
    assert errors == []


async def test_a_service_that_does_not_answer_is_named_and_the_others_are_shown(page: Page) -> None:
    async with serving(services_that_move()) as services, the_console(services, silent="eligibility") as console:
        await page.goto(console)
        await expect(page.locator("#state")).to_contain_text("Tidak menjawab: eligibility", timeout=15_000)
        await expect(page.locator('dd[data-count="permits_active"]')).not_to_be_empty()
        assert await page.locator('dd[data-count="confirmed"]').inner_text() == "\u2013"


async def test_the_last_audit_is_shown_in_plain_words(page: Page) -> None:
    async with serving(services_that_move()) as services, the_console(services) as console:
        await page.goto(console)
        await expect(page.locator("#audit-answer")).to_have_text("Semua tercatat: 1.234 masuk.", timeout=15_000)
        await expect(page.locator("#audit-more")).to_contain_text("Diperiksa")
        await expect(page.locator("#audit-tile")).to_have_class("tile clean")


async def test_the_first_broken_link_is_named_with_what_shows_more(page: Page) -> None:
    async with serving(services_that_move(BROKEN)) as services, the_console(services) as console:
        await page.goto(console)
        await expect(page.locator("#audit-answer")).to_contain_text(
            "Putus pertama: Penilaian kelayakan, 2 hilang", timeout=15_000
        )
        await expect(page.locator("#audit-more")).to_contain_text(
            "rintis audit --edge eligibility.workers --minute 2026-11-24T09:12"
        )
        await expect(page.locator("#audit-tile")).to_have_class("tile bad")


async def test_an_audit_that_does_not_answer_is_said_and_hides_nothing_else(page: Page) -> None:
    async with serving(services_that_move()) as services, the_console(services, silent="audit") as console:
        await page.goto(console)
        await expect(page.locator("#audit-answer")).to_have_text("Pemeriksaan tidak menjawab.", timeout=15_000)
        await expect(page.locator('dd[data-count="permits_active"]')).not_to_be_empty()
