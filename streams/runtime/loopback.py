"""Addresses of this machine: nothing else can be behind them, so no proxy is ever asked for them."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Return whether a host can only be this machine; names other than localhost are not resolved."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
