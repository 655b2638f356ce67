"""What is built on Faust and aiokafka: the agent, its consumer, recovery and tables. No other folder imports them."""
