package uploadbroker

import kotlinx.coroutines.delay
import kotlin.math.min
import kotlin.math.pow
import kotlin.random.Random
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds

internal const val DEFAULT_RETRIES = 6

/** The longest `Retry-After` that the client waits for. */
internal const val MAX_RETRY_AFTER_SECONDS = 120L

/** Renew a URL this long before it expires: the request must still reach S3. */
internal val RENEW_EARLY = 5.seconds
private const val FIRST_BACKOFF_SECONDS = 0.5
private const val MAX_BACKOFF_SECONDS = 20.0
private const val FIRST_POLL_SECONDS = 1.0
private const val MAX_POLL_SECONDS = 4.0

/**
 * The rules of [RULES] together with one client's number of retries.
 *
 * @property retries how often one request is repeated after its first try.
 * @property jitter returns a random number from 0 to 1.
 * @property pause waits.
 */
internal data class RetryPolicy(
    val retries: Int = DEFAULT_RETRIES,
    val jitter: () -> Double = Random::nextDouble,
    val pause: suspend (Duration) -> Unit = ::delay,
) {
    /** Return what to do after a failure. */
    fun decide(step: Step, failure: Failure): Decision = ruleOf(step, failure)?.decision ?: Decision.GIVE_UP

    /** Return the first rule that matches. */
    fun ruleOf(step: Step, failure: Failure): Rule? = RULES.find { step in it.steps && it.matches(failure) }

    /** Return how long to wait after a try, from 1. The time doubles with each try; half is random. */
    fun backoff(tries: Int): Duration =
        partlyRandom(min(FIRST_BACKOFF_SECONDS * 2.0.pow(min(tries - 1, 10)), MAX_BACKOFF_SECONDS))

    /** Return how long to wait before a poll, after so many polls. */
    fun pollPause(polls: Int): Duration =
        partlyRandom(min(FIRST_POLL_SECONDS * 1.5.pow(min(polls, 10)), MAX_POLL_SECONDS))

    private fun partlyRandom(longest: Double): Duration = (1000 * longest * (0.5 + jitter() / 2)).milliseconds
}

/** Return the pause, or the server's `Retry-After` in seconds if that is longer. */
internal fun timeToWait(pause: Duration, retryAfter: Long?): Duration =
    maxOf(pause, min(retryAfter ?: 0, MAX_RETRY_AFTER_SECONDS).seconds)

/** The retries of one request. */
internal class Retries(private val policy: RetryPolicy) {
    private var used = 0

    /** Wait before a retry. Return false, without waiting, if no retry is left. */
    suspend fun wait(retryAfter: Long? = null): Boolean {
        if (used == policy.retries) return false
        used += 1
        policy.pause(timeToWait(policy.backoff(used), retryAfter))
        return true
    }
}
