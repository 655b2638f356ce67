"""The load generator: virtual users with state, in a process of their own, that know nothing but HTTP.

It is an open loop: what a user sees is decided by the clock alone, whatever the server does, and each latency is
counted from when something was due, never from when the generator got round to it.
"""
