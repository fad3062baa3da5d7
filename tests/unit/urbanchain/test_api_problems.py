"""One catalogue: HTTP errors, pages, OpenAPI, the SDK's exceptions and exit codes agree with it."""

import pytest

from tests.fakes.backend import InstantNode
from tests.fakes.serving import serve
from urbanchain import client
from urbanchain.api.problems import CATALOGUE, PROBLEMS, RequestProblem, problem_document
from urbanchain.api.routes import API_ROUTES, OPS_ROUTES
from urbanchain.client.errors import RequestFailed, make_error

NAMES = [problem.name for problem in CATALOGUE]


def test_names_are_unique_and_documented() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(problem.title and problem.meaning for problem in CATALOGUE)


@pytest.mark.parametrize("name", NAMES)
def test_each_problem_has_its_exception_in_the_sdk(name: str) -> None:
    error = make_error(name, "why", {"pointer": "x"})
    assert type(error) is not RequestFailed
    assert getattr(client, type(error).__name__) is type(error)
    assert error.problem is PROBLEMS[name]
    assert str(error) == f"{PROBLEMS[name].title}: why"


def test_the_sdk_has_no_exception_beyond_the_catalogue() -> None:
    assert len(RequestFailed.__subclasses__()) == len(CATALOGUE)


@pytest.mark.parametrize("name", NAMES)
def test_exit_codes_are_of_the_documented_ones(name: str) -> None:
    assert PROBLEMS[name].exit_code in {1, 2, 3, 4, 7, 9}


def test_what_can_be_retried_is_what_the_node_may_recover_from() -> None:
    retryable = {problem.name for problem in CATALOGUE if problem.retryable}
    assert retryable == {"rate-limited", "internal-error", "mempool-full", "not-ready", "syncing"}


def test_a_problem_carries_its_facts_beside_the_standard_members() -> None:
    document = problem_document("too-large", "more than 5", {"maximum": 5})
    assert document == {
        "type": "/problems/too-large",
        "title": "The request is too large",
        "status": 413,
        "detail": "more than 5",
        "retryable": False,
        "maximum": 5,
    }
    assert str(RequestProblem("too-large", "more than 5")) == "too-large: more than 5"


@pytest.mark.parametrize("name", NAMES)
async def test_whatever_a_node_refuses_with_reaches_the_callers_program(name: str) -> None:
    node = InstantNode(refuses=RequestProblem(name, "why", {"maximum": 5}))
    async with serve(node) as site, client.AsyncClient(site.listener.url) as chain:
        reply = await site.post("/v1/transactions", b"x", "application/octet-stream")
        assert (reply.problem, reply.status) == (name, PROBLEMS[name].status)
        with pytest.raises(RequestFailed) as caught:
            await chain.submit(client.Signed("00" * 32, b"x", 0))
    assert type(caught.value) is type(make_error(name, "", {}))
    assert (caught.value.detail, caught.value.facts) == ("why", {"maximum": 5})


@pytest.mark.parametrize("name", NAMES)
async def test_each_problem_has_its_page(name: str) -> None:
    async with serve() as site:
        reply = await site.get(f"/problems/{name}")
    assert reply.status == 200
    assert name.encode() in reply.body
    assert reply.headers["Content-Security-Policy"] == "default-src 'none'"


async def test_a_problem_that_is_not_in_the_catalogue_has_no_page() -> None:
    async with serve() as site:
        assert (await site.get("/problems/%3Cscript%3E")).problem == "not-found"


async def test_openapi_lists_every_route_with_its_problems() -> None:
    async with serve() as site:
        document = (await site.get("/openapi.json")).json
    assert document["openapi"] == "3.1.0"
    for route in API_ROUTES:
        operation = document["paths"][route.plain_path][route.method.lower()]
        statuses = {str(PROBLEMS[name].status) for name in route.problems}
        assert statuses <= set(operation["responses"])
        assert {p.name for p in route.query} <= {p["name"] for p in operation["parameters"]}


async def test_openapi_refers_only_to_schemas_it_has() -> None:
    async with serve() as site:
        reply = await site.get("/openapi.json")
    known = set(reply.json["components"]["schemas"])
    referred = {
        part.split(b'"')[0].decode() for part in reply.body.split(b"#/components/schemas/")[1:]
    }
    assert referred <= known


def test_no_two_routes_are_the_same_and_each_says_what_it_is_for() -> None:
    for table in (API_ROUTES, OPS_ROUTES):
        assert len({(route.method, route.path) for route in table}) == len(table)
        assert all(route.summary and (route.handle.__doc__ or "") for route in table)


@pytest.mark.parametrize("route", [*API_ROUTES, *OPS_ROUTES], ids=lambda r: f"{r.method} {r.path}")
def test_a_handler_names_its_route(route) -> None:  # type: ignore[no-untyped-def]
    assert route.handle.__doc__ == f"{route.method} {route.plain_path}"


def test_every_problem_a_route_names_is_in_the_catalogue() -> None:
    for route in (*API_ROUTES, *OPS_ROUTES):
        assert set(route.problems) <= set(NAMES)
