"""The collector's rules: functions of bytes and a clock that is passed in. They know neither HTTP servers nor Kafka."""
