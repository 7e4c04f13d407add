"""The composition root of notification: settings in, service out."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from services.notification.api import make_router
from services.notification.consumers import SERVICE, make_subscriptions
from services.notification.domain.messages import Channel
from services.notification.domain.tasks import Staff, kinds_for
from services.notification.gateways import EmailGateway, Gateway, MailServer, SmsGateway
from services.notification.handlers.deciding import Inbox
from services.notification.handlers.sending import Pace, Sender
from services.notification.handlers.telling import Desk
from services.notification.overview import read_overview
from services.notification.repository import messages, tasks
from services.notification.settings import Settings
from shared.security import Boxes, Callers, KeyStore
from shared.service import Job, Service
from shared.storage import Database, Outbox


def create(settings: Settings) -> Service:
    """Return the service; nothing is opened before it runs."""
    database = Database(settings.database_url, name=SERVICE)
    workers = KeyStore(Database(settings.keys_database_url, name=f"{SERVICE}-keys"), settings.masters("contact"))
    companies = KeyStore(
        Database(settings.company_keys_database_url, name=f"{SERVICE}-company-keys"), settings.masters("company")
    )
    desk = Desk({"contact": Boxes(workers), "company": Boxes(companies)}, Outbox(SERVICE), settings.clock)
    callers = Callers.load(settings.callers_file)
    gateways = make_gateways(settings) if "send" in settings.roles else {}
    return Service(
        SERVICE,
        settings,
        database=database,
        migrations=Path(__file__).parent / "migrations",
        subscriptions=make_subscriptions(desk) if "hear" in settings.roles else (),
        jobs=make_jobs(settings, desk, database, gateways) if gateways else (),
        routers=[make_router(Inbox(database, desk.outbox, settings.clock), callers)],
        key_stores=[workers, companies],
        on_start=[
            *(gateway.open for gateway in gateways.values()),
            partial(load_staff, database, callers),
            partial(release_held, database, settings.instance),
        ],
        on_stop=[gateway.close for gateway in gateways.values()],
        overview=partial(read_overview, database, settings.clock),
    )


def make_gateways(settings: Settings) -> dict[Channel, Gateway]:
    """Return the client of each channel's provider, with connections for every sender."""
    server = MailServer(
        settings.smtp_host,
        settings.smtp_port,
        settings.mail_from,
        settings.smtp_user,
        settings.smtp_password.get_secret_value() if settings.smtp_password else None,
    )
    return {
        Channel.SMS: SmsGateway(
            settings.sms_url,
            settings.sms_token.get_secret_value(),
            seconds=settings.provider_seconds,
            connections=settings.sms_at_once * settings.sms_senders,
        ),
        Channel.EMAIL: EmailGateway(
            server, seconds=settings.provider_seconds, connections=settings.email_at_once * settings.email_senders
        ),
    }


def make_jobs(settings: Settings, desk: Desk, database: Database, gateways: dict[Channel, Gateway]) -> list[Job]:
    """Return the senders of each channel, and the look-out for messages whose sender vanished."""
    senders = [
        Sender(channel, desk, database=database, gateway=gateways[channel], pace=_pace(settings, channel))
        for channel, count in ((Channel.SMS, settings.sms_senders), (Channel.EMAIL, settings.email_senders))
        for _ in range(count)
    ]
    jobs = [
        Job(f"send {sender.channel} {number}", settings.idle_seconds, sender.run, asyncio.Event())
        for number, sender in enumerate(senders)
    ]
    return [*jobs, Job("settle lost messages", settings.lost_seconds, senders[0].settle_lost)]


def _pace(settings: Settings, channel: Channel) -> Pace:
    return Pace(settings.claimed(channel), settings.at_once(channel), settings.lease_seconds, settings.retry, settings.instance)


async def release_held(database: Database, slot: str | None) -> None:
    """Let what the slot's earlier process was sending be decided about at once, and not when its lease ends."""
    if slot is not None:
        async with database.transaction() as tx:
            await messages.release_held(tx, slot)


async def load_staff(database: Database, callers: Callers) -> None:
    """Take over who does tasks from the callers file."""
    staff = [Staff(caller.person, caller.roles, caller.regions) for caller in callers if kinds_for(caller.roles)]
    async with database.transaction() as tx:
        await tasks.replace_staff(tx, staff)
