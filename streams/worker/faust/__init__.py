"""Built on Faust and aiokafka: the agent, its consumer, recovery and tables. Only worker/app.py imports both, too."""
