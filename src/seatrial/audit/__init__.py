"""Reads Dockerfiles, compose files and CI workflows for what should not be in them."""
