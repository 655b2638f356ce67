"""The real broker, one JVM of this machine: its jars, its Java, its configuration and its process."""
