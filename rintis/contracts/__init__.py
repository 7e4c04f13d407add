"""Keeps the published contract true: frozen schemas, examples, and the AsyncAPI document built from the models."""
