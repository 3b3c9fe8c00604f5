"""The file of a campaign: nothing of another origin is cut, two processes do not mix, writes that fail lose nothing."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.files.faults import BAD_TARGETS, PRECIOUS, FailingCalls, names_in, state_of
from verify import InputError
from verify.campaign import run as campaign
from verify.campaign.trial import Plan, Trial

SMALL: dict[str, Any] = {"networks": 4, "steps": 4, "heavy_ball_steps": 0, "attacks": 8, "workers": 1}
SMALL |= {"vocabulary": "classical"}


@pytest.fixture(autouse=True)
def instant_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    def trial(seed: int, plan: Plan) -> Trial:
        return Trial(seed, parameters=plan.steps)

    monkeypatch.setattr(campaign, "run_trial", trial)


@pytest.fixture
def whole(tmp_path: Path) -> bytes:
    path = tmp_path / "whole"
    campaign.run_campaign(path, **SMALL)
    content = path.read_bytes()
    path.unlink()
    return content


@pytest.mark.parametrize("target", BAD_TARGETS)
@pytest.mark.parametrize("force", [False, True])
def test_bad_targets_stay_as_they_are(tmp_path: Path, target: str, force: bool) -> None:
    if force and target.startswith("foreign"):
        pytest.skip("replaced by force")
    path = tmp_path / "file"
    BAD_TARGETS[target](path)
    before = state_of(tmp_path)
    with pytest.raises(InputError, match=r"file.*; give "):
        campaign.run_campaign(path, **SMALL, force=force)
    assert state_of(tmp_path) == before


FOREIGN = {
    "one line without an end": PRECIOUS,
    "lines": b"line 1\n" + PRECIOUS,
    "JSON": b'{"my": "only copy"}',
    "JSON line": b'{"my": "only copy"}\n' + PRECIOUS,
    "list": b"[1, 2]\n",
    "number": b"7\n",
    "nested": b"[" * 100_000 + b"\n",
    "binary": bytes(range(256)),
    "blank lines": b"\n\n" + PRECIOUS,
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN)
def test_files_of_other_origin_are_replaced_by_force_alone(tmp_path: Path, whole: bytes, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"no campaign.*give another file"):
        campaign.run_campaign(path, **SMALL)
    assert path.read_bytes() == content
    campaign.run_campaign(path, **SMALL, force=True)
    assert path.read_bytes() == whole and names_in(tmp_path) == ["file"]


def test_a_file_of_two_names_is_not_changed(tmp_path: Path, whole: bytes) -> None:
    (tmp_path / "file").write_bytes(whole[:-20])
    os.link(tmp_path / "file", tmp_path / "backup")
    with pytest.raises(InputError, match="has another name too"):
        campaign.run_campaign(tmp_path / "file", **SMALL)
    assert (tmp_path / "backup").read_bytes() == whole[:-20]


def test_a_file_cut_anywhere_is_gone_on_with(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "file"
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        campaign.run_campaign(path, **SMALL)
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "edit",
    [
        lambda lines: lines.__setitem__(2, b"{}"),
        lambda lines: lines.__setitem__(2, b"null"),
        lambda lines: lines.__setitem__(2, lines[1]),
        lambda lines: lines.__setitem__(2, lines[2].replace(b'"attacks": 0', b'"attacks": "0"')),
        lambda lines: lines.__setitem__(2, lines[2].replace(b'"covered": 0', b'"covered": true')),
        lambda lines: lines.append(lines[-1]),
        lambda lines: lines.insert(1, b""),
    ],
)
def test_edited_trials_are_named(tmp_path: Path, whole: bytes, edit: Any) -> None:
    lines = whole.splitlines()
    edit(lines)
    content = b"\n".join(lines) + b"\n"
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(InputError, match=r"file:\d: not a trial of this campaign"):
        campaign.run_campaign(tmp_path / "file", **SMALL)
    assert (tmp_path / "file").read_bytes() == content


def test_one_process_at_a_time(tmp_path: Path, whole: bytes) -> None:
    path = tmp_path / "file"

    def intrude(trial: dict[str, Any]) -> None:
        for force in (False, True):
            with pytest.raises(InputError, match=r"another process writes this file: name=.*; wait for its end"):
                campaign.run_campaign(path, **SMALL, force=force)

    campaign.run_campaign(path, **SMALL, progress=intrude)
    assert path.read_bytes() == whole


@pytest.mark.parametrize("call", ["open", "write", "fsync", "rename", "ftruncate"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EIO])
@pytest.mark.parametrize("old", [None, "cut", "foreign"])
def test_a_write_that_fails_loses_no_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: bytes, call: str, code: int, old: str | None
) -> None:
    path = tmp_path / "file"
    start = {None: None, "cut": whole[: len(whole) // 2], "foreign": PRECIOUS}[old]
    for number in range(1, 40):
        path.unlink(missing_ok=True)
        if start is not None:
            path.write_bytes(start)
        with monkeypatch.context() as patched:
            failing = FailingCalls(patched, call, number, code)
            try:
                campaign.run_campaign(path, **SMALL, force=old == "foreign")
            except InputError as error:
                assert os.strerror(code) in str(error) and "\n" not in str(error)
        assert names_in(tmp_path) in ([], ["file"])
        left = path.read_bytes() if path.exists() else b""
        assert whole.startswith(left) or left == start
        if old == "cut":
            assert len(left) >= start.rfind(b"\n") + 1
        campaign.run_campaign(path, **SMALL, force=left == PRECIOUS)
        assert path.read_bytes() == whole
        if not failing.happened:
            break
    assert not failing.happened


def test_the_header_is_the_first_line(whole: bytes) -> None:
    assert json.loads(whole.splitlines()[0])["campaign"] == 2
