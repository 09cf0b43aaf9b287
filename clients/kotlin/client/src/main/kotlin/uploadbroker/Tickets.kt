package uploadbroker

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlin.time.Instant
import kotlin.time.TimeMark
import kotlin.time.TimeSource

/** Where and how to send one file, and until when. */
@Serializable
internal class Ticket(
    val id: String,
    val upload: Transfer,
    @SerialName("expires_at") private val expiresAt: Instant,
    @SerialName("server_time") private val serverTime: Instant,
) {
    /** When the URL should be renewed, by this process's own clock: a phone's time of day may be wrong. */
    val renewAt: TimeMark = TimeSource.Monotonic.markNow() + (expiresAt - serverTime) - RENEW_EARLY
}

/** What a ticket says about the request: its [method] is PUT, MULTIPART, or POST, which this client cannot send. */
@Serializable
internal class Transfer(val method: String, val url: String = "", val headers: Map<String, String> = emptyMap())

/** Request a ticket. Every try sends the same idempotency key and the same body. */
internal suspend fun Api.requestTicket(owner: Owner, declaration: String, idempotencyKey: String): Ticket =
    call("POST", owner.ticketPath, declaration, idempotencyKey)

/**
 * Get a new URL for the same upload.
 *
 * @throws BrokerException.UploadGone the upload has ended.
 */
internal suspend fun Api.renew(uploadId: String): Ticket = call("POST", "/api/uploads/$uploadId/renew/")

/** Return the ticket request for a file. */
internal fun declared(file: DeclaredFile, owner: Owner, altText: String, order: Int?, transport: String): String {
    val plain = Declaration(file.name, file.contentType, file.size, file.checksum, transport)
    return JSON.encodeToString(if (owner.takesText) plain.copy(altText = altText, order = order) else plain)
}

/** A field that is null is omitted. */
@Serializable
private data class Declaration(
    @SerialName("file_name") val fileName: String,
    @SerialName("content_type") val contentType: String? = null,
    val size: Long,
    @SerialName("checksum_sha256") val checksum: String,
    val transport: String,
    @SerialName("alt_text") val altText: String? = null,
    val order: Int? = null,
)
