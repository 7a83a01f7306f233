"""Errors as problem details (RFC 9457): one shape for all of them."""

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from shop import errors

_ANSWERS: dict[type[errors.ShopError], tuple[int, str]] = {
    errors.NotFoundError: (404, "Not found"),
    errors.AlreadyExistsError: (409, "Exists already"),
    errors.CartError: (422, "The cart cannot do that"),
    errors.OutOfStockError: (409, "Out of stock"),
    errors.BusyError: (503, "Busy"),
    errors.VoucherError: (422, "Voucher not accepted"),
    errors.OrderStateError: (409, "Not in this state"),
    errors.PaymentDeclinedError: (402, "Payment declined"),
    errors.GatewayUnavailableError: (503, "Payments are not available"),
    errors.EmailTakenError: (409, "Address taken"),
    errors.CredentialsError: (401, "Not logged in"),
    errors.TokenError: (401, "Not logged in"),
    errors.ForbiddenError: (403, "Not allowed"),
    errors.TooManyRequestsError: (429, "Too many requests"),
    errors.KeyReusedError: (422, "Idempotency key reused"),
    errors.InProgressError: (409, "In progress"),
    errors.ProductFileError: (422, "Product file refused"),
}


def install(app: FastAPI) -> None:
    """Answer every fault that is the shop's own, and every bad request, with a problem."""
    app.add_exception_handler(errors.ShopError, _shop_error)
    app.add_exception_handler(RequestValidationError, _bad_request)


def _shop_error(_: Request, error: Exception) -> JSONResponse:
    status, title = _ANSWERS[type(error)]  # type: ignore[index]
    extra: dict[str, object] = {}
    headers: dict[str, str] = {}
    if isinstance(error, errors.OutOfStockError):
        extra["available"] = error.available
    if isinstance(error, errors.ProductFileError):
        extra["problems"] = error.problems
    if isinstance(error, errors.TooManyRequestsError):
        headers["Retry-After"] = f"{max(1, error.retry_after):.0f}"
    if status == 503:
        headers["Retry-After"] = "5"
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return _problem(status, title, str(error), headers, **extra)


def _bad_request(_: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fields = {".".join(str(step) for step in fault["loc"]): fault["msg"] for fault in faults}
    return _problem(422, "Bad request", "the request is not what it should be", fields=fields)


def _problem(
    status: int,
    title: str,
    detail: str,
    headers: dict[str, str] | None = None,
    **extra: object,
) -> JSONResponse:
    return JSONResponse(
        {"title": title, "status": status, "detail": detail, **extra},
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )
