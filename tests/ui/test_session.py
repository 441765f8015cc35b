"""One page's session: nothing old beside something new, nothing of another page, nothing left."""

import queue
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from cxr_demo.errors import CxrError
from cxr_demo.records import DoneEvent, FailedEvent, StopReason, Token, TokenEvent, Window
from cxr_demo.studies.errors import UnknownFormat
from cxr_demo.studies.folders import StudyRef
from cxr_demo.ui import present, uploads
from cxr_demo.ui.api import Sessions
from cxr_demo.ui.readings import state
from cxr_demo.ui.session import Session
from cxr_demo.ui.state import Choice, Services
from cxr_demo.ui.uploads import pack
from tests.ui.build import radiograph, reading


class Stream:
    """A reading that writes what the test says."""

    def __init__(self):
        self.events = queue.SimpleQueue()
        self.stops = 0

    def __iter__(self):
        while True:
            event = self.events.get()
            yield event
            if isinstance(event, DoneEvent | FailedEvent):
                return

    def stop(self):
        self.stops += 1
        self.events.put(DoneEvent(reading("half", StopReason.STOPPED)))

    def write(self, text):
        self.events.put(TokenEvent(Token(0, 0, text, 0.1)))

    def finish(self, report):
        self.events.put(DoneEvent(reading(report)))


class Reader:
    def __init__(self):
        self.streams = []
        self.asked, self.prompts = [], []

    def read(self, image, model, precision, kind, prompt=None):
        self.streams.append(Stream())
        self.asked.append(image)
        self.prompts.append(prompt)
        return self.streams[-1]


class Opener:
    """Opens "bad" never, "slow" when told to, and everything else at once."""

    def __init__(self):
        self.go_on = threading.Event()

    def list_studies(self, path):
        return (StudyRef(path.name, path, ()),)

    def open(self, source):
        if "slow" in source.key:
            assert self.go_on.wait(10)
        if "bad" in source.key:
            raise UnknownFormat()
        if "broken" in source.key:
            raise RuntimeError(f"cannot read {source.path}, patient SILVA")
        many = 2 if "pair" in source.key else 1
        if "windowed" in source.key:
            one = radiograph(len(source.key))
            return (replace(one, windows=(Window(900, 300), *one.windows)),)
        return tuple(radiograph(len(source.key) + n) for n in range(many))


@pytest.fixture
def parts():
    discarded = []
    samples = {"a": Path("sample-a"), "b": Path("sample-bb")}
    return Services(Opener(), Reader(), samples, tuple, discarded.append), discarded


@pytest.fixture
def session(parts):
    return Session(parts[0], "en", Choice("embedded"))


def until(condition, seconds=5):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


def open_file(session, *names):
    session.open_held([session.hold(Path(name)) for name in names])


def shown(session):
    with session.lock:
        return present.view(session)


def test_two_clicks_to_a_report(session, parts):
    session.open_sample("a")
    session.generate()
    until(lambda: parts[0].reader.streams)
    parts[0].reader.streams[0].write("The heart")
    until(lambda: session.run.report == "The heart")
    assert shown(session)["busy"]
    parts[0].reader.streams[0].finish("The heart is enlarged.")
    until(lambda: not session.busy)
    assert shown(session)["report"]["state"] == "done"


def test_text_of_one_study_never_stands_under_another(session, parts):
    session.open_sample("a")
    session.generate()
    until(lambda: parts[0].reader.streams)
    first = parts[0].reader.streams[0]
    first.write("Text of A")
    until(lambda: session.run.report)
    session.open_sample("b")
    assert first.stops == 1
    first.write("late text of A")
    time.sleep(0.05)
    view = shown(session)
    assert view["report"]["state"] == "empty"
    assert view["readings"] == []
    assert {row["state"] for row in view["findings"]["rows"]} == {"unassessed"}
    assert "Text of A" not in str(view)


def test_a_stop_before_the_worker_answers_is_not_lost(session, parts):
    gate = threading.Event()
    real = parts[0].reader.read

    def late(*asked):
        gate.wait(5)
        return real(*asked)

    parts[0].reader.read = late
    session.open_sample("a")
    session.generate()
    session.stop()
    gate.set()
    until(lambda: not session.busy)
    assert state(session.run) == "stopped"


