package uploadbroker

import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import okhttp3.OkHttpClient
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.IOException
import java.util.concurrent.CountDownLatch
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.minutes

private const val PROCESSING = """{"id": "u1", "state": "processing"}"""

/** What real servers rarely do. tests/kotlin_client has the uploads to a real broker and bucket. */
@Timeout(60)
class FlowTest {
    @TempDir
    lateinit var folder: File
    private val server = FakeServer()
    private val pauses = mutableListOf<Duration>()
    private val steps = mutableListOf<Progress>()
    private val photo by lazy { Source.file(folder.resolve("photo.jpg").apply { writeText("photo") }) }
    private val journal get() = Journal(folder.resolve("journal"))

    @AfterEach
    fun close() = server.close()

    private fun broker(
        tokens: Tokens = Tokens { _, _ -> "token" },
        http: OkHttpClient = OkHttpClient(),
        timeout: Duration = 1.minutes,
        retries: Int = DEFAULT_RETRIES,
    ): Broker {
        val policy = RetryPolicy(retries, jitter = { 1.0 }, pause = { pauses += it })
        return Broker(server.url, tokens, journal, http, policy, timeout)
    }

    private fun upload(by: Broker = broker()): Image = runBlocking { by.upload(photo, Owner.ad(1)) { steps += it } }

    private fun entries() = folder.resolve("journal").listFiles().orEmpty().mapNotNull(::entryIn)

    private fun reply(request: String, vararg replies: Reply) {
        server.replies[request] = replies.toMutableList()
    }

    private fun missing() = problem(409, "object_missing")

    @Test
    fun `a file that the bucket does not show is sent once more, and progress stays below the total`() {
        reply("POST /api/uploads/u1/confirm/", missing(), missing(), missing())
        upload()
        assertEquals(2, server.count("PUT /bucket"))
        assertEquals(1, server.count("POST /api/uploads/u1/renew/"))
        assertEquals(listOf(0L, 5L, 0L, 5L), steps.map { it.sent })
    }

    @Test
    fun `what must survive is stored before the ticket is requested, and the id before the first byte`() {
        val stored = mutableMapOf<String, List<Entry>>()
        server.onRequest = { stored[it] = entries() }
        upload()
        val (before) = stored.getValue("POST /api/ads/1/upload_image/")
        val (after) = stored.getValue("PUT /bucket")
        assertEquals(null, before.uploadId)
        assertEquals(before.copy(uploadId = "u1"), after)
        assertTrue("\"transport\":\"put\"" in before.request, before.request)
        assertEquals(emptyList<Entry>(), entries())
    }

    @Test
    fun `S3 gets no token, also if the app's own client adds one, and redirects are not followed`() {
        reply("PUT /bucket", Reply(302, "<html>", "Location" to "/elsewhere"))
        val http = OkHttpClient.Builder()
            .addInterceptor { it.proceed(it.request().newBuilder().header("Authorization", "Bearer app").build()) }
            .build()
        upload(broker(http = http))
        assertEquals(2, server.count("PUT /bucket"))
        assertTrue(server.authorized.isNotEmpty() && "PUT /bucket" !in server.authorized)
        assertEquals(0, server.asked.count { "elsewhere" in it })
    }

    @Test
    fun `a captive portal that stays is an error after seven tries, and the upload is kept`() {
        reply("PUT /bucket", *Array(7) { Reply(200, "<html>Sign in") })
        assertThrows<BrokerException.ProxyAnswered> { upload() }
        assertEquals(listOf(500, 1000, 2000, 4000, 8000, 16000).map { it.milliseconds }, pauses)
        assertEquals("u1", entries().single().uploadId)
    }

    @Test
    fun `an upload that expires again and again starts again twice`() {
        for (id in 1..4) reply("POST /api/uploads/u$id/confirm/", problem(410, "upload_expired"))
        assertThrows<BrokerException.UploadGone> { upload() }
        assertEquals(3, server.count("POST /api/ads/1/upload_image/"))
        assertEquals(emptyList<Entry>(), entries())
    }

