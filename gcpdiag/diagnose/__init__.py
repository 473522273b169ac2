"""From findings to a diagnosis: ranking causes, telling cause from effect, answering or abstaining."""
