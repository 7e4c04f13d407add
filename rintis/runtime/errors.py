"""What stops a start, said so that the reader knows what to do next."""

from shared.errors import RintisError


class CannotStart(RintisError):
    """Something that Rintis needs on this machine is not there. `remedy` says what to do."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message}\n  {remedy}" if remedy else message)
        self.remedy = remedy
