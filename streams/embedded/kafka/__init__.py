"""The real Kafka broker, in one JVM on this machine: its jars, Java, configuration and process."""
