package uploadbroker

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlin.time.Instant

/**
 * A published image or document.
 *
 * @property id its number among the owner's files.
 * @property image its object key without the location.
 * @property imageUrl its public address. Null if its profile is private.
 * @property altText the text for people who cannot see it.
 * @property order its position among the owner's files.
 * @property createdAt when it was published.
 * @property width in pixels. Null, like [height] and [thumbhash], if the broker does not inspect its profile.
 * @property height in pixels.
 * @property thumbhash a placeholder in base64.
 * @property variants smaller renditions, the narrowest first.
 */
@Serializable
public data class Image(
    val id: Long,
    val image: String,
    @SerialName("image_url") val imageUrl: String?,
    @SerialName("alt_text") val altText: String,
    val order: Int,
    @SerialName("created_at") val createdAt: Instant,
    val width: Int? = null,
    val height: Int? = null,
    val thumbhash: String? = null,
    val variants: List<Variant> = emptyList(),
)

/** A smaller rendition of an image. [width] and [height] are in pixels; [url] is null if the profile is private. */
@Serializable
public data class Variant(
    val width: Int,
    val height: Int,
    @SerialName("content_type") val contentType: String,
    val url: String?,
)

/**
 * An upload whose file has arrived.
 *
 * @property id the id for `resume`, `confirm` and `cancel`.
 * @property state `processing` while the broker inspects the file, `confirmed` when [image] is published. Other
 *   states are listed in the broker's OpenAPI document.
 * @property image the image, if it is published.
 * @property reason why the file was rejected.
 */
@Serializable
public data class Upload(
    val id: String,
    val state: String,
    val image: Image? = null,
    val reason: String? = null,
)

/**
 * The progress of one upload.
 *
 * @property uploadId the upload's id. Store it if the app must be able to cancel the upload after a restart.
 * @property sent bytes that were handed to the network. It decreases when a try fails, because its bytes must be
 *   sent again. It is never more than [total].
 * @property total all bytes of the file.
 * @property phase what happens now.
 */
public data class Progress(val uploadId: String, val sent: Long, val total: Long, val phase: Phase) {
    /** What happens with the file now. */
    public enum class Phase {
        /** Its bytes are sent to S3. */
        SENDING,

        /** It has arrived, and the broker inspects it. */
        PROCESSING,
    }
}
