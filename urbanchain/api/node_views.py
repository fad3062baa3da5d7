"""Handlers about the node itself: its status for everyone, its health for its operator."""

from html import escape

from urbanchain.api import schemas
from urbanchain.api.calls import NO_STORE, Answer, Call, answer, not_found
from urbanchain.api.documents import describe_consensus, describe_mempool, describe_status
from urbanchain.api.problems import PROBLEMS, RequestProblem

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"


async def get_status(call: Call) -> Answer:
    """GET /v1/status"""
    document = describe_status(call.backend.genesis, call.backend.status())
    return answer(document, NO_STORE)


async def get_mempool(call: Call) -> Answer:
    """GET /v1/mempool"""
    return answer(describe_mempool(call.backend.mempool()), NO_STORE)


async def get_consensus(call: Call) -> Answer:
    """GET /v1/consensus"""
    return answer(describe_consensus(call.backend.consensus()), NO_STORE)


async def get_problem_page(call: Call) -> Answer:
    """GET /problems/{name}"""
    problem = PROBLEMS.get(call.path["name"])
    if problem is None:
        raise not_found(f"problem {call.path['name']}")
    again = "may succeed later as it is" if problem.retryable else "fails again unless it changes"
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{problem.name}</title>'
        f"<h1>{escape(problem.title)}</h1><p><code>{problem.name}</code>, HTTP {problem.status}: "
        f"the request {again}. The command line ends with {problem.exit_code}.</p>"
        f"<p>{escape(problem.meaning)}</p></html>\n"
    )
    headers = {"Content-Security-Policy": "default-src 'none'", "Cache-Control": "max-age=3600"}
    return Answer(page.encode(), content_type=HTML, headers=headers)


async def get_livez(call: Call) -> Answer:
    """GET /livez"""
    return Answer(b"ok\n", content_type=TEXT, headers=NO_STORE)


async def get_readyz(call: Call) -> Answer:
    """GET /readyz"""
    failed = call.backend.readiness(call.query["max_behind"], call.query["min_voting"])
    if failed:
        checks = [{"component": check.component, "reason": check.reason} for check in failed]
        detail = "; ".join(f"{check.component}: {check.reason}" for check in failed)
        raise RequestProblem("not-ready", detail, {"failed_checks": checks})
    return Answer(b"ready\n", content_type=TEXT, headers=NO_STORE)


async def get_version(call: Call) -> Answer:
    """GET /version"""
    status = call.backend.status()
    document = schemas.VersionDocument(
        version=status.version, node=status.node, genesis=call.backend.genesis.hash.hex()
    )
    return answer(document)
