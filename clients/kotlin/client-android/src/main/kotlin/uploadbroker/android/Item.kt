package uploadbroker.android

import kotlinx.serialization.Serializable
import uploadbroker.BrokerException
import uploadbroker.BrokerException.ImageLimitReached
import uploadbroker.BrokerException.JournalFailed
import uploadbroker.BrokerException.RateLimited
import uploadbroker.BrokerException.TokenFailed
import uploadbroker.BrokerException.Unauthorized
import uploadbroker.Image
import uploadbroker.Owner
import kotlin.time.Duration.Companion.days
import kotlin.time.Duration.Companion.hours

private val GIVE_UP_AFTER = 7.days
private val LONGEST_PAUSE = 5.hours

/**
 * One upload of the queue, as it is stored. Times are in milliseconds since 1970.
 *
 * @property id its id in the queue, which is also the name of its works.
 * @property startedAt when it was enqueued, or started again.
 * @property uploadId the broker's id; null until the first byte is sent.
 * @property lastCode the code of the last temporary failure.
 * @property notBefore the broker or S3 wants no request before this time.
 * @property image the published image.
 * @property failure why it has failed.
 */
@Serializable
internal data class Item(
    val id: String,
    val profile: String,
    val ownerName: String,
    val fileName: String,
    val contentType: String?,
    val altText: String,
    val order: Int?,
    val startedAt: Long = System.currentTimeMillis(),
    val uploadId: String? = null,
    val lastCode: String? = null,
    val notBefore: Long = 0,
    val image: Image? = null,
    val failure: StoredFailure? = null,
    val isCancelled: Boolean = false,
) {
    val owner: Owner get() = Owner.of(profile, ownerName)

    /** Whether its works have nothing to do any more. */
    val isEnded: Boolean get() = image != null || failure != null || isCancelled

    /** Whether a `Retry-After` has not passed yet. A clock that was set back does not count. */
    fun mustWait(now: Long = System.currentTimeMillis()): Boolean =
        notBefore - now in 1..LONGEST_PAUSE.inWholeMilliseconds

    fun startedAgain(): Item =
        copy(startedAt = System.currentTimeMillis(), failure = null, lastCode = null, notBefore = 0)

    /** Return the item after a failure: it either waits for the next try or has failed. */
    fun after(error: BrokerException, now: Long = System.currentTimeMillis()): Item {
        if (!error.isTemporary || now - startedAt > GIVE_UP_AFTER.inWholeMilliseconds) {
            return copy(failure = StoredFailure(error.code, error.reason, error.isTemporary || waitsForSomebody(error)))
        }
        val pause = (error.retryAfter ?: 0).coerceAtMost(LONGEST_PAUSE.inWholeSeconds)
        return copy(lastCode = error.code, notBefore = now + 1000 * pause)
    }
}

/** Why an upload has failed. If [canRetry], its file and its journal are kept. */
@Serializable
internal data class StoredFailure(val code: String, val reason: String?, val canRetry: Boolean)

/** Whether the same upload can succeed when somebody has signed in, or made room. The client's journal keeps it, too. */
private fun waitsForSomebody(error: BrokerException): Boolean =
    error is Unauthorized || error is TokenFailed || error is ImageLimitReached || error is RateLimited ||
        error is JournalFailed
