"""Root fields of accounts. No cookies: tokens travel in headers and payloads alone."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated

import strawberry

from domain import accounts, erasure, ids, invites, members, recovery, sessions, workspaces
from domain.errors import Refusal, Refusals
from domain.outcomes import Outcome, UnitOfWork
from domain.sessions import SignedIn, person
from resolvers.mutate import Work, mutate
from schema import accounts as inputs
from schema import payloads
from schema.account_payloads import AcceptedPayload, SessionPayload, SignOutPayload
from schema.context import Info
from schema.errors import user_errors
from schema.nodes import given
from schema.viewer import viewer_of


async def _signed_in(info: Info, signing_in: Awaitable[SignedIn]) -> SessionPayload:
    """The tokens of whoever comes in; the rest of the operation is theirs."""
    context = info.context
    try:
        somebody = await signing_in
    except (Refusal, Refusals) as refused:
        return SessionPayload(user_errors=user_errors(refused))
    await context.act_as(person(somebody.user.id, somebody.session.id))
    access_token, expires_at = context.access_tokens.issue(somebody.user.id, somebody.session.id)
    return SessionPayload(
        user_errors=[],
        viewer=await viewer_of(info),
        access_token=access_token,
        access_token_expires_at=expires_at,
        refresh_token=somebody.refresh_token,
        session=inputs.Session.from_row(somebody.session, somebody.session.id),
    )


async def _accepted(doing: Awaitable[None]) -> AcceptedPayload:
    try:
        await doing
    except (Refusal, Refusals) as refused:
        return AcceptedPayload(user_errors=user_errors(refused), accepted=False)
    return AcceptedPayload(user_errors=[], accepted=True)


def _device(info: Info, asked: str | None) -> str | None:
    """What a session is called: as the person says, else as their client calls itself."""
    client = "".join(character for character in info.context.user_agent or "" if character.isprintable())
    return given(asked) or client[: accounts.MAX_DEVICE].strip() or None


@strawberry.type
class AccountMutation:
    @strawberry.mutation(description="Make an account with a personal workspace, and sign in to it.")
    async def sign_up(
        self, info: Info, input: Annotated[inputs.SignUpInput, strawberry.argument(description="Who you are.")]
    ) -> SessionPayload:
        form = accounts.SignUp(
            email=input.email,
            password=input.password,
            name=input.name,
            handle=given(input.handle),
            time_zone=given(input.time_zone),
            device=_device(info, input.device),
        )
        token = given(input.invite_token)
        accept: accounts.Hook | None = None
        if token is not None:
            accept = lambda uow, user: invites.accept_invite(uow, token, user, "inviteToken")  # noqa: E731
        address, create = info.context.address, workspaces.create_personal_workspace
        return await _signed_in(info, accounts.sign_up(info.context.desk, form, address, create, accept))

    @strawberry.mutation(description="Begin a session. An unknown address and a wrong password answer the same.")
    async def sign_in(
        self, info: Info, input: Annotated[inputs.SignInInput, strawberry.argument(description="Who you are.")]
    ) -> SessionPayload:
        device = _device(info, input.device)
        desk, address = info.context.desk, info.context.address
        return await _signed_in(info, accounts.sign_in(desk, input.email, input.password, device, address))

    @strawberry.mutation(
        description="New tokens for a session. Needs no access token; a refresh token used twice ends its session."
    )
    async def refresh_session(
        self,
        info: Info,
        input: Annotated[inputs.RefreshSessionInput, strawberry.argument(description="Which session.")],
    ) -> SessionPayload:
        return await _signed_in(
            info, sessions.refresh_session(info.context.desk, input.refresh_token, info.context.address)
        )

    @strawberry.mutation(
        description="Set a new password. All your other sessions end, and this one gets new tokens: use only those."
    )
    async def change_password(
        self,
        info: Info,
        input: Annotated[inputs.ChangePasswordInput, strawberry.argument(description="The old and the new one.")],
    ) -> SessionPayload:
        me = info.context.me()
        return await _signed_in(
            info, accounts.change_password(info.context.desk, me, input.current_password, input.new_password)
        )

    @strawberry.mutation(description="End this session, another one of yours, or all of them.")
    async def sign_out(
        self, info: Info, input: Annotated[inputs.SignOutInput, strawberry.argument(description="Which session.")]
    ) -> SignOutPayload:
        info.context.me()

        async def end(uow: UnitOfWork) -> Outcome:
            await sessions.sign_out(uow, session_id, is_everywhere=input.everywhere)
            return Outcome()

        try:
            asked = given(input.session_id)
            session_id = None if asked is None else ids.parse("session", asked, "sessionId")
            await info.context.write(end)
        except (Refusal, Refusals) as refused:
            return SignOutPayload(user_errors=user_errors(refused), signed_out=False)
        return SignOutPayload(user_errors=[], signed_out=True)

    @strawberry.mutation(
        description="Have a link sent that sets a new password. Known and unknown addresses answer the same."
    )
    async def request_password_reset(
        self,
        info: Info,
        input: Annotated[inputs.RequestPasswordResetInput, strawberry.argument(description="Whose password.")],
    ) -> AcceptedPayload:
        desk, address = info.context.desk, info.context.address
        return await _accepted(recovery.request_password_reset(desk, input.email, address))

    @strawberry.mutation(
        description=(
            "Set a new password by the link from a mail, and sign in. All sessions and other links end, and the address"
            " counts as verified."
        )
    )
    async def reset_password(
        self,
        info: Info,
        input: Annotated[inputs.ResetPasswordInput, strawberry.argument(description="The link and the password.")],
    ) -> SessionPayload:
        desk, device, address = info.context.desk, _device(info, None), info.context.address
        return await _signed_in(info, recovery.reset_password(desk, input.token, input.new_password, device, address))

    @strawberry.mutation(
        description=(
            "Have a link sent to a new address; following it makes the address yours. The old one hears of it. Whether"
            " somebody has the new address is not told."
        )
    )
    async def request_email_change(
        self,
        info: Info,
        input: Annotated[inputs.RequestEmailChangeInput, strawberry.argument(description="The new address.")],
    ) -> AcceptedPayload:
        me = info.context.me()
        return await _accepted(recovery.request_email_change(info.context.desk, me, input.email, input.password))

    @strawberry.mutation(
        description=(
            "Prove an address by the link from a mail: the one of the sign-up, or a new one, which becomes yours."
            " Needs no access token. Sessions go on."
        )
    )
    async def verify_email(
        self, info: Info, input: Annotated[inputs.VerifyEmailInput, strawberry.argument(description="The link.")]
    ) -> AcceptedPayload:
        desk, address = info.context.desk, info.context.address
        return await _accepted(recovery.verify_email(desk, input.token, address, members.announce_profile))

    @strawberry.mutation(
        description=(
            "Erase your account: name, handle, address, sessions and settings, the personal workspace and team"
            " workspaces without other members. What you did elsewhere stays under `Deleted user`; your assignments are"
            " released. Refused while you own a workspace that others are in."
        )
    )
    async def delete_account(
        self, info: Info, input: Annotated[inputs.DeleteAccountInput, strawberry.argument(description="Your password.")]
    ) -> AcceptedPayload:
        me = info.context.me()
        return await _accepted(erasure.delete_account(info.context.desk, me, input.password))

    @strawberry.mutation(description="Change your own name, handle or time zone; what is left out stays.")
    async def update_profile(
        self, info: Info, input: Annotated[inputs.UpdateProfileInput, strawberry.argument(description="What changes.")]
    ) -> payloads.UpdateProfilePayload:
        def work() -> Work:
            fields = {"name": input.name, "handle": input.handle, "timeZone": input.time_zone}
            values = {path: field.value for path, field in fields.items() if field is not None}
            return lambda uow: accounts.update_profile(uow, values, members.announce_profile)

        me = info.context.me()
        return await mutate(info, payloads.UpdateProfilePayload, input, work, shows={"user": lambda: me.user_id})
