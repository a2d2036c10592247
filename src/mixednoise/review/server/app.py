"""The routes: one page, its files, and an API that only that page is meant for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, Path, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from mixednoise.data.decode import UnreadableImageError
from mixednoise.errors import ConfigError, MixedNoiseError
from mixednoise.review.decisions import Action, OvertakenError
from mixednoise.review.reviewer_names import LONGEST_NAME
from mixednoise.review.server import answers
from mixednoise.review.server.access import Access
from mixednoise.review.server.files import static_files
from mixednoise.review.server.filters import Filter, Scope, Status
from mixednoise.review.server.guard import App, Guard
from mixednoise.review.server.originals import ElsewhereError
from mixednoise.review.server.pictures import Encoded, Size
from mixednoise.review.server.room import LONGEST_NOTE, Room

#: Rows of the list in one answer, and neighbours, at most.
_MOST_ROWS, _MOST_NEIGHBOURS = 200, 48
#: What the log can count to: SQLite takes 64 bits.
_MOST = 2**63 - 1


class Decide(BaseModel):
    """A decision; ``replaces`` is the number of the reviewer's own one that the page shows."""

    model_config = ConfigDict(extra="forbid")

    row: int = Field(ge=0, le=_MOST)
    reviewer: str = Field(max_length=4 * LONGEST_NAME)
    action: Action
    label: str = ""
    note: str = Field("", max_length=LONGEST_NOTE)
    replaces: int = Field(0, ge=0, le=_MOST)


class Undo(BaseModel):
    """What to take back: the reviewer's newest decision, by its number."""

    model_config = ConfigDict(extra="forbid")

    reviewer: str = Field(max_length=4 * LONGEST_NAME)
    number: int = Field(ge=1, le=_MOST)


def chosen(
    scope: Scope = "all",
    status: Status = "all",
    group: str | None = None,
    given: str | None = None,
    suggested: str | None = None,
    split: str | None = None,
    worst: str | None = None,
    fault: str | None = None,
    words: Annotated[str, Query(max_length=200)] = "",
    kept: Annotated[int | None, Query(ge=0, le=_MOST)] = None,
) -> Filter:
    """The filter in the query of an address."""
    asked = {
        "group": group,
        "given_label": given,
        "suggested_label": suggested,
        "split": split,
        "worst_class": worst,
    }
    facets = tuple((name, value) for name, value in asked.items() if value is not None)
    return Filter(scope, status, facets, fault, words, kept)


Chosen = Annotated[Filter, Depends(chosen)]
Reviewer = Annotated[str, Query(max_length=4 * LONGEST_NAME)]
Row = Annotated[int, Path(ge=0)]
Slice = Annotated[int | None, Query(ge=0, le=_MOST)]


