package uploadbroker

import kotlinx.serialization.json.JsonNull
import okhttp3.HttpUrl.Companion.toHttpUrl
import okhttp3.MediaType.Companion.toMediaType
import okhttp3.Request
import okhttp3.RequestBody.Companion.toRequestBody

private val JSON_TYPE = "application/json".toMediaType()

/**
 * Requests to the broker's API, with tokens, retries and errors.
 *
 * @property baseUrl the broker's address, without a slash at the end.
 * @property owner the owner that the requests are about. It decides which token is sent.
 */
internal class Api(
    val baseUrl: String,
    private val tokens: Tokens,
    val http: Http,
    val policy: RetryPolicy,
    val owner: Owner? = null,
) {
    /** Return the same API for requests about an owner. */
    fun about(owner: Owner?): Api = Api(baseUrl, tokens, http, policy, owner)

    /** Return the same API with a single try for each request. */
    fun once(): Api = Api(baseUrl, tokens, http, policy.copy(retries = 0), owner)

    /** Send a request as [answer] does, and read the answer's JSON. */
    suspend inline fun <reified T> call(
        method: String,
        path: String,
        body: String? = null,
        idempotencyKey: String? = null,
    ): T = read(answer(method, path, body, idempotencyKey))

    /**
     * Send a request, repeat it by the rules of [Step.REQUEST], and return the successful answer.
     *
     * After any 401 the app is asked once for another token. A second 401 in a row is final.
     *
     * @throws BrokerException.Refused the broker refused the request, or no retry was left.
     * @throws BrokerException.TokenFailed the app returned no token.
     * @throws BrokerException.NetworkFailed the last try got no answer.
     */
    suspend fun answer(method: String, path: String, body: String? = null, idempotencyKey: String? = null): Answer {
        val retries = Retries(policy)
        var token = tokens.checked(owner, null)
        var renewed = false
        while (true) {
            val error = try {
                val answer = http.askBroker(request(method, path, body, idempotencyKey, token))
                if (answer.status in 200..299 && (answer.status == 204 || answer.isJson())) return answer
                refused(problemOf(answer))
            } catch (error: BrokerException.NetworkFailed) {
                error
            }
            val decision = policy.decide(Step.REQUEST, Failure.of(error))
            if (decision == Decision.SIGN_IN && !renewed) {
                val fresh = tokens.checked(owner, token)
                if (fresh == token) throw error
                token = fresh
                renewed = true
            } else if (decision == Decision.RETRY && retries.wait(error.retryAfter)) {
                renewed = false
            } else {
                throw error
            }
        }
    }

    private fun request(method: String, path: String, body: String?, idempotencyKey: String?, token: String): Request {
        val content = body?.toRequestBody(JSON_TYPE) ?: if (method == "POST") EMPTY else null
        return Request.Builder().url("$baseUrl$path").method(method, content)
            .header("Authorization", "Bearer $token")
            .apply { if (idempotencyKey != null) header("Idempotency-Key", idempotencyKey) }
            .build()
    }

    private fun Answer.isJson() = json().let { it != null && it != JsonNull }
}

private val EMPTY = ByteArray(0).toRequestBody()

/** Return the broker's address without a slash at its end. */
internal fun brokerUrl(text: String): String = text.toHttpUrl().toString().trimEnd('/')

/**
 * Read a successful answer's JSON.
 *
 * @throws BrokerException.OtherAnswer it is not the broker's.
 */
internal inline fun <reified T> read(answer: Answer): T = try {
    JSON.decodeFromString<T>(answer.body)
} catch (_: IllegalArgumentException) {
    throw refused(unexpectedAnswer(answer))
}
