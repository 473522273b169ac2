"""One view of a diagnosis, and thin renderers over it: the terminal, a ticket, other programs."""