def make_app(room: Room, access: Access) -> App:
    """The application, guarded.

    Args:
        room: what it serves.
        access: who may ask.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    files = static_files()
    _tell_errors(app)

    def known(row: int) -> int:
        if row >= len(room.samples):
            raise HTTPException(404, "there is no such sample")
        return row

    @app.get("/")
    def page() -> Response:
        return Response(files["page.html"].data, media_type=files["page.html"].media_type)

    @app.get("/static/{name}")
    def static(name: str) -> Response:
        if name not in files:
            raise HTTPException(404, "there is no such file")
        return Response(files[name].data, media_type=files[name].media_type)

    @app.get("/api/about")
    def about() -> Any:
        return answers.about(room)

    @app.get("/api/queue")
    def queue(
        chosen: Chosen,
        reviewer: Reviewer = "",
        around: Annotated[int | None, Query(ge=0, le=_MOST)] = None,
        before: Annotated[int, Query(ge=0, le=_MOST_ROWS)] = 10,
        after: Annotated[int, Query(ge=0, le=_MOST_ROWS)] = 40,
    ) -> Any:
        at = None if around is None else known(around)
        return answers.queue(room, chosen, reviewer, at, before, after)

    @app.get("/api/changes")
    def changes(
        chosen: Chosen, since: Annotated[int, Query(ge=0, le=_MOST)] = 0, reviewer: Reviewer = ""
    ) -> Any:
        return answers.changes(room, since, chosen, reviewer)

    @app.get("/api/sample/{row}")
    def sample(row: Row) -> Any:
        return answers.sample(room, known(row))

    @app.get("/api/neighbours/{row}")
    def neighbours(row: Row, count: Annotated[int, Query(ge=1, le=_MOST_NEIGHBOURS)] = 8) -> Any:
        return answers.neighbours(room, known(row), count)

    @app.get("/api/image/{row}/{size}")
    def image(row: Row, size: Size, slice: Slice = None) -> Response:
        if room.layers is None:
            return _picture(room.pictures.get(known(row), size))
        return _picture(room.layers.image(known(row), size, slice))

    @app.get("/api/mask/{row}")
    def mask(row: Row) -> Any:
        _must_have_masks(room)
        return answers.mask(room, known(row))

    @app.get("/api/layer/{row}/{layer}")
    def layer(
        row: Row,
        layer: Literal["given", "suspected", "proposed"],
        slice: Slice = None,
        of: Annotated[int | None, Query(ge=0, le=254)] = None,
    ) -> Response:
        _must_have_masks(room)
        return Response(room.layers.layer(known(row), layer, slice, of), media_type="image/png")

    @app.post("/api/decide")
    def decide(asked: Decide, chosen: Chosen) -> Any:
        row = known(asked.row)
        made = room.decide(
            row,
            asked.reviewer,
            asked.action,
            label=asked.label,
            note=asked.note,
            replaces=asked.replaces,
        )
        following = answers.next_row(room, chosen, made.reviewer, row)
        told = {"made": answers.plain(made), "row": row, "next": following}
        return told | answers.decided(room, row)

    @app.post("/api/undo")
    def undo(asked: Undo) -> Any:
        taken = room.undo(asked.reviewer, asked.number)
        if taken is None:
            raise HTTPException(409, "another window has decided or taken back meanwhile")
        row = room.samples.rows[taken.id]
        return {"taken": answers.plain(taken), "row": row} | answers.decided(room, row)

    return Guard(app, access, files["locked.html"].data)


def _picture(found: Encoded) -> Response:
    height, width = found.native_size
    told = {"x-image-width": str(width), "x-image-height": str(height)}
    if found.changed:
        told["x-image-changed"] = "yes"
    return Response(found.data, media_type=found.media_type, headers=told)


def _must_have_masks(room: Room) -> None:
    if room.layers is None:
        raise HTTPException(404, "this audit is of labels, not of masks")


def _tell_errors(app: FastAPI) -> None:
    """What goes wrong becomes a status and what the page can say; paths and values stay here."""

    @app.exception_handler(MixedNoiseError)
    def ours(request: Request, error: MixedNoiseError) -> Response:
        if isinstance(error, UnreadableImageError):
            return _problem(404 if error.reason == "file not found" else 415, error.reason)
        if isinstance(error, ElsewhereError):
            return _problem(403, error.problem)
        if isinstance(error, OvertakenError):
            return _problem(409, error.problem)
        if isinstance(error, ConfigError):
            return _problem(422, f"{error.problem}; expected: {error.expected}")
        # What is left: the decisions can't be kept.
        return _problem(507, f"{error.problem}: {error.found}; {error.fix}")

    @app.exception_handler(HTTPException)
    def refused(request: Request, error: HTTPException) -> Response:
        return _problem(error.status_code, str(error.detail))

    @app.exception_handler(RequestValidationError)
    def not_understood(request: Request, error: RequestValidationError) -> Response:
        fields = ", ".join(".".join(map(str, one["loc"])) for one in error.errors())
        return _problem(422, f"not understood: {fields}")


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"problem": text}, status)