def test_generating_twice_asks_once(session, parts):
    session.open_sample("a")
    session.generate()
    session.generate()
    until(lambda: parts[0].reader.streams)
    time.sleep(0.05)
    assert len(parts[0].reader.streams) == 1


def test_the_chosen_prompt_is_asked_where_the_model_has_it(session, parts):
    session.open_sample("a")
    session.set_choice(Choice("chexagent-8b", prompt="chexagent-8b-steps-1"))
    assert [each["chosen"] for each in shown(session)["prompts"]] == [False, True]
    session.generate()
    until(lambda: parts[0].reader.prompts)
    parts[0].reader.streams[-1].finish("[View]\nAP.\n\n[Cardiac]\nThe heart is enlarged. [Cardiac]")
    until(lambda: not session.busy)
    pieces = shown(session)["report"]["segments"]
    assert [each.get("heading") for each in pieces if "heading" in each] == ["View", "Cardiac"]
    assert [each["text"] for each in pieces if each["findings"]] == ["The heart is enlarged."]
    session.set_choice(replace(session.choice, model="embedded"))
    assert shown(session)["prompts"] == []
    session.generate()
    until(lambda: len(parts[0].reader.prompts) == 2)
    assert parts[0].reader.prompts == ["chexagent-8b-steps-1", "gemma-report-1"]


def test_readings_stay_side_by_side_until_the_study_closes(session, parts):
    session.open_sample("a")
    for report in ("First.", "Second."):
        count = len(parts[0].reader.streams)
        session.generate()
        until(lambda count=count: len(parts[0].reader.streams) > count)
        parts[0].reader.streams[-1].finish(report)
        until(lambda: not session.busy)
    readings = shown(session)["readings"]
    assert len(readings) == 2
    session.select(readings[0]["id"])
    assert shown(session)["report"]["segments"][0]["text"] == "First."
    session.close_study()
    assert shown(session)["readings"] == []
    assert shown(session)["study"] is None


def test_a_file_that_cannot_be_opened_leaves_the_screen_as_it_was(session, parts):
    session.open_sample("a")
    before = shown(session)["study"]
    open_file(session, "bad")
    view = shown(session)
    assert view["study"] == before
    assert "still the previous one" in view["error"]
    assert parts[1] == [Path("bad")]
    session.set_language("pt")
    assert "ainda é a anterior" in shown(session)["error"]
    session.dismiss()
    assert shown(session)["error"] is None


def test_a_foreign_error_shows_no_name_of_a_file_or_patient(session, caplog):
    open_file(session, "broken")
    assert "RuntimeError" in shown(session)["error"]
    assert "SILVA" not in str(shown(session)) + caplog.text
    assert "broken" not in caplog.text


def test_the_file_that_was_asked_for_last_wins(session, parts):
    slow = threading.Thread(target=open_file, args=(session, "slow"))
    slow.start()
    until(lambda: session.opening)
    session.open_sample("b")
    parts[0].opener.go_on.set()
    slow.join(5)
    assert session.study.sample == "b"
    assert not session.opening
    assert parts[1] == [Path("slow")]


def test_a_list_goes_on_past_a_file_that_cannot_be_opened(session, parts):
    open_file(session, "one", "bad", "three!")
    assert shown(session)["study"]["picked"] == 3
    session.step(1)
    assert session.error is not None
    assert session.study.place == 0
    session.step(1)
    assert session.study.place == 2
    assert session.error is None
    assert parts[1] == []
    session.close_study()
    assert sorted(each.name for each in parts[1]) == ["bad", "one", "three!"]


def test_another_view_of_the_study_has_readings_of_its_own(session, parts):
    open_file(session, "pair")
    session.generate()
    until(lambda: parts[0].reader.streams)
    parts[0].reader.streams[0].finish("Frontal.")
    until(lambda: not session.busy)
    session.step(1)
    assert shown(session)["report"]["state"] == "empty"
    session.step(-1)
    assert shown(session)["report"]["segments"][0]["text"] == "Frontal."


def test_nothing_is_generated_without_a_radiograph(session, parts):
    session.generate()
    assert "No radiograph is open" in shown(session)["error"]
    assert parts[0].reader.streams == []


