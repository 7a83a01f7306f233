# The official Python image's interface on Debian's own Python.
ARG BASE
FROM ${BASE}

# distutils: in the standard library up to 3.11, a package of its own in Debian.
ARG VERSION
RUN apt-get update -qq \
 && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
        python3 python3-venv netbase tzdata $([ "$VERSION" != 3.11 ] || echo python3-distutils) \
 && rm -rf /var/lib/apt/lists/* /var/log/*

# In a container, the image is the virtual environment.
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED \
 && ln -s /usr/bin/python3 /usr/local/bin/python3 \
 && ln -s /usr/bin/python3 /usr/local/bin/python

# Dockerfiles copy /usr/local/lib/python3.x/site-packages between their stages; Debian's Python
# reads dist-packages. They become one folder.
RUN library=/usr/local/lib/python$VERSION \
 && rm -rf "$library/dist-packages" \
 && mkdir -p "$library/site-packages" \
 && ln -s site-packages "$library/dist-packages"

# pip from its wheel, not from the package python3-pip: "pip install --upgrade pip", which many
# Dockerfiles do, cannot replace a pip that dpkg owns.
RUN wheel=$(echo /usr/share/python-wheels/pip-*.whl) \
 && python3 "$wheel/pip" install -q --no-index --no-cache-dir --root-user-action=ignore "$wheel"

# For pip, for programs that use Python's ssl (or, like uv, heed its variable), and for those that
# use requests, like Poetry: it brings certificates of its own.
ENV LANG=C.UTF-8 \
    PIP_CERT=/usr/local/share/ca-certificates/host-bundle.pem \
    SSL_CERT_FILE=/usr/local/share/ca-certificates/host-bundle.pem \
    REQUESTS_CA_BUNDLE=/usr/local/share/ca-certificates/host-bundle.pem
ARG STAND_IN
LABEL dev.seatrial.stand-in="${STAND_IN}"
CMD ["python3"]
