"""A Weave trace server on the loopback interface: the vendor's own server code on embedded ClickHouse.

Requests are handled by `ClickHouseTraceServer` behind `ExternalTraceServer`, as shipped in the
`weave` package. This file adds what the package lacks: HTTP routes, IDs for projects and users, and
controls below `/__control`. Projects of the entity `missing` do not exist.

    python server.py DATA_DIRECTORY

Prints `{"ready": PORT}` once it listens, and exits when its standard input is closed.
"""

import asyncio
import base64
import collections
import json
import os
import socket
import sys
import threading
import traceback
import types
import typing
import zlib
from concurrent.futures import ThreadPoolExecutor

os.environ["WANDB_ERROR_REPORTING"] = "false"
os.environ["DD_TRACE_ENABLED"] = "false"
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"


def add_missing_module() -> None:
    """Replaces `model_providers`, which the package omits and only completions need."""
    parent = types.ModuleType("weave.trace_server.model_providers")
    parent.__path__ = []
    module = types.ModuleType(f"{parent.__name__}.model_providers")
    module.LLMModelProviderInfo = dict
    module.read_model_to_provider_info_map = dict
    module.__getattr__ = lambda name: frozenset()
    parent.model_providers = module
    sys.modules[parent.__name__] = parent
    sys.modules[module.__name__] = module


add_missing_module()

import clickhouse_connect
import pydantic
import sqlparse.engine.grouping
import uvicorn
import weave.version
from fastapi import Body, FastAPI, File, Form, Request, Response, UploadFile
from fastapi.responses import JSONResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from weave.shared import trace_server_interface as tsi
from weave.shared.errors import ProjectNotFound, handle_server_exception
from weave.trace_server import clickhouse_trace_server_batched as clickhouse
from weave.trace_server import external_to_internal_trace_server_adapter as adapter

# Migrations exceed the SQL parser's default limits.
sqlparse.engine.grouping.MAX_GROUPING_TOKENS = None
sqlparse.engine.grouping.MAX_GROUPING_DEPTH = None

USER = "conformance"
# Embedded ClickHouse allows one engine per process: one thread does all of its work.
worker = ThreadPoolExecutor(1)


class Ids(adapter.IdConverter):
    """Internal IDs derived from the external ones."""

    def __init__(self) -> None:
        self.projects: dict[str, str] = {}
        self.replaced: collections.Counter[str] = collections.Counter()

    def ext_to_int_project_id(self, project_id: str) -> str:
        entity, _, project = project_id.partition("/")
        if not entity or not project or "/" in project:
            raise ValueError(f"Invalid project: {project_id}")
        if entity == "missing":
            raise ProjectNotFound(f"Project {project_id} not found")
        number = zlib.crc32(f"{project_id}{self.replaced[project_id] or ''}".encode())
        internal = encode(f"ProjectInternalId:{number}")
        self.projects[internal] = project_id
        return internal

    def int_to_ext_project_id(self, project_id: str) -> str | None:
        return self.projects.get(project_id)

    def ext_to_int_run_id(self, run_id: str) -> str:
        return f"{encode(run_id)}:{run_id}"

    def int_to_ext_run_id(self, run_id: str) -> str:
        return run_id.split(":", 1)[1]

    def ext_to_int_user_id(self, user_id: str) -> str:
        return encode(user_id)

    def int_to_ext_user_id(self, user_id: str) -> str:
        return base64.b64decode(user_id).decode()


def encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class EmbeddedServer(clickhouse.ClickHouseTraceServer):
    """The vendor's server with its database in a directory."""

    directory = ""

    def _mint_client(self, **_options: object) -> object:
        client = clickhouse_connect.get_client(interface="chdb", path=self.directory)
        self._ensure_database(client)
        client.database = self._database
        return client


def open_server(directory: str) -> tuple[EmbeddedServer, adapter.ExternalTraceServer]:
    EmbeddedServer.directory = directory
    inner = EmbeddedServer(host="localhost", database="weave")
    inner._run_migrations()
    return inner, adapter.ExternalTraceServer(inner, ids)


ids = Ids()
inner, server = worker.submit(open_server, sys.argv[1]).result()
app = FastAPI()


async def on_worker(function: typing.Callable, *args: object) -> typing.Any:
    return await asyncio.get_running_loop().run_in_executor(worker, function, *args)


