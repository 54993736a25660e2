"""Signing up and in, changing the password and the profile, against the real database."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import pytest
from sqlalchemy import text

from db import accounts, workspaces
from db.models import EventKind, User
from db.unit_of_work import UnitOfWork
from domain.accounts import change_password, sign_in, sign_up, update_profile
from domain.attempts import QUARTER_HOUR, Limit, Limits
from domain.errors import ErrorCode, Invalid, Refusals, TopLevel
from domain.members import announce_profile
from domain.passwords import Passwords
from domain.sessions import SignedIn, refresh_session, sessions_of, sign_out
from domain.workspaces import create_personal_workspace
from tests.domain.people import PASSWORD, Town, a_form, actor_of, an_address, nothing


def codes(refused: pytest.ExceptionInfo[Refusals]) -> set[tuple[str, ErrorCode]]:
    return {(refusal.path[0], refusal.code) for refusal in refused.value.refusals}


async def stored(town: Town, somebody: SignedIn) -> User:
    user = await town.database.alone(lambda session: accounts.user_by_id(session, somebody.user.id))
    assert user is not None
    return user


# ---- signing up


async def test_signing_up_makes_a_person_a_session_and_their_own_workspace(town: Town) -> None:
    form = a_form(email=f"  Grace.{a_form().email.upper()} ", name="  Grace Hopper ", time_zone="Europe/Berlin")
    made = await sign_up(town.desk, form, town.address, create_personal_workspace)
    assert made.user.email == form.email.strip().lower()
    assert made.user.name == "Grace Hopper"
    assert made.user.time_zone == "Europe/Berlin"
    assert made.user.email_verified_at is None
    assert await stored(town, made) == made.user
    assert await town.database.alone(lambda s: sessions_of(s, made.user.id, town.clock())) == [made.session]
    grants = await town.database.alone(lambda s: workspaces.grants_by_user_id(s, made.user.id))
    assert len(grants) == 1
    assert [event.actor.id for event in town.committed] == [made.user.id] * len(town.committed)
    assert {event.workspace_id for event in town.committed} == {grants[0].workspace_id}


@pytest.mark.parametrize(
    ("given", "path", "code"),
    [
        ({"email": ""}, "email", ErrorCode.REQUIRED),
        ({"email": "ada"}, "email", ErrorCode.INVALID),
        ({"email": "ada@example"}, "email", ErrorCode.INVALID),
        ({"email": "ada@@example.com"}, "email", ErrorCode.INVALID),
        ({"email": "a da@example.com"}, "email", ErrorCode.INVALID),
        ({"email": "ada\0@example.com"}, "email", ErrorCode.INVALID),
        ({"email": "ada@example..com"}, "email", ErrorCode.INVALID),
        ({"email": "a" * 65 + "@example.com"}, "email", ErrorCode.INVALID),
        ({"email": "ada@" + "e" * 250 + ".com"}, "email", ErrorCode.TOO_LONG),
        ({"password": ""}, "password", ErrorCode.REQUIRED),
        ({"password": "x" * 9}, "password", ErrorCode.INVALID),
        ({"password": "x" * 201}, "password", ErrorCode.TOO_LONG),
        ({"name": "   "}, "name", ErrorCode.REQUIRED),
        ({"name": "x" * 101}, "name", ErrorCode.TOO_LONG),
        ({"name": "Ada\nLovelace"}, "name", ErrorCode.INVALID),
        ({"handle": "a"}, "handle", ErrorCode.INVALID),
        ({"handle": "x" * 41}, "handle", ErrorCode.TOO_LONG),
        ({"handle": "ada lovelace"}, "handle", ErrorCode.INVALID),
        ({"handle": "ádá"}, "handle", ErrorCode.INVALID),
        ({"time_zone": "Mars/Olympus"}, "timeZone", ErrorCode.INVALID),
        ({"time_zone": "../UTC"}, "timeZone", ErrorCode.INVALID),
        ({"time_zone": ""}, "timeZone", ErrorCode.REQUIRED),
        ({"device": "x" * 101}, "device", ErrorCode.TOO_LONG),
    ],
)
async def test_what_a_person_cannot_be_is_refused_by_field(
    town: Town, given: dict[str, str], path: str, code: ErrorCode
) -> None:
    with pytest.raises(Refusals) as refused:
        await sign_up(town.desk, a_form(**given), town.address, nothing)
    assert codes(refused) == {(path, code)}


async def test_all_wrong_fields_are_told_at_once(town: Town) -> None:
    with pytest.raises(Refusals) as refused:
        await sign_up(town.desk, a_form(email="ada", password="short", name=""), town.address, nothing)
    assert {path for path, _ in codes(refused)} == {"email", "password", "name"}


async def test_an_address_or_handle_that_is_taken_is_refused_however_it_is_written(town: Town) -> None:
    ada = await town.somebody()
    with pytest.raises(Refusals) as refused:
        await sign_up(
            town.desk, a_form(email=ada.user.email.upper(), handle=ada.user.handle.upper()), town.address, nothing
        )
    assert codes(refused) == {("email", ErrorCode.ALREADY_EXISTS), ("handle", ErrorCode.ALREADY_EXISTS)}


async def test_of_many_who_sign_up_at_once_with_one_address_one_gets_it(town: Town) -> None:
    email = a_form().email
    made = await asyncio.gather(
        *(sign_up(town.desk, a_form(email=email), an_address(), nothing) for _ in range(8)), return_exceptions=True
    )
    assert sum(isinstance(one, SignedIn) for one in made) == 1
    refused = [one for one in made if isinstance(one, Refusals)]
    assert [one.refusals[0].code for one in refused] == [ErrorCode.ALREADY_EXISTS] * 7


async def test_people_of_one_name_get_handles_of_their_own(town: Town) -> None:
    name = f"Zoë {a_form().email[:12]}"
    made = await asyncio.gather(*(town.somebody(name=name) for _ in range(6)))
    handles = {one.user.handle for one in made}
    assert len(handles) == 6
    plain = f"zoe-{name[4:]}"
    assert plain in handles
    assert all(handle == plain or handle.startswith(f"{plain}-") for handle in handles)


async def test_a_name_without_latin_letters_gives_a_handle_of_the_address(town: Town) -> None:
    made = await town.somebody(name="李白")
    assert made.user.handle == made.user.email.split("@")[0]
    nameless = await town.somebody(name="李白", email=f"白{made.user.handle}@example.com".replace(made.user.handle, ""))
    assert nameless.user.handle.split("-")[0] == "user"


async def test_when_the_workspace_or_the_invite_refuses_nobody_was_signed_up(town: Town) -> None:
    form = a_form()

    async def refuse(uow: UnitOfWork, user: User) -> None:
        raise Invalid("This invite is not good.", "inviteToken", code=ErrorCode.INVITE_INVALID)

    with pytest.raises(Invalid):
        await sign_up(town.desk, form, town.address, create_personal_workspace, refuse)
    assert not town.committed
    assert await sign_up(town.desk, form, town.address, create_personal_workspace)


# ---- signing in


async def test_signing_in_needs_the_right_password(town: Town) -> None:
    ada = await town.somebody()
    again = await sign_in(town.desk, f" {ada.user.email.upper()} ", PASSWORD, "Laptop", town.address)
    assert again.user == ada.user
    assert again.session.device == "Laptop"
    assert again.session.id != ada.session.id
    for email, password in (
        (ada.user.email, PASSWORD + "!"),
        ("nobody@example.com", PASSWORD),
        ("\0", ""),
        ("x" * 9999, "y" * 9999),
    ):
        with pytest.raises(Invalid) as refused:
            await sign_in(town.desk, email, password, None, town.address)
        assert refused.value.code == ErrorCode.INVALID_CREDENTIALS
        assert (refused.value.message, refused.value.path) == ("The email address or the password is wrong.", ())


async def test_the_same_password_typed_on_another_device_is_the_same(town: Town) -> None:
    ada = await town.somebody(password="Café au lait ﬁn")  # precomposed, with a ligature
    assert await sign_in(town.desk, ada.user.email, "Cafe\u0301 au lait fin", None, town.address)


async def test_an_unknown_person_costs_the_same_time_as_a_wrong_password(town: Town) -> None:
    costly = Passwords()
    try:
        hashed = await costly.hash(PASSWORD)
        seconds: dict[str | None, list[float]] = {hashed: [], None: []}
        for _ in range(5):
            for stored_hash, times in seconds.items():
                # Of this process alone, all its threads: how busy the machine is does not count.
                began = time.process_time()
                assert not await costly.verify(stored_hash, "wrong password")
                times.append(time.process_time() - began)
    finally:
        costly.close()
    wrong, unknown = (min(times) for times in seconds.values())
    assert unknown == pytest.approx(wrong, rel=0.5)
    assert wrong > 0.02


async def test_passwords_wait_for_a_thread_but_not_for_ever() -> None:
    slow = Passwords(workers=1, max_wait_seconds=0.01)
    try:
        results = await asyncio.gather(*(slow.hash(PASSWORD) for _ in range(4)), return_exceptions=True)
    finally:
        slow.close()
    refused = [one for one in results if isinstance(one, TopLevel)]
    assert [(one.code, one.extensions) for one in refused] == [("RATE_LIMITED", {"retryAfterSeconds": 5})] * 3
    assert isinstance(results[0], str)


async def test_a_hash_of_another_cost_is_made_anew_at_the_next_sign_in(town: Town) -> None:
    ada = await town.somebody()
    costly = Passwords(workers=1)
    try:
        assert costly.needs_rehash(ada.user.password_hash)
        await town.database.alone(lambda s: accounts.set_password_hash(s, ada.user.id, ada.user.password_hash))
        town.passwords = costly
        town.__post_init__()
        await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
        after = await stored(town, ada)
        assert after.password_hash.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
        assert after.version == ada.user.version
        await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
        assert (await stored(town, ada)).password_hash == after.password_hash
    finally:
        costly.close()


async def test_a_password_changed_while_it_is_judged_lets_nobody_in(town: Town) -> None:
    ada = await town.somebody()
    real_verify = town.passwords.verify

    class ChangedMeanwhile(Passwords):
        async def verify(self, stored_hash: str | None, password: str) -> bool:
            is_right = await real_verify(stored_hash, password)
            await town.database.alone(lambda s: accounts.set_password_hash(s, ada.user.id, "another"))
            return is_right

        def needs_rehash(self, stored_hash: str) -> bool:
            return False

    town.passwords = ChangedMeanwhile()
    town.__post_init__()
    with pytest.raises(Invalid) as refused:
        await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
    assert refused.value.code == ErrorCode.INVALID_CREDENTIALS
    town.passwords.close()


# ---- limits


async def test_after_ten_failures_an_account_waits_wherever_they_came_from(town: Town) -> None:
    ada = await town.somebody()
    tries = [sign_in(town.desk, ada.user.email, "wrong password", None, an_address()) for _ in range(14)]
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(one, Invalid) for one in results) == 10
    assert sum(isinstance(one, TopLevel) and one.code == "RATE_LIMITED" for one in results) == 4
    with pytest.raises(TopLevel, match="Try again in 15 minutes"):
        await sign_in(town.desk, ada.user.email, PASSWORD, None, an_address())
    town.clock.advance(timedelta(minutes=14))
    with pytest.raises(TopLevel, match=r"Try again in 1 minute\."):
        await sign_in(town.desk, ada.user.email, PASSWORD, None, an_address())
    town.clock.advance(timedelta(minutes=1))
    assert await sign_in(town.desk, ada.user.email, PASSWORD, None, an_address())


async def test_an_unknown_account_is_limited_like_a_known_one(town: Town) -> None:
    for _ in range(10):
        with pytest.raises(Invalid):
            await sign_in(town.desk, f"Nobody-{town.address}@example.com", PASSWORD, None, an_address())
    with pytest.raises(TopLevel):
        await sign_in(town.desk, f"nobody-{town.address}@example.com ", PASSWORD, None, an_address())


async def test_an_address_is_limited_over_all_accounts(town: Town) -> None:
    desk = town.with_limits(Limits(sign_in_by_address=Limit("sign-in/address", 3, QUARTER_HOUR)))
    for index in range(3):
        with pytest.raises(Invalid):
            await sign_in(desk, f"nobody{index}@example.com", PASSWORD, None, town.address)
    neighbour = town.address.removesuffix("1") + "ffff"  # of the same /64, so of the same customer
    ada = await town.somebody()
    with pytest.raises(TopLevel):
        await sign_in(desk, ada.user.email, PASSWORD, None, neighbour)
    assert await sign_in(desk, ada.user.email, PASSWORD, None, an_address())


async def test_success_forgets_the_account_s_failures_and_is_no_attempt_of_the_address(town: Town) -> None:
    desk = town.with_limits(
        Limits(
            sign_in_by_account=Limit("sign-in/account", 2, QUARTER_HOUR),
            sign_in_by_address=Limit("sign-in/address", 4, QUARTER_HOUR),
        )
    )
    ada = await town.somebody()
    for _ in range(3):
        with pytest.raises(Invalid):
            await sign_in(desk, ada.user.email, "wrong password", None, town.address)
        await sign_in(desk, ada.user.email, PASSWORD, None, town.address)
    with pytest.raises(Invalid):
        await sign_in(desk, ada.user.email, "wrong password", None, town.address)
    with pytest.raises(TopLevel):
        await sign_in(desk, ada.user.email, PASSWORD, None, town.address)


async def test_sign_ups_are_limited_by_address_also_refused_ones(town: Town) -> None:
    ada = await town.somebody()
    desk = town.with_limits(Limits(sign_up_by_address=Limit("sign-up/address", 2, timedelta(hours=1))))
    await sign_up(desk, a_form(), town.address, nothing)
    with pytest.raises(Refusals):
        await sign_up(desk, a_form(email=ada.user.email), town.address, nothing)
    with pytest.raises(TopLevel, match="60 minutes"):
        await sign_up(desk, a_form(), town.address, nothing)
    town.clock.advance(timedelta(hours=1))
    assert await sign_up(desk, a_form(), town.address, nothing)


async def test_old_counters_can_be_thrown_away(town: Town) -> None:
    desk = town.with_limits(Limits(sign_up_by_address=Limit("sign-up/address", 1, timedelta(hours=1))))
    town.clock.advance(-timedelta(days=10))
    await sign_up(desk, a_form(), town.address, nothing)
    await town.database.alone(lambda s: accounts.delete_old_attempts(s, town.clock() + timedelta(days=1)))
    assert await sign_up(desk, a_form(), town.address, nothing)


# ---- changing the password


async def test_a_new_password_ends_all_other_sessions_and_this_one_s_old_tokens(town: Town) -> None:
    ada = await town.somebody()
    other = await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
    changed = await change_password(town.desk, actor_of(ada), PASSWORD, "a better password")
    assert changed.session.id == ada.session.id
    for token in (ada.refresh_token, other.refresh_token):
        with pytest.raises(Invalid):
            await refresh_session(town.desk, token, town.address)
    assert await refresh_session(town.desk, changed.refresh_token, town.address)
    with pytest.raises(Invalid):
        await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)
    assert await sign_in(town.desk, ada.user.email, "a better password", None, town.address)


async def test_changing_the_password_needs_the_current_one_a_good_one_and_a_session(town: Town) -> None:
    ada = await town.somebody()
    with pytest.raises(Invalid) as wrong:
        await change_password(town.desk, actor_of(ada), "wrong password", "a better password")
    assert (wrong.value.code, wrong.value.path) == (ErrorCode.INVALID_CREDENTIALS, ("currentPassword",))
    with pytest.raises(Refusals) as short:
        await change_password(town.desk, actor_of(ada), PASSWORD, "short")
    assert codes(short) == {("newPassword", ErrorCode.INVALID)}
    await town.write(actor_of(ada), lambda uow: sign_out(uow, None, is_everywhere=False))
    with pytest.raises(TopLevel) as ended:
        await change_password(town.desk, actor_of(ada), PASSWORD, "a better password")
    assert ended.value.code == "UNAUTHENTICATED"
    assert await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)


async def test_guessing_the_current_password_is_limited(town: Town) -> None:
    ada = await town.somebody()
    for _ in range(10):
        with pytest.raises(Invalid):
            await change_password(town.desk, actor_of(ada), "wrong password", "a better password")
    with pytest.raises(TopLevel):
        await change_password(town.desk, actor_of(ada), PASSWORD, "a better password")
    assert await sign_in(town.desk, ada.user.email, PASSWORD, None, town.address)  # counted apart


async def test_of_two_password_changes_at_once_one_wins_and_is_the_password(town: Town) -> None:
    ada = await town.somebody()
    wanted = ["first new password", "other new password"]
    results = await asyncio.gather(
        *(change_password(town.desk, actor_of(ada), PASSWORD, one) for one in wanted), return_exceptions=True
    )
    assert sorted(type(one).__name__ for one in results) == ["Invalid", "SignedIn"]
    for password, result in zip(wanted, results, strict=True):
        if isinstance(result, SignedIn):
            assert await sign_in(town.desk, ada.user.email, password, None, town.address)
            assert await refresh_session(town.desk, result.refresh_token, town.address)


# ---- the profile


async def test_a_profile_changes_by_what_is_given_and_the_workspaces_hear_of_it(town: Town) -> None:
    ada = await sign_up(town.desk, a_form(name="Ada"), town.address, create_personal_workspace)
    town.committed.clear()
    handle = f"countess-{ada.user.handle[-8:]}"
    await town.write(
        actor_of(ada), lambda uow: update_profile(uow, {"name": " Augusta ", "handle": handle}, announce_profile)
    )
    after = await stored(town, ada)
    assert (after.name, after.handle, after.time_zone, after.version) == ("Augusta", handle, "UTC", 2)
    assert [event.kind for event in town.committed] == [EventKind.MEMBERSHIP]
    town.committed.clear()

    await town.write(actor_of(ada), lambda uow: update_profile(uow, {"timeZone": "Asia/Tokyo"}, announce_profile))
    await town.write(actor_of(ada), lambda uow: update_profile(uow, {"name": "Augusta"}, announce_profile))
    await town.write(actor_of(ada), lambda uow: update_profile(uow, {}, announce_profile))
    after = await stored(town, ada)
    assert (after.time_zone, after.version) == ("Asia/Tokyo", 3)
    assert not town.committed


@pytest.mark.parametrize("path", ["name", "handle", "timeZone"])
async def test_a_profile_s_fields_cannot_be_null(town: Town, path: str) -> None:
    ada = await town.somebody()
    with pytest.raises(Refusals) as refused:
        await town.write(actor_of(ada), lambda uow: update_profile(uow, {path: None}, announce_profile))
    assert codes(refused) == {(path, ErrorCode.REQUIRED)}


async def test_a_handle_belongs_to_one_person_also_when_two_take_it_at_once(town: Town) -> None:
    ada, bob = await town.somebody(), await town.somebody()
    handle = f"taken-{ada.user.handle[-8:]}"
    is_written, may_commit = asyncio.Event(), asyncio.Event()

    async def first(uow: UnitOfWork) -> None:
        await update_profile(uow, {"handle": handle}, announce_profile)
        is_written.set()
        await may_commit.wait()

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(town.write(actor_of(ada), first))
        await is_written.wait()
        second = asyncio.ensure_future(
            town.write(actor_of(bob), lambda uow: update_profile(uow, {"handle": handle}, announce_profile))
        )
        await waiting_for_a_lock(town)
        may_commit.set()
        with pytest.raises(Invalid) as refused:
            await second
    assert (refused.value.path, refused.value.code) == (("handle",), ErrorCode.ALREADY_EXISTS)
    with pytest.raises(Invalid):
        await town.write(actor_of(bob), lambda uow: update_profile(uow, {"handle": handle}, announce_profile))
    await town.write(actor_of(ada), lambda uow: update_profile(uow, {"handle": handle}, announce_profile))


async def waiting_for_a_lock(town: Town) -> None:
    """Until somebody waits for a row of `users`."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE 'UPDATE users%'"
    )
    async with asyncio.timeout(30):
        while not (await town.database.alone(lambda session: session.execute(waiting))).scalar_one():  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_a_deleted_account_can_do_nothing(town: Town) -> None:
    ada = await town.somebody()
    await town.database.alone(
        lambda s: s.execute(text("UPDATE users SET deleted_at = now() WHERE id = :id"), {"id": ada.user.id})
    )
    with pytest.raises(TopLevel):
        await town.write(actor_of(ada), lambda uow: update_profile(uow, {"name": "Ghost"}, announce_profile))
    for refused in (
        sign_in(town.desk, ada.user.email, PASSWORD, None, town.address),
        refresh_session(town.desk, ada.refresh_token, town.address),
        change_password(town.desk, actor_of(ada), PASSWORD, "a better password"),
    ):
        with pytest.raises(Invalid):
            await refused
