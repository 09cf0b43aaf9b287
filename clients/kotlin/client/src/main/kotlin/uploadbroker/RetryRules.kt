package uploadbroker

import uploadbroker.Decision.*
import uploadbroker.Step.*

/** What was asked when a failure came. */
internal enum class Step {
    /** S3 answered a whole file. */
    SEND,

    /** S3 answered one part. */
    PART,

    /** The broker answered the report of a failure. */
    ADVICE,

    /** The broker, or something in between, answered any request to the API. */
    REQUEST,

    /** Confirming failed, also after the retries of [REQUEST]. */
    CONFIRM,

    /** Listing the parts failed, also after the retries of [REQUEST]. */
    PARTS,

    /** Completing failed, also after the retries of [REQUEST]. */
    COMPLETE,

    /** Asking for an upload that is being processed failed. */
    POLL,

    /** Sending or confirming failed. */
    TRANSFER,

    /** The upload failed: what happens to its journal entry. */
    END,
}

/** What to do next. */
internal enum class Decision {
    /** Repeat the same request. */
    RETRY,

    /** Renew the URL, then send again. */
    RENEW,

    /** Confirm: the bytes have arrived, or the image is recorded. */
    CONFIRM,

    /** Report the failure to the broker, and follow its advice. */
    REPORT,
    GIVE_UP,

    /** Get a new token. */
    SIGN_IN,

    /** Send the whole file again. */
    SEND_AGAIN,

    /** Ask again which parts are missing. */
    NEXT_ROUND,

    /** Start again with a new ticket. */
    RESTART,

    /** Delete the journal entry. */
    FORGET,

    /** Keep the journal entry: a later call can resume the upload. */
    KEEP,
}

/**
 * An answer, or a missing answer, in the form that the rules use.
 *
 * @property status the HTTP status; 0 if no answer came.
 * @property code the broker's or S3's code, or one of [BrokerException.code].
 * @property message S3's message.
 * @property retryAfter seconds.
 * @property fromProxy whether something between this device and S3 answered.
 * @property resumed whether the upload had an id already when this call started.
 * @property tries how often this request got an answer, including this one.
 */
internal data class Failure(
    val status: Int = 0,
    val code: String = "",
    val message: String = "",
    val retryAfter: Long? = null,
    val fromProxy: Boolean = false,
    val resumed: Boolean = false,
    val tries: Int = 1,
) {
    companion object {
        /** Return the failure of an exception. */
        fun of(error: BrokerException, resumed: Boolean = false, tries: Int = 1): Failure = when (error) {
            is BrokerException.Refused ->
                Failure(error.problem.status, error.code, "", error.retryAfter, false, resumed, tries)
            is BrokerException.S3Refused -> Failure(code = if (error.isFinal) "s3_refused" else "", resumed = resumed)
            else -> Failure(code = error.code, resumed = resumed)
        }
    }
}

/** A decision for some steps and failures. */
internal class Rule(vararg val steps: Step, val decision: Decision, val matches: (Failure) -> Boolean)

private fun rule(vararg steps: Step, decision: Decision, matches: (Failure) -> Boolean = { true }) =
    Rule(*steps, decision = decision, matches = matches)

private val SAYS_EXPIRED = listOf("expired", "expiration date is in the past", "date is too old")
private const val RESEND_AFTER_CONFIRMS = 3

private fun Failure.isTemporary() = status == 408 || status == 429 || status >= 500

private fun Failure.isLongRateLimit() = status == 429 && (retryAfter ?: 0) > MAX_RETRY_AFTER_SECONDS

private fun Failure.saysExpired() =
    (status == 403 || code == "InvalidRequest") && SAYS_EXPIRED.any { it in message.lowercase() }

/**
 * The retry rules. The first rule that matches decides; if no rule matches, the client gives up.
 *
 * tests/retry_cases.json has one row for each case. To add a rule, add it here and add a row.
 */
