package uploadbroker

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable

private const val PUT = "put"
private const val MULTIPART = "multipart"

/** Chooses the transport by what the broker's profiles say. They are read once in a process. */
internal class Transports {
    @Volatile
    private var profiles: Map<String, Limits>? = null

    /** Return how a file of this size is sent: small ones with one PUT, large ones in parts. Never with a form. */
    suspend fun of(api: Api, owner: Owner, size: Long): String {
        val known = profiles ?: api.call<Map<String, Limits>>("GET", "/api/profiles/").also { profiles = it }
        val limits = known[owner.profile] ?: return PUT // The ticket request is refused.
        return if (size > limits.multipartThreshold && MULTIPART in limits.transports) MULTIPART else PUT
    }
}

@Serializable
private class Limits(
    @SerialName("multipart_threshold") val multipartThreshold: Long,
    val transports: List<String> = listOf(PUT, MULTIPART),
)
