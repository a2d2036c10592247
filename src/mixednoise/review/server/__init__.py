"""The server of the review page: loopback only, one table in memory, images on demand."""