internal val RULES: List<Rule> = listOf(
    // A captive portal or a proxy answered. That says nothing about the upload, whatever the status.
    rule(SEND, PART, decision = RETRY) { it.fromProxy },
    rule(SEND, PART, decision = Decision.CONFIRM) { it.status in 200..299 },
    // S3 writes an object once: an earlier PUT has arrived, and its answer was lost.
    rule(SEND, PART, decision = Decision.CONFIRM) { it.status == 412 },
    // S3 does not know the multipart upload. The list of parts says what happened to it.
    // NoSuchKey is Ceph's and OpenStack Swift's code for it.
    rule(PART, decision = NEXT_ROUND) { it.code == "NoSuchUpload" || it.code == "NoSuchKey" },
    // Only the message says that it expired. The code is AccessDenied, as for a wrong signature, or
    // InvalidRequest on Garage.
    rule(SEND, PART, decision = RENEW) { it.saysExpired() },
    rule(SEND, PART, decision = RETRY) { it.status == 0 },
    // The server lacks what the request needs. The broker advises to give up.
    rule(SEND, PART, decision = REPORT) { it.code == "NotImplemented" },
    // S3 (400 RequestTimeout) or a proxy (408) closes a connection that was dead for too long. These are
    // not reported: after a few reports the broker gives an upload up, and a train passes through many tunnels.
    rule(SEND, PART, decision = RETRY) { it.isTemporary() || it.code == "RequestTimeout" },
    rule(SEND, PART, decision = REPORT),
    rule(ADVICE, decision = RETRY) { it.code == "retry" },
    rule(ADVICE, decision = RENEW) { it.code == "renew" },
    rule(ADVICE, decision = Decision.CONFIRM) { it.code == "confirm" },
    rule(REQUEST, decision = SIGN_IN) { it.status == 401 },
    // Wait for a rate limit, but throw the error for a long one.
    rule(REQUEST, POLL, decision = GIVE_UP) { it.isLongRateLimit() },
    // Not the broker's answer, but as a captive portal or a proxy refuses or redirects a request.
    rule(REQUEST, decision = RETRY) {
        it.code == "unexpected_answer" && (it.status < 400 || it.status == 403 || it.status == 407)
    },
    rule(REQUEST, decision = RETRY) { it.isTemporary() || it.code == "network" || it.code == "idempotency_in_flight" },
    // The file was sent, but the bucket does not show it: send it once more.
    rule(Step.CONFIRM, decision = SEND_AGAIN) { it.code == "object_missing" && it.tries == RESEND_AFTER_CONFIRMS },
    // The bucket does not show the object yet.
    rule(Step.CONFIRM, COMPLETE, decision = RETRY) { it.code == "object_missing" },
    rule(COMPLETE, decision = NEXT_ROUND) { it.code == "parts_missing" },
    // Settled: `complete` returns the image. Missing: S3 is still joining the parts.
    rule(PARTS, decision = Decision.CONFIRM) { it.code == "upload_settled" || it.code == "object_missing" },
    // The file is safe: go on until the timeout, however often the network fails.
    rule(POLL, decision = RETRY) { it.isTemporary() || it.code == "network" || it.code == "unexpected_answer" },
    // The image is recorded: an answer was lost, and a bucket notification or another sender was faster.
    rule(TRANSFER, decision = Decision.CONFIRM) { it.code == "upload_settled" },
    // An answer of a proxy contains no information about the upload.
    rule(END, decision = KEEP) { it.code == "unexpected_answer" },
    // Cancelled during this call: by the user.
    rule(END, decision = FORGET) { it.code == "upload_cancelled" && !it.resumed },
    rule(END, decision = RESTART) { it.status == 410 },
    rule(END, decision = RESTART) {
        it.resumed && (it.status == 404 || it.code == "object_mismatch" || it.code == "wrong_file")
    },
    rule(END, decision = FORGET) { it.status in 400..499 && it.status !in setOf(401, 409, 429) },
    rule(END, decision = FORGET) { it.code in setOf("wrong_file", "s3_refused", "file_changed") },
    rule(END, decision = KEEP),
)
