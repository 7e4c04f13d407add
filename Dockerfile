# One image for every service: `python -m services.<name>`. The target `simulators` adds what only they need.
FROM python:3.13-slim AS services

ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app PATH=/app/deploy/bin:/opt/venv/bin:$PATH
WORKDIR /app

# Requirements first: a change of code does not install them again.
COPY requirements/runtime.txt requirements/
# An environment of their own: what the base image's distribution has installed stays out of it.
RUN python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt

COPY deploy/bin deploy/bin
COPY policies policies
COPY shared shared
COPY services services
COPY rintis rintis
RUN python -m compileall -q shared services rintis

# Volumes mounted here take over these owners; the process needs no right to change anything else.
RUN useradd --system --uid 10001 --no-create-home rintis \
 && for part in registration eligibility notification reporting console sms; do mkdir -p /state/services/$part; done \
 && mkdir -p /secrets /received && chown -R rintis /state /secrets /received && chmod -R go-rwx /state /secrets
USER rintis
ENV RINTIS_STATE=/state RINTIS_HTTP_HOST=0.0.0.0 RINTIS_HTTP_PORT=8080
EXPOSE 8080
CMD ["rintis", "--help"]

FROM services AS simulators
USER root
COPY requirements/simulators.txt requirements/
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/simulators.txt
COPY simulators simulators
USER rintis
