"""A recorded incident served over Google's real wire on loopback, for clients, gcloud and tests."""
