"""The only rooms with a door to Google: credentials, transports, and the calls that read."""

import os

# gRPC tells of closed connections on standard error, which belongs to our own words. It must be said before the import.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")
