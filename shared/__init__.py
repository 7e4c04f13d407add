"""What the services share: contracts, storage, messaging, security, telemetry. It knows no service."""
