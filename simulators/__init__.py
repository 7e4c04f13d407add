"""Programs that speak the outside parties' side of a contract, so that everything can run on one machine."""
