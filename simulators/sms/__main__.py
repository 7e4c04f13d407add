"""The HTTP side of the SMS provider: `python -m simulators.sms`."""

from __future__ import annotations

import asyncio
import os
from dataclasses import asdict
from typing import Any

import orjson
import uvloop
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from simulators.program import Options, read_options, say, wait_for_stop
from simulators.received import Received
from simulators.sms.provider import Provider

ABOUT = """An SMS provider. POST /v1/messages {to, text, reference} with a bearer token and an Idempotency-Key;
POST /v1/messages/batch {messages: [{key, to, text, reference}]} for many, each answered for itself;
GET /v1/messages/by-reference/{reference}; GET /v1/count; POST /v1/behaviour to make it slow or faulty; GET /health.
RINTIS_SMS_TOKEN names the one token that is taken; without it every token is."""

PROVIDER = web.AppKey("provider", Provider)
SHUTDOWN_SECONDS = 1.0
"""Answers that hang on purpose are not waited for."""


async def send_message(request: web.Request) -> web.Response:
    """Take one message."""
    key = request.headers.get("Idempotency-Key", "")
    try:
        message: Any = orjson.loads(await request.read())
    except ValueError:
        message = None
    if not key or not isinstance(message, dict):
        return _answer({"code": "malformed_request"}, status=400)
    provider = request.app[PROVIDER]
    answer = provider.take(key, message)
    if delay := answer.delay_seconds + provider.behaviour.each_seconds:
        await asyncio.sleep(delay)
    return _answer(answer.body, status=answer.status)


async def send_messages(request: web.Request) -> web.Response:
    """Take many messages, each under its own key; the answer comes when the slowest of them has one."""
    try:
        call: Any = orjson.loads(await request.read())
        messages = [(str(message["key"]), message) for message in call["messages"]]
    except (ValueError, LookupError, TypeError):
        return _answer({"code": "malformed_request"}, status=400)
    provider = request.app[PROVIDER]
    answers = provider.take_all(messages)
    slowest = max((answer.delay_seconds for answer in answers), default=0.0)
    if delay := slowest + provider.behaviour.each_seconds * len(messages):
        await asyncio.sleep(delay)
    told = zip(messages, answers, strict=True)
    return _answer({"answers": [answer.body | {"key": key, "status": answer.status} for (key, _), answer in told]})


async def find_message(request: web.Request) -> web.Response:
    """Say what became of a reference."""
    found = request.app[PROVIDER].find(request.match_info["reference"])
    return _answer(found or {"code": "unknown_reference"}, status=200 if found else 404)


async def count_messages(request: web.Request) -> web.Response:
    """Say how many messages were delivered."""
    return _answer({"delivered": request.app[PROVIDER].delivered})


async def change_behaviour(request: web.Request) -> web.Response:
    """Make the provider slow or faulty, for tests."""
    behaviour = request.app[PROVIDER].behaviour
    try:
        behaviour.change(orjson.loads(await request.read()))
    except ValueError as error:
        return _answer({"code": "malformed_request", "detail": str(error)}, status=400)
    return _answer(asdict(behaviour))


async def say_health(_request: web.Request) -> web.Response:
    """Say that the program is there."""
    return _answer({"status": "ok"})


def _answer(body: Any, *, status: int = 200) -> web.Response:
    return web.Response(body=orjson.dumps(body), status=status, content_type="application/json", charset="utf-8")


def require_token(token: str) -> Middleware:
    """Return what turns away calls without the bearer token; an empty token lets every bearer pass."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        is_known = scheme.lower() == "bearer" and bool(given) and given == (token or given)
        if request.path.startswith("/v1/messages") and not is_known:
            return _answer({"code": "unauthorised"}, status=401)
        return await handler(request)

    return check


def make_app(provider: Provider, token: str) -> web.Application:
    """Return the application."""
    app = web.Application(middlewares=[require_token(token)])
    app[PROVIDER] = provider
    app.router.add_post("/v1/messages", send_message)
    app.router.add_post("/v1/messages/batch", send_messages)
    app.router.add_get("/v1/messages/by-reference/{reference}", find_message)
    app.router.add_get("/v1/count", count_messages)
    app.router.add_post("/v1/behaviour", change_behaviour)
    app.router.add_get("/health", say_health)
    app.router.add_get("/health/ready", say_health)
    return app


async def serve(options: Options) -> None:
    """Serve until told to stop."""
    received = Received(options.file)
    runner = web.AppRunner(
        make_app(Provider(received), os.environ.get("RINTIS_SMS_TOKEN", "")), access_log=None, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    await web.TCPSite(runner, options.host, options.port, reuse_address=True).start()
    port = runner.addresses[0][1]
    say(f"SMS simulator ready on http://{options.host}:{port}, keeping {options.file}")
    await wait_for_stop()
    await runner.cleanup()
    received.close()


def main() -> None:
    """Run the program."""
    uvloop.run(serve(read_options("sms", ABOUT)))


if __name__ == "__main__":
    main()
