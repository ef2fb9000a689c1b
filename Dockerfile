# Builds the way scripts/setup does on a bare Debian 12, then keeps the two binaries and what they load.
#
#   docker build -t plumbline .
#   docker run --rm -v /path/to/models:/models:ro -p 127.0.0.1:7878:7878 plumbline --model qwen=/models/Qwen2.5-0.5B-Instruct
FROM debian:12-slim AS build
WORKDIR /src
COPY scripts ./scripts
COPY core/text/hf/Cargo.toml core/text/hf/Cargo.lock ./core/text/hf/
COPY core/text/hf/src ./core/text/hf/src
RUN apt-get update -qq && scripts/setup
COPY . .
RUN cmake --preset release -DCMAKE_INSTALL_PREFIX=/opt/plumbline \
 && cmake --build --preset release --target plumblined plumbline \
 && mkdir -p /opt/plumbline/bin /opt/plumbline/lib \
 && cp build/release/bin/plumblined build/release/bin/plumbline /opt/plumbline/bin/ \
 && scripts/lib/copy-runtime-libraries /opt/plumbline/bin/plumblined /opt/plumbline/lib

FROM debian:12-slim
RUN useradd --system --home-dir /var/lib/plumbline --create-home plumbline
COPY --from=build /opt/plumbline /opt/plumbline
COPY deploy/demo /opt/plumbline/demo
ENV PATH=/opt/plumbline/bin:$PATH LD_LIBRARY_PATH=/opt/plumbline/lib
USER plumbline
VOLUME /var/lib/plumbline
EXPOSE 7878 9464
# Off loopback a container's own network is the boundary: publish the port on 127.0.0.1, or give certificates (docs/threat-model.md).
ENTRYPOINT ["plumblined", "--listen", "0.0.0.0:7878", "--insecure-remote", "--metrics-listen", "0.0.0.0:9464", "--data-dir", "/var/lib/plumbline"]
