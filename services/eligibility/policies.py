"""Reads the dated policies and the reference data of `policies/eligibility`, and runs the decision tables."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import zen

from services.eligibility.domain import Catalog, Centre, Match, Professions, Reference, ReferralProgramme
from shared.errors import Fatal

_TEXT = re.compile(r"'[^'\\]*'")
_NUMBER = re.compile(r"-?[0-9]+")


class PolicyMissing(Fatal):
    """No policy is there to decide by."""


class ReasonUnspoken(Fatal):
    """A policy gives a reason for which there is no sentence."""


class RowUnclear(Fatal):
    """A row of a policy's table does not state name, reason, effect and points of its own as constants."""


class Policy:
    """One version of the rules. Evaluating is synchronous and takes about 30 microseconds per person.

    The engine gets the table from a static loader: it is compiled once, here, and not at each decision.
    """

    def __init__(self, data: Mapping[str, Any], digest: str) -> None:
        self.name: str = data["policy"]
        self.valid_from = date.fromisoformat(data["valid_from"])
        self.bar: int = data["bar"]
        self.digest = digest
        professions = data["professions"]
        self.professions = Professions(frozenset(professions["excluded"]), frozenset(professions["other"]))
        nodes = {node["type"]: node for node in data["table"]["nodes"]}
        self.rows: Sequence[Mapping[str, str]] = nodes["decisionTableNode"]["content"]["rules"]
        self._matches = _read_matches(self.rows)
        self.codes = [match.code for match in self._matches.values()]
        self._engine = zen.ZenEngine({"loader": {"type": "static", "content": {self.name: _for_sets(data["table"])}}})

    def evaluate(self, views: Sequence[Mapping[str, Any]]) -> list[list[Match]]:
        """Return for each person, in order, the rules that match, in the table's order."""
        result = self._engine.evaluate(self.name, {"people": list(views)})["result"]["people"]
        return [[self._matches[row["rule"]] for row in rows] for rows in result]


def _read_matches(rows: Sequence[Mapping[str, str]]) -> dict[str, Match]:
    """Return what each row says where it matches, by the row's name. Raises RowUnclear naming the row and field."""
    matches: dict[str, Match] = {}
    for row in rows:
        rule = _text(row, "rule")
        if rule in matches:
            raise RowUnclear(f"two rows of the policy are called {rule}: give each a name of its own")
        matches[rule] = Match(rule, _text(row, "code"), _text(row, "effect"), _number(row, "points"))
    return matches


def _text(row: Mapping[str, str], field: str) -> str:
    if not _TEXT.fullmatch(row[field]):
        raise RowUnclear(f"{field} of the policy's row {row['rule']} is {row[field]}: write a constant text in single quotes")
    return row[field][1:-1]


def _number(row: Mapping[str, str], field: str) -> int:
    if not _NUMBER.fullmatch(row[field]):
        raise RowUnclear(f"{field} of the policy's row {row['rule']} is {row[field]}: write a constant whole number")
    return int(row[field])


def _for_sets(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table so that one call runs it for each of `people`, and names of its rows are all that comes back.

    Conditions stay as they are. What a row says besides its name is constant and read before: passing it through the engine
    for each person took half of the time.
    """
    return {**table, "nodes": [_node_for_sets(node) for node in table["nodes"]]}


def _node_for_sets(node: Mapping[str, Any]) -> Mapping[str, Any]:
    if node["type"] != "decisionTableNode":
        return node
    content = node["content"]
    named = [output for output in content["outputs"] if output["field"] == "rule"]
    unread = {output["id"] for output in content["outputs"]} - {output["id"] for output in named}
    rules = [{cell: text for cell, text in row.items() if cell not in unread} for row in content["rules"]]
    loop = {"executionMode": "loop", "inputField": "people", "outputPath": "people"}
    return {**node, "content": {**content, **loop, "outputs": named, "rules": rules}}


@dataclass(frozen=True, slots=True)
class PolicyBook:
    """Every version of the policy, the oldest first, and the sentences for its reasons."""

    policies: tuple[Policy, ...]
    sentences: Mapping[str, str]

    def in_force(self, on: date) -> Policy:
        """Return the policy of a day. A registration from before the first policy is decided by the first."""
        return next((p for p in reversed(self.policies) if p.valid_from <= on), self.policies[0])

    def say(self, codes: Sequence[str]) -> list[str]:
        """Return a sentence in Indonesian for each reason code; a code that staff chose freely stands for itself."""
        return [self.sentences.get(code, code) for code in codes]


def load_policies(folder: Path) -> PolicyBook:
    """Read every `<name>@<day>.json`. Raises PolicyMissing or ReasonUnspoken for data that cannot be right."""
    policies = []
    for path in folder.glob("*@*.json"):
        text = path.read_text("utf-8")
        policies.append(Policy(json.loads(text), hashlib.sha256(text.encode()).hexdigest()[:16]))
    if not policies:
        raise PolicyMissing(f"no policy in {folder}")
    sentences = _read(folder, "reasons")["reasons"]
    if unspoken := {code for policy in policies for code in policy.codes} - sentences.keys():
        raise ReasonUnspoken(f"reasons without a sentence: {', '.join(sorted(unspoken))}")
    return PolicyBook(tuple(sorted(policies, key=lambda policy: policy.valid_from)), sentences)


def load_reference(folder: Path) -> Reference:
    """Read provinces, sectors, incubators, training centres and referrals."""
    sectors = {division: s["code"] for s in _read(folder, "sectors")["sectors"] for division in s["divisions"]}
    incubators = _read(folder, "incubators")["incubators"]
    centres = _read(folder, "training")["centres"]
    catalog = Catalog(
        sectors=sectors,
        incubated=frozenset(sector for incubator in incubators for sector in incubator["sectors"]),
        centres=tuple(Centre(c["code"], c["name"], frozenset(c["provinces"]), frozenset(c["sectors"])) for c in centres),
        referrals=tuple(
            ReferralProgramme(r["code"], r["name"], date.fromisoformat(r["valid_from"]), r["needs_plan"])
            for r in _read(folder, "referrals")["referrals"]
        ),
    )
    return Reference(_read(folder, "provinces")["provinces"], incubators, centres, catalog)


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.json").read_text("utf-8"))
