package uploadbroker

import kotlin.time.Duration
import kotlin.time.TimeSource

/**
 * Return the upload as soon as its image is published.
 *
 * @throws BrokerException.UploadRejected the broker inspected the file and will not publish it.
 * @throws BrokerException.StillProcessing the timeout has passed.
 * @throws BrokerException.UploadGone the upload was cancelled.
 */
internal suspend fun Api.awaitImage(recorded: Recorded, timeout: Duration): Upload {
    if (recorded.upload.image != null) return recorded.upload
    val id = recorded.upload.id
    val until = TimeSource.Monotonic.markNow() + timeout
    val once = once() // The rules of POLL decide what to do after a failure.
    var (polls, failures) = 0 to 0
    var retryAfter = recorded.retryAfter
    while (until.hasNotPassedNow()) {
        val pause = if (failures > 0) policy.backoff(failures) else policy.pollPause(polls)
        policy.pause(timeToWait(pause, retryAfter))
        try {
            val answer = once.answer("GET", "/api/uploads/$id/")
            finished(read(answer))?.let { return it }
            retryAfter = answer.retryAfter
            polls += 1
            failures = 0
        } catch (error: BrokerException) {
            if (policy.decide(Step.POLL, Failure.of(error)) != Decision.RETRY) throw error
            retryAfter = error.retryAfter
            failures += 1
        }
    }
    throw BrokerException.StillProcessing(id)
}

/** Return the upload if its image is published, null if it is still being processed. */
private suspend fun Api.finished(found: Upload): Upload? {
    if (found.image != null) return found
    if (found.state == "processing") return null
    if (found.state == "rejected" && found.reason != null) {
        throw refused(Problem("upload_rejected", 422, "the file was rejected: ${found.reason}", reason = found.reason))
    }
    // The answer does not say why the upload ended without an image.
    return untilRecorded(Step.CONFIRM, found.id).upload.takeIf { it.image != null }
}
