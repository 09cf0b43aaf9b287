package uploadbroker

import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull

/**
 * The broker's error answer (RFC 9457), or what is known about an answer that is not the broker's.
 *
 * @property code a code of docs/errors.md, or `unexpected_answer` if a proxy or another server answered.
 * @property status the HTTP status.
 * @property detail a text for people.
 * @property errors messages by field.
 * @property reason why a file was rejected.
 * @property retryAfter seconds.
 */
public class Problem internal constructor(
    public val code: String,
    public val status: Int,
    public val detail: String = "",
    public val errors: JsonObject = JsonObject(emptyMap()),
    public val reason: String? = null,
    public val retryAfter: Long? = null,
)

/** Read the problem in an answer of the broker. */
internal fun problemOf(answer: Answer): Problem {
    val body = answer.json() as? JsonObject
    val code = body?.text("code") ?: return unexpectedAnswer(answer)
    val errors = body["errors"] as? JsonObject ?: JsonObject(emptyMap())
    return Problem(code, answer.status, body.text("detail").orEmpty(), errors, body.text("reason"), answer.retryAfter)
}

/** Return the problem of an answer that is not the broker's. */
internal fun unexpectedAnswer(answer: Answer) =
    Problem("unexpected_answer", answer.status, "not the broker's answer", retryAfter = answer.retryAfter)

/** Return the exception for a problem. */
internal fun refused(problem: Problem): BrokerException.Refused = when {
    problem.status >= 500 -> BrokerException.Unavailable(problem)
    problem.code == "object_missing" -> BrokerException.ObjectMissing(problem)
    problem.code == "image_limit_reached" -> BrokerException.ImageLimitReached(problem)
    problem.code == "object_mismatch" -> BrokerException.ObjectMismatch(problem)
    problem.code == "upload_rejected" -> BrokerException.UploadRejected(problem)
    problem.code == "validation_error" -> BrokerException.ValidationFailed(problem)
    problem.code in setOf("rate_limited", "quota_exceeded") -> BrokerException.RateLimited(problem)
    problem.status == 401 -> BrokerException.Unauthorized(problem)
    problem.code == "unexpected_answer" -> BrokerException.OtherAnswer(problem)
    problem.status == 403 -> BrokerException.Forbidden(problem)
    problem.status == 404 -> BrokerException.NotFound(problem)
    problem.status == 410 -> BrokerException.UploadGone(problem)
    else -> BrokerException.OtherAnswer(problem)
}

private fun JsonObject.text(name: String): String? = (this[name] as? JsonPrimitive)?.contentOrNull
