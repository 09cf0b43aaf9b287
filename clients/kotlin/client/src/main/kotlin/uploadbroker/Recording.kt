package uploadbroker

/** An upload whose file has arrived. [retryAfter] is in seconds, for an upload that is being processed. */
internal class Recorded(val upload: Upload, val retryAfter: Long? = null)

/**
 * Call `confirm` or `complete` until the bucket shows the file.
 *
 * @param step [Step.CONFIRM] or [Step.COMPLETE].
 * @param sendAgain sends the whole file once more.
 * @throws BrokerException.Refused for example ObjectMissing, ObjectMismatch, UploadRejected, UploadGone.
 */
internal suspend fun Api.untilRecorded(
    step: Step,
    uploadId: String,
    sendAgain: suspend () -> Unit = {},
): Recorded {
    val retries = Retries(policy)
    var tries = 0
    while (true) {
        tries += 1
        try {
            return askForImage(uploadId, if (step == Step.COMPLETE) "complete" else "confirm")
        } catch (error: BrokerException.Refused) {
            val decision = policy.decide(step, Failure.of(error, tries = tries))
            when (decision) {
                Decision.RETRY, Decision.SEND_AGAIN -> if (!retries.wait(error.retryAfter)) throw error
                else -> throw error
            }
            if (decision == Decision.SEND_AGAIN) sendAgain()
        }
    }
}

/** Call `confirm` or `complete` once. */
internal suspend fun Api.askForImage(uploadId: String, action: String): Recorded {
    val answer = answer("POST", "/api/uploads/$uploadId/$action/")
    if (answer.status == 202) return Recorded(read(answer), answer.retryAfter)
    return Recorded(Upload(uploadId, CONFIRMED, read<Image>(answer)))
}

internal const val CONFIRMED = "confirmed"
