# The image of worker, sink, collector and migrator: the package, from the lock file alone, in a folder of its own, without Java.
FROM python:3.11.15-slim-bookworm AS build
WORKDIR /source
COPY requirements.lock pyproject.toml setup.py README.md LICENSE topics.yaml ./
COPY clickhouse/migrations clickhouse/migrations
COPY clickhouse/queries clickhouse/queries
COPY schemas schemas
COPY deploy/install.sh deploy/install.sh
COPY impression_streams impression_streams
COPY streams streams
RUN deploy/install.sh /opt/impressions

FROM python:3.11.15-slim-bookworm
# A number, so that an orchestrator can see that the user is not root. All data is kept in /data.
RUN groupadd --gid 10001 impressions \
    && useradd --uid 10001 --gid impressions --no-create-home --home-dir /data --shell /usr/sbin/nologin impressions \
    && install --directory --owner impressions --group impressions --mode 0750 /data
COPY --from=build /opt/impressions /opt/impressions
ENV PATH=/opt/impressions/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    IMPRESSIONS_DATA_DIR=/data \
    IMPRESSIONS_METRICS_HOST=0.0.0.0 \
    HEALTH_URL=http://127.0.0.1:9101/healthz
WORKDIR /data
VOLUME /data
USER 10001:10001
EXPOSE 8080 9101 9102
# What the process reports: 503 once there are records to process and nothing has moved for IMPRESSIONS_STALL_SECONDS.
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; \
r.build_opener(r.ProxyHandler({})).open(os.environ['HEALTH_URL'], timeout=4)"]
ENTRYPOINT ["impressions"]
CMD ["worker", "--index", "auto"]
