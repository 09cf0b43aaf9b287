package uploadbroker

import okhttp3.Headers.Companion.toHeaders
import okhttp3.Request

/** Sends a whole file with one PUT, and confirms it. */
internal class WholeFile(
    private val api: Api,
    private val uploadId: String,
    private val file: DeclaredFile,
    private val meter: Meter,
) {
    /**
     * Send the file until it has arrived, then confirm. If the bucket lost it, send it once more.
     *
     * @throws BrokerException no retry was left, S3's refusal is final, or the file has changed.
     */
    suspend fun send(ticket: Ticket): Recorded {
        deliver(ticket)
        return api.untilRecorded(Step.CONFIRM, uploadId) {
            meter.takeBack(file.size)
            deliver(api.renew(uploadId))
        }
    }

    /** Send the file until it has arrived. Each failed try uses up one retry. */
    private suspend fun deliver(issued: Ticket) {
        var ticket = issued
        val retries = Retries(api.policy)
        while (true) {
            if (ticket.renewAt.hasPassedNow()) ticket = api.renew(uploadId)
            requirePut(ticket)
            file.requireUnchanged()
            val sent = api.http.put(ticket.upload, file.body(0, file.size, meter::count), api.policy, Step.SEND)
            val decision = sent.followed(api, uploadId, file)
            if (decision == Decision.CONFIRM) return meter.count(file.size - sent.bytes)
            meter.takeBack(sent.bytes)
            if (decision == Decision.RENEW) ticket = api.renew(uploadId)
            if (!retries.wait(sent.retryAfter)) throw sent.error
        }
    }

    private fun requirePut(ticket: Ticket) {
        if (ticket.upload.method == "PUT") return
        throw refused(Problem("unsupported_transport", 0, "this client cannot send the form of upload $uploadId"))
    }
}

/**
 * What became of one PUT.
 *
 * @property bytes how many bytes were handed to the network.
 * @property error what to throw if no retry is left.
 */
internal class Sent(
    val decision: Decision,
    val bytes: Long,
    val error: BrokerException,
    private val answer: Answer?,
) {
    val retryAfter: Long? get() = answer?.retryAfter

    /** Return the decision, or the broker's advice if the failure must be reported. */
    suspend fun followed(api: Api, uploadId: String, file: DeclaredFile): Decision {
        if (decision != Decision.REPORT || answer == null) return decision
        file.requireUnchanged(refused = true)
        return api.report(uploadId, answer)
    }
}

/** Send a range of a file with exactly the signed headers. */
internal suspend fun Http.put(to: Transfer, body: FileBody, policy: RetryPolicy, step: Step): Sent {
    val request = Request.Builder().url(to.url).headers(to.headers.toHeaders()).put(body).build()
    return try {
        val answer = askBucket(request, body)
        Sent(policy.decide(step, s3Failure(answer)), body.sent, s3Error(answer), answer)
    } catch (error: BrokerException.NetworkFailed) {
        Sent(policy.decide(step, Failure.of(error)), body.sent, error, null)
    }
}
