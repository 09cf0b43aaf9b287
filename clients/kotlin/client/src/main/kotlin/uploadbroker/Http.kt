package uploadbroker

import kotlinx.coroutines.suspendCancellableCoroutine
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import okhttp3.Authenticator
import okhttp3.Call
import okhttp3.Callback
import okhttp3.CookieJar
import okhttp3.Headers
import okhttp3.OkHttpClient
import okhttp3.Request
import okhttp3.Response
import java.io.IOException
import java.util.Date
import kotlin.coroutines.resume
import kotlin.coroutines.resumeWithException
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

private const val MAX_ANSWER_BYTES = 1024L * 1024
internal val JSON = Json { ignoreUnknownKeys = true }

/** A server's answer. */
internal class Answer(val status: Int, val headers: Headers, val body: String) {
    /**
     * `Retry-After` in seconds, or null if it is missing or not valid.
     *
     * Some proxies send a date. It is compared with the answer's own date, because this device's clock may be wrong.
     */
    val retryAfter: Long?
        get() {
            headers["Retry-After"]?.toLongOrNull()?.let { return it.coerceAtLeast(0) }
            val until = headers.getDate("Retry-After") ?: return null
            val since = headers.getDate("Date") ?: Date()
            return ((until.time - since.time) / 1000).coerceAtLeast(0)
        }

    /** The body's JSON, or null if it is not JSON. */
    fun json(): JsonElement? = try {
        JSON.parseToJsonElement(body)
    } catch (_: SerializationException) {
        null
    }
}

/**
 * Sends requests with the app's OkHttpClient.
 *
 * Redirects are not followed, so that a token or a file goes only to the server in the request's URL. What the app's
 * client adds to its own requests does not go to the bucket.
 */
internal class Http(client: OkHttpClient) {
    private val toBroker = client.newBuilder().followRedirects(false).followSslRedirects(false).cache(null).build()
    private val toBucket = toBroker.newBuilder()
        .authenticator(Authenticator.NONE)
        .cookieJar(CookieJar.NO_COOKIES)
        .callTimeout(Duration.ZERO)
        .addNetworkInterceptor { it.proceed(it.request().newBuilder().removeHeader("Authorization").build()) }
        .build()

    /**
     * Send a request to the broker.
     *
     * @throws BrokerException.NetworkFailed there was no answer.
     */
    suspend fun askBroker(request: Request): Answer = try {
        toBroker.newCall(request).answer()
    } catch (error: IOException) {
        throw BrokerException.NetworkFailed(error)
    }

    /**
     * Send a request with bytes of a file to S3.
     *
     * @throws BrokerException.NetworkFailed there was no answer.
     * @throws BrokerException.FileChanged the file became shorter.
     * @throws BrokerException.FileUnreadable it cannot be read.
     */
    suspend fun askBucket(request: Request, body: FileBody): Answer = try {
        toBucket.newCall(request).answer()
    } catch (error: IOException) {
        throw body.failure ?: BrokerException.NetworkFailed(error)
    }
}

/** Return the client of an app that passes none. */
internal fun patientClient(): OkHttpClient =
    OkHttpClient.Builder().connectTimeout(15.seconds).readTimeout(60.seconds).writeTimeout(60.seconds).build()

/** Run the call. It is cancelled with the coroutine. */
private suspend fun Call.answer(): Answer = suspendCancellableCoroutine { waiting ->
    waiting.invokeOnCancellation { cancel() }
    enqueue(object : Callback {
        override fun onFailure(call: Call, e: IOException) = waiting.resumeWithException(e)

        override fun onResponse(call: Call, response: Response) {
            val answer = try {
                response.use { Answer(it.code, it.headers, it.peekBody(MAX_ANSWER_BYTES).string()) }
            } catch (error: IOException) {
                return waiting.resumeWithException(error)
            }
            waiting.resume(answer)
        }
    })
}
