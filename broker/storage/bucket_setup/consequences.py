"""What follows if a server lacks a feature that its row in the table of servers has."""

from broker.domain.s3_servers import Feature

CONSEQUENCES = {
    Feature.PUBLIC_ACCESS_BLOCK: "images are public only if nothing else blocks public reading",
    Feature.POLICY: "nobody can read the images until the server itself makes them public",
    Feature.CORS: "pages of these origins cannot upload until CORS is configured on the server",
    Feature.EXPIRATION: "objects that nobody confirms stay there while `broker reap` does not run",
    Feature.ABORT_PARTS: "parts of unfinished uploads stay, and cost money, while `broker reap`"
    " does not run",
    Feature.NOTIFICATIONS: "uploads that no client confirms are found by `broker reap` only",
}
