"""Ids of any text: valid, the same for the same text, and another for any other, so also e-mails and `auth0|…`."""

import os
import re
import uuid
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from impression_streams import ImpressionProducer, from_id, to_id
from impression_streams.encode import check_id
from impression_streams.ids import new_id, now_ms

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("u42", "u42"),
        ("01932f6e-5a4b-7d6f-9a38-7d1c9a0b6e21", "01932f6e-5a4b-7d6f-9a38-7d1c9a0b6e21"),
        ("auth0|5f7c8ec7c33c6c004bbafe82", "auth0:7C5f7c8ec7c33c6c004bbafe82"),
        ("ann@example.com", "ann:40example.com"),
        ("ann+art@example.com", "ann:2Bart:40example.com"),
        ("google-oauth2|103547991597142817347", "google-oauth2:7C103547991597142817347"),
        ("auth0:5f7c", "auth0:3A5f7c"),
        ("arn:aws:iam::1/a~b", "arn:3Aaws:3Aiam:3A:3A1:2Fa:7Eb"),
        ("Zoë", "Zo:C3:AB"),
        ("a b\n\0", "a:20b:0A:00"),
        ("100%", "100:25"),
    ],
)
def test_the_id_of_a_text_is_percent_encoding_with_colons(text: str, made: str) -> None:
    assert to_id(text) == made
    assert from_id(made) == text
    assert unquote(made.replace(":", "%")) == text


@given(texts)
@example("x" * 128)
def test_every_text_has_a_valid_id_and_comes_back(text: str) -> None:
    made = to_id(text)
    check_id("user_id", made)
    if not made.startswith(":sha256:"):
        assert from_id(made) == text


@given(texts, texts)
@example(":sha256:" + "0" * 64, "x" * 129)
@example("a:40b", "a@b")
def test_two_texts_have_two_ids(one: str, other: str) -> None:
    assert (to_id(one) == to_id(other)) == (one == other)


def test_a_long_text_has_the_id_of_its_sha256() -> None:
    assert to_id("x" * 128) == "x" * 128
    made = to_id("x" * 129)
    assert re.fullmatch(":sha256:[0-9a-f]{64}", made)
    assert made == to_id("x" * 129) != to_id("x" * 130)
    with pytest.raises(ValueError, match="SHA-256"):
        from_id(made)


@pytest.mark.parametrize("foreign", ["", "a@b", "a:4", "a:4x", "a:7c", "a:41", "a:FF", "x:sha256:0"])
def test_an_id_that_was_not_made_of_a_text_is_refused(foreign: str) -> None:
    with pytest.raises(ValueError, match="to_id does not make"):
        from_id(foreign)


@pytest.mark.parametrize(
    ("text", "error"), [("", ValueError), ("\ud800", ValueError), (14, TypeError), (None, TypeError)]
)
def test_what_is_no_text_has_no_id(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        to_id(text)


@pytest.mark.parametrize("foreign", ["auth0|5f7c", "ann@example.com"])
def test_the_refusal_of_a_foreign_id_names_the_character_and_the_way_and_not_the_user(foreign: str) -> None:
    with ImpressionProducer("127.0.0.1:1") as producer:
        with pytest.raises(ValueError, match=r"^user_id: '[|@]' is not allowed: an id is 1 to 128 .*to_id") as caught:
            producer.record(foreign, "a1")
        assert foreign not in str(caught.value)
        with pytest.raises(ValueError, match=r"^user_id: it has 129 characters: an id is 1 to 128"):
            producer.record("x" * 129, "a1")
        assert producer.stats.recorded == 0


def test_new_ids_are_uuids_of_version_7_in_order_of_their_ms_and_all_different() -> None:
    before = now_ms()
    made = [uuid.UUID(new_id()) for _ in range(1000)]
    after = now_ms()
    assert len(set(made)) == 1000
    assert {(one.version, one.variant) for one in made} == {(7, uuid.RFC_4122)}
    times = [one.int >> 80 for one in made]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= after


def test_a_forked_child_makes_other_ids_than_its_parent() -> None:
    new_id()  # fetches random bits for more ids, which the child has, too
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, " ".join(new_id() for _ in range(100)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        theirs = pipe.read().split()
    assert os.waitpid(child, 0)[1] == 0
    ours = [new_id() for _ in range(100)]
    assert len({made[14:] for made in (*ours, *theirs)}) == 200