def test_an_error_of_the_worker_is_shown(session, parts):
    def refuse(*asked):
        raise CxrError(detail="x")

    parts[0].reader.read = refuse
    session.open_sample("a")
    session.generate()
    until(lambda: not session.busy)
    assert shown(session)["report"]["state"] == "failed"


def test_pages_do_not_mix_and_leave_nothing(parts):
    sessions = Sessions(parts[0], Choice("embedded"))
    first, second = sessions.new("en", "page-1"), sessions.new("pt", "page-2")
    open_file(first, "mine")
    held = first.hold(Path("held"))
    first.generate()
    until(lambda: parts[0].reader.streams)
    assert second.study is None
    second.open_held([held])
    assert second.study is None
    assert second.image(first.study.image.id) is None
    sessions.leave("page-1")
    assert sessions.get(first.id) is None
    until(lambda: parts[0].reader.streams[0].stops == 1)
    assert sorted(each.name for each in parts[1]) == ["held", "mine"]
    assert sessions.get(second.id) is second


def test_views_that_were_picked_together_become_one_study(tmp_path):
    real = pytest.importorskip("cxr_demo.studies.opening")
    from cxr_demo.paths import assets_dir
    from cxr_demo.studies.private_files import PrivateFiles

    samples = sorted((assets_dir() / "samples").glob("*.dcm"))
    with PrivateFiles(tmp_path) as files:
        picked = [files.store(each.read_bytes()) for each in samples[:1] * 2]
        (packed,) = pack(files, picked)
        assert not any(each.exists() for each in picked)
        (study,) = real.list_studies(packed)
        assert len(study.members) == 2
        archive = files.store(packed.read_bytes())
        other = files.store(b"x")
        assert pack(files, [archive, other]) == (archive, other)
        assert pack(files, [other]) == (other,)


def test_more_than_one_archive_holds_becomes_several_in_the_same_order(tmp_path, monkeypatch):
    from cxr_demo.studies.private_files import PrivateFiles

    monkeypatch.setattr(uploads, "_ROOM", 25)
    with PrivateFiles(tmp_path) as files:
        assert pack(files, [empty := files.store(b"")]) == (empty,)
        picked = [files.store(bytes([each]) * 10) for each in range(5)]
        large = files.store(b"l" * 30)
        parts = pack(files, [*picked[:3], large, *picked[3:]])
        contents = []
        for each in parts:
            if not zipfile.is_zipfile(each):
                contents.append(each)
                continue
            with zipfile.ZipFile(each) as archive:
                contents.append([archive.read(name)[0] for name in archive.namelist()])
        assert contents == [[0, 1], picked[2], large, [3, 4]]


def test_the_files_own_window_can_be_left_out_and_its_readings_stay_apart(session, parts):
    open_file(session, "windowed")
    own = session.study.image
    assert shown(session)["study"]["file_lut"] is True
    session.generate()
    until(lambda: parts[0].reader.streams)
    parts[0].reader.streams[0].finish("Own window.")
    until(lambda: not session.busy)
    session.ignore_lut(True)
    seen = shown(session)
    assert seen["study"]["ignore_lut"] is True
    assert seen["report"]["state"] == "empty"
    assert "left out" in seen["study"]["notices"][0]
    assert seen["study"]["image"]["id"] != own.id
    assert session.image(seen["study"]["image"]["id"]) is session.study.image
    session.generate()
    until(lambda: len(parts[0].reader.asked) == 2)
    given = parts[0].reader.asked[1]
    assert [each.label for each in given.windows] == ["full"]
    parts[0].reader.streams[1].finish("Full range.")
    until(lambda: not session.busy)
    stamped = dict(shown(session)["report"]["stamp"])
    assert stamped["Window (centre/width)"].endswith("IGNORED by request")
    session.ignore_lut(False)
    back = shown(session)
    assert back["study"]["image"]["id"] == own.id
    assert back["report"]["segments"][0]["text"] == "Own window."
    stamped = dict(back["report"]["stamp"])
    assert stamped["Window (centre/width)"] == "LINEAR 900/300, from the file"
    session.ignore_lut(True)
    open_file(session, "windowed too")
    assert session.study.ignore_lut is False
