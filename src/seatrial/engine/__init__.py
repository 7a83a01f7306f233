"""Where it runs: the Docker Engine API (also Podman's), and Compose for create and build."""
