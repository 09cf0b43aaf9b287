package uploadbroker

import kotlinx.serialization.Serializable

// S3 API, "Error responses". Read with patterns: an XML parser would expand entities that anybody on the way can send.
private val ERROR = Regex("""\s*(?:<\?xml[^>]*>\s*)?<Error[\s>]""")
private val RESULT = Regex("""\s*(?:<\?xml[^>]*>\s*)?<PostResponse[\s>]""")
private val PAGE = Regex("""<html[\s>]""", RegexOption.IGNORE_CASE)
private val CODE = Regex("""<Code>([^<]{1,100})</Code>""")
private val MESSAGE = Regex("""<Message>([^<]*)</Message>""")
private val UNPRINTABLE = Regex("""[\p{Cc}\p{Cs}]+""") // not allowed in a report
private val ENTITIES = mapOf("&lt;" to "<", "&gt;" to ">", "&quot;" to "\"", "&apos;" to "'", "&amp;" to "&")
private const val PAGE_START = 1000
private const val MAX_MESSAGE = 1000

/**
 * Whether S3 gave this answer, and not a captive portal or a proxy in between.
 *
 * S3 answers an error with a document that has a code. The document's request id is not required, because Cloudflare R2
 * and Garage send none. A success has an ETag, a request id, or a form's document. A captive portal's page may have an
 * ETag too.
 */
internal val Answer.isFromS3: Boolean
    get() {
        if (status !in 200..299) return ERROR.matchesAt(body, 0) && CODE.containsMatchIn(body)
        if (RESULT.matchesAt(body, 0)) return true
        val hasHeader = headers["ETag"] != null || headers["x-amz-request-id"] != null
        return hasHeader && !PAGE.containsMatchIn(body.take(PAGE_START))
    }

/** Return S3's answer in the form that the retry rules use. */
internal fun s3Failure(answer: Answer): Failure = Failure(
    answer.status,
    s3Code(answer),
    s3Message(answer),
    answer.retryAfter,
    fromProxy = !answer.isFromS3,
)

/** Return the exception to throw after the last try got this answer. */
internal fun s3Error(answer: Answer): BrokerException =
    if (answer.isFromS3) s3Refused(answer, isFinal = false) else BrokerException.ProxyAnswered(answer.status)

/**
 * Report a refusal to the broker. Return its advice: retry, renew or confirm.
 *
 * @throws BrokerException.S3Refused the broker advises to give up. The upload is cancelled, its slot is free.
 */
internal suspend fun Api.report(uploadId: String, answer: Answer): Decision {
    val report = JSON.encodeToString(Report(s3Code(answer), s3Message(answer)))
    val advice = call<Advice>("POST", "/api/uploads/$uploadId/failures/", report)
    val decision = policy.decide(Step.ADVICE, Failure(code = advice.action))
    if (decision != Decision.GIVE_UP) return decision
    release(uploadId)
    throw s3Refused(answer, isFinal = true)
}

/** Cancel an upload to release its slot. If that fails, the upload expires by itself. */
internal suspend fun Api.release(uploadId: String) {
    try {
        answer("DELETE", "/api/uploads/$uploadId/")
    } catch (_: BrokerException) {
        // The caller throws why the upload ended.
    }
}

@Serializable
private class Report(val code: String, val message: String)

@Serializable
private class Advice(val action: String)

private fun s3Refused(answer: Answer, isFinal: Boolean) =
    BrokerException.S3Refused(s3Code(answer), answer.status, s3Message(answer), isFinal, answer.retryAfter)

private fun s3Code(answer: Answer): String = text(CODE, answer).ifEmpty { "HTTP${answer.status}" }

private fun s3Message(answer: Answer): String = text(MESSAGE, answer).take(MAX_MESSAGE)

private fun text(pattern: Regex, answer: Answer): String {
    val found = pattern.find(answer.body)?.groupValues?.get(1).orEmpty()
    val text = ENTITIES.entries.fold(found) { text, (entity, character) -> text.replace(entity, character) }
    return UNPRINTABLE.replace(text, " ").trim()
}
