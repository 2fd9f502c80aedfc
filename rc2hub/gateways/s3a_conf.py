"""Spark's configuration for a store behind the S3 gateway: Hadoop's own client of S3, with the driver's token."""

REGION = "us-east-1"
"""The client's region, of which the gateway reads nothing: it signs for the store's own."""


def s3a_conf(address: str, token: str, folder: str) -> dict[str, str]:
    """The options of a driver for the bucket behind a gateway, `http://host:port/bucket`.

    `folder` holds what is not sent yet. `token` is where Hadoop finds the driver's token, a variable in its notation; so
    it stands in no configuration. The options are those of this bucket alone, so the token goes to no other address.
    """
    gateway, _, bucket = address.rpartition("/")
    options = {
        "endpoint": gateway,
        "endpoint.region": REGION,
        "path.style.access": "true",
        "aws.credentials.provider": "org.apache.hadoop.fs.s3a.TemporaryAWSCredentialsProvider",
        "access.key": "rc2",
        "secret.key": "rc2",
        "session.token": token,
        # each block as it is, with its length and a hash of all of it; by default it would come in signed parts
        "signing-algorithm": "AWS4SignerType",
        # a user may not ask for the folders above the own one, and these leave such questions out
        "performance.flags": "create,delete,mkdir",
        # reads what Parquet asks for; the default one also fetches columns ahead, and keeps them in the driver's heap
        "input.stream.type": "classic",
        "buffer.dir": folder,
        # about half a minute for a gateway that is started again; the client's own limit is hours
        "attempts.maximum": "2",
        "retry.limit": "5",
        "retry.throttle.limit": "7",
        # no headers with names of jobs and users
        "audit.enabled": "false",
    }
    return {f"spark.hadoop.fs.s3a.bucket.{bucket}.{name}": value for name, value in options.items()}
