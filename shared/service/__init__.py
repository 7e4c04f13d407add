"""What makes a process of a service: settings, HTTP problems, jobs, start and stop."""

from shared.service.jobs import Job
from shared.service.problems import Problem, busy, caller_dependency
from shared.service.service import Service
from shared.service.settings import ServiceSettings

__all__ = ["Job", "Problem", "Service", "ServiceSettings", "busy", "caller_dependency"]
