"""The only rooms with a door to Google: credentials, transports, and the calls that read."""
