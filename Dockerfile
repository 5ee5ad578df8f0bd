# The page in a container, as a user that is not root.
#   docker build -t freeze-explorer . && docker run --rm -p 127.0.0.1:8501:8501 freeze-explorer
# With an NVIDIA GPU: docker build --target cuda -t freeze-explorer:cuda . && docker run --rm --gpus all -p 127.0.0.1:8501:8501 freeze-explorer:cuda
# Without one, 6 GB smaller: docker build --target cpu --build-arg TORCH_INDEX=… -t freeze-explorer:cpu . (an index with CPU wheels of torch)

ARG BASE=python:3.12-slim-bookworm
FROM ${BASE} AS start

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 FREEZE_EXPLORER_HOME=/data
RUN useradd --create-home --uid 10001 explorer && mkdir /data && chown explorer /data
WORKDIR /srv/freeze-explorer

# An environment of its own: a base whose Python belongs to the distribution refuses a plain pip install.
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:${PATH}
COPY requirements.lock ./

VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s CMD \
    ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4)"]
# Inside the container it must listen on every address; -p above decides who outside reaches it.
ENTRYPOINT ["freeze-explorer", "--address", "0.0.0.0"]

FROM start AS wheel
COPY pyproject.toml setup.py README.md LICENSE ./
COPY freezecore ./freezecore
COPY app ./app
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheel .

# The locked libraries but for what computes on a GPU; torch and torchvision, in their locked versions, from the index that was named.
FROM start AS cpu
ARG TORCH_INDEX
RUN awk '/^[^ ]/ {keep = $0 !~ /^(torch|torchvision|triton|cuda-[a-z]+|nvidia-[a-z0-9-]+)==/} keep' requirements.lock > cpu.lock \
    && pip install --no-cache-dir --require-hashes --no-deps -r cpu.lock \
    && grep -oE '^(torch|torchvision)==[^ ]+' requirements.lock > torch.txt \
    && pip install --no-cache-dir --no-deps --index-url "${TORCH_INDEX:?name an index with CPU wheels of torch}" -r torch.txt
COPY --from=wheel /wheel /wheel
RUN pip install --no-cache-dir --no-deps /wheel/*.whl

USER 10001

FROM start AS app
# First what changes seldom: the libraries stay cached while the code changes.
RUN pip install --no-cache-dir --require-hashes -r requirements.lock
COPY --from=wheel /wheel /wheel
RUN pip install --no-cache-dir --no-deps /wheel/*.whl

USER 10001

# The same, asking the container runtime for the GPU; torch's plain wheel already carries CUDA.
FROM app AS cuda
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility

# Last, so that a plain build makes this one.
FROM app