def stamp_user(value: object) -> None:
    """Sets the user of a request, as a server with authentication does."""
    if isinstance(value, list):
        for item in value:
            stamp_user(item)
    elif isinstance(value, pydantic.BaseModel):
        if "wb_user_id" in type(value).model_fields:
            value.wb_user_id = USER
        for name in ("start", "end", "req", "obj", "batch"):
            stamp_user(getattr(value, name, None))


def failure(error: Exception) -> Response:
    handled = handle_server_exception(error)
    if handled.status_code >= 500:
        traceback.print_exception(error)
    return JSONResponse(handled.message, handled.status_code)


def as_json(result: object) -> Response:
    items = result if isinstance(result, list) else None
    texts = [item.model_dump_json(by_alias=True) for item in (items if items is not None else [result])]
    text = texts[0] if items is None else f"[{','.join(texts)}]"
    return Response(text, media_type="application/json")


def as_lines(results: typing.Iterable[pydantic.BaseModel]) -> Response:
    lines = [f"{result.model_dump_json(by_alias=True)}\n" for result in results]
    return Response("".join(lines), media_type="application/jsonl")


def add_route(path: str, method: str, model: type, reply: typing.Callable = as_json) -> None:
    async def handler(req: typing.Any, request: Request) -> Response:
        entity = request.path_params.get("entity")
        if entity is not None:
            project = f"{entity}/{request.path_params['project']}"
            parts = getattr(req, "batch", None) or [getattr(req, "start", None) or getattr(req, "end", None)]
            if any(part is not None and part.project_id != project for part in parts):
                return JSONResponse({"reason": "project_id is not that of the path"}, 400)
        stamp_user(req)
        try:
            return await on_worker(lambda: reply(getattr(server, method)(req)))
        except Exception as error:
            return failure(error)

    handler.__annotations__["req"] = typing.Annotated[model, Body()]
    app.add_api_route(path, handler, methods=["POST"])


for path, method, model in [
    ("/call/start", "call_start", tsi.CallStartReq),
    ("/call/end", "call_end", tsi.CallEndReq),
    ("/call/upsert_batch", "call_start_batch", tsi.CallCreateBatchReq),
    ("/v2/{entity}/{project}/calls/complete", "calls_complete", tsi.CallsUpsertCompleteReq),
    ("/v2/{entity}/{project}/call/start", "call_start_v2", tsi.CallStartV2Req),
    ("/v2/{entity}/{project}/call/end", "call_end_v2", tsi.CallEndV2Req),
    ("/call/update", "call_update", tsi.CallUpdateReq),
    ("/call/read", "call_read", tsi.CallReadReq),
    ("/calls/delete", "calls_delete", tsi.CallsDeleteReq),
    ("/calls/query_stats", "calls_query_stats", tsi.CallsQueryStatsReq),
    ("/obj/create", "obj_create", tsi.ObjCreateReq),
    ("/obj/read", "obj_read", tsi.ObjReadReq),
    ("/objs/query", "objs_query", tsi.ObjQueryReq),
    ("/table/create", "table_create", tsi.TableCreateReq),
    ("/table/create_from_digests", "table_create_from_digests", tsi.TableCreateFromDigestsReq),
    ("/table/update", "table_update", tsi.TableUpdateReq),
    ("/table/query", "table_query", tsi.TableQueryReq),
    ("/table/query_stats", "table_query_stats", tsi.TableQueryStatsReq),
    ("/table/query_stats_batch", "table_query_stats_batch", tsi.TableQueryStatsBatchReq),
    ("/refs/read_batch", "refs_read_batch", tsi.RefsReadBatchReq),
    ("/feedback/create", "feedback_create", tsi.FeedbackCreateReq),
    ("/feedback/batch/create", "feedback_create_batch", tsi.FeedbackCreateBatchReq),
    ("/feedback/replace", "feedback_replace", tsi.FeedbackReplaceReq),
    ("/feedback/query", "feedback_query", tsi.FeedbackQueryReq),
    ("/cost/create", "cost_create", tsi.CostCreateReq),
    ("/cost/query", "cost_query", tsi.CostQueryReq),
    ("/service/projects_info", "projects_info", tsi.ProjectsInfoReq),
]:
    add_route(path, method, model)
