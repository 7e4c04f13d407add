"""Every bound of consumers and relay, by name, with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from shared.messaging.retry import RetryPolicy

MOST_RESIDENT_BYTES = 768 << 20
"""Most memory that a process of a service may have resident, in an outage too: 150 to 250 MB at rest, and seven consumers with a
fetch of two megabytes each, which is several times as large once it is read. A container gets one gigabyte."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds one process works within."""

    batch_records: int = 1_000
    """Records of one consumer per transaction: from 300 on a record costs the same, and what comes meanwhile waits for all of the batch; bounds memory too."""
    intake_batch_records: int = 500
    """The same of the intake, where a record is dearest to hold: 21 fields, three boxes, an answer. With a thousand, registration held
    173 to 197 MB between the 200,000th and the last of a million, with 500 it held 133 at first and 143 at last."""
    busy_records: int = 100
    """A batch as large as this says that much comes in: the next one is given time to grow. Counted in records and not in the time that
    they took: whoever was held up once would wait for longer than that."""
    busy_seconds: float = 0.3
    """Time from one batch's start to the next while much comes in, and by the square of its share after a smaller one: each transaction,
    fetch and send is worth its round trips then, and the queue goes down faster."""
    busy_together_seconds: float = 0.15
    """The same where several consumers are read together: three times as much comes in a pause, and all of it is done before any of it is. At four
    fifths of the top rate people were through in 0.9 s at the median, with 0.3 seconds in 1.3 (one run each)."""
    follow_ms: int = 30
    """How long a few events wait for what they lead to, where one client reads both: that comes 15 to 25 ms later, and one transaction is cheaper
    than two. Longer than this nobody waits for it, in an outage too."""
    apart_seconds: float = 0.008
    """Shortest time from one batch's start to the next on our own topics. What comes by them has come in batches already: what one batch
    of the service before it leads to at two moments, such as a referral at once and an offer after the seat is found, waits this long."""
    intake_apart_seconds: float = 0.04
    """The same where others publish, one record at a time: all services behind take as many batches as this one makes of it. With
    batches of one record each, 60 registrations a second took 1.7 of two cores, and everybody waited for everybody; with 0.02 seconds
    190 a second did, and took longer to get through than with 0.04. What comes alone is taken at once."""
    poll_ms: int = 500
    """How long a consumer waits for records before it looks whether it is to stop; what comes is taken at once."""
    batch_seconds: float = 60.0
    """Longest one batch may take: far below `max_poll_interval_ms`, so that a stuck batch is given up before its group is."""
    drain_seconds: float = 25.0
    """How long a rebalance waits for the batch in hand: below `rebalance_timeout_ms`, so that the group does not lose us."""
    session_timeout_ms: int = 10_000
    """After a kill -9 a process's partitions wait this long, or until it is back under its own name, whichever comes first.

    Shorter makes a busy process look dead: decision 0007 has what was measured.
    """
    heartbeat_ms: int = 3_000
    """A third of the session time-out, as Kafka advises."""
    rebalance_timeout_ms: int = 60_000
    """How long the group waits for members to finish their batch."""
    max_poll_interval_ms: int = 300_000
    """Kafka's default; batches end long before."""
    fetch_wait_ms: int = 500
    """How long a fetch may wait at the broker: what comes ends the wait."""
    fetch_bytes: int = 2 << 20
    """Most that one fetch brings: some 2,500 events, two or three batches. What another publisher sends meanwhile waits no longer than these
    take, and what was fetched and is not yet worked off is most of what a process' memory moves by."""
    partition_fetch_bytes: int = 2 << 20
    """Twice the largest record, so that the largest never blocks its partition."""
    metadata_ms: int = 10_000
    """How soon a new publisher's topic is found."""
    gates: int = 1_000
    """Keys of one topic that may wait at once; above it the fault is ours, and the consumer stops instead of filling tables."""
    set_aside_seconds: int = 60
    """Window over which what is set aside is counted: longer than a hiccup, shorter than anybody needs to look."""
    set_aside_records: int = 100
    """So many of one topic may be set aside in a window whatever their share: a handful to look through, in a quiet hour too."""
    set_aside_share: float = 0.1
    """Above this share of a window's records the fault is ours (our assumption): ten times one poisonous record in a hundred."""
    forced_seconds: float = 600.0
    """How long an operator who forces a stopped consumer on is believed: ten windows, long enough to get past bad records."""
    stops_seconds: float = 2.0
    """How often a stopped consumer says that it still stands, and looks whether it may go on."""
    redrive_records: int = 500
    """Dead letters put back in one transaction: as large as a batch, and as short."""
    redrive_per_second: int = 50
    """Dead letters put back per second where the operator says nothing: slow enough to watch, 10,000 in under four minutes."""
    redrive_fastest: int = 5_000
    """Most that an operator may ask for: what a service handles on one machine beside its work."""
    redrive_alone: int = 100
    """More entries than this need a second person's approval: what one person can look through one by one."""
    redrive_failures: int = 20
    """So many may fail again before their share is looked at: fewer tell nothing."""
    redrive_failed_share: float = 0.5
    """Above this share of those that ended, the repair did not work: the redrive stops and leaves the rest untouched."""
    approval_hours: float = 24.0
    """A request that nobody approved within a day is withdrawn: by then it is about another day's letters."""
    reading_minutes: float = 15.0
    """How long an approved reading of a record may be used: long enough to look, too short to come back to."""
    release_records: int = 100
    """Records released from one gate in one transaction."""
    release_seconds: float = 0.25
    """How often gates are looked at when none was due: half of the shortest delay of a gate."""
    relay_records: int = 2_000
    """Events the relay reads at once: one statement and one delete serve them all."""
    relay_busy_seconds: float = 0.05
    """Pause of the relay where another process has leased all that waits."""
    relay_idle_seconds: float = 0.5
    """Pause of the relay where nothing waits: whoever commits events in the same process wakes it, so this is how long the events of a
    process that was killed wait for another one's relay."""
    ack_seconds: float = 10.0
    """How long the relay waits for acknowledgements: well under `request_timeout_ms`, after which a batch loses its numbers."""
    request_timeout_ms: int = 40_000
    """aiokafka's default for one request."""
    missing_topic_seconds: float = 30.0
    """How long the relay leaves a topic alone that the broker does not know."""
    dead_record_days: int = 30
    """How long a parked or dead record of the intake stays readable for an operator."""
    intake_hours: float = 24.0
    """How long a record of the intake stays on its topic after it was handled: a day to look into what went wrong, and no longer, since
    it names people in clear. What was not handled stays, for as long as the topic keeps it."""
    seen_days: int = 90
    """How long an id of the intake is remembered: six times as long as a topic keeps it, and a quarter of a year for a publisher who
    sends an old file once more. A copy that comes later is taken for what it says: one NIK is one person, and is told so."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    """When a waiting key is tried again."""
