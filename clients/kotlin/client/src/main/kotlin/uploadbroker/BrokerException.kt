package uploadbroker

import java.io.IOException

/**
 * Everything that the client throws.
 *
 * @property code the broker's code (docs/errors.md), S3's code for [S3Refused], otherwise a code of this client:
 *   `network`, `proxy_answered`, `unexpected_answer`, `token_failed`, `still_processing`, `file_changed`,
 *   `file_unreadable`, `journal_failed`, `wrong_file`.
 * @property reason why the broker rejected the file, for example `not_an_image`. Only [UploadRejected] has one.
 * @property retryAfter seconds after which the broker or S3 wants to be asked again, if the answer says so.
 */
public sealed class BrokerException(message: String, public val code: String, cause: Throwable? = null) :
    Exception(message, cause) {
    public open val reason: String? get() = null
    public open val retryAfter: Long? get() = null

    /** Whether the same call may succeed later, without anybody doing anything. */
    public open val isTemporary: Boolean get() = false

    /** The broker's error answer. */
    public sealed class Refused(public val problem: Problem) :
        BrokerException("${problem.code}: ${problem.detail}".removeSuffix(": "), problem.code) {
        override val retryAfter: Long? get() = problem.retryAfter
    }

    /** 401: the token is missing, not valid, or expired, and the next one was refused too. The user must sign in. */
    public class Unauthorized internal constructor(problem: Problem) : Refused(problem)

    /** 403: the owner belongs to another user, or the token has no grant for it. */
    public class Forbidden internal constructor(problem: Problem) : Refused(problem)

    /** 404: there is no such owner or upload, or the user has no access to it. */
    public class NotFound internal constructor(problem: Problem) : Refused(problem)

    /** 409 `image_limit_reached`: the owner has no free slot. */
    public class ImageLimitReached internal constructor(problem: Problem) : Refused(problem)

    /** 409 `object_missing`: the bucket does not show the file. */
    public class ObjectMissing internal constructor(problem: Problem) : Refused(problem) {
        override val isTemporary: Boolean get() = true
    }

    /** 410: the upload expired or was cancelled, or its image was deleted. */
    public class UploadGone internal constructor(problem: Problem) : Refused(problem)

    /** 422 `upload_rejected`: the broker inspected the file and will not publish it. See [reason]. */
    public class UploadRejected internal constructor(problem: Problem) : Refused(problem) {
        override val reason: String? get() = problem.reason
    }

    /** 422 `object_mismatch`: other bytes arrived than were declared. */
    public class ObjectMismatch internal constructor(problem: Problem) : Refused(problem)

    /** 422 `validation_error`: for example a type or a size that the profile does not take. See `problem.errors`. */
    public class ValidationFailed internal constructor(problem: Problem) : Refused(problem)

    /** 429 `rate_limited` or `quota_exceeded`, for longer than the client waits. See [retryAfter]. */
    public class RateLimited internal constructor(problem: Problem) : Refused(problem) {
        override val isTemporary: Boolean get() = code == "rate_limited"
    }

    /** 5xx, after all tries. */
    public class Unavailable internal constructor(problem: Problem) : Refused(problem) {
        override val isTemporary: Boolean get() = true
    }

    /** Another answer. With the code `unexpected_answer` a proxy or another server gave it, not the broker. */
    public class OtherAnswer internal constructor(problem: Problem) : Refused(problem) {
        override val isTemporary: Boolean
            get() = code in setOf("unexpected_answer", "idempotency_in_flight", "parts_missing")
    }

    /**
     * S3 refused the file.
     *
     * @property status the HTTP status.
     * @property isFinal whether the broker advised to give up. The upload is then cancelled, and its slot is free.
     */
    public class S3Refused internal constructor(
        code: String,
        public val status: Int,
        internal val s3Message: String,
        public val isFinal: Boolean,
        override val retryAfter: Long?,
    ) : BrokerException("S3 answered $status $code: $s3Message", code) {
        override val isTemporary: Boolean get() = !isFinal
    }

    /** No answer came, after all tries. */
    public class NetworkFailed internal constructor(cause: Throwable) :
        BrokerException("no answer: $cause", "network", cause) {
        override val isTemporary: Boolean get() = true
    }

    /** A captive portal or a proxy answered instead of S3, after all tries. */
    public class ProxyAnswered internal constructor(public val status: Int) :
        BrokerException("something between this device and S3 answered $status", "proxy_answered") {
        override val isTemporary: Boolean get() = true
    }

    /**
     * [Tokens.token] failed, which is the cause, or returned what cannot be sent in a header. It is temporary if the
     * cause is an IOException: then the app could not get a token because it has no network.
     */
    public class TokenFailed internal constructor(message: String, cause: Throwable? = null) :
        BrokerException(message, "token_failed", cause) {
        override val isTemporary: Boolean get() = cause is IOException
    }

    /** The file has arrived and is safe, but the broker has not finished with it in time. */
    public class StillProcessing internal constructor(public val uploadId: String) :
        BrokerException("upload $uploadId has arrived and is still being processed", "still_processing") {
        override val isTemporary: Boolean get() = true
    }

    /** The file's bytes changed after the upload began. The upload is cancelled; upload the file again. */
    public class FileChanged internal constructor(name: String) :
        BrokerException("$name has changed while it was uploaded", "file_changed")

    /** The file cannot be read. */
    public class FileUnreadable internal constructor(name: String, cause: Throwable) :
        BrokerException("$name cannot be read: ${cause.message}", "file_unreadable", cause)

    /** The [Journal] cannot be written, for example because the disk is full. */
    public class JournalFailed internal constructor(cause: Throwable) :
        BrokerException("the journal cannot be written: ${cause.message}", "journal_failed", cause)

    /** The upload was declared for another file. */
    public class WrongFile internal constructor(message: String) : BrokerException(message, "wrong_file")
}