add_route("/calls/stream_query", "calls_query_stream", tsi.CallsQueryReq, as_lines)
add_route("/table/query_stream", "table_query_stream", tsi.TableQueryReq, as_lines)


async def create_file(
    project_id: typing.Annotated[str, Form()],
    file: typing.Annotated[UploadFile, File()],
    expected_digest: typing.Annotated[str | None, Form()] = None,
) -> Response:
    request = tsi.FileCreateReq(
        project_id=project_id,
        name=file.filename or "<unnamed_file>",
        content=await file.read(),
        expected_digest=expected_digest,
    )
    try:
        return as_json(await on_worker(server.file_create, request))
    except Exception as error:
        return failure(error)


async def read_file(req: typing.Annotated[tsi.FileContentReadReq, Body()]) -> Response:
    try:
        result = await on_worker(server.file_content_read, req)
    except Exception as error:
        return failure(error)
    return Response(result.content, media_type="application/octet-stream")


# Older servers have the singular paths; both run the same code.
for prefix in ("/files", "/file"):
    app.add_api_route(f"{prefix}/create", create_file, methods=["POST"])
    app.add_api_route(f"{prefix}/content", read_file, methods=["POST"])


@app.post("/otel/v1/traces")
async def export_spans(request: Request) -> Response:
    """Stores spans in the project of their resource or of the header."""
    try:
        body = await request.body()
        if request.headers.get("content-encoding") in ("gzip", "deflate"):
            body = zlib.decompress(body, wbits=zlib.MAX_WBITS | 32)
        by_project: dict[str, list] = {}
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {item.key: item.value.string_value for item in resource_spans.resource.attributes}
            header = request.headers.get("project_id", "/").split("/")
            entity = named.get("wandb.entity", header[0])
            project = named.get("wandb.project", header[1])
            by_project.setdefault(f"{entity}/{project}", []).append(
                tsi.ProcessedResourceSpans(
                    entity=entity, project=project, run_id=None, resource_spans=resource_spans
                )
            )
        result = tsi.OTelExportRes()
        for project_id, spans in by_project.items():
            export = tsi.OTelExportReq(processed_spans=spans, project_id=project_id, wb_user_id=USER)
            result = await on_worker(server.otel_export, export)
        return as_json(result)
    except Exception as error:
        return failure(error)


@app.get("/health")
async def health() -> dict:
    return {"status": "ok"}


@app.get("/server_info")
async def server_info() -> dict:
    return {"min_required_weave_python_version": "0.0.1", "trace_server_version": weave.version.VERSION}


@app.post("/graphql")
async def graphql(request: Request) -> dict:
    """Responds to the few queries that the Python client sends to the W&B server at startup."""
    body = await request.json()
    variables = body.get("variables") or {}
    if "upsertModel" in body["query"]:
        project = {"name": variables.get("name"), "entity": {"name": variables.get("entity")}}
        return {"data": {"upsertModel": {"model": {**project, "project": variables.get("name")}}}}
    if "project(" in body["query"].lower():
        return {"data": {"project": {"name": variables.get("name"), "id": "1"}}}
    viewer = {"id": "1", "username": USER, "email": "", "defaultEntity": {"name": "conformance"}}
    return {"data": {"viewer": {**viewer, "entity": "conformance"}, "serverInfo": {"frontendHost": ""}}}


@app.post("/__control/merge")
async def merge() -> dict:
    """Merges the tables that return a row twice until ClickHouse merges them by itself."""

    def optimize() -> None:
        for table in ("calls_complete", "feedback"):
            inner.ch_client.command(f"OPTIMIZE TABLE {table} FINAL")

    await on_worker(optimize)
    return {}


@app.post("/__control/replace/{entity}/{project}")
async def replace(entity: str, project: str) -> dict:
    """Replaces this project with an empty one."""
    ids.replaced[f"{entity}/{project}"] += 1
    return {}


def end_with_parent() -> None:
    sys.stdin.read()
    os._exit(0)


class ReadyServer(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        print(json.dumps({"ready": sockets[0].getsockname()[1]}), flush=True)


threading.Thread(target=end_with_parent, daemon=True).start()
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 0))
config = uvicorn.Config(app, log_level="warning", timeout_keep_alive=60)
ReadyServer(config).run(sockets=[listener])
