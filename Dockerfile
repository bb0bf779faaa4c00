# One image for every process: web, workers, beat, migrations.
FROM python:3.11-slim-bookworm AS packages
COPY requirements.lock .
RUN python -m venv /venv && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.11-slim-bookworm
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 VAR_DIR=/app/var ACCESS_LOG=1
RUN useradd --system --uid 10001 --create-home shop && mkdir -p /app/var/uploads /app/var/models && chown -R shop /app/var
COPY --from=packages /venv /venv
WORKDIR /app
COPY --chown=root:root manage.py ./
COPY backoffice backoffice
COPY config config
COPY demo demo
COPY shop shop
COPY recommender recommender
COPY templates templates
COPY locale locale
COPY static static
USER shop
# These three are needed to read the settings, not to collect files; nothing of them stays.
RUN DATABASE_URL=postgresql:///build REDIS_URL=redis://build SECRET_KEY=build \
    python manage.py collectstatic --noinput
EXPOSE 8000
CMD ["gunicorn", "config.wsgi", "-c", "python:config.gunicorn", "--bind", "0.0.0.0:8000"]