    @Test
    fun `an upload that the user cancels does not start again`() {
        server.onRequest = { if (it == "PUT /bucket") runBlocking { broker().cancel("u1") } }
        reply("POST /api/uploads/u1/confirm/", problem(410, "upload_cancelled"))
        assertThrows<BrokerException.UploadGone> { upload() }
        assertEquals(1, server.count("POST /api/ads/1/upload_image/"))
    }

    @Test
    fun `a coroutine that is cancelled closes its connection and keeps the upload`() = runBlocking {
        val (arrived, closed) = CountDownLatch(1) to CountDownLatch(1)
        server.onRequest = {
            if (it == "PUT /bucket") {
                arrived.countDown()
                closed.await()
            }
        }
        val http = OkHttpClient()
        val running = launch(Dispatchers.Default) { broker(http = http).upload(photo, Owner.ad(1)) }
        arrived.await()
        running.cancelAndJoin()
        while (http.dispatcher.runningCallsCount() > 0) Thread.sleep(10)
        closed.countDown()
        assertEquals("u1", entries().single().uploadId)
    }

    @Test
    fun `polls go on after failures, until the timeout`() {
        reply("POST /api/uploads/u1/confirm/", Reply(202, PROCESSING, "Retry-After" to "2"))
        val processing = Reply(200, PROCESSING, "Retry-After" to "3")
        val ready = Reply(200, """{"id": "u1", "state": "confirmed", "image": $IMAGE}""")
        reply("GET /api/uploads/u1/", processing, Reply(200, "<html>"), problem(503, "database_unavailable"), ready)
        assertEquals(1, upload().id)
        assertEquals(listOf(2000, 3000, 500, 1000).map { it.milliseconds }, pauses)
        assertEquals(Progress("u1", 5, 5, Progress.Phase.PROCESSING), steps.last())
    }

    @Test
    fun `a file that is processed for too long is an error that keeps the upload`() {
        reply("POST /api/uploads/u1/confirm/", Reply(202, PROCESSING))
        val error = assertThrows<BrokerException.StillProcessing> { upload(broker(timeout = Duration.ZERO)) }
        assertEquals("u1", error.uploadId)
        assertEquals("u1", entries().single().uploadId)
        assertTrue(error.isTemporary)
    }

    @Test
    fun `an error of the app's own callback is thrown as it is`() {
        val error = IllegalStateException("the screen is gone")
        val thrown = assertThrows<IllegalStateException> {
            runBlocking { broker().upload(photo, Owner.ad(1)) { if (it.sent > 0) throw error } }
        }
        assertEquals(error.message, thrown.message)
    }

    @Test
    fun `an error of the app's token function is the cause, and cancelling is not an error`() {
        val error = assertThrows<BrokerException.TokenFailed> { upload(broker(Tokens { _, _ -> error("no session") })) }
        assertEquals("no session", error.cause?.message)
        assertFalse(error.isTemporary)
        val offline = assertThrows<BrokerException.TokenFailed> { upload(broker({ _, _ -> throw IOException() })) }
        assertTrue(offline.isTemporary)
        assertThrows<BrokerException.TokenFailed> { upload(broker(Tokens { _, _ -> "two\nlines" })) }
        assertThrows<CancellationException> { upload(broker(Tokens { _, _ -> throw CancellationException() })) }
    }

    @Test
    fun `an upload is cancelled by its file if its ticket was lost, and its slot is released`() {
        reply("POST /api/ads/1/upload_image/", problem(429, "quota_exceeded"))
        assertThrows<BrokerException.RateLimited> { upload(broker(retries = 0)) }
        runBlocking { broker().cancel(photo, Owner.ad(1)) }
        assertEquals(1, server.count("DELETE /api/uploads/u1/"))
        val (first, second) = server.bodies.filter { "checksum_sha256" in it }
        assertEquals(first, second)
        assertEquals(emptyList<Entry>(), entries())
    }

    @Test
    fun `the address must be http or https`() {
        assertThrows<IllegalArgumentException> { Broker("ftp://broker.example", tokens = { _, _ -> "token" }) }
    }
}
