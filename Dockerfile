# PostgreSQL's image with the extension installed: docker build --build-arg PG_VERSION=17 -t retention .
ARG PG_VERSION=17

FROM postgres:${PG_VERSION} AS build
RUN apt-get update && \
    apt-get install -y --no-install-recommends gcc g++ make libboost-dev libnlopt-dev postgresql-server-dev-$PG_MAJOR
COPY . /retention
RUN make -C /retention -j"$(nproc)" with_llvm=no && \
    make -C /retention with_llvm=no install DESTDIR=/installed

FROM postgres:${PG_VERSION}
RUN apt-get update && \
    apt-get install -y --no-install-recommends libnlopt0 && \
    rm -rf /var/lib/apt/lists/*
COPY --from=build /installed/ /
