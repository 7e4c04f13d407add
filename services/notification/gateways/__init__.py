"""The outside parties that deliver messages: what we ask of them, and the clients that speak to them."""

from services.notification.gateways.letters import SUSPECT, Gateway, Letter, Result
from services.notification.gateways.mail import EmailGateway, MailServer
from services.notification.gateways.sms import SmsGateway

__all__ = ["SUSPECT", "EmailGateway", "Gateway", "Letter", "MailServer", "Result", "SmsGateway"]
