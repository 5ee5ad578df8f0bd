# The page in a container, as a user that is not root.
#   docker build -t freeze-explorer . && docker run --rm -p 127.0.0.1:8501:8501 freeze-explorer
# With an NVIDIA GPU: docker build --target cuda -t freeze-explorer:cuda . && docker run --rm --gpus all -p 127.0.0.1:8501:8501 freeze-explorer:cuda

ARG BASE=python:3.12-slim-bookworm
FROM ${BASE} AS app

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FREEZE_EXPLORER_HOME=/data
RUN useradd --create-home --uid 10001 explorer && mkdir /data && chown explorer /data
WORKDIR /srv/freeze-explorer

# An environment of its own: a base whose Python belongs to the distribution refuses a plain pip install.
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:${PATH}

# First what changes seldom: the libraries stay cached while the code changes.
COPY requirements.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY freezecore ./freezecore
COPY app ./app
COPY .streamlit ./.streamlit
RUN pip install --no-cache-dir --no-deps .

USER 10001
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD \
    ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# Inside the container it must listen on every address; -p above decides who outside reaches it.
ENTRYPOINT ["python3", "-m", "app", "--address", "0.0.0.0"]

# The same, asking the container runtime for the GPU; torch's plain wheel already carries CUDA.
FROM app AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# Last, so that a plain build makes this one.
FROM app
