"""A call of a user that a gateway refuses, or that the service behind it refuses."""


class RefusedCallError(Exception):
    """A refusal as the service's own clients know it: `str()` of it is one sentence for the user."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Take the HTTP status, and the name of the refusal: HDFS's is a Java class, S3's a word."""
        super().__init__(message)
        self.status, self.code = status, code
